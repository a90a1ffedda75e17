"""``ird.train``: train runs, and get them back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.calls.opening import RUNS, Place
from ired_diag.runs.run import Run
from ired_diag.task import Task

if TYPE_CHECKING:
    from ired_diag.seed_sources import Source
    from ired_diag.training.seed_design import Design


def train(
    experiment: str | None = None,
    *,
    task: str | Task | None = None,
    seeds: Iterable[int] | None = None,
    settings: Mapping[str, Any] | None = None,
    name: str | None = None,
    runs: Place = RUNS,
    resume: bool = False,
    device: str = "auto",
    seed_init: Iterable[int] | None = None,
    seed_data: Iterable[int] | None = None,
    seed_eval: Iterable[int] | None = None,
    design: Design = "crossed",
) -> list[Run]:
    """Train an experiment, one run for each seed, and return the runs.

    Args:
        experiment: A named experiment (``"q103"``) or the path of a JSON file. None: the task alone.
        task: A training problem of your own: ``FILE.py:FUNCTION``, or the ``Task`` itself.
        seeds: Random seeds. Default: that of the configuration.
        settings: Values of the configuration's keys: ``{"train_steps": 2000}``.
        name: Another name for the experiment.
        runs: The runs folder.
        resume: Continue runs that exist.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        seed_init: Random seeds of the untrained weights, instead of ``seeds``.
        seed_data: Random seeds of the data, their order and the noise of training steps.
        seed_eval: Random seeds of what evaluations draw.
        design: Which of these three go together: ``crossed`` (all with all), ``pairs`` (the lists side by
            side) or ``latin`` (a Latin square of all three).

    Raises:
        DiagError: The experiment, a seed or a setting cannot be used, or a run exists already.
        Interrupted: A signal asked for an end; the states are saved.
    """
    from ired_diag.devices import choose_device
    from ired_diag.open import open_run
    from ired_diag.training.opening import Options
    from ired_diag.training.plan import in_batches, plan
    from ired_diag.training.trainer import train_together

    chosen = choose_device(device)
    named: dict[Source, Iterable[int] | None] = {"init": seed_init, "data": seed_data, "eval": seed_eval}
    source_seeds = {
        source: _as_text(of_source) for source, of_source in named.items() if of_source is not None
    }
    planned = plan(
        experiment,
        None if seeds is None else _as_text(seeds),
        [f"{key}={value}" for key, value in (settings or {}).items()],
        task=task,
        name=name,
        runs=Path(runs),
        resume=resume,
        source_seeds=source_seeds,
        design=design,
    )
    at_once = len(planned) if chosen.type == "cuda" else 1
    for batch in in_batches(planned, at_once):
        train_together(batch, Options(device=chosen))
    return [open_run(run.folder) for run in planned]


def _as_text(seeds: Iterable[int]) -> str:
    return ",".join(map(str, seeds))

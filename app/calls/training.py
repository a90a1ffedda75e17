"""``ird.train``: train runs, and get them back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from app.calls.opening import RUNS, Place
from ired_diag.runs.run import Run
from ired_diag.task import Task


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
    planned = plan(
        experiment,
        None if seeds is None else ",".join(map(str, seeds)),
        [f"{key}={value}" for key, value in (settings or {}).items()],
        task=task,
        name=name,
        runs=Path(runs),
        resume=resume,
    )
    at_once = len(planned) if chosen.type == "cuda" else 1
    for batch in in_batches(planned, at_once):
        train_together(batch, Options(device=chosen))
    return [open_run(run.folder) for run in planned]

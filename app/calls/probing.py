"""``ird.probe``: put a probe to checkpoints, and get its table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import probes
from app.calls.opening import RUNS, Groups, Place
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

if TYPE_CHECKING:
    import pandas as pd

    from ired_diag.probing.driver import Answer


def probe(
    name: str,
    *sources: Run | Study | Groups | Place,
    runs: Place = RUNS,
    checkpoint: str = "last",
    metric: str | None = None,
    higher_is_better: bool | None = None,
    weights: Literal["raw", "ema"] | None = None,
    samples: int | None = None,
    seed: int = 0,
    task: str | None = None,
    model: str | None = None,
    out: Place | None = None,
    again: bool = False,
    device: str = "auto",
) -> pd.DataFrame:
    """Return the rows that a probe measured, one table for all checkpoints.

    The rows are kept next to the run, as ``ired-diag probe`` keeps them; what was measured before is read.
    ``frame.attrs["findings"]`` has the answer to each checkpoint as a sentence with numbers,
    ``frame.attrs["units"]`` the unit of each column, and ``frame.attrs["unanswered"]`` what could not be
    measured, with the reason.

    Args:
        name: Name of the probe, such as ``"conditioning"``.
        sources: Runs, names of experiments, paths of runs or checkpoints, a study. None: ``model`` alone.
        runs: The runs folder, in which names are looked up.
        checkpoint: ``last``, ``best``, ``all`` or a step.
        metric: Metric that chooses the best checkpoint. Default: detected by name.
        higher_is_better: Its direction. Default: by configuration and name.
        weights: Which weights. Default: the probe's own choice.
        samples: Number of problems. Default: the probe's own.
        seed: Random seed of problems, noise and directions.
        task: What the runs were trained on. Default: what their configuration names.
        model: ``file.py:build``, a model of your own.
        out: Folder for tables. Default: the run folder.
        again: Measure again what was measured before.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        NotFound: There is no such probe, run or checkpoint.
        NotApplicable: The only model lacks what the probe needs.
    """
    from app.calls.targets import targets_of
    from ired_diag.devices import choose_device
    from ired_diag.probing.driver import Answer, Request, put_probes

    chosen = probes.load(name)
    notes: list[str] = []
    selection = targets_of(
        sources,
        runs=runs,
        device=choose_device(device),
        notes=notes,
        checkpoint=checkpoint,
        model=model,
        task=task,
        out=None if out is None else Path(out),
        metric=metric,
        higher_is_better=higher_is_better,
    )
    request = Request([chosen], weights=weights, samples=samples, seed=seed, figures="none", again=again)
    replies = list(put_probes(selection.targets, request))
    answers = [reply for reply in replies if isinstance(reply, Answer)]
    unanswered = [f"{reply.label}: {reply.reason}" for reply in replies if not isinstance(reply, Answer)]
    return _frame_of(answers, [*notes, *unanswered])


def _frame_of(answers: list[Answer], unanswered: list[str]) -> pd.DataFrame:
    import pandas as pd

    from ired_diag.table import read_table

    frames = []
    units: dict[str, str] = {}
    for answer in answers:
        table, metadata = read_table(answer.table, **answer.where)
        frame = pd.DataFrame(table)
        frame.insert(0, "run", answer.label)
        frames.append(frame)
        units = {column["name"]: column["unit"] for column in metadata["columns"]}
    joined = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    joined.attrs["units"] = units
    joined.attrs["findings"] = [answer.finding for answer in answers]
    joined.attrs["unanswered"] = unanswered
    return joined

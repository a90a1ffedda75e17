"""``ird.probe``: put a probe to checkpoints, and get its table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import probes
from app.calls.opening import RUNS, Groups, Place, groups_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

if TYPE_CHECKING:
    import pandas as pd

    from ired_diag.probing.driver import Answer, Unanswered


def probe(
    name: str,
    *sources: Run | Study | Groups | Place,
    runs: Place = RUNS,
    checkpoint: str = "last",
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
    from ired_diag import tasks
    from ired_diag.devices import choose_device
    from ired_diag.probing.driver import Answer, Request, put_probes
    from ired_diag.probing.targets import of_own_model, of_run
    from ired_diag.runs.probe_folder import folder_among

    chosen = probes.load(name)
    where = choose_device(device)
    folder = None if out is None else Path(out)
    targets = []
    if model is not None and not sources:
        targets.append(of_own_model(model, device=where, out=folder))
    members = _runs_of(sources, runs)
    for run in members:
        place = folder_among(folder, run) if folder is not None and len(members) > 1 else folder
        named_task = None if task is None else tasks.load(task)
        targets += of_run(run, checkpoint, device=where, out=place, task=named_task, model=model)
    request = Request([chosen], weights=weights, samples=samples, seed=seed, figures="none", again=again)
    replies = list(put_probes(targets, request))
    answers = [reply for reply in replies if isinstance(reply, Answer)]
    unanswered = [reply for reply in replies if not isinstance(reply, Answer)]
    return _frame_of(answers, unanswered)


def _runs_of(sources: tuple[Run | Study | Groups | Place, ...], runs: Place) -> list[Run]:
    members = [source for source in sources if isinstance(source, Run)]
    others = [source for source in sources if not isinstance(source, Run)]
    if others:
        for group in groups_of(others, runs=runs, notes=[]).values():
            members.extend(group)
    return members


def _frame_of(answers: list[Answer], unanswered: list[Unanswered]) -> pd.DataFrame:
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
    joined.attrs["unanswered"] = [f"{reply.label}: {reply.reason}" for reply in unanswered]
    return joined

"""What probes are put to: the chosen checkpoints of runs, or a model of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from app.calls.opening import Groups, Place, groups_of
from app.run_groups import all_runs
from ired_diag import tasks
from ired_diag.errors import NotReadable
from ired_diag.probing.targets import Target, of_own_model, of_run
from ired_diag.runs.judged import judge_runs
from ired_diag.runs.probe_folder import folder_among
from ired_diag.runs.regroup import Grouping
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study


@dataclass(frozen=True)
class Selection:
    """Targets, and the runs that they belong to.

    Attributes:
        targets: What probes are put to.
        runs: The runs, judged by the metric that chooses their best checkpoint; none for a model alone.
    """

    targets: list[Target]
    runs: tuple[Run, ...] = ()


def targets_of(
    sources: Sequence[Run | Study | Groups | Place],
    *,
    runs: Place,
    device: torch.device,
    notes: list[str],
    checkpoint: str = "last",
    model: str | None = None,
    task: str | None = None,
    out: Path | None = None,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    grouping: Grouping | None = None,
) -> Selection:
    """Return what probes are put to.

    Args:
        sources: Runs, names of experiments, paths of runs or checkpoints, a study. None: ``model`` alone.
        runs: The runs folder, in which names are looked up.
        device: Where to compute.
        notes: Gets a sentence for each run and file that cannot be read and is left out.
        checkpoint: ``last``, ``best``, ``all`` or a step.
        model: ``file.py:build``: a model of one's own, alone or made from the checkpoints.
        task: What the runs were trained on. Default: what their configuration names.
        out: Folder for tables and pictures; with several runs, each gets a folder of its own in it.
        metric: Metric that chooses the best checkpoint. Default: detected by name.
        higher_is_better: Its direction. Default: by configuration and name.
        grouping: The user's definition of groups and seeds. Default: both are recognized.

    Raises:
        NotFound: There is no such run, checkpoint or metric.
        NotReadable: None of the checkpoints may be read.
    """
    if model is not None and not sources:
        return Selection([of_own_model(model, device=device, out=out)])
    members = [source for source in sources if isinstance(source, Run)]
    others = [source for source in sources if not isinstance(source, Run)]
    if others:
        members += all_runs(groups_of(others, runs=runs, grouping=grouping, unreadable=notes))
    judged = judge_runs(members, metric=metric, higher_is_better=higher_is_better)
    named_task = None if task is None else tasks.load(task)
    targets: list[Target] = []
    errors: list[NotReadable] = []
    for run in judged:
        folder = out
        if out is not None and len(judged) > 1:
            folder = folder_among(out, run)
        try:
            targets += of_run(run, checkpoint, device=device, out=folder, task=named_task, model=model)
        except NotReadable as error:
            errors.append(error)
    if errors and not targets:
        raise errors[0]
    notes += [f"{error} It is left out." for error in errors]
    return Selection(targets, judged)

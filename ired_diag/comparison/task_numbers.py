"""One number for each group, seed and task: what a comparison over tasks is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.decisions import readout_compared
from ired_diag.comparison.left_out import left_out_of
from ired_diag.comparison.members import members_of
from ired_diag.comparison.pairing import pairing_of
from ired_diag.comparison.readouts import READOUTS, read_out
from ired_diag.comparison.seeds import Members
from ired_diag.errors import DiagError
from ired_diag.runs.direction import Direction, Source
from ired_diag.runs.judged import check_logged, logged_metrics, shared_direction, shared_metric
from ired_diag.runs.name_list import first_names
from ired_diag.runs.run import Run

MOST_NAMED = 6  # tasks in a sentence

Array = NDArray[np.float64]
Groups = Mapping[str, Sequence[Run]]


@dataclass(frozen=True, kw_only=True)
class Directions:
    """What the user says of directions.

    Attributes:
        higher_is_better: Direction of all tasks; None: by configuration and name.
        higher: Tasks or metrics of which higher is better, whatever the others are.
        lower: Those of which lower is better.
    """

    higher_is_better: bool | None = None
    higher: Sequence[str] = ()
    lower: Sequence[str] = ()

    def of(self, task: str, metric: str, groups: Groups) -> Direction:
        """Return the direction of a task."""
        names = {task, metric}
        if names & set(self.higher):
            return Direction(False, "option")
        if names & set(self.lower):
            return Direction(True, "option")
        if self.higher_is_better is not None:
            return Direction(not self.higher_is_better, "option")
        return shared_direction(groups, metric)

    def check(self, names: Sequence[str]) -> None:
        """Refuse a task or metric that is not there, or has two directions.

        Raises:
            DiagError: It is.
        """
        both = set(self.higher) & set(self.lower)
        if both:
            raise DiagError(f"{sorted(both)[0]}: named by --higher and by --lower. Choose one.")
        for name in (*self.higher, *self.lower):
            if name not in names:
                listed = first_names(list(names), MOST_NAMED)
                raise DiagError(f"No task or metric is named {name!r}. There are: {listed}.")


@dataclass(frozen=True, kw_only=True)
class TaskNumbers:
    """The numbers of one task.

    Attributes:
        name: Name of the task.
        metric: The metric whose numbers these are.
        lower_is_better: Its direction.
        direction: Where the direction comes from.
        values: Number of each seed, by group.
        members: The groups with their seeds and what they state.
        left_out: Which seeds have no number and why.
    """

    name: str
    metric: str
    lower_is_better: bool
    direction: Source
    values: Mapping[str, Mapping[str, float]]
    members: Mapping[str, Members]
    left_out: Sequence[str]

    def failed(self, group: str) -> int:
        """Return how many runs of a group failed on the task; those stopped from outside are not counted."""
        return len(self.members[group].failed)

    def obstacle_to_pairs(self, new: str, old: str, *, paired: bool | None) -> str:
        """Return why equal seeds of two groups are not pairs; empty where they are."""
        return pairing_of(self.members[new], self.members[old], paired=paired).obstacle


def numbers_of_task(
    name: str,
    groups: Groups,
    metric: str | None,
    *,
    directions: Directions,
    readout: str,
    notes: list[str],
    include_incomplete: bool = False,
) -> TaskNumbers:
    """Return the numbers of a task.

    Args:
        name: Name of the task.
        groups: Runs by the name of their group.
        metric: Metric to read. Default: the one that all groups share.
        directions: What the user says of directions.
        readout: Which number of a curve.
        notes: Notes on the runs; those on these are appended.
        include_incomplete: Keep runs that did not reach the end of their training.

    Raises:
        NotFound: No run logs the metric, or no group has a result.
        DiagError: The readout is not one, or configurations contradict each other about the direction.
    """
    if readout not in READOUTS:
        raise DiagError(f"Readout {readout!r} is unknown. There are: {', '.join(READOUTS)}.")
    runs = [run for members in groups.values() for run in members]
    if metric and logged_metrics(runs):
        check_logged(metric, runs)
    metric = metric or shared_metric(groups)
    direction = directions.of(name, metric, groups)
    lower = direction.lower_is_better
    members = members_of(
        groups,
        metric,
        notes,
        lower_is_better=lower,
        include_incomplete=include_incomplete,
        judge_shape=direction.source != "assumed",
    )
    read = read_out(members, lower_is_better=lower)
    chosen = readout_compared(read, readout)
    has_curves = any(len(seed.steps) > 1 for each in members for seed in each.seeds)
    if chosen != readout and has_curves:
        notes.append(
            f"{name}: {readout} is withheld ({read.reasons[readout]}): the last evaluation is taken."
        )
    if any(each.cross_validation for each in members):
        notes.append(
            f"{name}: runs are folds of a cross-validation, which share training data. Intervals over tasks "
            "take them as independent, and may be too narrow."
        )
    by_name = {each.name: each for each in members}
    return TaskNumbers(
        name=name,
        metric=metric,
        lower_is_better=lower,
        direction=direction.source,
        values={each.name: read.values[chosen][each.name] for each in members},
        members=by_name,
        left_out=[f"{name}: {sentence}" for sentence in left_out_of(members)],
    )


def check_directions(tasks: Sequence[TaskNumbers]) -> None:
    """Refuse tasks whose direction nothing says: a mean over tasks would have the wrong sign in some.

    Raises:
        DiagError: There are such tasks.
    """
    unknown = [task for task in tasks if task.direction == "assumed"]
    if not unknown:
        return
    names = first_names(list(dict.fromkeys(task.metric for task in unknown)), MOST_NAMED)
    raise DiagError(
        f"{len(unknown)} of {len(tasks)} tasks: nothing says whether higher or lower is better ({names}). "
        "Say --higher-is-better or --lower-is-better for all tasks, or name tasks: "
        "--higher 'a,b' --lower 'c'."
    )


def grid(tasks: Sequence[TaskNumbers], group: str, labels: Sequence[str]) -> Array:
    """Return the numbers of a group of shape (seeds, tasks), NaN where a seed of ``labels`` has none."""
    rows = np.full((len(labels), len(tasks)), math.nan)
    for t, task in enumerate(tasks):
        values = task.values.get(group, {})
        for i, label in enumerate(labels):
            rows[i, t] = values.get(label, math.nan)
    return rows


def labels_of(tasks: Sequence[TaskNumbers], *groups: str) -> list[str]:
    """Return the labels of the seeds that have a number on any task in any of the groups, in their order."""
    labels: dict[str, None] = {}
    for task in tasks:
        for group in groups:
            labels.update(dict.fromkeys(task.values.get(group, {})))
    return list(labels)

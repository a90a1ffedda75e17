"""A comparison over several tasks: effects, aggregates and the probability of improvement, in one unit.

``stats.over_tasks`` compares two groups, ``stats.score_scale`` brings tasks to one unit, and
``stats.score_aggregates`` sums scores up. Here it is decided what they are given.

Tasks are fixed. All that is said holds for these tasks, with other seeds: a mean over 12 tasks says nothing
of a 13th, however many seeds there are.

What runs of one seed share over tasks decides what is independent. A run that logs several metrics shares
everything. Trainings on tasks of their own share the number of the seed, and are taken as independent. Of a
table it is unknown, and seeds are taken as shared, which holds in both cases and has fewer degrees of
freedom.

Seeds that failed have no number, and means are among those that finished: it is said first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ired_diag.comparison.task_numbers import (
    Array,
    Directions,
    TaskNumbers,
    check_directions,
    grid,
    labels_of,
    numbers_of_task,
)
from ired_diag.comparison.task_scale import MOST_NAMED, References, notes_on_scale, scale_of_tasks
from ired_diag.errors import DiagError
from ired_diag.runs.name_list import first_names
from ired_diag.runs.run import Run
from ired_diag.stats.aggregate_coverage import LEAST, coverage_of_aggregate
from ired_diag.stats.improvement_over_tasks import ImprovementOverTasks, improvement_over_tasks
from ired_diag.stats.multiplicity import holm
from ired_diag.stats.over_tasks import Decision, OverTasks, over_tasks
from ired_diag.stats.score_aggregates import Aggregate, Resampling, aggregates, fewest_seeds
from ired_diag.stats.score_scale import Scale

LAST = "last"
ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class TaskToCompare:
    """A task with its runs.

    Attributes:
        name: Name of the task, or of the metric that stands in for one.
        groups: Runs by the name of their group.
        metric: Metric to compare. None: the one that the groups share.
    """

    name: str
    groups: Mapping[str, Sequence[Run]]
    metric: str | None = None


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the user may choose of a comparison over tasks.

    Attributes:
        old: The group that others are compared with. None: the last.
        separate: Whether runs of one seed on different tasks are independent.
        paired: Whether equal seeds of two groups are pairs. None: where configurations state the same data.
        scale: Which of ``SCALES``. None: ``relative`` where all numbers are above 0.
        references: Low and high score of each task, for the scale ``reference``.
        target: Score γ of the optimality gap. None: that of the scale.
        directions: What the user says of directions.
        readout: Which number of a curve.
        include_incomplete: Keep runs that did not reach the end of their training.
        seed: Random seed of the bootstrap.
        is_one_run: Whether the numbers of a seed are known to be of one run, which logged several metrics.
    """

    old: str | None = None
    separate: bool = False
    paired: bool | None = None
    scale: str | None = None
    references: References | None = None
    target: float | None = None
    directions: Directions = field(default_factory=Directions)
    readout: str = LAST
    include_incomplete: bool = False
    seed: int = 0
    is_one_run: bool = False


@dataclass(frozen=True, kw_only=True)
class NewAgainstOld:
    """A group against the old one.

    Attributes:
        new: Name of the group.
        old: Name of the old group.
        result: Mean effect, effect on each task, and whether effects differ.
        p_adjusted: P of the mean effect after Holm's correction for several groups.
        is_paired: Whether equal seeds were taken as pairs.
        obstacle: Why they were not; empty where they were.
        improvement: How often a run of the group is better than one of the old, of those that ended well.
        failed: How many runs of the group failed, over all tasks.
        failed_old: How many of the old group.
    """

    new: str
    old: str
    result: OverTasks
    p_adjusted: float
    is_paired: bool
    obstacle: str
    improvement: ImprovementOverTasks
    failed: int = 0
    failed_old: int = 0

    @property
    def is_significant(self) -> bool:
        """Whether the means of runs that ended well differ, after Holm's correction."""
        return self.p_adjusted <= ALPHA

    @property
    def decision(self) -> Decision:
        """Whether the group is better or worse on average; a mean over survivors decides nothing for it."""
        if not self.is_significant:
            return "undecided"
        return _among_survivors(
            "better" if self.result.difference > 0 else "worse",
            failed=self.failed,
            failed_old=self.failed_old,
        )


def _among_survivors(decision: Decision, *, failed: int, failed_old: int) -> Decision:
    """Return a decision, or ``undecided`` where runs of the group that it favours failed."""
    favoured = {"better": failed, "worse": failed_old}
    if favoured.get(decision):
        return "undecided"
    return decision


@dataclass(frozen=True, kw_only=True, repr=False)
class Across:
    """A comparison over several tasks.

    Attributes:
        tasks: The tasks with their numbers, in order.
        groups: Names of the groups, the old one last.
        pairs: Each other group against the old one.
        scale: How numbers were brought to one unit.
        scores: Scores of each group, of shape (seeds, tasks), larger is better, NaN where a seed has none.
        target: Score γ of the optimality gap; NaN without one.
        aggregates: IQM, mean, median and optimality gap of each group.
        coverage: How often such intervals hold the truth by simulation, by aggregate.
        resampling: How scores were drawn again.
        separate: Whether runs of one seed on different tasks were taken as independent.
        is_one_run: Whether the numbers of a seed are known to be of one run.
        readout: Which number of each curve was compared.
        left_out: Which seeds have no number and why.
        notes: What else is to be said.
    """

    tasks: Sequence[TaskNumbers]
    groups: Sequence[str]
    pairs: Sequence[NewAgainstOld]
    scale: Scale
    scores: Mapping[str, Array]
    target: float
    aggregates: Mapping[str, Mapping[str, Aggregate]]
    coverage: Mapping[str, float]
    resampling: Resampling
    separate: bool
    is_one_run: bool
    readout: str
    left_out: Sequence[str]
    notes: Sequence[str]

    @property
    def old(self) -> str:
        """Name of the group that the others are compared with."""
        return self.groups[-1]

    @property
    def task_names(self) -> list[str]:
        """Names of the tasks."""
        return [task.name for task in self.tasks]

    @property
    def of_tables(self) -> bool:
        """Whether all numbers are those of tables, so that there are no curves to read them off."""
        return all(members.of_table for task in self.tasks for members in task.members.values())

    def seeds(self, group: str) -> tuple[int, int]:
        """Return the least and the largest number of seeds of a group on a task."""
        counts = np.isfinite(self.scores[group]).sum(axis=0)
        return int(counts.min()), int(counts.max())

    def __repr__(self) -> str:
        from ired_diag.comparison.across_words import sentence_of

        return "\n".join(sentence_of(self, pair) for pair in self.pairs)


def across(
    tasks: Sequence[TaskToCompare],
    choices: Choices,
    *,
    notes: Sequence[str] = (),
) -> Across:
    """Return the comparison of groups over several tasks.

    Args:
        tasks: Two or more, each with the runs of two groups or more.
        choices: What the user chose.
        notes: What is to be said of how runs were grouped.

    Raises:
        NotFound: No run logs a metric.
        DiagError: The old group is not one of the groups; a direction is unknown; or tasks cannot be brought
            to one unit.
    """
    if choices.is_one_run and choices.separate:
        raise DiagError("--separate-runs: these are metrics of the same runs, which are not independent.")
    collected: list[str] = list(notes)
    numbers = _numbers(tasks, choices, collected)
    groups = _groups(numbers, choices.old)
    old = groups[-1]
    labels = {group: labels_of(numbers, group) for group in groups}
    raw = {
        group: grid(
            numbers,
            group,
            labels[group],
        )
        for group in groups
    }
    _check_numbers(raw, numbers)
    scale = scale_of_tasks(
        raw,
        numbers,
        old=old,
        chosen=choices.scale,
        references=choices.references,
    )
    scores = {group: scale.scores(values) for group, values in raw.items()}
    target = scale.target if choices.target is None else choices.target
    resampling = Resampling(seed=choices.seed, separate=choices.separate)
    coverage = _coverage(scores, separate=choices.separate)
    summaries = {}
    for group, values in scores.items():
        summary = aggregates(values, target=target, resampling=resampling)
        summaries[group] = {name: _held(one, coverage[name]) for name, one in summary.items()}
    pairs = []
    for new in groups[:-1]:
        pair = _against(
            numbers,
            new,
            old,
            scale=scale,
            choices=choices,
            resampling=resampling,
        )
        pairs.append(pair)
    collected += notes_on_scale(raw, scale, numbers)
    return Across(
        tasks=numbers,
        groups=groups,
        pairs=_corrected(pairs, coverage["improvement"]),
        scale=scale,
        scores=scores,
        target=target,
        aggregates=summaries,
        coverage=coverage,
        resampling=resampling,
        separate=choices.separate,
        is_one_run=choices.is_one_run,
        readout=choices.readout,
        left_out=[sentence for task in numbers for sentence in task.left_out],
        notes=list(dict.fromkeys(collected)),
    )


def _numbers(
    tasks: Sequence[TaskToCompare],
    choices: Choices,
    notes: list[str],
) -> list[TaskNumbers]:
    numbers = []
    for task in tasks:
        of_task = numbers_of_task(
            task.name,
            task.groups,
            task.metric,
            directions=choices.directions,
            readout=choices.readout,
            notes=notes,
            include_incomplete=choices.include_incomplete,
        )
        numbers.append(of_task)
    names = [task.name for task in numbers] + [task.metric for task in numbers]
    choices.directions.check(names)
    if choices.references is None:  # references say the direction themselves
        check_directions(numbers)
    return numbers


def _groups(numbers: Sequence[TaskNumbers], old: str | None) -> list[str]:
    """Return the groups that every task has, the old one last."""
    groups = list(numbers[0].values)
    for task in numbers:
        groups = [group for group in groups if group in task.values]
    if len(groups) < 2:
        raise DiagError(f"Two groups or more need results on every task, found {len(groups)}.")
    if old is None:
        return groups
    if old not in groups:
        raise DiagError(f"--against {old}: no group has this name. There are: {', '.join(groups)}.")
    return [*(group for group in groups if group != old), old]


def _check_numbers(raw: Mapping[str, Array], numbers: Sequence[TaskNumbers]) -> None:
    """Refuse a task of which a group has no number.

    Raises:
        DiagError: There is one.
    """
    for group, values in raw.items():
        empty = [task.name for t, task in enumerate(numbers) if not np.isfinite(values[:, t]).any()]
        if empty:
            raise DiagError(
                f"{group}: no seed has a number on {first_names(empty, MOST_NAMED)}. A mean over the other "
                "tasks would leave out where it failed: compare them by name, or without these tasks."
            )


def _coverage(scores: Mapping[str, Array], *, separate: bool) -> dict[str, float]:
    """Return the simulated coverage of each kind of interval, at the fewest seeds of any group."""
    seeds = min(fewest_seeds(values) for values in scores.values())
    tasks = next(iter(scores.values())).shape[1]
    coverage = {}
    for name in ("iqm", "mean", "median", "optimality_gap", "improvement"):
        coverage[name] = coverage_of_aggregate(
            name,
            seeds=seeds,
            tasks=tasks,
            separate=separate,
        )
    return coverage


def _held(aggregate: Aggregate, coverage: float) -> Aggregate:
    """Return an aggregate, without its interval where that holds the truth too rarely."""
    if aggregate.reason or coverage >= LEAST:
        return aggregate
    reason = "too few seeds for an interval"
    if math.isfinite(coverage):
        reason = f"its interval would hold the truth in {coverage:.1%} instead of 95% (by simulation)"
    return replace(aggregate, low=math.nan, high=math.nan, reason=reason)


def _against(
    numbers: Sequence[TaskNumbers],
    new: str,
    old: str,
    *,
    scale: Scale,
    choices: Choices,
    resampling: Resampling,
) -> NewAgainstOld:
    obstacle = _obstacle(numbers, new, old, choices.paired)
    is_paired = not obstacle
    if is_paired:
        shared = labels_of(numbers, new, old)
        labels = {new: shared, old: shared}
    else:
        labels = {group: labels_of(numbers, group) for group in (new, old)}
    of_new = grid(numbers, new, labels[new])
    of_old = grid(numbers, old, labels[old])
    result = over_tasks(
        scale.for_effects(of_new),
        scale.for_effects(of_old),
        paired=is_paired,
        separate=choices.separate,
        inflation=scale.inflation,
    )
    improvement = improvement_over_tasks(
        scale.scores(of_new),
        scale.scores(of_old),
        resampling=resampling,
        paired=is_paired,
    )
    failed = [task.failed(new) for task in numbers]
    failed_old = [task.failed(old) for task in numbers]
    decided = []
    for effect, of_group, of_old_group in zip(result.tasks, failed, failed_old, strict=True):
        decision = _among_survivors(effect.decision, failed=of_group, failed_old=of_old_group)
        decided.append(replace(effect, decision=decision))
    return NewAgainstOld(
        new=new,
        old=old,
        result=replace(result, tasks=decided),
        p_adjusted=result.test.p,
        is_paired=is_paired,
        obstacle=obstacle,
        improvement=improvement,
        failed=sum(failed),
        failed_old=sum(failed_old),
    )


def _obstacle(
    numbers: Sequence[TaskNumbers],
    new: str,
    old: str,
    paired: bool | None,
) -> str:
    """Return why equal seeds are not pairs on some task; empty where they are pairs on all."""
    for task in numbers:
        obstacle = task.obstacle_to_pairs(new, old, paired=paired)
        if obstacle:
            return obstacle
    return ""


def _corrected(pairs: Sequence[NewAgainstOld], coverage: float) -> list[NewAgainstOld]:
    adjusted = holm([pair.result.test.p for pair in pairs])
    corrected = []
    for pair, p in zip(pairs, adjusted, strict=True):
        mean = _held(pair.improvement.mean, coverage)
        improvement = replace(pair.improvement, mean=mean)
        corrected.append(replace(pair, p_adjusted=float(p), improvement=improvement))
    return corrected

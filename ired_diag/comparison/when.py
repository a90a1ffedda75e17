"""When do two groups of runs come apart, and how much sooner does one reach a target?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ired_diag.comparison.apart import CurvesApart, curves_apart
from ired_diag.comparison.comparable import check_comparable_members
from ired_diag.comparison.copies import without_copies
from ired_diag.comparison.fold_runs import notes_on_missing_folds
from ired_diag.comparison.members import members_of
from ired_diag.comparison.pairing import note_on_forced, pairing_of
from ired_diag.comparison.reaching import Reaching, reaching
from ired_diag.comparison.seeds import Members
from ired_diag.comparison.watched import Watched, watched_runs
from ired_diag.errors import DiagError, NotFound
from ired_diag.python_words import all_in_python
from ired_diag.runs.clock import clock_column
from ired_diag.runs.direction import Direction
from ired_diag.runs.judged import (
    check_logged,
    is_configured,
    metric_in_words,
    shared_direction,
    shared_metric,
)
from ired_diag.runs.run import Run
from ired_diag.runs.run_nouns import common_noun, run_noun

Target = float | Literal["final"]


@dataclass(frozen=True, kw_only=True, repr=False)
class When:
    """When two groups of runs come apart, and when they reach a target.

    Attributes:
        new: Name of the new group.
        old: Name of the old group.
        metric: Name of the metric.
        metric_words: Metric and direction in words.
        lower_is_better: Whether a lower value is better.
        axis: What places are: ``step``, or the name of the logged column that tells the time.
        alpha: Chance to call curves apart that are not, over all places together.
        pairing: Why equal seeds are pairs, or why they are not, in words.
        apart: Where the mean curves are apart; None with ``not_apart``.
        not_compared: Why the curves are not compared; empty where they are.
        reaching: Times to the target; None where no target was named.
        runs: The runs of each group, by name, as far as they were logged.
        sources: All runs as they were read.
        survivors: Whether seeds that failed are left out of the curves.
        notes: What else is to be said of the runs.
        metric_label: What pictures call the metric; empty: its name.
        run_noun: What one of the runs is called: ``seed``, ``fold``, or ``run`` where groups differ in that.
        has_folds: Whether runs of either group are folds of a cross-validation.
    """

    new: str
    old: str
    metric: str
    metric_words: str
    lower_is_better: bool
    axis: str
    alpha: float
    pairing: str
    apart: CurvesApart | None
    not_compared: str
    reaching: Reaching | None
    runs: Mapping[str, Sequence[Watched]] = field(compare=False)
    sources: Sequence[Run] = field(compare=False)
    survivors: bool = False
    notes: Sequence[str] = ()
    metric_label: str = ""
    run_noun: str = "seed"
    has_folds: bool = False

    @property
    def shown_metric(self) -> str:
        """What pictures call the metric."""
        return self.metric_label or self.metric

    def __repr__(self) -> str:
        from ired_diag.comparison.when_words import in_lines

        return "\n".join(all_in_python(in_lines(self)))


def when(
    groups: Mapping[str, Sequence[Run]],
    *,
    target: Target | None = None,
    metric: str | None = None,
    lower_is_better: bool | None = None,
    stays: bool = False,
    against_time: bool = False,
    time_column: str | None = None,
    paired: bool | None = None,
    alpha: float = 0.05,
    survivors: bool = False,
    include_incomplete: bool = False,
    seed: int = 0,
) -> When:
    """Return when two groups of runs come apart, and when they reach a target.

    Args:
        groups: The runs of the new and the old group, by name.
        target: Value of the metric; ``final``: the level at which the old group ends. Default: no target.
        metric: Metric to compare. Default: the one by which all runs are judged.
        lower_is_better: Its direction. Default: by configuration and name.
        stays: A run reaches the target where it is there for good, not where it is there first.
        against_time: Compare at equal logged times, not at equal steps.
        time_column: The logged column that tells the time. Default: detected by name.
        paired: Whether equal seeds are pairs. Default: where both configurations state the same data.
        alpha: Chance to call curves apart that are not, over all places together.
        survivors: Leave seeds that failed out of the curves.
        include_incomplete: Keep runs in the curves that were stopped before the end of their training.
        seed: Random seed of what is drawn.

    Raises:
        NotFound: No run logs the metric, or none that tells the time; there is no evaluation.
        DiagError: There are not two groups, an option is out of range, the groups solve different problems,
            or their numbers are on two scales.
    """
    if len(groups) != 2:
        names = ", ".join(groups)
        raise DiagError(f"Expected 2 groups, found {len(groups)} ({names}). Name each by NAME=GLOB.")
    if not 0 < alpha < 0.5:
        raise DiagError(f"alpha lies between 0 and 0.5, found {alpha:g}.")
    runs = [run for members in groups.values() for run in members]
    if metric:
        check_logged(metric, runs)
    metric = metric or shared_metric(groups)
    direction = _direction(groups, metric, lower_is_better)
    column = None
    if against_time or time_column is not None:
        column = clock_column(groups, time_column)
    groups, notes_on_copies = without_copies(groups, metric)
    watched = watched_runs(
        groups,
        metric,
        lower_is_better=direction.lower_is_better,
        judge_shape=direction.source != "assumed",
        column=column,
    )
    members = _all_members(groups, metric, direction.lower_is_better)
    if len(members) == 2:
        first, second = members
        check_comparable_members(first, second, metric)
    is_paired, pairing, notes = _pairing(members, paired)
    apart, not_compared = None, ""
    try:
        apart = curves_apart(
            watched,
            is_paired=is_paired,
            alpha=alpha,
            survivors=survivors,
            include_incomplete=include_incomplete,
            seed=seed,
        )
    except NotFound as reason:
        not_compared = str(reason)
    reached = None
    if target is not None:
        reached = reaching(
            watched,
            None if target == "final" else float(target),
            lower_is_better=direction.lower_is_better,
            is_paired=is_paired,
            stays=stays,
            confidence=1 - alpha,
            seed=seed,
        )
    new, old = groups
    return When(
        new=new,
        old=old,
        metric=metric,
        metric_words=metric_in_words(metric, direction, is_configured=is_configured(metric, runs)),
        lower_is_better=direction.lower_is_better,
        axis=column or "step",
        alpha=alpha,
        pairing=pairing,
        apart=apart,
        not_compared=not_compared,
        reaching=reached,
        runs=watched,
        sources=runs,
        survivors=survivors,
        notes=[*notes_on_copies, *notes],
        run_noun=common_noun([run_noun(each.cross_validation) for each in members]),
        has_folds=any(each.cross_validation for each in members),
    )


def _direction(groups: Mapping[str, Sequence[Run]], metric: str, lower_is_better: bool | None) -> Direction:
    if lower_is_better is None:
        return shared_direction(groups, metric)
    return Direction(lower_is_better, "option")


def _all_members(groups: Mapping[str, Sequence[Run]], metric: str, lower_is_better: bool) -> list[Members]:
    """Return the seeds of the groups: every run states its data, one that failed or was stopped too."""
    # Notes on their values are not wanted.
    return members_of(
        groups,
        metric,
        [],
        lower_is_better=lower_is_better,
        include_incomplete=True,
        judge_shape=False,
    )


def _pairing(members: Sequence[Members], paired: bool | None) -> tuple[bool, str, list[str]]:
    """Return whether equal seeds are pairs, why or why not, and notes."""
    if len(members) != 2:
        return False, "", []
    a, b = members
    pairing = pairing_of(a, b, paired=paired)
    notes = [*filter(None, [note_on_forced(a, b, pairing)]), *notes_on_missing_folds(members)]
    return not pairing.obstacle, pairing.obstacle or pairing.evidence, notes

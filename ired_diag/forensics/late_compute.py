"""Compute after the plateau: training that the evaluations show no gain from.

Of each complete run, the plateau starts where ``curves.plateau`` finds it. The share of its steps after that,

    share = (last step - start of the plateau) / last step,

is taken for the share of its time, which holds for steps of equal length; hours are given where the job's
start and end are known. A group is reported where the mean share is 60% or more. All groups are one finding,
the largest share first. A drift below the noise of one evaluation stays unseen, and seeds that are compared
on a plateau need some of it: this is no proof that the steps were wasted.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.comparison.seeds import seconds_between
from ired_diag.curves.plateau import plateau_start
from ired_diag.curves.shape import shape_of
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed, not_none
from ired_diag.runs.name_list import counted
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

LONG = 0.6  # of the steps


@dataclass(frozen=True)
class LateRun:
    """How much of a run's training came after its plateau began.

    Attributes:
        share: Share of its steps.
        start: Step at which its plateau begins.
        hours: Hours after the plateau began; NaN where the log does not say when the job started and ended.
    """

    share: float
    start: float
    hours: float


@dataclass(frozen=True, kw_only=True)
class LateGroup:
    """How much of a group's training came after its plateau began.

    Attributes:
        group: Name of the group.
        share: Share of the steps, mean over the runs.
        starts: The first and the last step at which a run's plateau begins.
        runs: Number of runs with a plateau.
        hours: Hours after the plateau began, of the runs whose time is known; NaN where none is.
        timed: Number of runs whose time is known.
    """

    group: str
    share: float
    starts: tuple[float, float]
    runs: int
    hours: float
    timed: int

    @property
    def in_words(self) -> str:
        """The group with its share and the steps at which its plateaus begin."""
        low, high = self.starts
        steps = f"{low:g}"
        if low != high:
            steps = f"{low:g} to {high:g}"
        return f"{self.group} {100 * self.share:.0f}% (from step {steps})"


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for the groups that trained for much longer on their plateau than towards it."""
    groups = not_none(itertools.starmap(_late_group, study.groups().items()))
    long = [late for late in groups if late.share >= LONG]
    if long:
        yield _finding(sorted(long, key=lambda late: -late.share))


def _finding(groups: Sequence[LateGroup]) -> Finding:
    shares = listed(late.in_words for late in groups)
    runs = timed = 0
    hours = 0.0
    for late in groups:
        runs += late.runs
        if late.timed:
            timed += late.timed
            hours += late.hours
    cost = ""
    if timed:
        cost = f" That is about {hours:.3g} hours of {timed} runs whose time is known."
    statement = (
        f"60% or more of the steps of {counted(len(groups), 'group')} ({counted(runs, 'complete run')}) "
        f"came after the plateau had begun: {shares}.{cost} The evaluations show no gain from them."
    )
    evidence: Evidence = {
        "groups": len(groups),
        "runs": runs,
        "largest_share": groups[0].share,
        "hours": hours if timed else None,
        "timed_runs": timed,
    }
    for late in groups:
        evidence[f"share_{late.group}"] = late.share
    return Finding(
        rule="late_compute",
        severity="note",
        statement=statement,
        evidence=evidence,
        advice="Shorter runs with more seeds may show more; early stopping ends them by themselves.",
    )


def _late_group(group: str, runs: Sequence[Run]) -> LateGroup | None:
    """Return a group's training after its plateaus began; None where no run has one."""
    each = not_none(map(_late_run, runs))
    if not each:
        return None
    starts = [late.start for late in each]
    hours = [late.hours for late in each if math.isfinite(late.hours)]
    # Without a known start and end of a job, hours are unknown and not 0.
    return LateGroup(
        group=group,
        share=float(np.mean([late.share for late in each])),
        starts=(min(starts), max(starts)),
        runs=len(each),
        hours=sum(hours) if hours else math.nan,
        timed=len(hours),
    )


def _late_run(run: Run) -> LateRun | None:
    """Return a run's training after its plateau began; None where it has no plateau or is not complete."""
    if not run.ending.may_be_complete or not run.evaluated:
        return None
    series = run.evaluated[1]
    lower = run.lower_is_better
    shape = shape_of(series.steps, series.values, lower_is_better=lower)
    if shape.word != "converged":
        return None
    start = plateau_start(series.steps, series.values, lower_is_better=lower).step
    last = float(series.steps[-1])
    if start is None or last <= 0:
        return None
    share = (last - start) / last
    return LateRun(share=share, start=start, hours=share * _hours_of(run))


def _hours_of(run: Run) -> float:
    """Return how long a run's job took; NaN where its start or end is unknown."""
    seconds = seconds_between(run.provenance.get("started"), run.provenance.get("ended"))
    return seconds / 3600


RULE = Rule(
    name="late_compute",
    question="How much compute came after the plateau?",
    find=find,
    consequence="compute",
    refuted_by=(
        "A trend below the noise of one evaluation that many evaluations together show, or a later "
        "schedule that needs the steps."
    ),
    near_miss=("A curve that improves slowly to its end; a run that ended soon after its plateau began."),
    example=("100000 steps, the plateau begins at step 12000: 88% of the compute came after it."),
)

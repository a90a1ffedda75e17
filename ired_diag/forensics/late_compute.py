"""Compute after the plateau: training that the evaluations show no gain from.

Of each complete run, the plateau starts where ``curves.plateau`` finds it. The share of its steps after that,

    share = (last step - start of the plateau) / last step,

is taken for the share of its time, which holds for steps of equal length; hours are told where the job's
start and end are. A group is reported where the mean share is 60% or more. All groups are one finding, the
largest share first. A drift below the noise of one evaluation stays unseen, and seeds that are compared on a
plateau need some of it: this is no proof that the steps were wasted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.comparison.seeds import seconds_between
from ired_diag.curves.plateau import plateau_start
from ired_diag.curves.shape import shape_of
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

LONG = 0.6


@dataclass(frozen=True)
class Late:
    """How much of a group's training came after its plateau began.

    Attributes:
        group: Its name.
        share: Of the steps, mean over the runs.
        starts: The first and the last step at which a run's plateau begins.
        runs: With a plateau.
        hours: After the plateau began, of the runs that tell their time; NaN where none does.
        timed: How many those are.
    """

    group: str
    share: float
    starts: tuple[float, float]
    runs: int
    hours: float
    timed: int


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for the groups that trained for much longer on their plateau than towards it."""
    every = [late for group, runs in study.groups().items() if (late := _late(group, runs))]
    long = sorted((late for late in every if late.share >= LONG), key=lambda late: -late.share)
    if long:
        yield _finding(long)


def _finding(groups: Sequence[Late]) -> Finding:
    told = listed(
        f"{late.group} {100 * late.share:.0f}% (from step {_between(*late.starts)})" for late in groups
    )
    hours, timed = sum(late.hours for late in groups if late.timed), sum(late.timed for late in groups)
    runs = sum(late.runs for late in groups)
    cost = f" That is about {hours:.3g} hours of {timed} runs whose time is told." if timed else ""
    statement = (
        f"60% or more of the steps of {len(groups)} group{'s' if len(groups) > 1 else ''} ({runs} complete "
        f"{'runs' if runs > 1 else 'run'}) came after the plateau had begun: {told}.{cost} The evaluations "
        "show no gain from them."
    )
    evidence: Evidence = {"groups": len(groups), "runs": runs, "largest_share": groups[0].share}
    evidence |= {"hours": hours if timed else None, "timed_runs": timed}
    evidence |= {f"share_{late.group}": late.share for late in groups}
    advice = "Shorter runs with more seeds may show more; early stopping ends them by themselves."
    return Finding("late_compute", "note", statement, evidence, advice)


def _late(group: str, runs: Sequence[Run]) -> Late | None:
    shares, starts, hours = [], [], []
    for run in runs:
        if not run.ending.may_be_complete or not run.evaluated:
            continue
        series = run.evaluated[1]
        lower = run.lower_is_better
        if shape_of(series.steps, series.values, lower_is_better=lower).word != "converged":
            continue
        start = plateau_start(series.steps, series.values, lower_is_better=lower).step
        last = float(series.steps[-1])
        if start is None or last <= 0:
            continue
        shares.append((last - start) / last)
        starts.append(start)
        hours.append(shares[-1] * _hours(run))
    if not shares:
        return None
    known = [h for h in hours if math.isfinite(h)]
    total = sum(known) if known else math.nan
    return Late(group, float(np.mean(shares)), (min(starts), max(starts)), len(shares), total, len(known))


def _hours(run: Run) -> float:
    """Return how long a run's job took; NaN where its start or end is not told."""
    return seconds_between(run.provenance.get("started"), run.provenance.get("ended")) / 3600


def _between(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


RULE = Rule(
    "late_compute",
    "How much compute came after the plateau?",
    find,
    consequence="compute",
    refuted_by=(
        "A trend below the noise of one evaluation that many evaluations together show, or a later "
        "schedule that needs the steps."
    ),
    near_miss=("A curve that improves slowly to its end; a run that ended soon after its plateau began."),
    example=("100000 steps, the plateau begins at step 12000: 88% of the compute came after it."),
)

"""What became of each seed of a group: it finished, it failed, or it was stopped from outside.

A seed fails where its training breaks down: its metric ends not finite, its curve diverges, or its program
dies of an error. Such a seed is a result, the worst there is. A seed that the scheduler or a person stopped
says nothing of the method.

Of n attempted seeds k finish. The success rate is k / n; its 95% interval is the exact one of Clopper and
Pearson: the rates p at which neither P(K ≥ k) nor P(K ≤ k), K binomial of n and p, is below 2.5%.

Reference: Clopper & Pearson (1934), The Use of Confidence or Fiducial Limits Illustrated in the Case of the
Binomial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ired_diag.curves.failure import Failure
from ired_diag.stats.success_rate import success_rate

if TYPE_CHECKING:
    from ired_diag.comparison.seeds import Members


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """How many seeds of a group finished, and what became of the others.

    Attributes:
        attempted: Seeds that finished or failed; those that were stopped from outside do not count.
        finished: Seeds whose training finished with a result.
        unfinished: Seeds with a number although their training did not finish (``include_incomplete``): they
            are neither successes nor failures, and not among those attempted.
        failures: All seeds without a result, those that were stopped among them.
        success_rate: Finished over attempted; NaN where no seed was attempted.
        low: Lower end of the exact 95% interval of that rate.
        high: Upper end of that interval.
    """

    attempted: int
    finished: int
    unfinished: int
    failures: Sequence[Failure]
    success_rate: float
    low: float
    high: float


def outcomes_of(members: Members) -> Outcomes:
    """Return how many seeds of a group finished."""
    # A seed that diverged has failed, even where it keeps a number for want of any better seed.
    diverged = members.failed_with_number
    unfinished = unfinished_seeds(members)
    finished = len(members.seeds) - len(diverged) - unfinished
    attempted = len(members.seeds) - unfinished + failed_seeds(members)
    success = success_rate(finished, attempted)
    return Outcomes(
        attempted=attempted,
        finished=finished,
        unfinished=unfinished,
        failures=(*diverged, *members.failures),
        success_rate=success.rate,
        low=success.low,
        high=success.high,
    )


def failed_seeds(members: Members) -> int:
    """Return how many seeds of a group failed and have no number; those that were stopped do not count."""
    return len(members.failed)


def unfinished_seeds(members: Members) -> int:
    """Return how many seeds of a group have a number although their training did not finish."""
    return sum(seed.unfinished and seed.failure is None for seed in members.seeds)


def divergences(members: Members) -> tuple[int, int]:
    """Return how many seeds of a group diverged or ended not finite, and how many were attempted."""
    without_number = members.failures_of_kind("not finite", "diverged")
    diverged = len(without_number) + len(members.failed_with_number)
    attempted = len(members.seeds) - unfinished_seeds(members) + failed_seeds(members)
    return diverged, attempted

"""What each readout of the same curves says of two groups."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ired_diag.comparison.deciding import decide
from ired_diag.comparison.sample import Question, Sample
from ired_diag.stats.t_tests import welch
from ired_diag.stats.verdict import Decision

FINAL = ("plateau", "last", "best", "last10")  # readouts of how good a run became, not of how fast


@dataclass(frozen=True, kw_only=True)
class ByReadout:
    """What one readout says.

    Attributes:
        readout: Name of the readout.
        difference: Mean of a minus mean of b.
        reference: Absolute mean of b; NaN where a share of the means says nothing.
        ratio: The difference over the reference.
        low: Lower end of the 95% interval of the difference, not corrected for several pairs.
        high: Upper end of that interval.
        p: P value of the test that decides.
        p_equivalence: P value of equivalence within the margin.
        welch_p: P value of Welch's test, as a check.
        margin: What is too small to matter, in the metric's unit.
        uncorrected: The decision of this pair by itself.
        decision: Better, worse, equivalent, undecided or identical, corrected for several pairs.
        smaller_than_margin: Whether the difference is shown to be smaller than the margin.
        p_holm: ``p``, corrected over the pairs that have this readout.
        n: Number of pairs of seeds, or of seeds of both groups.
        reason: Why numbers are NaN.
    """

    readout: str
    difference: float
    reference: float
    ratio: float
    low: float
    high: float
    p: float
    p_equivalence: float
    welch_p: float
    margin: float
    uncorrected: Decision
    decision: Decision
    smaller_than_margin: bool
    p_holm: float
    n: int
    reason: str = ""


def line_of(
    readout: str,
    sample: Sample,
    question: Question,
    *,
    withheld: str = "",
    identical: bool = False,
) -> ByReadout:
    """Return what one readout says of a pair of groups, not yet corrected for several pairs.

    Args:
        readout: Name of the readout.
        sample: Its numbers of both groups.
        question: How to compare.
        withheld: Why no seed has this readout.
        identical: Whether both groups have the same numbers to the last digit.
    """
    if not (len(sample.a) and len(sample.b)):
        return _without_numbers(readout, withheld or "no seed has this readout")
    deciding = decide(sample, question)
    test = deciding.test
    # Numbers that agree to the last digit ask whether the runs are the same, and are no equivalence.
    decision: Decision = deciding.verdict.decision
    if identical:
        decision = "identical"
    return ByReadout(
        readout=readout,
        difference=deciding.difference,
        reference=deciding.reference,
        ratio=deciding.difference / deciding.reference,
        low=test.low,
        high=test.high,
        p=deciding.p,
        p_equivalence=deciding.equivalence.p,
        welch_p=welch(sample.a, sample.b).p,
        margin=deciding.margin,
        uncorrected=decision,
        decision=decision,
        smaller_than_margin=deciding.verdict.smaller_than_margin and not identical,
        p_holm=deciding.p,
        n=test.n,
        reason=test.reason,
    )


def _without_numbers(readout: str, reason: str) -> ByReadout:
    nan = math.nan
    return ByReadout(
        readout=readout,
        difference=nan,
        reference=nan,
        ratio=nan,
        low=nan,
        high=nan,
        p=nan,
        p_equivalence=nan,
        welch_p=nan,
        margin=nan,
        uncorrected="undecided",
        decision="undecided",
        smaller_than_margin=False,
        p_holm=nan,
        n=0,
        reason=reason,
    )

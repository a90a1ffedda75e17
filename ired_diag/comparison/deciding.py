"""Which test decides on two groups, what it estimates, and its verdict before any correction.

The design decides, never the data:

    a seed of either group failed          Lachin's worst-rank test: a failure is worse than any number
    seeds may not be paired                Welch's t test on all seeds
    else, by how many seeds are shared     paired t test; partially paired t test; Welch's t test

(``stats.pairing_design`` has the bounds of the last line). Where seeds failed, a difference of means is one
among the seeds that finished: a method that loses its bad seeds looks better than it is. Such a difference is
shown with its interval, decides nothing, and is neither equivalent to 0 nor smaller than a margin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from ired_diag.comparison.margin import Margin, in_metric_unit, without_share
from ired_diag.comparison.sample import Array, Question, Sample
from ired_diag.stats.equivalence import Equivalence, two_one_sided
from ired_diag.stats.pairing_design import Estimator, estimator_for, is_partial
from ired_diag.stats.partial_unequal import partially_paired_unequal
from ired_diag.stats.partially_paired import PartialPairs, partially_paired
from ired_diag.stats.standard_error import MeanDifference, paired_difference, welch_difference
from ired_diag.stats.t_tests import TTest, paired, welch
from ired_diag.stats.verdict import ALPHA, Decision, Verdict, judge
from ired_diag.stats.worst_rank import WorstRank, worst_rank_test

Primary = Literal["paired", "partial", "partial_unequal", "welch", "worst_rank"]

AMONG_FINISHED = "seeds failed: a difference among those that finished is no equivalence"


@dataclass(frozen=True, kw_only=True)
class Deciding:
    """The test that decides, and the difference of means next to it.

    Attributes:
        primary: Which test decides.
        estimator: Which t test gives the difference of means and its interval.
        test: That t test, at 95%.
        mean: Its difference of means with standard error and degrees of freedom.
        difference: That difference; where there are too few seeds for a test, of what there is.
        reference: Absolute mean of b over the seeds that it looks at, which percentages are of; NaN where
            a share of the means says nothing.
        no_share: Why it says nothing; empty where it does.
        margin: What is too small to matter, in the metric's unit; NaN where it is a share that says nothing.
        equivalence: Two one-sided tests against the margin.
        p: Of the test that decides.
        verdict: By its own p value or intervals, not corrected for there being several pairs.
        worst_rank: The test that ranks failed seeds last; None where no seed failed.
    """

    primary: Primary
    estimator: Estimator
    test: TTest
    mean: MeanDifference
    difference: float
    reference: float
    no_share: str
    margin: float
    equivalence: Equivalence
    p: float
    verdict: Verdict
    worst_rank: WorstRank | None


def decide(sample: Sample, question: Question) -> Deciding:
    """Return which test decides on two groups, and what it says."""
    estimator = estimator_of(sample)
    test, mean = t_test_of(sample, estimator), mean_difference_of(sample, estimator)
    no_share, margin = without_share(sample.a, sample.b), in_metric_unit(question.margin, sample.a, sample.b)
    worst_rank = _worst_rank(sample, question) if any(sample.failed) else None
    equivalence = _equivalence(mean, margin, question.margin, no_share, failed=worst_rank is not None)
    return Deciding(
        primary=_primary(estimator, failed=worst_rank is not None),
        estimator=estimator,
        test=test,
        mean=mean,
        difference=_untested(sample, estimator) if math.isnan(mean.difference) else mean.difference,
        reference=math.nan if no_share else _reference(sample, estimator),
        no_share=no_share,
        margin=margin,
        equivalence=equivalence,
        p=test.p if worst_rank is None else worst_rank.p,
        verdict=(
            _by_intervals(sample, question, test, equivalence)
            if worst_rank is None
            else _by_worst_rank(sample, worst_rank)
        ),
        worst_rank=worst_rank,
    )


def _primary(estimator: Estimator, *, failed: bool) -> Primary:
    return "worst_rank" if failed else estimator


def estimator_of(sample: Sample) -> Estimator:
    """Return which t test gives the difference of means."""
    if sample.obstacle:
        return "welch"
    return estimator_for(sample.pairs.shape[1], *map(len, sample.alone))


def t_test_of(sample: Sample, estimator: Estimator) -> TTest:
    """Return a t test of two groups at 95%."""
    if is_partial(estimator):
        return _partial(sample, estimator).test
    return paired(*sample.pairs) if estimator == "paired" else welch(sample.a, sample.b)


def _partial(sample: Sample, estimator: Estimator) -> PartialPairs:
    test = partially_paired if estimator == "partial" else partially_paired_unequal
    return test(sample.pairs, *sample.alone)


def paired_test(sample: Sample) -> TTest:
    """Return the paired t test of the shared seeds; NaN with a reason where they may not be paired."""
    return _without_test(f"not paired: {sample.obstacle}") if sample.obstacle else paired(*sample.pairs)


def no_partial_test(sample: Sample) -> TTest:
    """Return why there is no partially paired test."""
    if sample.obstacle:
        return _without_test(f"not paired: {sample.obstacle}")
    few = "too few seeds are shared" if any(map(len, sample.alone)) else "every seed is shared"
    return _without_test(few)


def _without_test(reason: str) -> TTest:
    nan = math.nan
    return TTest(
        t=nan,
        df=nan,
        p=nan,
        low=nan,
        high=nan,
        n=0,
        reason=reason,
    )


def mean_difference_of(sample: Sample, estimator: Estimator) -> MeanDifference:
    """Return the difference of means of a t test, with its standard error."""
    if is_partial(estimator):
        found = _partial(sample, estimator)
        test = found.test
        return MeanDifference(found.difference, found.standard_error, test.df, test.n, test.reason)
    if estimator == "paired":
        return paired_difference(*sample.pairs)
    return welch_difference(sample.a, sample.b)


def _equivalence(
    mean: MeanDifference, margin: float, given: Margin, no_share: str, *, failed: bool
) -> Equivalence:
    found = two_one_sided(mean, margin)
    if failed:
        nan = math.nan
        return Equivalence(
            difference=mean.difference,
            margin=margin,
            p_lower=nan,
            p_upper=nan,
            p=nan,
            low=nan,
            high=nan,
            n=mean.n,
            reason=AMONG_FINISHED,
        )
    if math.isnan(margin) and not mean.reason:
        return replace(found, reason=f"{no_share}, so that {given.text} of a mean says nothing")
    return found


def _untested(sample: Sample, estimator: Estimator) -> float:
    """Return the difference of means of seeds that are too few for a test."""
    x, y = sample.pairs if estimator == "paired" else (sample.a, sample.b)
    return float(x.mean() - y.mean()) if len(x) and len(y) else math.nan


def _reference(sample: Sample, estimator: Estimator) -> float:
    """Return the absolute mean of b over the seeds that an estimator looks at."""
    values: Array = sample.pairs[1] if estimator == "paired" else sample.b
    return abs(float(values.mean())) if len(values) else math.nan


def _by_intervals(sample: Sample, question: Question, test: TTest, equivalence: Equivalence) -> Verdict:
    return judge(
        interval_95=(test.low, test.high),
        interval_90=(equivalence.low, equivalence.high),
        margin=equivalence.margin,
        lower_is_better=question.lower_is_better,
        names=sample.names,
    )


def _worst_rank(sample: Sample, question: Question) -> WorstRank:
    failed_a, failed_b = sample.failed
    lower = question.lower_is_better
    return worst_rank_test(sample.a, sample.b, failed_a=failed_a, failed_b=failed_b, lower_is_better=lower)


def _by_worst_rank(sample: Sample, test: WorstRank) -> Verdict:
    """Return the verdict of the test that ranks failed seeds last; it says nothing of a margin."""
    both, first = " and ".join(sample.names), sample.names[0]
    if test.reason:
        return Verdict("undecided", False, f"whether {both} differ is undecided: {test.reason}")
    numbers = f"p = {test.p:.2g}, P({first} better) = {test.probability:.2g}"
    if test.p > ALPHA:
        return Verdict("undecided", False, f"whether {both} differ is undecided: worst-rank test, {numbers}")
    decision: Decision = "better" if test.probability > 0.5 else "worse"
    return Verdict(
        decision, False, f"{first} is {decision} than {sample.names[1]}: worst-rank test, {numbers}"
    )

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
        mean: The difference of means of that t test, with standard error and degrees of freedom.
        difference: That difference; where seeds are too few for a test, the difference of their means.
        reference: Absolute mean of b over the seeds that the t test looks at, which percentages are of; NaN
            where a share of the means says nothing.
        no_share: Why a share of the means says nothing; empty where it does.
        margin: What is too small to matter, in the metric's unit; NaN where it is a share that says nothing.
        equivalence: Two one-sided tests against the margin.
        p: P value of the test that decides.
        verdict: Verdict of this pair by itself, not corrected for there being several pairs.
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
    # The means of the seeds that finished are shown even where they do not decide.
    deciding = _by_means(sample, question)
    if not any(sample.failed):
        return deciding
    worst_rank = _worst_rank(sample, question)
    return replace(
        deciding,
        primary="worst_rank",
        equivalence=_no_equivalence(deciding.mean, deciding.margin),
        p=worst_rank.p,
        verdict=_by_worst_rank(sample, worst_rank),
        worst_rank=worst_rank,
    )


def _by_means(sample: Sample, question: Question) -> Deciding:
    """Return what the difference of means says, whether or not seeds failed."""
    # By the design alone: a test chosen by the data would not keep its level.
    estimator = estimator_of(sample)
    test = t_test_of(sample, estimator)
    mean = mean_difference_of(sample, estimator)
    difference = mean.difference
    if math.isnan(difference):
        difference = _untested_difference(sample, estimator)
    no_share = without_share(sample.a, sample.b)
    reference = math.nan
    if not no_share:
        reference = _reference(sample, estimator)
    margin = in_metric_unit(question.margin, sample.a, sample.b)
    equivalence = _equivalence(mean, margin, question.margin, no_share)
    return Deciding(
        primary=estimator,
        estimator=estimator,
        test=test,
        mean=mean,
        difference=difference,
        reference=reference,
        no_share=no_share,
        margin=margin,
        equivalence=equivalence,
        p=test.p,
        verdict=_by_intervals(sample, question, test, equivalence),
        worst_rank=None,
    )


def estimator_of(sample: Sample) -> Estimator:
    """Return which t test gives the difference of means."""
    if sample.obstacle:
        return "welch"
    return estimator_for(sample.pairs.shape[1], *map(len, sample.alone))


def t_test_of(sample: Sample, estimator: Estimator) -> TTest:
    """Return a t test of two groups at 95%."""
    if is_partial(estimator):
        return _partial(sample, estimator).test
    if estimator == "paired":
        return paired(*sample.pairs)
    return welch(sample.a, sample.b)


def _partial(sample: Sample, estimator: Estimator) -> PartialPairs:
    if estimator == "partial":
        return partially_paired(sample.pairs, *sample.alone)
    return partially_paired_unequal(sample.pairs, *sample.alone)


def paired_test(sample: Sample) -> TTest:
    """Return the paired t test of the shared seeds; NaN with a reason where they may not be paired."""
    if sample.obstacle:
        return _without_test(f"not paired: {sample.obstacle}")
    return paired(*sample.pairs)


def no_partial_test(sample: Sample) -> TTest:
    """Return why there is no partially paired test."""
    if sample.obstacle:
        return _without_test(f"not paired: {sample.obstacle}")
    if any(map(len, sample.alone)):
        return _without_test("too few seeds are shared")
    return _without_test("every seed is shared")


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
        partial = _partial(sample, estimator)
        test = partial.test
        return MeanDifference(
            difference=partial.difference,
            standard_error=partial.standard_error,
            df=test.df,
            n=test.n,
            reason=test.reason,
        )
    if estimator == "paired":
        return paired_difference(*sample.pairs)
    return welch_difference(sample.a, sample.b)


def _equivalence(mean: MeanDifference, margin: float, stated: Margin, no_share: str) -> Equivalence:
    """Return the tests against a margin, ``margin`` in the unit of the metric, as the user ``stated`` it."""
    equivalence = two_one_sided(mean, margin)
    # Where the mean itself is unknown, its own reason stands.
    if math.isnan(margin) and not mean.reason:
        return replace(equivalence, reason=f"{no_share}, so that {stated.text} of a mean says nothing")
    return equivalence


def _no_equivalence(mean: MeanDifference, margin: float) -> Equivalence:
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


def _values_compared(sample: Sample, estimator: Estimator) -> tuple[Array, Array]:
    """Return the numbers of both groups that an estimator looks at."""
    if estimator == "paired":
        x, y = sample.pairs
        return x, y
    return sample.a, sample.b


def _untested_difference(sample: Sample, estimator: Estimator) -> float:
    """Return the difference of means of seeds that are too few for a test."""
    x, y = _values_compared(sample, estimator)
    if not len(x) or not len(y):
        return math.nan
    return float(x.mean() - y.mean())


def _reference(sample: Sample, estimator: Estimator) -> float:
    """Return the absolute mean of b over the seeds that an estimator looks at."""
    _, values = _values_compared(sample, estimator)
    if not len(values):
        return math.nan
    return abs(float(values.mean()))


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
    return worst_rank_test(
        sample.a,
        sample.b,
        failed_a=failed_a,
        failed_b=failed_b,
        lower_is_better=question.lower_is_better,
    )


def _by_worst_rank(sample: Sample, test: WorstRank) -> Verdict:
    """Return the verdict of the test that ranks failed seeds last; it says nothing of a margin."""
    a, b = sample.names
    undecided = f"whether {a} and {b} differ is undecided"
    if test.reason:
        return Verdict("undecided", False, f"{undecided}: {test.reason}")
    evidence = f"worst-rank test, p = {test.p:.2g}, P({a} better) = {test.probability:.2g}"
    if test.p > ALPHA:
        return Verdict("undecided", False, f"{undecided}: {evidence}")
    decision: Decision = "worse"
    if test.probability > 0.5:
        decision = "better"
    return Verdict(decision, False, f"{a} is {decision} than {b}: {evidence}")

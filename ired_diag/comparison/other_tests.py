"""Tests and intervals next to the t tests: they show how far a verdict depends on the choice of a test."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ired_diag.comparison.sample import Array, Question, Sample
from ired_diag.stats.bootstrap import BootstrapInterval, bootstrap_difference, without_bootstrap
from ired_diag.stats.coverage import Coverage, coverage_of, holds, indicated_coverage
from ired_diag.stats.pairing_design import Estimator, is_partial
from ired_diag.stats.permutation import PermutationTest, sign_flip, two_samples
from ired_diag.stats.rank_tests import RankTest, mann_whitney, wilcoxon
from ired_diag.stats.spread_tests import SdRatio, SpreadTest, brown_forsythe, sd_ratio

NOT_SIMULATED = "the coverage of the partially paired interval is not simulated"


@dataclass(frozen=True, kw_only=True)
class OtherTests:
    """Tests next to the t tests.

    Attributes:
        mann_whitney: Test of the ranks of all values.
        wilcoxon: Test of the signed ranks of the pairs of equal seeds; NaN with a reason where they are not
            pairs.
        permutation: Test of the difference of means, by dealing the values out again.
        sign_flip: Test of the mean difference of the pairs of equal seeds, by flipping signs; NaN with a
            reason where they are not pairs.
        bootstrap: Studentised bootstrap interval of the difference that is compared; NaN with a reason where
            its simulated coverage does not hold.
        brown_forsythe: Test of equal spread.
        sd_ratio: Standard deviation of a over that of b.
    """

    mann_whitney: RankTest
    wilcoxon: RankTest
    permutation: PermutationTest
    sign_flip: PermutationTest
    bootstrap: BootstrapInterval
    brown_forsythe: SpreadTest
    sd_ratio: SdRatio


def other_tests(sample: Sample, question: Question, estimator: Estimator) -> OtherTests:
    """Return the tests next to the t tests.

    Args:
        sample: The numbers of both groups.
        question: How to compare.
        estimator: Which t test gives the difference of means.
    """
    a, b = sample.a, sample.b
    x, y = sample.paired
    signed_ranks = wilcoxon(x, y)
    flipped_signs = sign_flip(x, y, seed=question.draw)
    if sample.obstacle:
        reason = f"not paired: {sample.obstacle}"
        signed_ranks = replace(signed_ranks, reason=reason)
        flipped_signs = replace(flipped_signs, reason=reason)
    return OtherTests(
        mann_whitney=mann_whitney(a, b),
        wilcoxon=signed_ranks,
        permutation=two_samples(a, b, seed=question.draw),
        sign_flip=flipped_signs,
        bootstrap=_bootstrap(sample, question, estimator),
        brown_forsythe=brown_forsythe(a, b),
        sd_ratio=sd_ratio(a, b),
    )


def coverage_for_normal_data(sample: Sample, estimator: Estimator) -> Coverage:
    """Return the coverage of the t interval of the difference at this number of seeds, for normal data."""
    if is_partial(estimator):
        return _not_simulated(sample)
    name, values = _interval(sample, estimator)
    return coverage_of(name, len(values))


def coverage_at_skewness(sample: Sample, estimator: Estimator) -> Coverage:
    """Return that coverage at the sample's skewness."""
    if is_partial(estimator):
        return _not_simulated(sample)
    name, values = _interval(sample, estimator)
    return indicated_coverage(name, values)


def _not_simulated(sample: Sample) -> Coverage:
    return Coverage(math.nan, math.nan, sample.pairs.shape[1], math.nan, NOT_SIMULATED)


def _interval(sample: Sample, estimator: Estimator) -> tuple[str, Array]:
    """Return the name of the t interval, and the values whose skewness matters to it."""
    if estimator == "welch":
        # The smaller group has the larger standard error, and its skewness the larger effect.
        return "welch", min((sample.a, sample.b), key=len)
    x, y = sample.pairs
    return "t", x - y


def _bootstrap(sample: Sample, question: Question, estimator: Estimator) -> BootstrapInterval:
    """Return the studentised interval where it holds."""
    if is_partial(estimator):
        return without_bootstrap("there is none of partly shared seeds")
    _, values = _interval(sample, estimator)
    name, a, b = "studentised_difference", sample.a, sample.b
    is_paired = estimator == "paired"
    if is_paired:
        name = "studentised_mean"
        a, b = sample.pairs
    n = len(values)
    if not holds(name, n):
        return without_bootstrap(f"at n = {n} its simulated coverage is not known to hold")
    return bootstrap_difference(a, b, paired=is_paired, seed=question.draw)

"""How large a difference is, in units that do not depend on the metric's."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ired_diag.comparison.margin import without_share
from ired_diag.comparison.sample import Question, Sample
from ired_diag.stats.dominance import Dominance, dominance
from ired_diag.stats.hedges import StandardisedDifference, paired_samples_effect, two_sample_effect
from ired_diag.stats.improvement import Improvement, improvement_paired, improvement_unpaired
from ired_diag.stats.pairing_design import Estimator
from ired_diag.stats.ratio import Ratio
from ired_diag.stats.ratio_of_means import paired_ratio_of_means, ratio_of_two_means


@dataclass(frozen=True)
class Sizes:
    """How large the difference is, in units that do not depend on the metric's.

    Attributes:
        hedges: Hedges' g, in pooled standard deviations.
        paired: In standard deviations of the differences of the pairs of equal seeds; NaN with a reason where
            they are not pairs.
        ratio: Mean of a over mean of b, with Fieller's interval; NaN where values have both signs, or a mean
            lies within its scatter of 0.
        dominance: Cliff's δ and A12.
        improvement: Probability that a seed of a is better than one of b: of the same seed where paired.
    """

    hedges: StandardisedDifference
    paired: StandardisedDifference
    ratio: Ratio
    dominance: Dominance
    improvement: Improvement


def sizes_of(sample: Sample, question: Question, estimator: Estimator) -> Sizes:
    """Return how large the difference of two groups is.

    Args:
        sample: The numbers of both groups.
        question: How to compare.
        estimator: Which t test gives the difference of means.
    """
    of_pairs = paired_samples_effect(*sample.paired)
    if sample.obstacle:
        of_pairs = replace(of_pairs, reason=f"not paired: {sample.obstacle}")
    return Sizes(
        hedges=two_sample_effect(sample.a, sample.b),
        paired=of_pairs,
        ratio=_ratio(sample, estimator),
        dominance=dominance(sample.a, sample.b),
        improvement=_improvement(sample, question, estimator),
    )


def _improvement(sample: Sample, question: Question, estimator: Estimator) -> Improvement:
    lower = question.lower_is_better
    if estimator == "paired":
        return improvement_paired(*sample.paired, lower_is_better=lower)
    return improvement_unpaired(sample.a, sample.b, lower_is_better=lower)


def _ratio(sample: Sample, estimator: Estimator) -> Ratio:
    # Fieller's interval needs a denominator away from 0.
    reason = without_share(sample.a, sample.b)
    if reason:
        n = min(len(sample.a), len(sample.b))
        return Ratio(math.nan, math.nan, math.nan, n, reason)
    if estimator == "paired":
        return paired_ratio_of_means(*sample.pairs)
    return ratio_of_two_means(sample.a, sample.b)

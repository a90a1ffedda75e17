"""What two groups' seeds can show: the posterior of their difference against the margin, and their power.

Where seeds failed, a difference among those that finished answers neither question, and both are withheld.
"""

from __future__ import annotations

import math

from ired_diag.comparison.deciding import AMONG_FINISHED, Deciding
from ired_diag.comparison.sample import Sample
from ired_diag.stats.bayes_t import Posterior, paired_posterior, posterior_of_mean, two_sample_posterior
from ired_diag.stats.pairing_design import is_partial
from ired_diag.stats.power import SeedsNeeded, paired_seeds_needed, seeds_needed, two_sample_seeds_needed
from ired_diag.stats.standard_error import paired_difference


def posterior_of(sample: Sample, deciding: Deciding) -> Posterior:
    """Return the probabilities that the difference lies below, inside and above the margin."""
    margin, estimator, nan = deciding.margin, deciding.estimator, math.nan
    if any(sample.failed):
        return Posterior(
            difference=deciding.difference,
            rope=margin,
            below=nan,
            inside=nan,
            above=nan,
            low=nan,
            high=nan,
            n=deciding.mean.n,
            reason=AMONG_FINISHED,
        )
    if estimator == "paired":
        return paired_posterior(*sample.pairs, rope=margin)
    if is_partial(estimator):
        return posterior_of_mean(deciding.mean, rope=margin)
    return two_sample_posterior(sample.a, sample.b, rope=margin)


def power_of_seeds(sample: Sample, deciding: Deciding) -> SeedsNeeded:
    """Return what these seeds can show, and how many would be needed."""
    margin, estimator, nan = deciding.margin, deciding.estimator, math.nan
    if any(sample.failed):
        return SeedsNeeded(
            detectable=nan,
            power_at_margin=nan,
            at_margin=nan,
            at_margin_low=nan,
            at_margin_high=nan,
            at_observed=nan,
            at_observed_low=nan,
            at_observed_high=nan,
            n=deciding.mean.n,
            reason=AMONG_FINISHED,
        )
    if estimator == "paired":
        return paired_seeds_needed(*sample.pairs, margin=margin)
    if is_partial(estimator):
        pairs = paired_difference(*sample.pairs)
        sd_of_differences = pairs.standard_error * math.sqrt(pairs.n)
        return seeds_needed(deciding.mean, sd_of_differences, margin=margin)
    return two_sample_seeds_needed(sample.a, sample.b, margin=margin)

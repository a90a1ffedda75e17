"""Intervals of the standard deviations into which the spread of seeds is split (``stats.noise_split``).

Of one evaluation, with ν = n (k_eff - 1) degrees of freedom, that of a normal standard deviation,

    σ_e √(ν / χ²_{ν, 0.975})  to  σ_e √(ν / χ²_{ν, 0.025}).

Of the seeds, the ends of the intraclass correlation ρ turned into σ_s = σ_e √(ρ / (1 - ρ)), a negative end
as 0. That takes σ_e as known, which it nearly is: it rests on n k_eff evaluations, the seeds on n.

Both are approximate where successive evaluations resemble each other.

Reference: Searle, Casella & McCulloch (1992), Variance Components, section 3.5d.
"""

from __future__ import annotations

import math

import scipy  # its parts are imported when they are first used

from ired_diag.stats.noise_split import NoiseSplit

Ends = tuple[float, float]
UNKNOWN: Ends = (math.nan, math.nan)


def evaluation_sd_interval(split: NoiseSplit) -> Ends:
    """Return the ends of the interval of σ_e; NaN where the split or its degrees of freedom are unknown."""
    freedom = split.seeds * (split.effective_evaluations - 1)
    if not freedom > 0:
        return UNKNOWN
    tail = (1 - split.confidence) / 2
    upper = scipy.stats.chi2.isf(tail, freedom)
    lower = scipy.stats.chi2.ppf(tail, freedom)
    shrunk = math.sqrt(freedom / upper)
    stretched = math.sqrt(freedom / lower)
    low = split.evaluation_sd * shrunk
    high = split.evaluation_sd * stretched
    return low, high


def seed_sd_interval(split: NoiseSplit) -> Ends:
    """Return the ends of the interval of σ_s; NaN where that of the intraclass correlation is."""
    low = _seed_sd(split.low, split.evaluation_sd)
    high = _seed_sd(split.high, split.evaluation_sd)
    return low, high


def _seed_sd(correlation: float, evaluation_sd: float) -> float:
    if math.isnan(correlation):
        return math.nan
    if correlation >= 1:
        return math.inf
    share = max(0.0, correlation)
    return evaluation_sd * math.sqrt(share / (1 - share))

"""Quantiles that two-sided intervals reach to: Student's t and the standard normal distribution."""

from __future__ import annotations

import scipy  # its parts are imported when they are first used


def normal_quantile(confidence: float) -> float:
    """Return how many standard errors a normal interval reaches to each side.

    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    return float(-scipy.special.ndtri((1 - confidence) / 2))


def t_quantile(confidence: float, df: float) -> float:
    """Return how many standard errors a t interval with df degrees of freedom reaches to each side.

    >>> round(t_quantile(0.95, 9), 6)
    2.262157
    """
    return float(scipy.special.stdtrit(df, (1 + confidence) / 2))

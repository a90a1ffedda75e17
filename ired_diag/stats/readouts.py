"""Readouts: one number from a learning curve, on which a comparison can turn.

    last          v_n                               one evaluation with all its noise
    best          min or max of v                   the luckiest of n: the larger n, the more it flatters
    mean of last  (v_{n-k+1} + … + v_n) / k
    plateau mean  mean of all from the plateau on
    area          ∫ v ds / (s_n - s_1)              trapezoid rule: the mean over training, speed included

All are in the unit of the values, also the area: it is divided by the span of the steps. A readout that
would use an evaluation that is not finite is NaN and says so.

Reference: Press et al. (2007), Numerical Recipes, section 4.1 (trapezoid rule).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import Array, as_floats
from ired_diag.stats.defects import left_out


@dataclass(frozen=True)
class Readout:
    """What is read off a curve.

    Attributes:
        value: In the unit of the curve.
        first: Step of the first evaluation that it uses.
        last: Step of the last one.
        n: How many evaluations it uses.
        reason: Why it is NaN.
    """

    value: float
    first: float
    last: float
    n: int
    reason: str = ""


def last(steps: ArrayLike, values: ArrayLike) -> Readout:
    """Return the last evaluation.

    Args:
        steps: Steps of the evaluations, of shape (n,), increasing.
        values: Values of the evaluations, of the same shape.

    >>> last([10, 20], [0.5, 0.25])
    Readout(value=0.25, first=20.0, last=20.0, n=1, reason='')
    """
    return mean_of_last(steps, values, 1)


def best(steps: ArrayLike, values: ArrayLike, *, lower_is_better: bool = True) -> Readout:
    """Return the best evaluation, with the step at which it first occurs.

    Args:
        steps: Steps of the evaluations, of shape (n,), increasing.
        values: Values of the evaluations, of the same shape; one that is not finite could have been the
            best, or diverged: NaN.
        lower_is_better: Whether the smallest value is the best.
    """
    s, v = _curve(steps, values)
    if reason := _lacking(v):
        return _undefined(reason)
    index = int(np.argmin(v)) if lower_is_better else int(np.argmax(v))
    step = float(s[index])
    return Readout(value=float(v[index]), first=step, last=step, n=1)


def mean_of_last(steps: ArrayLike, values: ArrayLike, k: int) -> Readout:
    """Return the mean of the last k evaluations.

    Args:
        steps: Steps of the evaluations, of shape (n,), increasing.
        values: Values of the evaluations, of the same shape.
        k: From 1 to n; NaN with a reason where the curve is shorter.
    """
    s, v = _curve(steps, values)
    if k < 1:
        raise ValueError(f"expected a mean of at least 1 evaluation, got k = {k!r}")
    if len(v) < k:
        return _undefined(f"the curve has {len(v)} of the {k} evaluations needed")
    return _mean(s[-k:], v[-k:])


def plateau_mean(steps: ArrayLike, values: ArrayLike, start: int | None) -> Readout:
    """Return the mean of all evaluations from the plateau's first one on.

    Args:
        steps: Steps of the evaluations, of shape (n,), increasing.
        values: Values of the evaluations, of the same shape.
        start: Index of that evaluation, None where there is no plateau.
    """
    s, v = _curve(steps, values)
    if start is None:
        return _undefined("no plateau")
    if not 0 <= start < max(len(v), 1):
        raise ValueError(f"expected a plateau that starts at one of {len(v)} evaluations, got {start!r}")
    return _mean(s[start:], v[start:])


def area_under_curve(steps: ArrayLike, values: ArrayLike) -> Readout:
    """Return the area under the curve over the span of its steps, in the unit of the values.

    Args:
        steps: Steps of the evaluations, of shape (n,), increasing; spacings may differ.
        values: Values of the evaluations, of the same shape.

    >>> area_under_curve([0, 1, 3], [4.0, 2.0, 2.0]).value  # (3 + 4) / 3
    2.3333333333333335
    """
    s, v = _curve(steps, values)
    if len(v) == 1:
        return _undefined("one evaluation has no area under it")
    if reason := _lacking(v):
        return _undefined(reason)
    first = float(s[0])
    last = float(s[-1])
    span = float(s[-1] - s[0])
    area = float(np.trapezoid(v, s)) / span
    return Readout(value=area, first=first, last=last, n=len(v))


def _curve(steps: ArrayLike, values: ArrayLike) -> tuple[Array, Array]:
    s = as_floats(steps)
    v = as_floats(values)
    if s.shape != v.shape:
        raise ValueError(f"a curve needs as many steps as values, found {len(s)} and {len(v)}")
    if (s[1:] <= s[:-1]).any():
        raise ValueError("the steps of a curve must increase")
    return s, v


def _mean(s: Array, v: Array) -> Readout:
    if reason := _lacking(v):
        return _undefined(reason)
    first = float(s[0])
    last = float(s[-1])
    return Readout(value=float(v.mean()), first=first, last=last, n=len(v))


def _lacking(v: Array) -> str:
    """Say why these evaluations give no number."""
    if not len(v):
        return "no evaluations"
    lost = int((~np.isfinite(v)).sum())
    verb = "is" if lost == 1 else "are"
    return left_out(lost, len(v), f"evaluations {verb} not finite")


def _undefined(reason: str) -> Readout:
    return Readout(
        value=math.nan,
        first=math.nan,
        last=math.nan,
        n=0,
        reason=reason,
    )

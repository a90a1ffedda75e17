"""Time to a threshold: when was a learning curve first as good as that, and when for good?

Noise touches a threshold before the level is there. So three steps are told: the first evaluation that is
as good; the first from which the median of three is; and the first from which every later median of three is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.curves.nats import curve_of
from ired_diag.curves.valley import median_of_three


@dataclass(frozen=True)
class TimeTo:
    """When a threshold was reached; None where it was not.

    Attributes:
        touched: The first step with a value as good.
        reached: The first step around which the median of three is as good.
        kept: The first step from which that holds to the end.
    """

    touched: float | None
    reached: float | None
    kept: float | None


def time_to(steps: ArrayLike, values: ArrayLike, threshold: float, *, lower_is_better: bool = True) -> TimeTo:
    """Return when a curve reached a threshold.

    Args:
        steps: Of shape (n,), increasing.
        values: Of shape (n,); what is not finite is not as good.
        threshold: In the curve's unit.
        lower_is_better: The direction in which the curve improves.

    >>> time_to([1, 2, 3, 4, 5], [9.0, 1.0, 5.0, 1.0, 1.0], 2.0)
    TimeTo(touched=2.0, reached=3.0, kept=3.0)
    """
    curve = curve_of(steps, values, lower_is_better=lower_is_better)
    sign = 1.0 if lower_is_better else -1.0
    x = np.where(np.isfinite(curve.values), sign * curve.values, np.inf)
    touches = np.flatnonzero(x <= sign * threshold)
    good = median_of_three(x) <= sign * threshold
    reaches, misses = np.flatnonzero(good), np.flatnonzero(~good)
    since = int(misses[-1]) + 1 if len(misses) else 0
    firsts = (touches[:1], reaches[:1], np.arange(since, len(x))[:1])
    return TimeTo(*(float(curve.steps[i[0]]) if len(i) else None for i in firsts))

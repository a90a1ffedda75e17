"""Why samples cannot be compared: too few values, values that are no numbers, pairs that do not pair.

A value that is not finite is never dropped here: a run that diverged is a result, and leaving it out would
flatter what it belongs to. Who wants it dropped does so before, and says so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.stats.arrays import Array, as_floats

Sample = Array
ROUNDING = 16 * np.finfo(np.float64).eps
CONSTANT = "both samples are constant"
SAME_AMOUNT = "all pairs differ by the same amount"
SMALLEST_SPREAD = 1e-150  # its square is 1e-300, close to the smallest number


def as_sample(values: ArrayLike) -> Sample:
    """Return values as an array of shape (n,)."""
    return as_floats(values).reshape(-1)


def defect_of(*samples: Sample, fewest: int = 2, paired: bool = False) -> str:
    """Return why the samples cannot be compared, or nothing where they can.

    Args:
        samples: Each of shape (n_j,).
        fewest: Values that each must have.
        paired: Whether the i-th values belong together.

    >>> defect_of(as_sample([1.0, 2.0]), as_sample([1.0]))
    '2 and 1 values: at least 2 of each are needed'
    """
    sizes = [len(x) for x in samples]
    listed = " and ".join(map(str, sizes))
    if paired and len(set(sizes)) > 1:
        return f"pairs need samples of one size, found {listed}"
    if min(sizes) < fewest:
        plural = "" if sizes == [1] else "s"
        each = " of each" if len(sizes) > 1 else ""
        return f"{listed} value{plural}: at least {fewest}{each} are needed"
    lost = 0
    for x in samples:
        lost += int((~np.isfinite(x)).sum())
    return left_out(lost, sum(sizes), "values are not finite")


def left_out(lost: int, total: int, defect: str) -> str:
    """Return how many of a number are left out and why; nothing where none are.

    >>> left_out(1, 3, "values are not finite"), left_out(0, 3, "values are not finite")
    ('1 of 3 values are not finite', '')
    """
    if lost == 0:
        return ""
    return f"{lost} of {total} {defect}"


def joined(*reasons: str) -> str:
    """Return the reasons that are not empty, as one."""
    return "; ".join(filter(None, reasons))


def is_constant(x: Sample, *, scale: float) -> bool:
    """Say whether a sample varies by no more than the rounding of numbers of size ``scale``.

    A spread whose square is no floating number cannot be divided by, and counts as none.
    """
    return bool(np.ptp(x) <= max(ROUNDING * scale, SMALLEST_SPREAD))

"""The part of an axis in which distributions lie: one value far out would squeeze all others into a sliver.

The axis holds all but 1% of all values at each end, of every sample all but a tenth at each end, and a
margin. Where all values need little more, it shows them all. How many lie beyond is for the caption.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

import numpy as np

from ired_diag.drawing.data import Scale
from ired_diag.drawing.distribution_forms import Sample, off_axis, on_axis

Samples = Mapping[int, Mapping[str, Sample]]  # by noise level, then by name
Range = tuple[float, float]

OF_ALL, OF_EACH = (0.01, 0.99), (0.1, 0.9)  # shares of all values, and of those of each sample
MARGIN = 0.08  # of the length of the axis, at each end
MUCH_MORE = 1.8  # times as long an axis for all values is still taken


def central_range(samples: Samples, scale: Scale) -> Range | None:
    """Return the ends of an axis for the middle of all samples; None where an axis can show all values."""
    inner = []
    every = []
    for sample in chain.from_iterable(part.values() for part in samples.values()):
        if len(sample.values):
            x = on_axis(sample.values, scale)
            inner.append(np.quantile(x, OF_EACH))
            every.append(x)
    if not inner:
        return None
    pooled = np.concatenate(every)
    inner.append(np.quantile(pooled, OF_ALL))
    low, high = np.min(inner), np.max(inner)
    least, most = np.min(pooled), np.max(pooled)
    margin = MARGIN * (high - low)
    if most - least <= MUCH_MORE * (high - low) or not margin > 0:
        return None
    ends = off_axis(np.array([max(low, least) - margin, min(high, most) + margin]), scale)
    return float(ends[0]), float(ends[1])


def beyond_in_words(samples: Samples, ends: Range | None) -> str:
    """Return how many values lie beyond the ends of the axis; empty where none does."""
    if ends is None:
        return ""
    count = total = 0
    for sample in chain.from_iterable(part.values() for part in samples.values()):
        count += int(((sample.values < ends[0]) | (sample.values > ends[1])).sum())
        total += sample.n
    if not count:
        return ""
    return f"The axis ends before the outermost {count} of all {total} values, which are counted."

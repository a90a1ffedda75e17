"""Three forms of a distribution: the empirical one, a violin, a histogram with bins that all kinds share.

    ECDF:       F(x) = share of all values at or below x; no choice in it, hence the default
    violin:     Gaussian kernels of width h = 0.9 min(sd, IQR / 1.34) n^(-1/5) on the axis' own scale, cut at
                the smallest and largest value; each as wide at its mode as the others; fewer than
                20 values are drawn as points
    histogram:  bins of 2 IQR n^(-1/3) on the axis' own scale, of all kinds together

What an axis has no place for counts all the same: infinite values, and on a logarithmic axis those at or
below 0. They are part of every share, F starts above 0 or ends below 1, and their number is told. NaN is no
value; its number is told, too.

References: Silverman (1986), Density Estimation, section 3.4.2; Freedman & Diaconis (1981), On the Histogram
as a Density Estimator.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ired_diag.figures.data import Line, Outline, Scale, Segment

Array = NDArray[np.float64]

MOST_POINTS = 600  # of an ECDF: so many cannot be told from all at the width of a page
MOST_BINS = 60  # heavy tails ask for more than can be seen
GRID = 120  # points of a violin's side
FEWEST = 20  # values, for the shape of a violin: of fewer it would be the kernel's
HALF_WIDTH = 0.4  # of a violin at its mode; violins stand 1 apart


@dataclass(frozen=True)
class Sample:
    """The values of one kind, as an axis can show them.

    Attributes:
        values: Those with a place on the axis, ascending.
        below: How many lie below it: -inf, and on a logarithmic axis all at or below 0.
        above: How many are +inf.
        lost: How many are NaN.
    """

    values: Array
    below: int = 0
    above: int = 0
    lost: int = 0

    @classmethod
    def of(cls, values: ArrayLike, scale: Scale = "linear") -> Sample:
        """Return the values sorted into those with a place on the axis and those without.

        >>> Sample.of([3.0, 0.0, math.inf, math.nan], "log")
        Sample(values=array([3.]), below=1, above=1, lost=1)
        """
        x = np.asarray(values, dtype=np.float64)
        known = x[~np.isnan(x)]
        least = 0.0 if scale == "log" else -math.inf
        placed = (known > least) & (known < math.inf)
        below = int((known <= least).sum())
        above = int((known == math.inf).sum())
        return cls(np.sort(known[placed]), below, above, len(x) - len(known))

    @property
    def n(self) -> int:
        """How many values there are, NaN not counted."""
        return len(self.values) + self.below + self.above

    def quantile(self, share: float) -> float:
        """Return an order statistic of all values; -inf or inf where it has no place on the axis."""
        if not self.n:
            return math.nan
        place = round(share * (self.n - 1)) - self.below
        if place < 0:
            return -math.inf
        return float(self.values[place]) if place < len(self.values) else math.inf


def ecdf(name: str, sample: Sample) -> Line:
    """Return the share of all values at or below each, as steps; at ``MOST_POINTS`` values at most."""
    x, counts = np.unique(sample.values, return_counts=True)
    below = sample.below + np.cumsum(counts)
    if len(x) > MOST_POINTS:
        kept = np.unique(np.linspace(0, len(x) - 1, MOST_POINTS).round().astype(np.int64))
        x, below = x[kept], below[kept]
    if not len(x):
        return Line(name, x, x, drawn="steps")
    share = np.concatenate([[sample.below], below]) / sample.n
    return Line(name, np.concatenate([x[:1], x]), share, drawn="steps")


def shared_edges(samples: Sequence[Sample], scale: Scale) -> Array:
    """Return the edges of bins for all kinds together; two where all values are equal, none without any."""
    pooled = np.concatenate([sample.values for sample in samples]) if samples else np.array([])
    if not len(pooled):
        return pooled
    x = _on_axis(np.sort(pooled), scale)
    extent, width = float(x[-1] - x[0]), _freedman_diaconis(x)
    if extent <= 0:
        return _off_axis(x[0] + np.array([-0.5, 0.5]), scale)
    bins = min(MOST_BINS, max(1, math.ceil(extent / width))) if width > 0 else MOST_BINS
    edges = _off_axis(np.linspace(x[0], x[-1], bins + 1), scale)
    edges[0], edges[-1] = min(edges[0], pooled.min()), max(edges[-1], pooled.max())  # against rounding
    return edges


def histogram(name: str, sample: Sample, edges: Array) -> Line:
    """Return the share of all values in each bin, as steps that end at 0."""
    counts, _ = np.histogram(sample.values, edges)
    return Line(name, edges, np.append(counts, 0) / max(sample.n, 1), drawn="steps")


@dataclass(frozen=True)
class Violin:
    """A violin, its quartiles, and how wide its kernels are.

    Attributes:
        outline: Its shape; None of few values, or where all are the same.
        points: The values themselves, where they are few.
        segments: From the lower to the upper quartile, bold, and across at the median.
        bandwidth: h, in the unit of the axis: decades on a logarithmic one.
    """

    outline: Outline | None
    points: Line | None
    segments: tuple[Segment, ...]
    bandwidth: float


def violin(name: str, sample: Sample, place: float, scale: Scale) -> Violin:
    """Return a violin that stands at a place of the x axis."""
    x = _on_axis(sample.values, scale)
    if not len(x):
        return Violin(None, None, (), math.nan)
    ends = float(sample.values[0]), float(sample.values[-1])
    low, middle, high = (min(max(sample.quantile(q), ends[0]), ends[1]) for q in (0.25, 0.5, 0.75))
    segments = (
        Segment((place, place), (low, high), bold=True),
        Segment((place - HALF_WIDTH / 2, place + HALF_WIDTH / 2), (middle, middle)),
    )
    if len(x) < FEWEST:
        points = Line(name, np.full(len(x), place), sample.values, drawn="points")
        return Violin(None, points, segments[1:], math.nan)
    h = _silverman(x)
    if not h > 0:
        return Violin(None, None, segments, h)
    grid = np.linspace(x[0], x[-1], GRID)
    density = np.exp(-0.5 * ((grid[:, None] - x) / h) ** 2).sum(axis=1)
    half = HALF_WIDTH * density / density.max()
    sides = np.concatenate([place - half, (place + half)[::-1]])
    along = _off_axis(grid, scale)
    outline = Outline(name, sides, np.concatenate([along, along[::-1]]))
    return Violin(outline, None, segments, h)


def _on_axis(values: Array, scale: Scale) -> Array:
    return np.log10(values) if scale == "log" else values


def _off_axis(places: Array, scale: Scale) -> Array:
    return 10.0**places if scale == "log" else places


def _silverman(x: Array) -> float:
    """Return the width of the kernels; 0 where the values do not differ."""
    sd = float(x.std(ddof=1)) if len(x) > 1 else 0.0
    spread = _quartile_range(x) / 1.34
    return float(0.9 * (min(sd, spread) if spread > 0 else sd) * len(x) ** -0.2)


def _freedman_diaconis(x: Array) -> float:
    """Return the width of a bin; 0 where half of the values are the same."""
    return float(2 * _quartile_range(x) * len(x) ** (-1 / 3))


def _quartile_range(x: Array) -> float:
    low, high = np.quantile(x, (0.25, 0.75)).tolist()
    return float(high - low)

"""Three forms of a distribution: the empirical one, a violin, a histogram with bins that all kinds share.

    ECDF:       F(x) = share of all values at or below x; no choice in it, hence the default
    violin:     Gaussian kernels of width h = 0.9 min(sd, IQR / 1.34) n^(-1/5) on the axis' own scale, cut at
                the smallest and largest value; each as wide at its mode as the others; fewer than
                20 values are drawn as points
    histogram:  bins of 2 IQR n^(-1/3) on the axis' own scale, of all kinds together

What an axis has no place for counts all the same: infinite values, and on a logarithmic axis those at or
below 0. They are part of every share, F starts above 0 or ends below 1, and the caption states their number.
NaN is not a value; the caption states its number, too.

References: Silverman (1986), Density Estimation, section 3.4.2; Freedman & Diaconis (1981), On the Histogram
as a Density Estimator.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ired_diag.drawing.data import Line, Outline, Scale, Segment

Array = NDArray[np.float64]

MOST_POINTS = 600  # of an ECDF: so many look like all at the width of a page
MOST_BINS = 60  # heavy tails ask for more than can be seen
GRID = 120  # points of a violin's side
FEWEST = 20  # values, for the shape of a violin: of fewer it would be the kernel's
HALF_WIDTH = 0.4  # of a violin at its mode; violins stand 1 apart


@dataclass(frozen=True)
class Sample:
    """The values of one kind, as an axis can show them.

    Attributes:
        values: Values with a place on the axis, ascending.
        below: Number of values below the axis: -inf, and on a logarithmic axis all at or below 0.
        above: Number of values that are +inf.
        lost: Number of values that are NaN.
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
        array = np.asarray(values, dtype=np.float64)
        numbers = array[~np.isnan(array)]
        least = 0.0 if scale == "log" else -math.inf
        is_below = numbers <= least
        is_above = numbers == math.inf
        placed = numbers[~is_below & ~is_above]
        return cls(
            values=np.sort(placed),
            below=int(is_below.sum()),
            above=int(is_above.sum()),
            lost=len(array) - len(numbers),
        )

    @property
    def n(self) -> int:
        """How many values there are, NaN not counted."""
        return len(self.values) + self.below + self.above

    def quantile(self, share: float) -> float:
        """Return an order statistic of all values; -inf or inf where it has no place on the axis."""
        if not self.n:
            return math.nan
        rank = round(share * (self.n - 1))
        place = rank - self.below
        if place < 0:
            return -math.inf
        if place >= len(self.values):
            return math.inf
        return float(self.values[place])


def ecdf(name: str, sample: Sample) -> Line:
    """Return the share of all values at or below each, as steps; at ``MOST_POINTS`` values at most."""
    x, counts = np.unique(sample.values, return_counts=True)
    below = sample.below + np.cumsum(counts)
    if not len(x):
        return Line(name, x, x, drawn="steps")
    if len(x) > MOST_POINTS:
        evenly = np.linspace(0, len(x) - 1, MOST_POINTS)
        kept = np.unique(evenly.round().astype(np.int64))
        x = x[kept]
        below = below[kept]
    places = np.concatenate([x[:1], x])
    counted = np.concatenate([[sample.below], below])
    share = counted / sample.n
    return Line(name, places, share, drawn="steps")


def shared_edges(samples: Sequence[Sample], scale: Scale, ends: tuple[float, float] | None = None) -> Array:
    """Return the edges of bins for all samples together; two where all values are equal, none without any.

    Args:
        samples: The samples.
        scale: Scale of the axis.
        ends: Ends of the axis, beyond which there are no bins. Default: the smallest and the largest value.
    """
    if not samples:
        return np.array([])
    values = np.concatenate([sample.values for sample in samples])
    pooled = np.sort(values)
    if ends is not None:
        pooled = pooled[(pooled >= ends[0]) & (pooled <= ends[1])]
    if not len(pooled):
        return pooled
    x = on_axis(pooled, scale)
    first = x[0]
    last = x[-1]
    if last <= first:
        around = first + np.array([-0.5, 0.5])
        return off_axis(around, scale)
    places = np.linspace(first, last, _bins(x) + 1)
    edges = off_axis(places, scale)
    # Rounding may leave the smallest or the largest value outside.
    edges[0] = min(edges[0], pooled[0])
    edges[-1] = max(edges[-1], pooled[-1])
    return edges


def _bins(x: Array) -> int:
    """Return the number of bins, by Freedman and Diaconis, for sorted places on an axis."""
    width = _freedman_diaconis(x)
    if width <= 0:
        return MOST_BINS
    extent = float(x[-1] - x[0])
    needed = max(1, math.ceil(extent / width))
    return min(MOST_BINS, needed)


def histogram(name: str, sample: Sample, edges: Array) -> Line:
    """Return the share of all values in each bin, as steps that end at 0."""
    counts, _ = np.histogram(sample.values, edges)
    until_zero = np.append(counts, 0)
    share = until_zero / max(sample.n, 1)
    return Line(name, edges, share, drawn="steps")


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
    x = on_axis(sample.values, scale)
    if not len(x):
        return Violin(
            outline=None,
            points=None,
            segments=(),
            bandwidth=math.nan,
        )
    quartiles, median = _quartile_segments(sample, place)
    if len(x) < FEWEST:
        same_place = np.full(len(x), place)
        return Violin(
            outline=None,
            points=Line(name, same_place, sample.values, drawn="points"),
            segments=(median,),
            bandwidth=math.nan,
        )
    h = _silverman(x)
    outline = None
    if h > 0:
        outline = _outline(
            name,
            x,
            place=place,
            h=h,
            scale=scale,
        )
    return Violin(
        outline=outline,
        points=None,
        segments=(quartiles, median),
        bandwidth=h,
    )


def _quartile_segments(sample: Sample, place: float) -> tuple[Segment, Segment]:
    """Return the bar between the quartiles, and the line across at the median."""
    least = float(sample.values[0])
    most = float(sample.values[-1])
    quantiles = [sample.quantile(share) for share in (0.25, 0.5, 0.75)]
    low, middle, high = np.clip(quantiles, least, most).tolist()
    left = place - HALF_WIDTH / 2
    right = place + HALF_WIDTH / 2
    quartiles = Segment((place, place), (low, high), bold=True)
    median = Segment((left, right), (middle, middle))
    return quartiles, median


def _outline(
    name: str,
    x: Array,
    *,
    place: float,
    h: float,
    scale: Scale,
) -> Outline:
    """Return the density by Gaussian kernels of width h, mirrored to both sides of a place."""
    grid = np.linspace(x[0], x[-1], GRID)
    distances = (grid[:, None] - x) / h
    kernels = np.exp(-0.5 * distances**2)
    density = kernels.sum(axis=1)
    half = HALF_WIDTH * density / density.max()
    along = off_axis(grid, scale)
    left = place - half
    right = place + half
    return Outline(
        name=name,
        x=np.concatenate([left, right[::-1]]),
        y=np.concatenate([along, along[::-1]]),
    )


def on_axis(values: Array, scale: Scale) -> Array:
    """Return where values lie along an axis: the powers of ten on a logarithmic one."""
    if scale == "log":
        return np.log10(values)
    return values


def off_axis(places: Array, scale: Scale) -> Array:
    """Return the values at places along an axis."""
    if scale == "log":
        return 10.0**places
    return places


def _silverman(x: Array) -> float:
    """Return the width of the kernels; 0 where the values do not differ."""
    if len(x) < 2:
        return 0.0
    sd = float(x.std(ddof=1))
    spread = _quartile_range(x) / 1.34
    narrow = sd
    if spread > 0:
        narrow = min(sd, spread)
    return float(0.9 * narrow * len(x) ** -0.2)


def _freedman_diaconis(x: Array) -> float:
    """Return the width of a bin; 0 where half of the values are the same."""
    return float(2 * _quartile_range(x) * len(x) ** (-1 / 3))


def _quartile_range(x: Array) -> float:
    low, high = np.quantile(x, (0.25, 0.75)).tolist()
    return float(high - low)

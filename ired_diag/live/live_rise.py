r"""Does a running loss rise for good? A test that is asked after each evaluation, with one error for the run.

A finished curve shows whether a rise lasted. A running one does not, so a healthy run is described first. On
the scale of ``curves.nats``, with m the level of the lowest evaluations before the rise and σ the standard
deviation of one evaluation,

    1  spikes last three evaluations at most,
    2  the level comes back from twice its floor, or less:    level ≤ m + ln 2,
    3  the noise of an evaluation is Gaussian, or lighter.

After evaluation n the last value y_n is said to be a rise where

    y_n ≥ m + max(ln 3, 3/2 · (largest rise so far), ln 2 + t(α_n) σ̂),      α_n = α / (n (n + 1)),

and the last four evaluations climb, each above the one before, 1.5 times above the floor and by 3σ. The α_n
sum to α, so a healthy run is said to rise with a probability of at most α however often one looks. Where the
last evaluations do not climb (a jump to another level), eight must lie there, more than twice as many as in
the longest excursion that came back, and above the level that was usual before; four are enough where they
differ by a tenth of its height at most and no excursion of two was seen before. Where nothing was won before
the rise, it must be tenfold: a loss often rises at first.

The noise of few evaluations is not known. So σ̂² is the mean of what the running median leaves and of a
baseline, 12%, which counts as 12 evaluations; t is the quantile of as many degrees of freedom.

References: Robbins (1970), Statistical methods related to the law of the iterated logarithm (one error over
all looks); Gelman et al., Bayesian Data Analysis, section 2.6 (a scaled inverse chi-squared baseline).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from ired_diag.curves.nats import FACTOR, Curve
from ired_diag.curves.order_statistics import median, usual_size
from ired_diag.curves.spikes import running_median, without_spikes
from ired_diag.stats.arrays import Array

ALPHA = 0.001  # false alarms per healthy run
FEWEST = 8  # evaluations: four that fall and four that climb are one order of 1152
CLIMB = 4  # evaluations; a spike has three at most
LEVEL = 8  # evaluations of another level; four where they hold still
STILL = 0.1  # of the height of a level: spikes that follow each other differ by more
TIMES, BEARABLE, UNWON = np.log([3.0, 2.0, 10.0])
REPEATED = 1.5  # times the largest rise that was seen so far
CLEAR = 3.0  # standard deviations of one evaluation
BASELINE_SD, BASELINE_COUNT = 0.12, 12  # noise of one evaluation, and how many evaluations it counts as
LOWEST = 8  # the floor is the mean of an eighth of the evaluations
FEWEST_LOWEST = 5  # evaluations of a floor that a jump is measured from
LATELY = 12  # evaluations whose level is the usual one


@dataclass(frozen=True)
class Rise:
    """A rise for good, as far as can be said now.

    Attributes:
        index: The first evaluation that is 1.5 times above the floor, and so are all after it.
        nats: How far above the floor the last evaluation is; e to that power is a factor.
    """

    index: int
    nats: float


@dataclass(frozen=True)
class _Calm:
    """The evaluations before a rise.

    Attributes:
        y: Their values in nats, of shape (n,).
        clean: The same without spikes.
        sd: Standard deviation of one evaluation by themselves.
    """

    y: Array
    clean: Array
    sd: float

    @property
    def free(self) -> int:
        """Degrees of freedom of the standard deviation."""
        return max(0, len(self.y) - CLIMB)

    @property
    def largest_rise(self) -> float:
        """The largest rise between two evaluations, spikes left out."""
        lowest_so_far = np.minimum.accumulate(self.clean)
        return float((self.clean - lowest_so_far).max())

    @property
    def has_won(self) -> bool:
        """Whether the loss came down by 1.5 times or more."""
        best = int(np.argmin(self.clean))
        highest = float(self.clean[: best + 1].max())
        return highest - float(self.clean[best]) >= FACTOR

    def margin(self, alpha: float) -> float:
        """Return how far noise carries an evaluation above its level with a probability of ``alpha``."""
        squares = BASELINE_COUNT * BASELINE_SD**2 + self.free * self.sd**2
        freedom = BASELINE_COUNT + self.free
        quantile = float(stats.t.isf(alpha, freedom))
        return quantile * float(np.sqrt(squares / freedom))


def rise_of(curve: Curve, *, alpha: float = ALPHA) -> Rise | None:
    """Return the rise for good at the end of a curve; None where a healthy run might look like it.

    Args:
        curve: The evaluations so far, in nats.
        alpha: Chance that a healthy run is ever said to rise.

    >>> from ired_diag.curves.nats import curve_of
    >>> losses = [1.82, 1.24, 0.24, 0.11, 0.18, 0.44, 0.83, 1.17]
    >>> rise_of(curve_of(range(8), losses)).index
    4
    """
    n = len(curve)
    if n < FEWEST:
        return None
    y = _worst_where_not_finite(curve.y)
    if y is None or y[-1] - y.min() < TIMES:
        return None
    before = without_spikes(y[:-CLIMB])
    floor = _floor(before, least=1)
    count = _count_above(y, floor + FACTOR)
    if not CLIMB <= count < n:
        return None
    calm = _calm(y[: n - count])
    climbs = bool((np.diff(y[-CLIMB - 1 :]) > 0).all())
    if not climbs:
        floor = _floor(calm.clean, least=FEWEST_LOWEST)
        if not _is_another_level(y, calm, floor):
            return None
    last = y[-CLIMB:]
    if last.min() < floor + max(FACTOR, CLEAR * calm.sd):
        return None
    if not calm.has_won and count < 2 * CLIMB:
        return None
    nats = float(y[-1]) - floor
    if nats < _tolerated(calm, alpha / (n * (n + 1))):
        return None
    return Rise(index=n - count, nats=nats)


def _worst_where_not_finite(y: Array) -> Array | None:
    """Return a curve whose values that are not finite are as bad as its worst; None of one without any."""
    is_finite = np.isfinite(y)
    if is_finite.all():
        return y
    if not is_finite.any():
        return None
    return np.where(is_finite, y, y[is_finite].max())


def _floor(clean: Array, *, least: int) -> float:
    """Return the mean of the lowest eighth of some evaluations, of ``least`` of them at least."""
    count = max(least, len(clean) // LOWEST)
    lowest = np.sort(clean)[:count]
    return float(lowest.mean())


def _count_above(y: Array, bound: float) -> int:
    """Return how many of the last evaluations in a row are above a bound."""
    below = np.flatnonzero(y <= bound)
    if not len(below):
        return len(y)
    return len(y) - 1 - int(below[-1])


def _calm(y: Array) -> _Calm:
    left = y - running_median(y)
    moving = left[left != 0]
    sd = 0.0
    if len(moving):
        sd = usual_size(moving)
    return _Calm(y=y, clean=without_spikes(y), sd=sd)


def _is_another_level(y: Array, calm: _Calm, floor: float) -> bool:
    """Say whether a curve that jumped has been on its new level for long, and it is another one."""
    count = len(y) - len(calm.y)
    clear = max(FACTOR, CLEAR * calm.sd)
    excursion = _longest_excursion(calm.y, floor + clear)
    if count <= 2 * excursion:
        return False
    last = y[-CLIMB:]
    holds_still = np.ptp(last) <= STILL * (median(last) - floor)
    if count < LEVEL and (excursion > 1 or not holds_still):
        return False
    usual = median(calm.clean[-LATELY:])
    now = median(y[-min(count, LEVEL) :])
    return bool(now - usual >= BEARABLE)


def _longest_excursion(y: Array, bound: float) -> int:
    """Return the most evaluations in a row above a bound, between two that are not."""
    below = np.flatnonzero(y <= bound)
    if len(below) < 2:
        return 0
    return int(np.diff(below).max()) - 1


def _tolerated(calm: _Calm, alpha: float) -> float:
    """Return how far above its floor, in nats, a healthy run may be."""
    seen = REPEATED * calm.largest_rise
    noisy = BEARABLE + calm.margin(alpha)
    least = float(TIMES)
    if not calm.has_won:
        least = float(UNWON)
        noisy += UNWON - TIMES
    return max(least, seen, float(noisy))

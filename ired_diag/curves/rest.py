"""Where a curve rests, and whether it still rests at its end.

With σ and φ the noise of one evaluation and its correlation (``wander``), and e(m) the standard error of the
mean of m neighbouring evaluations under them:

    arrival    the first evaluation within 3σ of the best, or σ of the median of the last third
    faded      what shrinks exponentially from 8σ to σ in T evaluations has the time constant τ = T / ln 8,
               and adds τσ to the sum of what follows. After w = τ ln(10 τ / √k) more, k evaluations being
               left, it biases their mean by a tenth of its standard error. Of a sudden drop nothing has to be
               waited for. A single curve gives up half of what is left at most.
    start      the first evaluation from there on after which no block of m = 3, 6, 12 … lies above all that
               follows by 2.7 standard errors
    enough     ten evaluations at least, over 5% of the steps at least
    tail       there is no rest where the last m = 2, 3, 5, 8 … evaluations differ from those before by four
               standard errors and by 0.2%: the most extreme of them is left out, for it may be a spike

Correlated noise makes e(m) larger and the test slower; it is no reason to refuse a rest. A drift too small
for one curve to show is seen in the mean over seeds (``common_plateau``).

Reference: Hall & Van Keilegom (2003), Using difference-based methods for inference in nonparametric
regression with time series errors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ired_diag.curves.nats import Curve
from ired_diag.curves.order_statistics import mean, median
from ired_diag.curves.valley import Valley
from ired_diag.curves.wander import Wander, wander_of
from ired_diag.stats.arrays import Array

FEWEST = 10  # evaluations at rest: the sd of fewer is not known to 25%
SHORTEST = 0.05  # of the steps: many evaluations in a short time are no rest
NEAR, HIGH = 3.0, 8.0
BIAS = 0.1
ABOVE = 2.7
DIFFERENT = 4.0
FINE = 0.001  # nats: of a curve without noise, what is nearer to its best has arrived
LEAST = 0.002  # nats, about 0.2%: a fifth of the usual margin of a comparison
LATE = 0.2  # of the evaluations: a drop that left so few is late
SUDDEN = 5.0  # times what the curve came down in the evaluations before
GROWTH = 1.6


@dataclass(frozen=True, kw_only=True)
class Rest:
    """Where a curve rests.

    Attributes:
        index: The first evaluation at rest; None where the curve does not rest.
        reason: Why it does not rest.
        start: Where it would rest, were its last evaluations like those before; None where it never does.
        tail: How many evaluations at the end differ from those before; 0 where none do.
        tail_change: How much they differ, in nats: negative where they are better.
        tail_errors: The size of that change in standard errors.
    """

    index: int | None
    reason: str = ""
    start: int | None = None
    tail: int = 0
    tail_change: float = 0.0
    tail_errors: float = 0.0


def rest_of(curve: Curve, valley: Valley, *, among: int = 1) -> Rest:
    """Return where a curve rests.

    Args:
        curve: Curve in nats.
        valley: Valley of the same curve.
        among: How many curves are judged together: the more, the likelier one of them differs by chance.
    """
    y = valley.y
    n = len(curve)
    if n < FEWEST:
        plural = "" if n == 1 else "s"
        return _never(f"{n} evaluation{plural}: at least {FEWEST} are needed")
    sigma = max(valley.sigma, valley.wander.sd)
    arrival, faded = _faded(curve, valley, sigma=sigma, bias=BIAS)
    late = round(LATE * n)
    noise = _noise_after(
        y[arrival:],
        sigma,
        end=n - late - arrival,
    )
    middle = arrival + (n - arrival) // 2
    last = n - FEWEST
    latest = max(arrival, min(middle, last))
    factor = np.sqrt(1 + np.log(among))
    start = _without_descent(
        y,
        start=min(faded, latest),
        noise=noise,
        above=ABOVE * factor,
    )
    left = n - start
    if left < FEWEST:
        return _too_late(y, sigma)
    steps = curve.steps
    span = steps[-1] - steps[0]
    at_rest = steps[-1] - steps[start]
    if at_rest < SHORTEST * span:
        share = f"the last {100 * SHORTEST:g}% of its steps"
        return _never(f"it rests too late: only {left} evaluations in {share}")
    tail = _different_tail(y[start:], noise, DIFFERENT * factor)
    if tail.size == 0:
        return Rest(index=start, start=start)
    return _unlike_its_tail(start, tail)


def _unlike_its_tail(start: int, tail: _Tail) -> Rest:
    """Return that a curve would rest, were its last evaluations like those before."""
    direction = "worse" if tail.change > 0 else "better"
    return Rest(
        index=None,
        reason=f"its last {tail.size} evaluations are {direction} than those before",
        start=start,
        tail=tail.size,
        tail_change=tail.change,
        tail_errors=tail.errors,
    )


def _never(reason: str) -> Rest:
    return Rest(index=None, reason=reason)


def faded_descent(
    curve: Curve,
    valley: Valley,
    *,
    bias: float = BIAS,
    coarser: float = 1.0,
) -> int:
    """Return the first evaluation at which an exponential descent has faded; n where none is left.

    Args:
        curve: Curve in nats.
        valley: Valley of the same curve.
        bias: By which share of its standard error it may bias the mean of what follows.
        coarser: How many times the noise of this curve counts as the noise into which it fades.
    """
    sigma = coarser * max(valley.sigma, valley.wander.sd)
    _, faded = _faded(curve, valley, sigma=sigma, bias=bias)
    return faded


def _too_late(y: Array, sigma: float) -> Rest:
    """Return that a curve has not rested for long enough, and whether a sudden drop late on is why."""
    n = len(y)
    never = _never(f"it rests too late: fewer than {FEWEST} evaluations are left")
    if n < 2 * FEWEST:
        return never
    half = n // 2
    early = n - round(LATE * n)
    before = float(np.median(y[half:early]))
    end = float(np.median(y[-2:]))
    middle = (before + end) / 2
    above = np.flatnonzero(y > middle)
    last = n
    if len(above):
        last = n - 1 - int(above[-1])
    if last == 0 or last > LATE * n:
        return never
    calm = y[half : n - last - 1]
    half_of_calm = len(calm) // 2
    first_half = calm[:half_of_calm]
    second_half = calm[half_of_calm:]
    descent = float(np.median(first_half) - np.median(second_half))
    drop = before - end
    if drop > max(DIFFERENT * sigma, SUDDEN * descent):
        return replace(never, tail=last, tail_change=-drop)
    return never


def _noise_after(y: Array, sigma: float, *, end: int) -> Wander:
    """Return the noise of what follows the arrival, by neighbours; white where they are too few.

    Args:
        y: The curve since its arrival.
        sigma: Standard deviation of white noise.
        end: Where to stop if enough are left: a jump at the end would count as noise.
    """
    if end >= 2 * FEWEST:
        y = y[:end]
    noise = wander_of(y, np.zeros(len(y)))
    if noise.sd > 0:
        return noise
    return Wander(sigma, 0.0)


def _faded(
    curve: Curve,
    valley: Valley,
    *,
    sigma: float,
    bias: float,
) -> tuple[int, int]:
    """Return the arrival, and the first evaluation after what is left of the descent has faded."""
    y = valley.y
    steps = curve.steps
    sigma = max(sigma, FINE)
    third = len(y) // 3
    lowest = float(y.min()) + NEAR * sigma
    level = median(y[-third:]) + sigma
    near = max(lowest, level)
    arrival = int(np.argmax(y <= near))
    begin = 0
    before_arrival = y[:arrival]
    high = np.flatnonzero(before_arrival > valley.floor + HIGH * sigma)
    if len(high):
        begin = int(high[-1]) + 1
    descent = steps[arrival] - steps[begin]
    count = arrival - begin
    left = max(1, len(y) - arrival)
    times = 0.0
    if count:
        allowed = bias * np.sqrt(left)
        times = np.log(count / np.log(HIGH) / allowed)
    wait = max(0.0, times) * descent / np.log(HIGH)
    first_step = steps[arrival] + wait
    faded = np.searchsorted(steps, first_step)
    return arrival, int(faded)


def _without_descent(
    y: Array,
    *,
    start: int,
    noise: Wander,
    above: float,
) -> int:
    """Return the first evaluation from ``start`` on after which no first block lies above what follows."""
    n = len(y)
    starts = np.arange(start, n - FEWEST + 1)
    if not len(starts):
        return start
    sums = np.concatenate([[0.0], np.cumsum(y)])
    descending = np.zeros(len(starts), dtype=bool)
    block = 3
    while block <= (n - start) // 2:
        end = n - max(2 * block, FEWEST) + 1  # of the starts that leave room
        room = end - start
        sums_at_start = sums[start:end]
        sums_at_end = sums[start + block : end + block]
        after = n - starts[:room] - block
        first = (sums_at_end - sums_at_start) / block
        following = (sums[n] - sums_at_end) / after
        error_of_first = noise.error_of_mean(block)
        error = np.hypot(error_of_first, noise.errors_of_means(after))
        clear = np.maximum(above * error, LEAST)
        descending[:room] |= first - following > clear
        block *= 2
    settled = np.flatnonzero(~descending)
    if not len(settled):
        return n
    return int(starts[settled[0]])


class _Tail(NamedTuple):
    """The last evaluations that differ most clearly from those before; a size of 0 where none do."""

    clarity: float
    size: int
    change: float
    errors: float


def _different_tail(y: Array, noise: Wander, different: float) -> _Tail:
    clearest = _Tail(1.0, size=0, change=0.0, errors=0.0)
    longest = len(y) // 2
    size = 2.0
    while size <= longest:
        count = round(size)
        tail = _tail_of(y, count, noise=noise, different=different)
        clearest = max(clearest, tail)
        size *= GROWTH
    return clearest


def _tail_of(
    y: Array,
    count: int,
    *,
    noise: Wander,
    different: float,
) -> _Tail:
    before = y[:-count]
    end = y[-count:]
    deviations = end - mean(before)
    extreme = int(np.abs(deviations).argmax())
    before_extreme = deviations[:extreme]
    after_extreme = deviations[extreme + 1 :]
    kept = np.concatenate([before_extreme, after_extreme])
    error_of_end = noise.error_of_mean(len(kept))
    error_before = noise.error_of_mean(len(before))
    error = np.hypot(error_of_end, error_before)
    change = mean(kept)
    clear = max(different * error, LEAST)
    errors = np.inf
    if error > 0:
        errors = abs(change) / float(error)
    return _Tail(
        clarity=abs(change) / clear,
        size=count,
        change=change,
        errors=errors,
    )

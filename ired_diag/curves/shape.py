"""The shape of a learning curve: what has happened to this training, in one word?

The verdict is a function of the evaluations so far, so it can be asked at any time. In this order:

    diverged    it ends not finite
    too_short   fewer than 3 evaluations; or fewer than 8, and nothing below has happened
    diverged    a lasting rise above its floor of ln 1.5 nats (1.5 times) or more, by two standard errors
    regressed   another lasting rise: of 5%, or of a tenth of all that was won if that was 2% at least, or of
                a twentieth where that is thirty times the noise
    unstable    it swings up and down by 1.5 times, twice or more, and a tenth of its evaluations is
                as far above the closest curve that falls and rises
    improving   at the pace of its end, as many steps again would win another 5%, or a fifth of all that was
                won if that is 2%; or its last evaluations are better than the rest of it; or each of 3
                evaluations is 5% better than the one before
    stuck       it has won less than 5% (2% where higher is better: such metrics are bounded, and what is won
                is small; 2.5% where that is thirty times the noise), or nothing beyond noise
    no_trend    the same of a metric that is negative or crosses 0, where a percentage means nothing
    converged   otherwise: it came down and rests

A rise lasts while no median of three comes back to the floor (``valley``), or where the mean of what follows
is higher beyond noise (``shift``). How large it must be, ``rise`` says; how large a gain must be, ``gain``.
A rise from which the curve has come down by half, and still comes down, is a hump: improving. Units drop out
(``nats``); names and lengths are not looked at, and nothing is to be set.

An evaluation that is not finite, with finite ones after it, is a gap: the others are judged.

The same judgement says where the curve rests (``rest``): only one that converged, is stuck or has no trend
does. A last evaluation that jumps, alone, ends no improvement: then the curve is judged without it, and said
to end in a spike. Of a curve with warm restarts (``restarts``) the ends of the cycles are judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ired_diag.curves.coarse import block_length, coarse
from ired_diag.curves.gain import (
    FAINT,
    SEEN,
    has_gained,
    is_at_its_bound,
    is_improving,
)
from ired_diag.curves.lasting_rise import valley_of
from ired_diag.curves.late_jump import late_jump
from ired_diag.curves.nats import FACTOR, Curve, curve_of
from ired_diag.curves.onset import Onset, at_evaluation, onset_in
from ired_diag.curves.pace import Pace, pace_of
from ired_diag.curves.remembered import remembered
from ired_diag.curves.rest import Rest, rest_of
from ired_diag.curves.restarts import cycle_ends, noise_at_ends, restarts_in
from ired_diag.curves.rise import is_divergence, is_recovering, is_regression
from ired_diag.curves.spikes import ends_in_spike, jumps_at_end
from ired_diag.curves.valley import Valley
from ired_diag.stats.arrays import Array

Word = Literal[
    "converged",
    "improving",
    "diverged",
    "regressed",
    "stuck",
    "no_trend",
    "unstable",
    "too_short",
]

FEWEST = 3  # evaluations; of so few each must be 5% better: one in six orders falls by chance alone
FEWEST_FOR_A_RISE = 4
FEWEST_AT_REST = 8
LONG_ENOUGH = 72  # evaluations: a sixth of them is 12
SWINGS = 2
CLEAR_OF_CYCLES = 4.0  # standard deviations of one evaluation at the end of a cycle
LEAST_OF_FEW = float(np.log(3))  # nats, of so few: in 1.5 times their noise is not known
RESTING: tuple[Word, ...] = ("converged", "stuck", "no_trend")
REASONS: dict[Word, str] = {
    "improving": "still improving",
    "diverged": "diverged: it ends where it is worse than before",
    "regressed": "regressed: it ends where it is worse than before",
    "unstable": "unstable: it swings by 1.5 times and more",
}

NO_REST = Rest(index=None, reason="too few evaluations")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What has happened to a training.

    Attributes:
        word: The verdict.
        onset: Since when it rises, where it diverged or regressed.
        rise: How far above its floor it ends, in nats: e to that power is a factor; infinite where it ends
            not finite, 0 without a lasting rise.
        won: Nats from the first evaluation down to the floor.
        noise: Standard deviation of one evaluation, in nats (a relative error while it is small).
        pace: How fast it still improves; None where no value is finite.
        rest: Where it rests, or why it does not.
        restarts: Steps at which a cycle of a schedule with warm restarts begins.
        ends_in_spike: Whether its last evaluation alone is far worse than those before: a spike, or the
            start of a divergence.
    """

    word: Word
    onset: Onset | None = None
    rise: float = 0.0
    won: float = 0.0
    noise: float = 0.0
    pace: Pace | None = None
    rest: Rest
    restarts: tuple[float, ...] = ()
    ends_in_spike: bool = False


SINGLE = Shape(
    word="too_short",
    pace=Pace(0.0, np.inf, clear=False),
    rest=Rest(index=None, reason="1 evaluation: at least 10 are needed"),
)


@remembered
def shape_of(
    steps: ArrayLike,
    values: ArrayLike,
    *,
    lower_is_better: bool = True,
    among: int = 1,
) -> Shape:
    """Return the shape of a learning curve.

    Args:
        steps: Steps of the evaluations, of shape (n,), increasing.
        values: Values of the evaluations, of shape (n,), in any unit; NaN and infinities are data.
        lower_is_better: Whether lower values are better.
        among: How many curves are judged together: the more, the likelier one of them drifts by chance.

    >>> shape_of(range(6), [4.0, 2.0, 1.0, 2.0, 4.0, 8.0]).word
    'diverged'
    """
    curve = curve_of(steps, values, lower_is_better=lower_is_better)
    if not len(curve):
        rest = Rest(index=None, reason="0 evaluations: at least 10 are needed")
        return Shape(word="too_short", rest=rest)
    finite = np.flatnonzero(np.isfinite(curve.y))
    if not len(finite):
        return _not_finite(curve, 0, Shape(word="diverged", rest=NO_REST))
    length = block_length(len(curve))
    ends_finite = bool(finite[-1] == len(curve) - 1)
    if ends_finite and len(finite) < len(curve):
        shape = shape_of(
            curve.steps[finite],
            curve.values[finite],
            lower_is_better=lower_is_better,
            among=among,
        )
        return _with_gaps(shape, finite)
    if ends_finite and length > 1:
        block_steps, medians = coarse(curve.steps, curve.values, length)
        shape = shape_of(
            block_steps,
            medians,
            lower_is_better=lower_is_better,
            among=among,
        )
        return _of_long_curve(shape, curve, length)
    if len(curve) == 1:
        return SINGLE
    return _of_curve(curve, lost=int(finite[-1]) + 1, among=among)


def _of_curve(curve: Curve, *, lost: int, among: int) -> Shape:
    """Return the shape of a curve of two evaluations or more, not finite from evaluation ``lost`` on."""
    valley = valley_of(curve)
    shape = Shape(
        word="diverged",
        won=float(valley.y[0]) - valley.floor,
        noise=valley.sigma,
        pace=pace_of(curve, valley),
        rest=NO_REST,
    )
    if lost < len(curve):
        return _not_finite(curve, lost, shape)
    restarts = restarts_in(curve.y)
    if not restarts:
        return _judged(curve, valley, shape, among=among)
    noise = noise_at_ends(curve.y, restarts)
    ends = cycle_ends(curve.y, restarts)
    return replace(
        shape,
        word=_word_of_cycles(ends, noise),
        rest=Rest(index=None, reason="its cycles restart"),
        restarts=tuple(curve.steps[list(restarts)].tolist()),
    )


def _of_long_curve(judged: Shape, curve: Curve, length: int) -> Shape:
    """Return the shape of a long curve, by that of its blocks: its places are those of the blocks' ends."""
    first = len(curve) % length
    rest, onset = judged.rest, judged.onset

    def place(block: int | None) -> int | None:
        return None if block is None else first + block * length

    if onset is not None:
        onset = replace(onset, index=first + onset.index * length)
    tail = rest.tail * length
    reason = rest.reason.replace(f"its last {rest.tail} ", f"its last {tail} ")
    rest = replace(rest, index=place(rest.index), start=place(rest.start), tail=tail, reason=reason)
    shape = replace(judged, rest=rest, onset=onset, ends_in_spike=ends_in_spike(curve))
    if shape.word == "diverged":
        return shape
    return _with_late_jump(shape, curve, length)


def _with_late_jump(shape: Shape, curve: Curve, length: int) -> Shape:
    """Return the shape of a long curve with the jump at its end that its blocks hide."""
    count, size = late_jump(curve.y, length)
    if not count:
        return shape
    direction = "worse" if size > 0 else "better"
    reason = f"its last {count} evaluations are {direction} than those before"
    rest = replace(shape.rest, index=None, reason=reason, tail=count, tail_change=size)
    if size < 0:
        return replace(shape, word="improving", rest=rest)
    onset = at_evaluation(curve, len(curve) - count)
    return replace(shape, word="diverged", onset=onset, rise=size, rest=rest)


def _with_gaps(judged: Shape, finite: NDArray[np.intp]) -> Shape:
    """Return the shape of a curve with gaps, by that of its finite evaluations at these places."""
    rest, onset = judged.rest, judged.onset

    def place(index: int | None) -> int | None:
        return None if index is None else int(finite[index])

    if onset is not None:
        onset = replace(onset, index=int(finite[onset.index]))
    rest = replace(rest, index=place(rest.index), start=place(rest.start))
    return replace(judged, rest=rest, onset=onset)


def divergence_of(
    steps: ArrayLike,
    values: ArrayLike,
    *,
    lower_is_better: bool = True,
) -> Shape | None:
    """Return the shape of a curve that diverged; None of any other, mostly in a tenth of the time.

    Args:
        steps: Steps of the evaluations, of shape (n,), increasing.
        values: Values of the evaluations, of shape (n,).
        lower_is_better: Whether lower values are better.
    """
    curve = curve_of(steps, values, lower_is_better=lower_is_better)
    if _cannot_diverge(curve):
        return None
    shape = shape_of(steps, values, lower_is_better=lower_is_better)
    if shape.word != "diverged":
        return None
    return shape


def _cannot_diverge(curve: Curve) -> bool:
    """Say whether a short look shows that a curve neither rises nor ends not finite."""
    n = len(curve)
    if n == 0 or block_length(n) > 1 or not np.isfinite(curve.y).all():
        return False
    if n < FEWEST:
        return True
    if restarts_in(curve.y):
        return False
    return not _may_rise(curve.y) or not valley_of(curve).rises


def _may_rise(y: Array) -> bool:
    """Say whether any value of the second half is so far above the least of all as a divergence ends.

    A rise is judged by its last third, in which a spike is cut to what stood at most 12 evaluations before.
    """
    n = len(y)
    if n < LONG_ENOUGH:
        return True
    rise = y[n // 2 :].max() - y.min()
    return bool(rise >= FACTOR)


def _not_finite(curve: Curve, index: int, seen: Shape) -> Shape:
    rest = Rest(index=None, reason="diverged: its last evaluations are not finite")
    return replace(seen, onset=at_evaluation(curve, index), rise=np.inf, rest=rest)


def _judged(curve: Curve, valley: Valley, seen: Shape, *, among: int) -> Shape:
    """Return the shape of a curve that ends finite and has no cycles."""
    rest = rest_of(curve, valley, among=among)
    word = _word(curve, valley, seen, rest=rest)
    if word not in RESTING:
        rest = replace(rest, index=None, reason=REASONS.get(word, rest.reason))
    elif rest.tail_change < -FAINT:
        word = "improving"  # its end says why it does not rest
    elif rest.tail_change >= SEEN:
        word = "regressed"
    shape = replace(seen, word=word, rest=rest, ends_in_spike=ends_in_spike(curve))
    if word in RESTING and (shape.ends_in_spike or jumps_at_end(curve)):
        before = _before_last(curve, among=among)
        if before.word == "improving":
            return replace(before, ends_in_spike=True)
    if word not in ("diverged", "regressed"):
        return shape
    onset = onset_in(curve, valley)
    if onset is None:
        onset = at_evaluation(curve, len(curve) - rest.tail)
    return replace(shape, onset=onset, rise=max(valley.rise, rest.tail_change))


def _before_last(curve: Curve, *, among: int) -> Shape:
    """Return the shape of a curve without its last evaluation: alone, that one ends no improvement."""
    return shape_of(
        curve.steps[:-1],
        curve.values[:-1],
        lower_is_better=not curve.higher_is_better,
        among=among,
    )


def _word_of_cycles(ends: Array, noise: float) -> Word:
    """Return the verdict on a schedule with warm restarts, by the ends of its cycles and their noise."""
    change = 0.0
    if len(ends) > 1:
        change = float(ends[-1] - ends[:-1].min())
    least = max(SEEN, CLEAR_OF_CYCLES * noise)
    if change >= max(FACTOR, least):
        return "diverged"
    if change >= least:
        return "regressed"
    if change <= -least:
        return "improving"
    return "converged"


def _word(curve: Curve, valley: Valley, seen: Shape, *, rest: Rest) -> Word:
    n = len(curve)
    if n < FEWEST:
        return "too_short"
    if n < FEWEST_FOR_A_RISE:
        only_falls = (np.diff(valley.y) <= -SEEN).all()
        return "improving" if only_falls else "too_short"
    hovers = curve.scale == "gain" and not curve.gained
    recovers = valley.rises and is_recovering(valley)
    if valley.rises and not recovers:
        rising = _word_of_rise(curve, valley, hovers=hovers)
        if rising is not None:
            return rising
    if not hovers and _is_unstable(curve, valley):
        return "unstable"
    if recovers or is_improving(curve, valley, pace=seen.pace, rest=rest):
        return "improving"
    if n < FEWEST_AT_REST:
        return "too_short"
    if not hovers and (has_gained(curve, valley) or is_at_its_bound(curve)):
        return "converged"
    return "no_trend" if curve.scale == "gain" else "stuck"


def _word_of_rise(curve: Curve, valley: Valley, *, hovers: bool) -> Word | None:
    """Return the verdict on a lasting rise; None where it is too small or not sure."""
    if is_divergence(curve, valley, hovers=hovers) and _is_sure(valley, "diverged"):
        return "diverged"
    if is_regression(curve, valley, hovers=hovers) and _is_sure(valley, "regressed"):
        return "regressed"
    return None


def _is_sure(valley: Valley, word: Word) -> bool:
    """Say whether a rise among few evaluations is more than noise, which so few cannot show."""
    if len(valley.y) >= FEWEST_AT_REST:
        return True
    up = np.diff(valley.y) > 0
    in_a_row = len(up)
    if not up.all():
        in_a_row = len(up) - 1 - int(np.flatnonzero(~up)[-1])
    if word == "diverged":
        return in_a_row >= 3 and valley.rise >= LEAST_OF_FEW
    only_falls_before = not up[: len(up) - in_a_row].any()
    is_one_valley = in_a_row == 3 and len(up) >= 6 and bool(only_falls_before)
    return in_a_row >= 4 or is_one_valley


def _is_unstable(curve: Curve, valley: Valley) -> bool:
    """Say whether a curve swings; one that is bounded by 1 must do so in its own unit, not only in errors."""
    finite = np.isfinite(curve.y)
    if not _is_far_from_fit(curve.y, valley) or _swings(curve.y[finite]) < SWINGS:
        return False
    values = curve.values[finite]
    if curve.scale != "error" or values.min() <= 0:
        return True
    return _swings(-np.log(values)) >= SWINGS


def _is_far_from_fit(y: Array, valley: Valley) -> bool:
    """Say whether a tenth of the evaluations is 1.5 times above the closest curve that falls and rises."""
    far = (y - valley.fit >= FACTOR) & np.isfinite(y)
    return bool(np.mean(far) >= 0.1)


def _swings(y: Array) -> int:
    """Return how often a curve rises by 1.5 times and then falls by as much."""
    swings = 0
    rising = False
    turn = np.inf
    for value in y.tolist():
        if rising:
            turn = max(turn, value)
            if value <= turn - FACTOR:
                swings += 1
                rising = False
                turn = value
        else:
            turn = min(turn, value)
            if value >= turn + FACTOR:
                rising = True
                turn = value
    return swings

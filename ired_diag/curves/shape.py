"""The shape of a learning curve: what has happened to this training, in one word?

The verdict is a function of the evaluations so far, so it can be asked at any time. In this order:

    diverged    it ends not finite
    too_short   fewer than 4 evaluations; or fewer than 8, and nothing below has happened
    diverged    a lasting rise above its floor of ln 1.5 nats (1.5 times) or more, by two standard errors
    regressed   another lasting rise: of 5%, or of a tenth of all that was won if that was 2% at least
    unstable    it swings up and down by 1.5 times, twice or more, and a tenth of its evaluations is
                as far above the closest curve that falls and rises
    improving   at the pace of its end, as many steps again would win another 5%
    stuck       it has won less than 5%, or nothing beyond noise
    converged   otherwise: it came down and rests

A rise lasts while no median of three comes back to the floor (``valley``), or where the mean of what follows
is higher beyond noise (``shift``). Units drop out (``nats``); names and lengths are not
looked at, and nothing is to be set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ired_diag.curves.nats import FACTOR, Curve, curve_of
from ired_diag.curves.onset import Onset, at_evaluation, onset_in
from ired_diag.curves.pace import Pace, pace_of
from ired_diag.curves.shift import with_hidden_rise
from ired_diag.curves.valley import Valley, find_valley

Word = Literal["converged", "improving", "diverged", "regressed", "stuck", "unstable", "too_short"]

FEWEST = 4  # evaluations: of three, one in six orders is a fall by chance alone
FEWEST_AT_REST = 8
SEEN = 0.05  # nats, about 5%: a smaller change is not worth a word
FAINT = 0.02  # nats: what moves by less stands still
SHARE_LOST = 0.1  # of all that was won
CLEAR = 4.0  # σ
SURE = 2.0  # standard errors: a rise of 1.5 times and no less
SWINGS = 2

Array = NDArray[np.float64]


@dataclass(frozen=True)
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
    """

    word: Word
    onset: Onset | None
    rise: float
    won: float
    noise: float
    pace: Pace | None


def shape_of(steps: ArrayLike, values: ArrayLike, *, lower_is_better: bool = True) -> Shape:
    """Return the shape of a learning curve.

    Args:
        steps: Of shape (n,), increasing.
        values: Of shape (n,), in any unit; NaN and infinities are data.
        lower_is_better: The direction in which the curve improves.

    >>> shape_of(range(6), [4.0, 2.0, 1.0, 2.0, 4.0, 8.0]).word
    'diverged'
    """
    curve = curve_of(steps, values, lower_is_better=lower_is_better)
    finite = np.flatnonzero(np.isfinite(curve.y))
    if not len(curve):
        return Shape("too_short", None, 0.0, 0.0, 0.0, None)
    if not len(finite):
        return Shape("diverged", at_evaluation(curve, 0), np.inf, 0.0, 0.0, None)
    valley = with_hidden_rise(find_valley(curve.y))
    won = float(valley.y[0]) - valley.floor
    pace = pace_of(curve, valley)
    lost = int(finite[-1]) + 1
    if lost < len(curve):
        return Shape("diverged", at_evaluation(curve, lost), np.inf, won, valley.sigma, pace)
    word = _word(curve, valley, pace, won)
    rising = word in ("diverged", "regressed")
    onset = onset_in(curve, valley) if rising else None
    return Shape(word, onset, valley.rise if rising else 0.0, won, valley.sigma, pace)


def _word(curve: Curve, valley: Valley, pace: Pace, won: float) -> Word:
    n = len(curve)
    if n < FEWEST:
        return "too_short"
    if valley.rises and valley.rise - SURE * valley.rise_error >= FACTOR:
        return "diverged"
    if valley.rises and max(won, valley.rise) >= FAINT and valley.rise >= min(SEEN, SHARE_LOST * won):
        return "regressed"
    if _is_far_from_fit(curve.y, valley) and _swings(curve.y) >= SWINGS:  # the quicker question first
        return "unstable"
    if pace.clear and pace.gain - 2 * pace.error >= SEEN:
        return "improving"
    if n < FEWEST_AT_REST:
        return "too_short"
    return "converged" if won >= max(SEEN, CLEAR * valley.sigma) else "stuck"


def _is_far_from_fit(y: Array, valley: Valley) -> bool:
    """Say whether a tenth of the evaluations is 1.5 times above the closest curve that falls and rises."""
    return bool(np.mean(y - valley.fit >= FACTOR) >= 0.1)


def _swings(y: Array) -> int:
    """Return how often a curve rises by 1.5 times and then falls by as much."""
    swings, rising, turn = 0, False, np.inf
    for value in y.tolist():
        if rising:
            turn = max(turn, value)
            if value <= turn - FACTOR:
                swings, rising, turn = swings + 1, False, value
        else:
            turn = min(turn, value)
            if value >= turn + FACTOR:
                rising, turn = True, value
    return swings

"""How much a curve has improved, and how much it still improves: when is that enough to mention?

A curve has gained where its first evaluation lies above its floor by 5% (0.05 nats) and four times the noise
of one evaluation; 2% are enough where higher is better, since such metrics are bounded and what is won is
small, and 2.5% where that is thirty times the noise. Of a metric that may be a percentage, 100 less its value
counts as well: from 98.0 to 99.0, half of the errors are gone.

It still improves where as many steps again, at the pace of its end, would win 5%, or a fifth of all that was
won if that is 2%; of a metric bounded by 1, it must also win 4% of its own value. Where it came to rest by a
drop, the pace before that drop is over: the pace at rest counts.
"""

from __future__ import annotations

import numpy as np

from ired_diag.curves.early_means import clear_gain
from ired_diag.curves.nats import Curve
from ired_diag.curves.pace import Pace, pace_at_rest
from ired_diag.curves.rest import Rest
from ired_diag.curves.valley import Valley

SEEN = 0.05  # nats, about 5%: a smaller change is not worth a word
FAINT = 0.02  # nats: what moves by less stands still
CLEAR = 4.0
SURELY = 30.0  # σ: a gain that nobody can miss
SHARE_GAINED = 0.2
SURE, SLOWER = 2.0, 3.0
PERCENT = 100.0
OWN = 0.04  # of a metric bounded by 1: half of the errors of 0.999 are not worth a word
ENDS = 5


def has_gained(curve: Curve, valley: Valley) -> bool:
    """Say whether a curve has won something that is worth a word, beyond its noise."""
    won = float(valley.y[0]) - valley.floor
    least = SEEN
    if curve.higher_is_better:
        least = FAINT
        won = max(won, _won_in_per_cent(curve))
    if won >= SURELY * valley.sigma and won >= SEEN / 2:
        return True
    if won >= max(least, CLEAR * valley.sigma):
        return True
    finite = curve.y[np.isfinite(curve.y)]
    return clear_gain(finite) >= least


def _won_in_per_cent(curve: Curve) -> float:
    """Return by how many nats the errors fell if the metric is in per cent; -∞ where it cannot be."""
    first = curve.values[0]
    best = float(np.nanmax(curve.values))
    may_be_percent = 0 <= first < PERCENT and 1 < best < PERCENT
    if not may_be_percent:
        return -np.inf
    first_error = PERCENT - first
    least_error = PERCENT - best
    return float(np.log(first_error / least_error))


def is_at_its_bound(curve: Curve) -> bool:
    """Say whether a metric that is bounded by 1 is there: nothing is left to gain."""
    if curve.scale != "error":
        return False
    second_half = curve.values[len(curve) // 2 :]
    return float(np.median(second_half)) == 1.0


def is_improving(curve: Curve, valley: Valley, pace: Pace | None, rest: Rest) -> bool:
    """Say whether as many steps again would win something worth a word, and the rest does not deny it.

    Args:
        curve: Curve in nats.
        valley: Valley of the same curve.
        pace: Pace at its end.
        rest: Where it rests, if it does.
    """
    if pace is None or not pace.clear:
        return False
    if rest.index is not None:
        at_rest = pace_at_rest(curve, valley, rest.index)
        most_at_rest = at_rest.gain + SLOWER * at_rest.error
        if most_at_rest < pace.gain:
            pace = at_rest
    won = float(valley.y[0]) - valley.floor
    share_of_won = max(SHARE_GAINED * won, FAINT)
    worth = min(SEEN, share_of_won)
    least = pace.gain - SURE * pace.error
    if not pace.clear or least < worth:
        return False
    return _is_seen(curve, pace)


def _is_seen(curve: Curve, pace: Pace) -> bool:
    """Say whether a metric that is bounded by 1 wins enough in its own unit, and not only in errors."""
    if curve.scale != "error":
        return True
    finite = curve.values[np.isfinite(curve.values)]
    end = float(np.median(finite[-ENDS:]))
    share_of_errors = -np.expm1(-pace.gain)
    wins = (1 - end) * share_of_errors
    return bool(wins >= OWN * abs(end))

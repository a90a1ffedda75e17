"""When does a curve reach a target?

By the first evaluation at which it is there (at or below, where lower is better), or, with ``stays``, by the
first from which on every evaluation is. The crossing lies between that evaluation and the one before, which
is not there; within these two it is read off the straight line between them. A noisy curve is there for the
first time a little early, by luck, and more so the more often it is evaluated; ``stays`` is late instead, and
knows only what was logged.

A run that ends first needs longer than it lasted: its time is right-censored. One that broke down first never
reaches the target. One that is there at its first evaluation needs at most so long: left-censored.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
State = Literal["reached", "at first evaluation", "not reached", "failed"]


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """When a run reaches a target.

    Attributes:
        label: Label of the run.
        state: Whether it does, and if not, why its time is a bound only.
        after: Last place at which it is known not to be there: 0 before its first evaluation, infinity where
            it never will be.
        by: First evaluation at which it is; infinity where none is.
        at: Where the line between the two crosses the target; the end of the run where it does not.
        end: Place of its last evaluation.
        closest: Best value that it has.
        leaves: Whether a later evaluation is not at the target.
    """

    label: str
    state: State
    after: float
    by: float
    at: float
    end: float
    closest: float
    leaves: bool = False

    @property
    def is_reached(self) -> bool:
        """Whether it reaches the target."""
        return self.state in ("reached", "at first evaluation")

    @property
    def bounds(self) -> tuple[float, float]:
        """Ends of its time, with the line between two evaluations taken for the curve."""
        if self.state == "reached":
            return self.at, self.at
        return self.after, self.by

    @property
    def bracket(self) -> tuple[float, float]:
        """Ends of its time, with nothing assumed between evaluations."""
        return self.after, self.by


def arrival_of(
    label: str,
    places: Array,
    values: Array,
    target: float,
    *,
    lower_is_better: bool,
    stays: bool = False,
    failed: bool = False,
) -> Arrival:
    """Return when a curve reaches a target.

    Args:
        label: Label of the run.
        places: Steps, or times, of its evaluations, increasing, of shape (n,).
        values: Its values, of shape (n,); one that is not finite is not at the target.
        target: The target.
        lower_is_better: Whether it is reached from above.
        stays: Take the first evaluation from which on all are at the target, not the first that is.
        failed: Whether the run broke down, so that it would never have reached the target later.
    """
    sign = 1.0 if lower_is_better else -1.0
    finite = values[np.isfinite(values)]
    closest = sign * float((sign * finite).min()) if len(finite) else math.nan
    with np.errstate(invalid="ignore"):
        is_there = np.isfinite(values) & (sign * values <= sign * target)
    place = _first_that_stays(is_there) if stays else _first(is_there)
    end = float(places[-1]) if len(places) else 0.0
    if place is None:
        return Arrival(
            label=label,
            state="failed" if failed else "not reached",
            after=math.inf if failed else end,
            by=math.inf,
            at=math.inf if failed else end,
            end=end,
            closest=closest,
        )
    by = float(places[place])
    leaves = not is_there[place:].all()
    if place == 0:
        return Arrival(
            label=label,
            state="at first evaluation",
            after=0.0,
            by=by,
            at=by,
            end=end,
            closest=closest,
            leaves=leaves,
        )
    after = float(places[place - 1])
    share = _share_of_line(values[place - 1], values[place], target)
    return Arrival(
        label=label,
        state="reached",
        after=after,
        by=by,
        at=after + share * (by - after),
        end=end,
        closest=closest,
        leaves=leaves,
    )


def _first(is_there: NDArray[np.bool_]) -> int | None:
    reached = np.flatnonzero(is_there)
    return int(reached[0]) if len(reached) else None


def _first_that_stays(is_there: NDArray[np.bool_]) -> int | None:
    if not len(is_there) or not is_there[-1]:
        return None
    away = np.flatnonzero(~is_there)
    return int(away[-1]) + 1 if len(away) else 0


def _share_of_line(before: float, after: float, target: float) -> float:
    """Return how far along the line between two evaluations the target lies; all of it where it has none."""
    if not math.isfinite(before) or before == after:
        return 1.0
    share = (before - target) / (before - after)
    return min(1.0, max(0.0, float(share)))

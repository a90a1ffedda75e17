"""Where does the plateau of a learning curve start: detected, not assumed, by the judge of its shape.

A curve has a plateau where its shape (``shape``) is one that rests, from where it rests (``rest``): a curve
that is still improving, diverged or regressed has none, and neither has one whose last evaluations differ
from those before. So the word on a curve and its plateau cannot contradict each other.
"""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from ired_diag.curves.shape import shape_of
from ired_diag.stats.arrays import as_floats


@dataclass(frozen=True)
class Plateau:
    """Where a curve comes to rest.

    Attributes:
        index: The first evaluation on the plateau; None without a plateau.
        step: Step of that evaluation.
        reason: Why there is no plateau.
    """

    index: int | None
    step: float | None
    reason: str = ""


def plateau_start(steps: ArrayLike, values: ArrayLike, *, lower_is_better: bool = True) -> Plateau:
    """Return where a curve's plateau starts.

    Args:
        steps: Steps of the evaluations, of shape (n,), increasing.
        values: Values of the evaluations, of shape (n,); what is not finite counts as worse than all others.
        lower_is_better: Whether lower values are better.

    >>> curve = [9.0, 3.0, 2.0] + [0.9, 1.1] * 20
    >>> plateau_start(range(43), curve)
    Plateau(index=3, step=3.0, reason='')
    """
    places = as_floats(steps)
    shape = shape_of(places, values, lower_is_better=lower_is_better)
    index = shape.rest.index
    if index is None:
        return Plateau(None, None, shape.rest.reason)
    return Plateau(index, float(places[index]))

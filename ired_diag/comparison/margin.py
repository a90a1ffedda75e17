"""The margin: which difference is too small to matter.

By default it is relative, a share q of the mean of both means, so that swapping the groups changes nothing:

    m = q (|x̄_a| + |x̄_b|) / 2.

A share of a mean says something only where zero is far away. It says nothing where

    (a)  seeds have values of both signs, or
    (b)  a mean lies within its own scatter of zero, |x̄| ≤ s, s the standard deviation over the seeds:

a loss of 0.001 ± 0.02 has no "1%". There a margin in the metric's own unit is needed (``0.05abs``); without
it nothing can be called equivalent, or smaller than the margin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import DiagError

ABSOLUTE = "abs"
NO_VALUE = "a group has no value"

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Margin:
    """What is too small to matter.

    Attributes:
        size: A share of the mean of both means, or a difference in the metric's own unit.
        absolute: Whether it is the latter.
        is_default: Whether nobody chose it, which its words say.
    """

    size: float
    absolute: bool = False
    is_default: bool = field(default=False, compare=False, repr=False)

    @property
    def words(self) -> str:
        """The margin with its article: ``the 1% margin (default)``, ``the margin of 0.05``."""
        origin = " (default)" if self.is_default and not self.absolute else ""
        return f"{self.size_words}{origin}"

    @property
    def size_words(self) -> str:
        """The margin with its article, without who chose it: ``the 1% margin``."""
        if self.absolute:
            return f"the margin of {self.size:g}"
        return f"the {100 * self.size:g}% margin"

    @property
    def text(self) -> str:
        """The margin as the command line takes it: ``1%``, ``0.05abs``."""
        if self.absolute:
            return f"{self.size:g}{ABSOLUTE}"
        return f"{100 * self.size:g}%"


ONE_PERCENT = Margin(0.01)


def margin_of(given: float | str | Margin) -> Margin:
    """Return a margin; a plain number is a share, a text is read as on the command line.

    Raises:
        DiagError: A share is not between 0 and 1, an absolute margin is not positive and finite, or a text
            states no margin.

    >>> margin_of("2%")
    Margin(size=0.02, absolute=False)
    """
    margin = given if isinstance(given, Margin) else _stated(given)
    size = margin.size
    is_positive = 0 < size < math.inf
    if margin.absolute and not is_positive:
        raise DiagError(
            f"An absolute margin is positive and finite, found {size:g}. "
            f"On the command line: --margin 0.05{ABSOLUTE}."
        )
    if not margin.absolute and not 0 < size < 1:
        # A share above 1 was most likely meant in the unit of the metric.
        example = size if is_positive else 0.05
        raise DiagError(
            f"The margin is a share between 0 and 1, found {size:g}. On the command line: --margin 1% for a "
            f"share of the mean, --margin {example:g}{ABSOLUTE} for a difference in the metric's unit "
            f"(in Python: Margin({example:g}, absolute=True))."
        )
    return margin


def _stated(given: object) -> Margin:
    try:
        return parse_margin(str(given))
    except ValueError as error:
        raise DiagError(
            f"{given!r} is not a percentage ('1%'), a share (0.01) or an absolute margin ('0.05abs')."
        ) from error


def parse_margin(text: str) -> Margin:
    """Return the margin that a text states: ``1%``, ``0.01`` or ``0.05abs``.

    >>> parse_margin("1%"), parse_margin("0.05abs")
    (Margin(size=0.01, absolute=False), Margin(size=0.05, absolute=True))

    Raises:
        ValueError: It states none.
    """
    text = text.strip()
    if text.endswith(ABSOLUTE):
        return Margin(float(text.removesuffix(ABSOLUTE)), absolute=True)
    if text.endswith("%"):
        return Margin(float(text.removesuffix("%")) / 100)
    return Margin(float(text))


def in_metric_unit(margin: Margin, a: Array, b: Array) -> float:
    """Return a margin in the unit of the metric; NaN where it is a share that says nothing.

    Args:
        margin: The margin.
        a: One group's numbers, of shape (n_a,).
        b: The other's, of shape (n_b,).
    """
    if margin.absolute:
        return margin.size
    if without_share(a, b):
        return math.nan
    mean_a, mean_b = abs(float(a.mean())), abs(float(b.mean()))
    return margin.size * (mean_a + mean_b) / 2


def note_on_margin(margin: Margin, metric: str, pairs: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return that a margin in the metric's unit is required, where a share of a mean says nothing.

    Args:
        margin: The margin.
        metric: Name of the metric, in whose unit it would be.
        pairs: Names of both groups, and why a share of their means says nothing; empty where it does.
    """
    affected = []
    for a, b, reason in pairs:
        if reason and reason != NO_VALUE:
            affected.append((f"{a} and {b}", reason))
    if margin.absolute or not affected:
        return []
    names, reason = affected[0]
    if len(affected) > 1:
        names += f", and {len(affected) - 1} more pairs"
    return [
        f"{names}: {margin.text} of a mean says nothing here ({reason}). No difference is called "
        f"equivalent or too small without a margin in the unit of {metric}: --margin X{ABSOLUTE}."
    ]


def without_share(a: Array, b: Array) -> str:
    """Return why a share of the groups' means says nothing; empty where it does.

    >>> without_share(np.array([0.9, 1.1]), np.array([-1.0, -1.2]))
    'values have both signs'
    """
    if not (len(a) and len(b)):
        return NO_VALUE
    values = np.concatenate([a, b])
    if values.min() < 0 < values.max():
        return "values have both signs"
    if _is_near_zero(a) or _is_near_zero(b):
        return "a mean lies within its scatter of 0"
    return ""


def _is_near_zero(values: Array) -> bool:
    scatter = 0.0
    if len(values) > 1:
        scatter = float(values.std(ddof=1))
    return bool(abs(values.mean()) <= scatter)

"""Last and best value of a group: mean and standard deviation over its complete seeds.

A seed that failed, was cut off or is still running ends somewhere on its way: next to complete seeds it would
say nothing of the result. It counts only where no seed of the group is complete, and the table says so. A
seed whose log does not say whether training finished counts as complete.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from app.dashboard.components.table import NONE
from app.dashboard.snapshot import Entry
from ired_diag.runs.name_list import counted

FINISHED = ("complete", "unknown")
DIGITS = 4  # of the smallest mean of a column
ERROR_DIGITS = 2  # of the smallest standard error of a column
MOST_DIGITS = 10  # of a number: more of them are those of rounding
MOST_DECIMALS = 9
LARGE = 1e7  # from here on, numbers have powers of ten


@dataclass(frozen=True)
class GroupNumber:
    """A number of a group.

    Attributes:
        mean: Mean over the seeds that count; None without one, or where their metrics differ.
        sd: Standard deviation over them; None for fewer than two.
        n: How many seeds count.
        of: How many seeds the group has.
        are_complete: Whether the seeds that count are complete.
    """

    mean: float | None
    sd: float | None
    n: int
    of: int
    are_complete: bool

    @property
    def error(self) -> float | None:
        """Standard error of the mean; None for fewer than two seeds."""
        return None if self.sd is None else self.sd / math.sqrt(self.n)

    @property
    def seeds_in_words(self) -> str:
        """Which seeds count: ``10``, ``2 of 4``, or ``2 unfinished``."""
        if not self.are_complete and self.n:
            return f"{self.n} unfinished"
        if self.n == self.of:
            return str(self.n)
        return f"{self.n} of {self.of}"

    @property
    def explanation(self) -> str:
        """What the numbers are of, in a sentence."""
        if not self.n:
            return "No run has a value."
        if not self.are_complete:
            return f"No run is complete: the numbers are of {counted(self.n, 'unfinished run')}."
        return f"The numbers are of the complete runs with a value: {self.n} of {self.of}."


def group_number(entries: Sequence[Entry], name: str) -> GroupNumber:
    """Return a number of a group.

    Args:
        entries: The seeds of the group.
        name: Field of the verdict: ``last`` or ``best``.
    """
    finished = [entry for entry in entries if entry.completion in FINISHED]
    seeds = _with_value(finished, name)
    are_complete = bool(seeds)
    if not seeds:
        seeds = _with_value(entries, name)
    values = np.array([getattr(entry.verdict, name) for entry in seeds], dtype=np.float64)
    mean = sd = None
    if len({entry.verdict.metric for entry in seeds}) == 1:
        finite = np.abs(values[np.isfinite(values)])
        size = float(finite.max(initial=0.0)) or 1.0  # squares of numbers near 1e308 would overflow
        with np.errstate(
            invalid="ignore", over="ignore"
        ):  # of infinite values an sd is NaN, and shown as such
            mean = size * float((values / size).mean())
            sd = size * float((values / size).std(ddof=1)) if len(values) > 1 else None
    return GroupNumber(mean, sd, len(seeds), len(entries), are_complete)


def decimals_of(values: Iterable[float | None], errors: Iterable[float | None] = ()) -> int | None:
    """Return how many decimals a column of numbers has, so that its points stand below each other.

    They are enough for the smallest number to have four digits, and for the smallest standard error to have
    two: a difference that can be told from noise is seen. None: the numbers are of too different size, and
    have powers of ten. ``decimalsOf`` of assets/linked.js follows the same rule.

    Args:
        values: The numbers.
        errors: Standard errors of those that have one.

    >>> decimals_of([0.00967, 3.9]), decimals_of([12.0, 250.0]), decimals_of([1e-12, 1.0]), decimals_of([])
    (6, 2, None, 0)
    >>> decimals_of([3.2789, 3.2784], [0.0003, 0.0004]), decimals_of([3.3, 3.4], [0.0, 0.2])
    (5, 3)
    """
    sizes = _sizes(values)
    if not sizes:
        return 0
    decimals = DIGITS - 1 - _power(min(sizes))
    if decimals > MOST_DECIMALS or max(sizes) >= LARGE:
        return None
    smallest_errors = _sizes(errors)
    if smallest_errors:
        told_apart = ERROR_DIGITS - 1 - _power(min(smallest_errors))
        decimals = max(decimals, min(told_apart, MOST_DECIMALS, MOST_DIGITS - 1 - _power(max(sizes))))
    return max(decimals, 0)


def _sizes(values: Iterable[float | None]) -> list[float]:
    return [abs(value) for value in values if value and math.isfinite(value)]


def _power(size: float) -> int:
    """Return the power of ten of a number's first digit."""
    return math.floor(math.log10(size))


def aligned(value: float | None, decimals: int | None) -> str:
    """Return a number of a column.

    >>> aligned(0.0096924, 6), aligned(None, 6), aligned(1e-12, None), aligned(float("nan"), 3)
    ('0.009692', '-', '1.000e-12', 'NaN')
    """
    if value is None:
        return NONE
    if math.isnan(value):
        return "NaN"
    if math.isinf(value) or decimals is None:
        return f"{value:.3e}"
    return f"{value:.{decimals}f}"


def _with_value(entries: Iterable[Entry], name: str) -> list[Entry]:
    """Return the seeds whose verdict has a value."""
    return [entry for entry in entries if getattr(entry.verdict, name) is not None]

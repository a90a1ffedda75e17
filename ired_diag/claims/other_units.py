"""A spread or a difference in another unit than the runs: points of a share, or a scale that its mean has.

    accuracy 93.6 ± 0.4 %, "+0.55 pp", runs that log 0.936  →  0.004, 0.0055

A number takes the unit that its sentence, its table's head, or the means of its table state. One that agrees
in a unit that nothing states is unchecked: it may be meant, or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, unchecked
from ired_diag.claims.metric_names import SCALE
from ired_diag.claims.metrics import same_metric
from ired_diag.claims.numbers import Printed, number_of, plain

IN_OTHER_UNITS = (
    "sd",
    "se",
    "spread",
    "interval",
    "quartiles",
    "difference",
    "mean",
    "level",
    "median",
    "best",
    "worst",
)
POINTS = re.compile(r"%|\bpp\b|\bp\.p\.|\bppts?\b|\bpoints?\b|\bpercent|\bprozent", re.IGNORECASE)
UNSTATED = (0.01, 0.001, 100.0, 1000.0)  # points and thousandths, either way: others are no slips
LEVELS = ("mean", "median", "best", "worst", "value", "level")


def in_another_unit(claim: Claim, book: Book, check: Callable[[Claim, Book], Verdict]) -> Verdict | None:
    """Return that a claim holds in another unit; None where it does in none.

    Args:
        claim: One that fails in the unit of the runs.
        book: What is known.
        check: Of its kind.
    """
    if claim.kind not in IN_OTHER_UNITS or not claim.numbers:
        return None
    stated = set(_stated(claim, book))
    for factor in sorted(stated):
        scaled = check(_scaled(claim, factor), book)
        if scaled.outcome == "holds":
            unit = f"in the unit of the report, {factor:g} of that of the runs"
            return holds(claim, unit, *scaled.findings)
    # A level in a unit that is not stated is far off, and is not held against the runs anyway.
    if claim.kind in LEVELS:
        return None
    for factor in UNSTATED:
        if check(_scaled(claim, factor), book).outcome == "holds":
            return unchecked(claim, f"it agrees if it is to be multiplied by {factor:g}, which is not stated")
    return None


def _stated(claim: Claim, book: Book) -> Iterator[float]:
    """Yield the factors that the words around a claim, or the means of its table, state."""
    near = plain(f"{claim.wording}\n{claim.heading}")
    if POINTS.search(near) or any(number.percent for number in claim.numbers):
        yield 0.01
    if scale := SCALE.search(near):
        power = 10.0 ** int(scale[1] or scale[2])
        yield power
        yield 1 / power
    for other in book.claims:
        is_near = other.table == claim.table or (not claim.table and same_metric(other.metric, claim.metric))
        if is_near and other.kind in LEVELS and other.numbers:
            yield from _factor_of(other.number)


def _factor_of(number: Printed) -> Iterator[float]:
    """Yield the factor by which a number has been brought into the unit of the runs, if it has been."""
    printed = number_of(number.text)
    if printed and printed.value and number.value != printed.value:
        yield number.value / printed.value


def _scaled(claim: Claim, factor: float) -> Claim:
    numbers = tuple(replace(number.scaled(factor), percent=False) for number in claim.numbers)
    return replace(claim, numbers=numbers)

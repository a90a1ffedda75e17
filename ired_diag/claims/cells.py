"""The claims of one cell: its number, what follows a ±, and what stands in brackets behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ired_diag.claims.claim import Claim, Kind
from ired_diag.claims.columns import NO, YES
from ired_diag.claims.decorations import bare_cell
from ired_diag.claims.heads import Head
from ired_diag.claims.numbers import Printed, numbers_in, plain
from ired_diag.claims.siunitx import with_uncertainty
from ired_diag.claims.statistic_words import after_plus_minus
from ired_diag.claims.table import Table

OF_RANGE = re.compile(r"\bmin\b|\bmax\b|\brange|\biqr\b|quartile|percentile|quantile", re.IGNORECASE)
UNCERTAIN_DIGITS = re.compile(r"[.]\d+\(\d{1,4}\)")  # digits alone in brackets: of the last ones
STARS = re.compile(r"(?<=[\d)\s])\*{1,3}$")
IN_BRACKETS = re.compile(r"[\[(].*[\])]")
SPREAD_IN_BRACKETS = re.compile(r"\(\s*(?:std|sd|\u03c3)?\s*=?\s*[\d.e-]+\s*\)")
SHARE = re.compile(r"\s*\d+\s*/\s*\d+\b")  # "10/40 (25%)"
ONE_NUMBER = ("mean", "value", "median", "sd", "best", "worst")
MOST_NUMBERS = 3  # a mean and its interval


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell: what its number is, whose, and the words that say so."""

    text: str
    kind: Kind | None
    named: tuple[str, ...]
    line: int
    head: Head
    table: Table
    seed: str = ""
    column: int = 0
    doubt: str = ""

    def claim(self, kind: Kind, *numbers: Printed, said: str = "", half: bool = False) -> Claim:
        """Return a claim of this cell; all cells of a line are a block."""
        test = ""
        if kind in ("p", "significant", "not significant"):
            test = self.head.corrected
        return Claim(
            kind,
            self.line,
            said or self.text.strip(),
            groups=self.named,
            numbers=numbers,
            context=f"{self.head.text}\n{self.table.above}",
            block=self.line,
            seed=self.seed,
            half_width=half,
            metric=self.head.metric,
            table=self.table.line,
            test=test,
            doubt=self.doubt,
        )


def claims_of_cell(cell: Cell, comma: bool) -> Iterator[Claim]:
    """Yield the claims of a cell."""
    kind = cell.kind
    if kind is None:
        return
    if kind == "significant":
        yield from _of_answer(cell)
        return
    text = _text_of(cell)
    numbers = tuple(_in_units_of_head(number, cell.head) for number in numbers_in(text, comma=comma))
    if not numbers:
        return
    stars = STARS.search(cell.text.strip())
    # Stars behind a p state that it is significant.
    if kind == "p" and stars:
        yield cell.claim("significant", said=stars[0])
    if kind in ("interval", "quartiles"):
        yield from _of_interval(cell, kind, text, numbers)
    elif kind not in ONE_NUMBER or not _is_crowded(text, numbers):
        yield cell.claim(kind, numbers[0])
        yield from _beside(cell, kind, text, numbers)


def _text_of(cell: Cell) -> str:
    """Return the text of a cell in which its numbers are read: without decorations, spreads after a ±."""
    text = plain(cell.text)
    if cell.kind in ("mean", "value"):
        text = bare_cell(text)
    if cell.kind != "mean" or not UNCERTAIN_DIGITS.search(text):
        return text
    if cell.head.after == "spread":
        return text.partition("(")[0]
    return with_uncertainty(text)


def _of_answer(cell: Cell) -> Iterator[Claim]:
    """Yield the conclusion of a cell that answers yes or no."""
    said = cell.text.strip()
    if YES.match(said):
        yield cell.claim("significant")
    elif NO.match(said):
        yield cell.claim("not significant")


def _of_interval(cell: Cell, kind: Kind, text: str, numbers: tuple[Printed, ...]) -> Iterator[Claim]:
    """Yield the claims of a cell that holds an interval: its two ends, or its middle and half of it."""
    if "±" not in text:
        if len(numbers) == 2:
            yield cell.claim(kind, *numbers)
        return
    if kind == "interval" and len(numbers) == 2 and len(cell.named) == 1:
        yield cell.claim("mean", numbers[0])
    yield cell.claim(kind, numbers[-1], half=True)


def _beside(cell: Cell, kind: Kind, text: str, numbers: tuple[Printed, ...]) -> Iterator[Claim]:
    """Yield the claims of the numbers after the first one of a cell: after a ±, in brackets."""
    rest = numbers[1:]
    after = cell.head.after
    if "±" in text and rest and kind in ("mean", "value"):
        yield cell.claim(after, rest[0], half=True)
    elif kind == "median" and len(rest) == 2:
        if re.search(r"iqr|quartile", cell.head.text, re.IGNORECASE):
            yield cell.claim("quartiles", *rest)
    elif kind == "mean" and len(rest) == 2:
        if IN_BRACKETS.search(text) and _has_interval(cell):
            yield cell.claim("interval", *rest)
    elif kind == "mean" and len(rest) == 1:
        if SPREAD_IN_BRACKETS.search(text) and after != "spread":
            yield cell.claim(after, rest[0], half=True)


def _has_interval(cell: Cell) -> bool:
    """Say whether two numbers in brackets are the ends of an interval, and not of a range of values."""
    words = f"{cell.head.text} {plain(cell.table.above)}"
    if OF_RANGE.search(words):
        return False
    return cell.head.kind == "mean" or after_plus_minus(words) == "interval"


def _is_crowded(text: str, numbers: tuple[Printed, ...]) -> bool:
    """Say whether a cell holds several numbers, of which it is not clear which one is meant."""
    if SHARE.match(text) or len(numbers) > MOST_NUMBERS:
        return True
    return len(numbers) > 1 and not re.search(r"±|[(\[]", text)


def _in_units_of_head(number: Printed, head: Head) -> Printed:
    """Return a number in the unit that its head prints (×10⁻³)."""
    if not head.factor or number.percent:
        return number
    return number.scaled(head.factor)

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
            test=self.head.corrected if kind in ("p", "significant", "not significant") else "",
            doubt=self.doubt,
        )


def claims_of_cell(cell: Cell, comma: bool) -> Iterator[Claim]:
    """Yield the claims of a cell."""
    text, kind, said = plain(cell.text), cell.kind, cell.text.strip()
    if kind in ("mean", "value"):
        text = bare_cell(text)
    if kind == "mean" and re.search(r"[.]\d+\(\d{1,4}\)", text):  # digits alone in brackets: of the last ones
        text = with_uncertainty(text) if cell.head.after != "spread" else text.partition("(")[0]
    if kind is None:
        return
    if kind == "significant":
        if YES.match(said) or NO.match(said):
            yield cell.claim("significant" if YES.match(said) else "not significant")
        return
    numbers = tuple(_in_units_of_head(number, cell.head) for number in numbers_in(text, comma=comma))
    if not numbers:
        return
    if kind == "p" and (stars := re.search(r"(?<=[\d)\s])\*{1,3}$", said)):
        yield cell.claim("significant", said=stars[0])
    if kind in ("interval", "quartiles"):
        if "±" in text:
            if kind == "interval" and len(numbers) == 2 and len(cell.named) == 1:
                yield cell.claim("mean", numbers[0])
            yield cell.claim(kind, numbers[-1], half=True)
        elif len(numbers) == 2:
            yield cell.claim(kind, *numbers)
        return
    if kind in ("mean", "value", "median", "sd", "best", "worst") and _is_crowded(text, numbers):
        return
    yield cell.claim(kind, numbers[0])
    yield from _beside(cell, kind, text, numbers)


def _beside(cell: Cell, kind: Kind, text: str, numbers: tuple[Printed, ...]) -> Iterator[Claim]:
    """Yield the claims of the numbers after the first one of a cell: after a ±, in brackets."""
    if "±" in text and len(numbers) > 1 and kind in ("mean", "value"):
        yield cell.claim(cell.head.after, numbers[1], half=True)
    elif kind == "median" and len(numbers) == 3 and re.search(r"iqr|quartile", cell.head.text, re.IGNORECASE):
        yield cell.claim("quartiles", *numbers[1:])
    elif kind == "mean" and len(numbers) == 3 and re.search(r"[\[(].*[\])]", text):
        words = f"{cell.head.text} {plain(cell.table.above)}"
        if not OF_RANGE.search(words) and (cell.head.kind == "mean" or after_plus_minus(words) == "interval"):
            yield cell.claim("interval", *numbers[1:])
    elif (
        kind == "mean"
        and len(numbers) == 2
        and re.search(r"\(\s*(?:std|sd|\u03c3)?\s*=?\s*[\d.e-]+\s*\)", text)
    ):
        if cell.head.after != "spread":
            yield cell.claim(cell.head.after, numbers[1], half=True)


def _is_crowded(text: str, numbers: tuple[Printed, ...]) -> bool:
    """Say whether a cell holds several numbers, of which it is not clear which one is meant."""
    share = re.match(r"\s*\d+\s*/\s*\d+\b", text)  # "10/40 (25%)"
    return bool(share) or len(numbers) > 3 or (len(numbers) > 1 and not re.search(r"±|[(\[]", text))


def _in_units_of_head(number: Printed, head: Head) -> Printed:
    """Return a number in the unit that its head prints (×10⁻³)."""
    return number.scaled(head.factor) if head.factor and not number.percent else number

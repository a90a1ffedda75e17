"""Claims in tables: a column's head says what its numbers are, a row's label whose they are.

Three layouts are read: a row a group (or a pair of groups), with columns such as mean, sd, CI, n, t and p;
and a row a seed, with a column a group. A column whose head is not understood is no claim.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ired_diag.claims.claim import Claim, Kind
from ired_diag.claims.labels import pair_of, seed_of
from ired_diag.claims.markdown import Table
from ired_diag.claims.numbers import Printed, numbers_in, plain

COLUMNS: tuple[tuple[Kind, str], ...] = (
    ("p", r"^p\b|\bp[\s-]*(?:values?|wert)|^p\s*\("),
    ("t", r"^t\b(?!ime)|\bt[\s-]*(?:stat\w*|values?|wert)|^statistic$|^t\s*\("),
    ("df", r"^(?:df|dof|d\.f\.?|degrees of freedom)$"),
    ("effect", r"\bcohen|\bhedges|effect size|^\|?[dg]\|?$"),
    ("interval", r"\bci\b|confidence|interval|konfidenz"),
    ("se", r"\bs\.?e\.?m?\b|std\.?\s*err|standard\s*err|standardfehler"),
    ("sd", r"\bstd|\bs\.?d\.?\b|standard\s*dev|^\u03c3$|standardabweichung|stdev"),
    ("n", r"^#?\s*n\b|^(?:number of |# ?)?(?:seeds|runs)$|^samples? size$"),
    ("best", r"^(?:best|min(?:imum)?)\b(?!.*\b(?:mean|average)\b)"),
    ("worst", r"^(?:worst|max(?:imum)?)\b"),
    ("median", r"\bmedian\b"),
    ("percent", r"%|percent|relative (?:change|difference|improvement)|\brel\.|improvement|prozent"),
    ("difference", r"\bdiff|^Δ|\bdelta\b|differenz"),
    ("significant", r"signifi[ck]an"),
    ("mean", r"\bmean\b|\baverage\b|\bavg\b|mittel|^μ$|\bmse\b|\berror\b|\bloss\b"),
)
LETTER = re.compile(r"[^\W\d_]")
YES = re.compile(r"^(?:yes|ja|✓|✔|✅|true|significant|\*+)", re.IGNORECASE)
NO = re.compile(r"^(?:no\b|nein|✗|✘|❌|false|n\.?s\.?|not significant)", re.IGNORECASE)
SCALE = re.compile(r"[x\u00d7·*(]\s*10\s*\^\s*(-?\d+)|\b1e(-?\d+)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Cell:
    """A cell: what its number is, whose, and the words that say so."""

    text: str
    kind: Kind | None
    named: tuple[str, ...]
    line: int
    head: str
    above: str
    seed: str = ""

    def claim(self, kind: Kind, *numbers: Printed, said: str = "", half: bool = False) -> Claim:
        """Return a claim of this cell; all cells of a line are a block."""
        context, shown = f"{self.head}\n{self.above}", said or self.text.strip()
        return Claim(kind, self.line, shown, self.named, numbers, context, self.line, self.seed, half)


def claims_of(table: Table, *, comma: bool) -> Iterator[Claim]:
    """Yield the claims of a table.

    Args:
        table: Which.
        comma: Whether the text writes decimal commas.
    """
    head = [plain(cell) for cell in table.head]
    sideways = _rows_are_seeds(table) or _rows_are_measures(table, head)
    for line, cells in table.rows:
        found = _down(cells, head, line, table.above) if sideways else _across(cells, head, line, table.above)
        for cell in found:
            yield from _of_cell(cell, comma)


def kind_of(head: str) -> Kind | None:
    """Return what the numbers under a head are.

    >>> kind_of("Std Dev"), kind_of("95% CI"), kind_of("p-value"), kind_of("GPU hours")
    ('sd', 'interval', 'p', None)
    """
    bare = head.partition("±")[0].strip().lower().replace("_", " ")
    return next((kind for kind, pattern in COLUMNS if re.search(pattern, bare, re.IGNORECASE)), None)


def after_plus_minus(words: str) -> Kind:
    """Return what the number after a ± is, by the words around it."""
    kinds: list[Kind] = [kind for kind, _ in COLUMNS if kind in ("interval", "se", "sd")]
    told = [kind for kind in kinds if re.search(dict(COLUMNS)[kind], words.lower())]
    return told[0] if len(told) == 1 else "spread"


def _rows_are_seeds(table: Table) -> bool:
    labels = [plain(cells[0]) for _, cells in table.rows]
    numbered = sum(bool(seed_of(label)) for label in labels)
    return bool(labels) and "seed" in table.head[0].lower() and numbered >= len(labels) / 2


def _rows_are_measures(table: Table, head: list[str]) -> bool:
    """Say whether the rows are mean, sd, …, and the columns groups."""
    kinds = [kind_of(plain(cells[0])) for _, cells in table.rows]
    named = [kind_of(cell) is None and bool(LETTER.search(cell)) for cell in head[1:]]
    return bool(kinds) and all(kinds) and bool(named) and all(named)


def _across(cells: tuple[str, ...], head: list[str], line: int, above: str) -> Iterator[Cell]:
    """Yield the cells of a row that is about one group, or a pair."""
    kinds = [kind_of(cell) for cell in head]
    labels = [at for at, cell in enumerate(cells[: len(head)]) if kinds[at] is None and LETTER.search(cell)]
    if not labels:
        return
    label = plain(cells[labels[0]])
    named = pair_of(label) or (label,)
    for at, cell in enumerate(cells[: len(head)]):
        if at != labels[0]:
            told = bool(re.match(r"\s*seed", head[at], re.IGNORECASE))
            seed = seed_of(head[at]) if told else ""
            yield Cell(cell, "value" if seed else kinds[at], named, line, head[at], above, seed)


def _down(cells: tuple[str, ...], head: list[str], line: int, above: str) -> Iterator[Cell]:
    """Yield the cells of a row that is a seed, or a measure, of the groups that the columns are."""
    label = plain(cells[0])
    seed, kind = seed_of(label), kind_of(label)
    for at, cell in enumerate(cells[1 : len(head)], start=1):
        if kind_of(head[at]) in (None, "mean") and LETTER.search(head[at]):
            yield Cell(cell, "value" if seed else kind, (head[at],), line, f"{label} {head[at]}", above, seed)


def _of_cell(cell: Cell, comma: bool) -> Iterator[Claim]:
    text, kind, said = plain(cell.text), cell.kind, cell.text.strip()
    # In another unit it is not certain which way the factor goes.
    if kind is None or SCALE.search(cell.head):
        return
    numbers = tuple(numbers_in(text, comma=comma))
    if kind == "significant":
        if YES.match(said) or NO.match(said):
            yield cell.claim("significant" if YES.match(said) else "not significant")
        return
    if not numbers:
        return
    if kind == "p" and (stars := re.search(r"\*{1,3}$", said)):
        yield cell.claim("significant", said=stars[0])
    if kind == "interval":
        if "±" in text:
            yield cell.claim(kind, numbers[-1], half=True)
        elif len(numbers) == 2:
            yield cell.claim(kind, *numbers)
        return
    yield cell.claim(kind, numbers[0])
    if "±" in text and len(numbers) > 1 and kind in ("mean", "value"):
        yield cell.claim(after_plus_minus(cell.head.partition("±")[2] or cell.head), numbers[1], half=True)

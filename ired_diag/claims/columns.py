"""The columns of a table: what each holds, and which of them name the rows.

A scale, a statistic or what follows a ± that only the caption states holds for each column that does not
state its own. The columns before the first one of numbers name the groups of the rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ired_diag.claims.claim import Kind
from ired_diag.claims.heads import NO_LABEL, SEED_HEAD, Head, head_of
from ired_diag.claims.labels import seed_of
from ired_diag.claims.numbers import plain
from ired_diag.claims.readout_columns import with_readouts
from ired_diag.claims.spread_in_brackets import spread_in_brackets
from ired_diag.claims.statistic_words import after_plus_minus
from ired_diag.claims.table import Table
from ired_diag.runs.metric_words import measures_in, words_of

LETTER = re.compile(r"[^\W\d_]")
YES = re.compile(r"^(?:yes|ja|✓|✔|✅|true|significant|sig\.?$|\*+$)", re.IGNORECASE)
NO = re.compile(r"^(?:no\b|nein|✗|✘|❌|false|n\.?s\.?|not significant)", re.IGNORECASE)
IN_BRACKETS = re.compile(
    r"\b((?:sample )?(?:standard (?:deviation|error)s?|s\.?d\.?|std(?:\.? ?dev\w*)?|s\.?e\.?(?:m\.?)?|"
    r"confidence intervals?|95% ?cis?))(?!\w)[^.|]{0,40}\b(?:parenthes\w+|brackets)",
    re.IGNORECASE,
)
CAPTION_OF_MEANS = re.compile(r"(?:mean|average|avg|values?|results?|reported)\W{0,4}±.{0,40}", re.IGNORECASE)
STARTS_AS_NUMBER = re.compile(r"^[-+<>≈~(\[]?\s*[\d.]")
OF_A_MEAN = ("sd", "se", "interval", "median", "quartiles")
NO_LABELS: tuple[Kind, ...] = (
    "p",
    "t",
    "df",
    "sd",
    "se",
    "interval",
    "n",
    "effect",
    "significant",
    "percent",
)
LONGEST_NAME = 60  # letters
NOTHING = ("", "-", "—", "\u2013")  # cells that name no group


def heads_of(table: Table) -> list[Head]:
    """Return what the columns say, a scale or a metric in the caption among it."""
    after = _after_in_caption(plain(table.above))
    if after == "spread":
        after = spread_in_brackets(plain(f"{table.above}\n{table.below}"))
    heads = with_readouts([_completed(head_of(text), after) for text in table.head], table)
    kinds = {head.kind for head in heads}
    if {"mean", "sd"} <= kinds:
        heads = list(map(_without_count, heads))
    last = ""
    for k, head in enumerate(heads):
        if head.kind in OF_A_MEAN and not head.metric:
            heads[k] = replace(head, metric=last)  # a spread is of the mean to its left
        elif head.kind in ("mean", None) and head.metric and head.is_metric:
            last = head.metric
    return heads


def _after_in_caption(caption: str) -> Kind:
    """Return what a caption says that the numbers after a ± are, or those in brackets; else a spread."""
    after: Kind = "spread"
    if means := CAPTION_OF_MEANS.search(caption):
        after = after_plus_minus(means[0])
    if after == "spread" and (bracketed := IN_BRACKETS.search(caption)):
        after = after_plus_minus(bracketed[1].rstrip("s"))
    return after


def _completed(head: Head, after: Kind) -> Head:
    """Return a head with what the caption says of the number after a ±; a head with a ± is of means."""
    if head.after == "spread":
        head = replace(head, after=after)
    if head.kind is None and "±" in plain(head.text):
        head = replace(head, kind="mean")
    return head


def _without_count(head: Head) -> Head:
    """Return a head of a table of means and sds, where pandas prints "count" for n."""
    if head.text.lower() != "count":
        return head
    return replace(head, kind="n", metric="")


def seed_column(table: Table, heads: Sequence[Head]) -> int | None:
    """Return the column whose cells are seeds, one a row, but for rows of their mean and the like."""
    for column, head in enumerate(heads):
        if SEED_HEAD.match(head.text.replace("_", " ").strip()) and _is_of_seeds(table, column, head):
            return column
    return None


def _is_of_seeds(table: Table, column: int, head: Head) -> bool:
    """Say whether most cells below a head that says "seed" name one; "Seeds: 5" counts them."""
    if column > 0 and head.text.lower().strip().endswith("s"):
        return False
    seeds = list(map(seed_of, _plain_cells(table, column)))
    numbered = list(filter(None, seeds))
    return 2 * len(numbered) > len(seeds)


def _plain_cells(table: Table, column: int) -> list[str]:
    """Return the cells of a column as they are read; a row that ends before it has none."""
    return [plain(row[column]) for _, row in table.rows if column < len(row)]


def _filled_cells(table: Table, column: int) -> list[str]:
    """Return the cells of a column that are not blank, as they are printed."""
    return [row[column] for _, row in table.rows if column < len(row) and row[column].strip()]


def label_columns(table: Table, heads: Sequence[Head]) -> list[int]:
    """Return the columns whose cells say which group a row is of: those of words before the first number."""
    columns: list[int] = []
    for k, head in enumerate(heads):
        if _numbers_groups(table, k, head):
            columns.append(k)
        elif head.kind in NO_LABELS or is_numeric(table, k):
            # The labels end where the numbers start.
            if columns:
                break
        elif is_label(table, k) and not (columns and NO_LABEL.search(head.text)):
            columns.append(k)
    return columns


def _numbers_groups(table: Table, column: int, head: Head) -> bool:
    """Say whether the first column is of numbers that name groups: a row a rate, a rank, a width."""
    if column > 0 or head.kind is not None or not is_numeric(table, column):
        return False
    cells = _plain_cells(table, column)
    if measures_in(words_of(head.text)) or "±" in "".join(cells):
        return False
    return 1 < len(set(cells)) == len(cells)


def labels_of_rows(table: Table, columns: Sequence[int]) -> Iterator[str]:
    """Yield the label of each row; an empty first cell of several repeats the one above it."""
    last = ""
    for _, cells in table.rows:
        parts = []
        for k in columns:
            part = plain(cells[k]).strip() if k < len(cells) else ""
            if len(columns) > 1 and k == columns[0]:
                part = part or last
                last = part
            if part not in NOTHING:
                parts.append(part)
        yield " ".join(parts)


def is_numeric(table: Table, column: int) -> bool:
    """Say whether most cells of a column start with a number."""
    cells = _filled_cells(table, column)
    numeric = 0
    for cell in cells:
        if STARTS_AS_NUMBER.match(plain(cell).strip()):
            numeric += 1
    return 2 * numeric > len(cells)


def is_of_answers(table: Table, column: int) -> bool:
    """Say whether a column answers yes or no."""
    for cell in _filled_cells(table, column):
        answer = cell.strip()
        if not YES.match(answer) and not NO.match(answer):
            return False
    return True


def is_label(table: Table, column: int) -> bool:
    """Say whether the cells of a column are short words, as names are."""
    cells = _filled_cells(table, column)
    if not cells or max(map(len, cells)) > LONGEST_NAME:
        return False
    return any(map(LETTER.search, cells))

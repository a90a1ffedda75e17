"""The columns of a table: what each holds, and which of them name the rows.

A scale, a statistic or what follows a ± that only the caption states holds for each column that does not
state its own. The columns before the first one of numbers name the groups of the rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ired_diag.claims.heads import NO_LABEL, SEED_HEAD, Head, head_of
from ired_diag.claims.labels import seed_of
from ired_diag.claims.numbers import plain
from ired_diag.claims.statistic_words import after_plus_minus
from ired_diag.claims.table import Table
from ired_diag.runs.metric_words import measures_in, words_of

LETTER = re.compile(r"[^\W\d_]")
YES = re.compile(r"^(?:yes|ja|✓|✔|✅|true|significant|sig\.?$|\*+$)", re.IGNORECASE)
NO = re.compile(r"^(?:no\b|nein|✗|✘|❌|false|n\.?s\.?|not significant)", re.IGNORECASE)
IN_BRACKETS = re.compile(
    r"((?:sample )?(?:standard (?:deviation|error)s?|s\.?d\.?|std(?:\.? ?dev\w*)?|s\.?e\.?(?:m\.?)?|"
    r"confidence intervals?|95% ?cis?))[^.|]{0,40}\b(?:parenthes\w+|brackets)",
    re.IGNORECASE,
)


def heads_of(table: Table) -> list[Head]:
    """Return what the columns say, a scale or a metric in the caption among it."""
    heads = [head_of(text) for text in table.head]
    caption = re.search(
        r"(?:mean|average|avg|values?|results?|reported)\W{0,4}±.{0,40}", plain(table.above), re.IGNORECASE
    )
    if caption:
        after = after_plus_minus(caption[0])
        heads = [replace(h, after=after) if h.after == "spread" else h for h in heads]
    if bracketed := IN_BRACKETS.search(plain(table.above)):
        after = after_plus_minus(bracketed[1].rstrip("s"))
        heads = [replace(h, after=after) if h.after == "spread" else h for h in heads]
    heads = [replace(h, kind="mean") if h.kind is None and "±" in plain(h.text) else h for h in heads]
    if {"mean", "sd"} <= {head.kind for head in heads}:  # as pandas prints them
        heads = [replace(h, kind="n", metric="") if h.text.lower() == "count" else h for h in heads]
    last = ""
    for k, head in enumerate(heads):
        if head.kind in ("sd", "se", "interval", "median", "quartiles") and not head.metric:
            heads[k] = replace(head, metric=last)  # a spread is of the mean to its left
        elif head.kind in ("mean", None) and head.metric and head.is_metric:
            last = head.metric
    return heads


def seed_column(table: Table, heads: Sequence[Head]) -> int | None:
    """Return the column whose cells are seeds, one a row, but for rows of their mean and the like."""
    for column, head in enumerate(heads):
        if not SEED_HEAD.match(head.text.replace("_", " ").strip()):
            continue
        cells = [plain(row[column]) for _, row in table.rows if column < len(row)]
        seeds = [seed_of(cell) for cell in cells]
        others = [cell for cell, seed in zip(cells, seeds, strict=True) if not seed]
        numbered = [seed for seed in seeds if seed]
        plural = head.text.lower().strip().endswith("s") and column > 0  # "Seeds: 5" counts them
        if numbered and len(numbered) > len(others) and (column == 0 or not plural):
            return column
    return None


def label_columns(table: Table, heads: Sequence[Head]) -> list[int]:
    """Return the columns whose cells say which group a row is of: those of words before the first number."""
    columns: list[int] = []
    for k, head in enumerate(heads):
        if head.kind in ("p", "t", "df", "sd", "se", "interval", "n", "effect", "significant", "percent"):
            if columns:
                break
            continue
        if is_numeric(table, k):
            cells = [plain(row[k]) for _, row in table.rows if k < len(row)]
            measured = measures_in(words_of(head.text)) or any("±" in cell for cell in cells)
            if k == 0 and not measured and 1 < len(set(cells)) == len(cells) and head.kind is None:
                columns.append(k)  # a row a rate, a rank, a width
                continue
            if columns:
                break
            continue
        if columns and (NO_LABEL.search(head.text) or not is_label(table, k)):
            continue
        if is_label(table, k):
            columns.append(k)
    return columns


def labels_of_rows(table: Table, columns: Sequence[int]) -> Iterator[str]:
    """Yield the label of each row; an empty first cell of several repeats the one above it."""
    last: dict[int, str] = {}
    for _, cells in table.rows:
        parts = []
        for k in columns:
            part = plain(cells[k]).strip() if k < len(cells) else ""
            if len(columns) > 1 and k == columns[0]:
                part = last[k] = part or last.get(k, "")
            parts.append(part)
        yield " ".join(part for part in parts if part and part not in ("-", "—", "\u2013"))


def is_numeric(table: Table, column: int) -> bool:
    """Say whether most cells of a column start with a number."""
    cells = [plain(row[column]).strip() for _, row in table.rows if column < len(row) and row[column].strip()]
    return bool(cells) and 2 * sum(bool(re.match(r"^[-+<>≈~(\[]?\s*[\d.]", cell)) for cell in cells) > len(
        cells
    )


def is_of_answers(table: Table, column: int) -> bool:
    """Say whether a column answers yes or no."""
    cells = [row[column].strip() for _, row in table.rows if column < len(row) and row[column].strip()]
    return all(YES.match(cell) or NO.match(cell) for cell in cells)


def is_label(table: Table, column: int) -> bool:
    """Say whether the cells of a column are short words, as names are."""
    cells = [row[column] for _, row in table.rows if column < len(row) and row[column].strip()]
    return (
        bool(cells) and all(len(cell) <= 60 for cell in cells) and any(LETTER.search(cell) for cell in cells)
    )

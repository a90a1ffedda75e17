"""Claims in tables: a column's head says what its numbers are, a row's label whose they are.

Three layouts are read: a row a group (or a pair of groups), with columns such as mean, sd, CI, n, t and p, or
a column a metric; a row a seed, with a column a group or a metric, and rows for their mean and sd below; a
row a measure, with a column a group. A column whose head is not understood is no claim. Rows of one table
with the same label are told apart by nothing, so that nothing is claimed of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ired_diag.claims.bold import WHOLE_ROW
from ired_diag.claims.changes import RELATIVE, base_of, kind_of_change, metric_left_of
from ired_diag.claims.claim import Claim, Kind
from ired_diag.claims.heads import NO_LABEL, SEED_HEAD, Head, after_plus_minus, head_of, kind_of
from ired_diag.claims.labels import pair_of, seed_of
from ired_diag.claims.markdown import Table
from ired_diag.claims.numbers import Printed, number_of, numbers_in, plain
from ired_diag.runs.metric_words import measures_in, words_of

COMPARISONS = ("p", "t", "df", "effect", "difference", "percent", "significant", "interval")
LETTER = re.compile(r"[^\W\d_]")
YES = re.compile(r"^(?:yes|ja|✓|✔|✅|true|significant|sig\.?$|\*+$)", re.IGNORECASE)
NO = re.compile(r"^(?:no\b|nein|✗|✘|❌|false|n\.?s\.?|not significant)", re.IGNORECASE)
MEASURE_ROW = re.compile(
    r"^(?:(?:\d+|all|overall|over|of|the|seeds?|runs?|sample|best|final)[\s-]+){0,6}"
    r"(mean|average|avg\.?|median|std(?:ev|\.?\s*dev(?:iation)?|\.)?|s\.?d\.?|standard deviation|"
    r"sem|s\.e\.m\.?|"
    r"standard error|min(?:imum)?|max(?:imum)?|mean\s*±\s*(?:std|sd|sem|95% ci)|95% ci|mittelwert|\u03c3|μ)"
    r"(?:\s*\(?(?:ddof\s*=\s*[01]|n\s*=\s*\d+|\d+ seeds?|over \d+ seeds?|sample|population|\u03c3|"
    r"μ)\)?)?\s*[:.]?$",
    re.IGNORECASE,
)  # fmt: skip
PLAIN_NUMBER = re.compile(
    r"^[-+]?[\d.,]+(?:\s*[x\u00d7·]\s*10\^[-+]?\d+|"
    r"e[-+]?\d+)?\s*%?\s*(?:[A-Za-z/]{1,5})?$"
)
SIGNED = r"[-+]?\d*[.,]?\d+(?:\s*[x\u00d7]\s*10\^[-+]?\d+|e[-+]?\d+)?\s*%?"
WITH_BRACKETS = re.compile(
    rf"^{SIGNED}\s*(?:\(\s*\d*[.,]?\d+\s*\)|[\[(]\s*{SIGNED}\s*(?:,|;|to|\u2013|-)\s*{SIGNED}\s*[\])])$"
)
IN_BRACKETS = re.compile(
    r"((?:sample )?(?:standard (?:deviation|error)s?|s\.?d\.?|std(?:\.? ?dev\w*)?|s\.?e\.?(?:m\.?)?|"
    r"confidence intervals?|95% ?cis?))[^.|]{0,40}\b(?:parenthes\w+|brackets)",
    re.IGNORECASE,
)
OF_RANGE = re.compile(r"\bmin\b|\bmax\b|\brange|\biqr\b|quartile|percentile|quantile", re.IGNORECASE)
QUANTITY_ROW = re.compile(
    r"\b(?:time|wall|hours?|lr|learning rate|params?|parameters|memory|flops|batch|epochs?|steps?|seeds?|"
    r"gpus?|cost|tokens|optimi[sz]er|momentum|decay|width|depth|layers|speed|throughput|loss|mse|acc\w*|error)\b",
    re.IGNORECASE,
)


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
        )


def claims_of(table: Table, *, comma: bool) -> Iterator[Claim]:
    """Yield the claims of a table.

    Args:
        table: Which.
        comma: Whether the text writes decimal commas.
    """
    heads = _heads(table)
    for cell in _cells(table, heads):
        yield from _of_cell(cell, comma)


def _heads(table: Table) -> list[Head]:
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
    last = ""
    for k, head in enumerate(heads):
        if head.kind in ("sd", "se", "interval", "median", "quartiles") and not head.metric:
            heads[k] = replace(head, metric=last)  # a spread is of the mean to its left
        elif head.kind in ("mean", None) and head.metric and head.is_metric:
            last = head.metric
    return heads


def _cells(table: Table, heads: Sequence[Head]) -> Iterator[Cell]:
    seed = _seed_column(table, heads)
    if seed is not None:
        yield from _of_seeds(table, heads, seed)
    elif _rows_are_measures(table, heads):
        yield from _of_measures(table, heads)
    else:
        yield from _of_groups(table, heads)


def _seed_column(table: Table, heads: Sequence[Head]) -> int | None:
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


def _of_seeds(table: Table, heads: Sequence[Head], seed: int) -> Iterator[Cell]:
    """Yield the cells of a table with a row a seed."""
    values = [k for k in range(len(heads)) if k != seed and _is_numeric(table, k)]
    labels = [
        k for k in range(len(heads)) if k != seed and k not in values and not NO_LABEL.search(heads[k].text)
    ]
    labels = [k for k in labels if _is_label(table, k) and not _is_of_answers(table, k)]
    metrics = bool(labels) or any(heads[k].is_metric for k in values)
    last: dict[int, str] = {}
    for line, cells in table.rows:
        for k in labels:
            last[k] = plain(cells[k]) if k < len(cells) and cells[k].strip() else last.get(k, "")
        name = (
            " ".join(part for part in (last.get(k, "") for k in labels) if part)
            or f"table of line {table.line}"
        )
        label = plain(cells[seed]) if seed < len(cells) else ""
        shown = label or next((plain(c) for c in cells if LETTER.search(c)), "")
        number, row = seed_of(label), MEASURE_ROW.match(shown.strip())
        if not number and not row:
            continue
        for k in values:
            if k >= len(cells) or heads[k].kind not in (None, "mean", "best", "worst"):
                continue
            group = name if metrics else heads[k].text
            head = heads[k] if metrics else replace(heads[k], metric="")
            if row:  # the words of the row say what the number is
                head = replace(head, text=f"{shown} {head.text}", after=head_of(shown).after)
            kind: Kind | None = "value" if number else kind_of(row[1] if row else "")
            if kind in ("best", "worst"):
                continue
            yield Cell(
                text=cells[k],
                kind=kind,
                named=(group,),
                line=line,
                head=head,
                table=table,
                seed=number,
                column=k,
            )


def _rows_are_measures(table: Table, heads: Sequence[Head]) -> bool:
    """Say whether the rows are mean, sd, …, and the columns groups."""
    kinds = [kind_of(plain(cells[0])) for _, cells in table.rows]
    named = [head.kind is None and bool(LETTER.search(head.text)) for head in heads[1:]]
    others = [plain(cells[0]) for (_, cells), kind in zip(table.rows, kinds, strict=True) if not kind]
    most = len(kinds) - len(others) > max(1, len(others)) and all(map(QUANTITY_ROW.search, others))
    return bool(kinds) and (not others or most) and bool(named) and all(named)


def _of_measures(table: Table, heads: Sequence[Head]) -> Iterator[Cell]:
    """Yield the cells of a table with a row a measure; its columns are groups, or metrics of one group."""
    metrics = all(head.is_metric for head in heads[1:])
    for line, cells in table.rows:
        row = head_of(cells[0])
        for k, cell in enumerate(cells[1 : len(heads)], start=1):
            name = f"table of line {table.line}" if metrics else heads[k].text
            head = replace(row, metric=heads[k].metric if metrics else row.metric)
            yield Cell(text=cell, kind=row.kind, named=(name,), line=line, head=head, table=table, column=k)


def _of_groups(table: Table, heads: Sequence[Head]) -> Iterator[Cell]:
    """Yield the cells of a table with a row a group, or a pair of groups."""
    columns = _label_columns(table, heads)
    if not columns:
        return
    labels = list(_labels(table, columns))
    compares = any(head.kind in COMPARISONS for head in heads)
    twice = {label for label, count in Counter(labels).items() if count > 1}
    bases = {k: base_of(table, k, labels) for k, head in enumerate(heads) if head.kind in RELATIVE}
    for (line, cells), label in zip(table.rows, labels, strict=True):
        if not label:
            continue
        pair = pair_of(label) if compares else None
        named = () if label in twice else (pair or (label,))
        for k, cell in enumerate(cells[: len(heads)]):
            if k in columns:
                continue
            head = heads[k]
            seed = seed_of(head.text) if re.match(r"\s*seed", head.text, re.IGNORECASE) else ""
            kind: Kind | None = "value" if seed else head.kind
            if kind is None and head.is_metric and not pair and PLAIN_NUMBER.match(plain(cell)):
                kind = "mean"
            elif kind is None and head.is_metric and not pair and "±" in plain(cell):
                kind = "mean"
            elif kind in (None, "interval") and head.is_metric and not pair and _is_mean(cell, head, table):
                kind = "mean"
            elif kind == "mean" and pair:
                kind = "difference" if "diff" in head.text.lower() else None
            group = named
            if not pair and len(named) == 1 and (base := bases.get(k, "")):
                group = (*named, base)
                kind = None if base == label else kind_of_change(kind, heads, k, cell)
                head = replace(head, metric=metric_left_of(heads, k))
            if seed:
                head = replace(head, metric="")
            yield Cell(
                text=cell, kind=kind, named=group, line=line, head=head, table=table, seed=seed, column=k
            )


def _is_mean(cell: str, head: Head, table: Table) -> bool:
    """Say whether a cell is a number with its spread or interval in brackets, and not a median."""
    of_median = re.search(r"\bmedian|\biqr\b|quartile", f"{head.text} {plain(table.above)}", re.IGNORECASE)
    return bool(WITH_BRACKETS.match(plain(cell).strip())) and not of_median


def _label_columns(table: Table, heads: Sequence[Head]) -> list[int]:
    """Return the columns whose cells say which group a row is of: those of words before the first number."""
    columns: list[int] = []
    for k, head in enumerate(heads):
        if head.kind in ("p", "t", "df", "sd", "se", "interval", "n", "effect", "significant", "percent"):
            if columns:
                break
            continue
        if _is_numeric(table, k):
            cells = [plain(row[k]) for _, row in table.rows if k < len(row)]
            measured = measures_in(words_of(head.text)) or any("±" in cell for cell in cells)
            if k == 0 and not measured and 1 < len(set(cells)) == len(cells) and head.kind is None:
                columns.append(k)  # a row a rate, a rank, a width
                continue
            if columns:
                break
            continue
        if columns and (NO_LABEL.search(head.text) or not _is_label(table, k)):
            continue
        if _is_label(table, k):
            columns.append(k)
    return columns


def _labels(table: Table, columns: Sequence[int]) -> Iterator[str]:
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


def _is_numeric(table: Table, column: int) -> bool:
    cells = [plain(row[column]).strip() for _, row in table.rows if column < len(row) and row[column].strip()]
    return bool(cells) and 2 * sum(bool(re.match(r"^[-+<>≈~(\[]?\s*[\d.]", cell)) for cell in cells) > len(
        cells
    )


def _is_of_answers(table: Table, column: int) -> bool:
    """Say whether a column answers yes or no."""
    cells = [row[column].strip() for _, row in table.rows if column < len(row) and row[column].strip()]
    return all(YES.match(cell) or NO.match(cell) for cell in cells)


def _is_label(table: Table, column: int) -> bool:
    """Say whether the cells of a column are short words, as names are."""
    cells = [row[column] for _, row in table.rows if column < len(row) and row[column].strip()]
    return (
        bool(cells) and all(len(cell) <= 60 for cell in cells) and any(LETTER.search(cell) for cell in cells)
    )


def _of_cell(cell: Cell, comma: bool) -> Iterator[Claim]:
    """Yield the claims of a cell."""
    text, kind, said = plain(cell.text), cell.kind, cell.text.strip()
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
    return len(numbers) > 3 or (len(numbers) > 1 and not re.search(r"±|[(\[]", text))


def _in_units_of_head(number: Printed, head: Head) -> Printed:
    """Return a number in the unit that its head prints (×10⁻³)."""
    return number.scaled(head.factor) if head.factor and not number.percent else number


def bold_claims(table: Table, *, comma: bool) -> Iterator[Claim]:
    """Yield a claim for each column of which exactly one number is in bold: that it is the best.

    Of a row whose label is bold, too, the claim says so: such a row is often set out for another reason. So
    is a column in which several numbers are.
    """
    heads = _heads(table)
    columns = _label_columns(table, heads)
    if not columns or _seed_column(table, heads) is not None or len(table.rows) < 2:
        return
    labels = list(_labels(table, columns))
    whole = {line: WHOLE_ROW for line, _ in table.rows if any((line, k) in table.bold for k in columns)}
    for k, head in enumerate(heads):
        if k in columns or head.lower_is_better is None or head.kind not in (None, "mean", "median"):
            continue
        rows = [
            (line, cells[k], label)
            for (line, cells), label in zip(table.rows, labels, strict=True)
            if k < len(cells)
        ]
        bold = [(line, text, label) for line, text, label in rows if (line, k) in table.bold]
        rivals = {
            label: number
            for _, text, label in rows
            if label and (number := number_of(plain(text), comma=comma))
        }
        if len(bold) != 1 or bold[0][2] not in rivals or len(rivals) < len(rows):
            continue
        line, text, label = bold[0]
        yield Claim(
            "bold", line, text, groups=(label,), numbers=(rivals[label],),
            context=f"{head.text}\n{table.above}", block=line, metric=head.metric, table=table.line,
            rivals=rivals, test="lower" if head.lower_is_better else "higher", seed=whole.get(line, ""),
        )  # fmt: skip

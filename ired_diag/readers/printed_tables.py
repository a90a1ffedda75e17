"""Tables of results that programs print, with ``|`` or box characters between the cells.

Three forms are read. Names and values, as Lightning prints (``│ test_acc │ 0.97 │``) and as Markdown has
them; a column for each measure, with a row for each model; and a column of names next to a column of values,
with the spread in a column of its own (``|Tasks|…|Metric| |Value| |Stderr|`` of lm-eval).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ired_diag.readers.measure_names import measure_name, spread_kind_in

CELL = re.compile(r"[|│┃]")
LINES = re.compile(r"[\s|+:=│┃─━┏┓┗┛┡┩└┘├┤┬┴┼╇┳┻-]*")
VALUE = re.compile(
    r"\**(?P<value>[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|nan|NaN|inf|-inf|None|N/A)\**\s*(?P<unit>%)?"
    r"(?:\s*(?:±|\+/-)\s*(?P<spread>[\d.]+(?:[eE][-+]?\d+)?)\s*%?)?"
)
TEST_METRIC = re.compile(r"(?i)\btest metric\b|\btest results?\b")
OF_TASKS = re.compile(r"(?i)^(?:tasks?|data ?sets?|benchmarks?|groups?)$")


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """One number of a table.

    Attributes:
        row: The line of the table, from 0.
        name: What is measured.
        value: The number, None where none was measured.
        unit: ``%`` or nothing.
        spread: Its spread.
        spread_kind: The kind of it.
        model: The row's model.
        dataset: The row's data set or task.
        is_test: Whether the table's header says that it is a test's.
    """

    row: int
    name: str
    value: float | None
    unit: str = ""
    spread: float | None = None
    spread_kind: str = ""
    model: str = ""
    dataset: str = ""
    is_test: bool = False


def rows_of_table(lines: Sequence[str], *, certain: bool) -> Iterator[TableRow]:
    """Yield the numbers of a table.

    Args:
        lines: Its lines, with the lines that are only drawn.
        certain: Whether the table stands in an evaluation's section; else its header must say so.
    """
    rows = [(number, _cells(line)) for number, line in enumerate(lines) if not LINES.fullmatch(line)]
    if not rows:
        return
    header = rows[0][1]
    is_test = bool(TEST_METRIC.search(lines[rows[0][0]]))
    lower = [cell.lower() for cell in header]
    if "metric" in lower and "value" in lower and len(header) > 2:
        yield from _metric_and_value(rows, lower)
    elif any((name := measure_name(cell)) and name.certain for cell in header[1:]):
        yield from _columns_of_measures(rows, header, certain=certain)
    elif len(header) == 2 and (certain or is_test):
        yield from _names_and_values(rows, is_test)


def _cells(line: str) -> list[str]:
    cells = [cell.strip() for cell in CELL.split(line.strip())]
    return cells[1:-1] if len(cells) > 2 and not cells[0] and not cells[-1] else cells


def _names_and_values(rows: Sequence[tuple[int, list[str]]], is_test: bool) -> Iterator[TableRow]:
    kind = spread_kind_in(" ".join(rows[0][1]))
    for row, cells in rows:
        if len(cells) == 2 and (value := VALUE.fullmatch(cells[1])):
            yield _row(row, cells[0], value, spread_kind=kind, is_test=is_test)


def _metric_and_value(rows: Sequence[tuple[int, list[str]]], header: list[str]) -> Iterator[TableRow]:
    spread_at = next((place for place, cell in enumerate(header) if spread_kind_in(cell)), None)
    task_at = next((place for place, cell in enumerate(header) if OF_TASKS.match(cell)), None)
    task = ""
    for row, cells in rows[1:]:
        if len(cells) != len(header) or not (value := VALUE.fullmatch(cells[header.index("value")])):
            continue
        if task_at is not None:
            task = cells[task_at].lstrip("- ") or task
        spread = VALUE.fullmatch(cells[spread_at]) if spread_at is not None else None
        name = cells[header.index("metric")]
        yield TableRow(
            row=row,
            name=name,
            value=_float(value["value"]),
            unit=value["unit"] or "",
            spread=_float(spread["value"]) if spread else None,
            spread_kind=spread_kind_in(header[spread_at]) if spread and spread_at is not None else "",
            dataset=task,
            is_test=True,
        )


def _columns_of_measures(
    rows: Sequence[tuple[int, list[str]]], header: list[str], *, certain: bool
) -> Iterator[TableRow]:
    names = [measure_name(cell) for cell in header]
    of_tasks = bool(OF_TASKS.match(header[0]))
    if not (certain or any(name is not None and name.data for name in names)):
        return
    for row, cells in rows[1:]:
        if len(cells) != len(header):
            continue
        for place in range(1, len(cells)):
            if names[place] is None or not (value := VALUE.fullmatch(cells[place])):
                continue
            number = _row(row, header[place], value, spread_kind=spread_kind_in(header[place]))
            yield replace(number, dataset=cells[0]) if of_tasks else replace(number, model=cells[0])


def _row(
    row: int, name: str, value: re.Match[str], *, spread_kind: str = "", is_test: bool = False
) -> TableRow:
    spread = None if value["spread"] is None else _float(value["spread"])
    return TableRow(
        row=row,
        name=name,
        value=_float(value["value"]),
        unit=value["unit"] or "",
        spread=spread,
        spread_kind=spread_kind if spread is not None else "",
        is_test=is_test,
    )


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

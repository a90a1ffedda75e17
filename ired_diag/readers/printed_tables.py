"""Tables of results that programs print, with ``|`` or box characters between the cells.

Three forms are read. Names and values, as Lightning prints (``│ test_acc │ 0.97 │``) and as Markdown has
them; a column for each measure, with a row for each model; and a column of names next to a column of values,
with the spread in a column of its own (``|Tasks|…|Metric| |Value| |Stderr|`` of lm-eval).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
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


Rows = Sequence[tuple[int, list[str]]]  # line and cells


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """A number of a table.

    Attributes:
        row: The line of the table, from 0.
        name: What is measured.
        value: The number, None where none was measured.
        unit: ``%`` or nothing.
        spread: Spread of the number.
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
        lines: Lines of the table, with the lines that are only drawn.
        certain: Whether the table stands in an evaluation's section; else its header must say so.
    """
    rows = [(number, _cells(line)) for number, line in enumerate(lines) if not LINES.fullmatch(line)]
    if not rows:
        return
    first, header = rows[0]
    is_test = bool(TEST_METRIC.search(lines[first]))
    lower = [cell.lower() for cell in header]
    names = [measure_name(cell) for cell in header[1:]]
    if "metric" in lower and "value" in lower and len(header) > 2:
        yield from _metric_and_value(rows, lower)
    elif any(name and name.certain for name in names):
        yield from _columns_of_measures(rows, header, certain=certain)
    elif len(header) == 2 and (certain or is_test):
        yield from _names_and_values(rows, is_test)


def _cells(line: str) -> list[str]:
    cells = [cell.strip() for cell in CELL.split(line.strip())]
    is_framed = len(cells) > 2 and not cells[0] and not cells[-1]
    return cells[1:-1] if is_framed else cells


def _names_and_values(rows: Rows, is_test: bool) -> Iterator[TableRow]:
    kind = spread_kind_in(" ".join(rows[0][1]))
    for row, cells in rows:
        value = VALUE.fullmatch(cells[1]) if len(cells) == 2 else None
        if value:
            yield _row(row, cells[0], value, spread_kind=kind, is_test=is_test)


def _metric_and_value(rows: Rows, header: list[str]) -> Iterator[TableRow]:
    metric_at = header.index("metric")
    value_at = header.index("value")
    spread_at = _first_place(header, lambda cell: bool(spread_kind_in(cell)))
    task_at = _first_place(header, lambda cell: bool(OF_TASKS.match(cell)))
    task = ""
    for row, cells in rows[1:]:
        value = VALUE.fullmatch(cells[value_at]) if len(cells) == len(header) else None
        if not value:
            continue
        if task_at is not None:
            task = cells[task_at].lstrip("- ") or task
        number = TableRow(
            row=row,
            name=cells[metric_at],
            value=_float(value["value"]),
            unit=value["unit"] or "",
            dataset=task,
            is_test=True,
        )
        if spread_at is not None:
            number = _with_spread(number, cells[spread_at], spread_kind_in(header[spread_at]))
        yield number


def _with_spread(number: TableRow, cell: str, kind: str) -> TableRow:
    spread = VALUE.fullmatch(cell)
    if not spread:
        return number
    return replace(number, spread=_float(spread["value"]), spread_kind=kind)


def _first_place(cells: Sequence[str], fits: Callable[[str], bool]) -> int | None:
    for place, cell in enumerate(cells):
        if fits(cell):
            return place
    return None


def _columns_of_measures(rows: Rows, header: list[str], *, certain: bool) -> Iterator[TableRow]:
    names = [measure_name(cell) for cell in header]
    names_data = any(name is not None and name.data for name in names)
    if not certain and not names_data:
        return
    is_of_tasks = OF_TASKS.match(header[0]) is not None
    for row, cells in rows[1:]:
        if len(cells) != len(header):
            continue
        for place in range(1, len(cells)):
            value = VALUE.fullmatch(cells[place])
            if names[place] is None or not value:
                continue
            kind = spread_kind_in(header[place])
            number = _row(row, header[place], value, spread_kind=kind)
            if is_of_tasks:
                yield replace(number, dataset=cells[0])
            else:
                yield replace(number, model=cells[0])


def _row(
    row: int, name: str, value: re.Match[str], *, spread_kind: str = "", is_test: bool = False
) -> TableRow:
    number = TableRow(
        row=row,
        name=name,
        value=_float(value["value"]),
        unit=value["unit"] or "",
        is_test=is_test,
    )
    spread = _float(value["spread"]) if value["spread"] else None
    return number if spread is None else replace(number, spread=spread, spread_kind=spread_kind)


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

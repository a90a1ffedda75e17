"""What commands print: JSON, tables and numbers."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from app.cli.visible import visible_output, without_it
from ired_diag.visible_text import visible_json, visible_line

if TYPE_CHECKING:
    from ired_diag.runs.ending import Ending

Alignment = Literal["left", "right"]

ALIGNMENT: dict[bool, Alignment] = {True: "left", False: "right"}  # text left, numbers right
SMALL_P = 1e-4  # below it p values are written with an exponent, and need no trailing zeros
DECIMALS = 8  # where no spread says how many are significant


def print_json(content: object) -> None:
    """Print dataclasses, mappings and numbers as JSON; what is not finite is null."""
    click.echo(visible_json(json.dumps(plain(content), indent=2, ensure_ascii=False)))


def plain(content: object) -> Any:
    """Return content as JSON can hold it.

    >>> plain({"p": float("nan"), "path": Path("runs")})
    {'p': None, 'path': 'runs'}
    """
    if dataclasses.is_dataclass(content) and not isinstance(content, type):
        return {field.name: plain(getattr(content, field.name)) for field in dataclasses.fields(content)}
    if isinstance(content, Mapping):
        return {str(key): plain(value) for key, value in content.items()}
    if content is None or isinstance(content, str | bool | int):
        return content
    if hasattr(content, "tolist"):  # a numpy array or number; numpy need not be imported to recognise it
        return plain(content.tolist())
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Sequence):
        return [plain(item) for item in content]
    return str(content)


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: int = 1,
    caption: str = "",
    last_is_text: bool = False,
    first_out: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> None:
    """Print a table that fits the terminal: where it is too narrow, columns are dropped and named.

    Args:
        title: Line above the table.
        columns: Names of the columns.
        rows: Cells of each row.
        left: Number of columns, from the first on, that hold text. The others hold numbers.
        caption: Lines below the table.
        last_is_text: Whether the last column holds text too.
        first_out: Columns that a narrow terminal loses first, in this order; then it loses the last ones.
        keep: Columns that it loses last, after texts were shortened.

    Raises:
        ValueError: A row has more or fewer cells than there are columns. This is a defect of the caller.
    """
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"{len(columns)} columns, but the row {row}")
    from app.cli.table_width import fit, terminal_width
    from app.cli.wrapping import broken

    # Before the widths are fitted: an escape that is shown is wider than one that is obeyed.
    columns = _visible(columns)
    width = terminal_width()
    text = set(range(left))
    if last_is_text:
        text.add(len(columns) - 1)
    fitted = fit(
        columns,
        list(map(_visible, rows)),
        width,
        text=sorted(text),
        first_out=first_out,
        keep=keep,
    )
    if title:
        print_lines(broken([title], width))
    names = [columns[place] for place in fitted.kept]
    alignments = [ALIGNMENT[place in text] for place in fitted.kept]
    print_lines(_drawn(names, fitted.rows, alignments))
    below = caption.splitlines()
    if fitted.dropped:
        below.insert(0, f"columns dropped to fit: {', '.join(fitted.dropped)}; a wider terminal shows them")
    print_lines(broken(below, width))
    click.echo()


def _visible(cells: Sequence[str]) -> list[str]:
    return [visible_line(cell) for cell in cells]


def _drawn(
    columns: Sequence[str], rows: Sequence[Sequence[str]], alignments: Sequence[Alignment]
) -> Iterator[str]:
    """Yield the lines of a table: the names, a line below them, and the rows."""
    from rich.cells import cell_len

    widths = []
    for cells in zip(columns, *rows, strict=True):
        widths.append(max(map(cell_len, cells)))
    yield _line(columns, widths, alignments)
    yield " " + "─" * (sum(widths) + 3 * len(widths) - 1)
    for row in rows:
        line = _line(row, widths, alignments)
        if line:
            yield line


def _line(cells: Sequence[str], widths: Sequence[int], alignments: Sequence[Alignment]) -> str:
    """Return a row as a line; a character of Asian scripts is two wide."""
    from rich.cells import cell_len

    padded = []
    for cell, width, alignment in zip(cells, widths, alignments, strict=True):
        space = " " * (width - cell_len(cell))
        padded.append(space + cell if alignment == "right" else cell + space)
    return f"  {'   '.join(padded)}".rstrip()


@contextmanager
def progress(description: str, *, unit: str = "") -> Iterator[Callable[[int, int], None]]:
    """Show progress on stderr, and only on a terminal; yield the function (done, total) that moves it."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(file=without_it(sys.stderr))
    columns = (
        TextColumn(escape(visible_line(description))),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
    )
    with (
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
        visible_output(),
    ):
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def print_lines(lines: Iterable[str]) -> None:
    """Print lines as they are."""
    for line in lines:
        click.echo(line)


def print_list(rows: Sequence[tuple[str, str]]) -> None:
    """Print names with a sentence each; on a narrow terminal the sentence stands below its name."""
    from app.cli.table_width import terminal_width

    widest = max(len(name) for name, _ in rows)
    lines = [f"{name:{widest}}  {words}" for name, words in rows]
    width = terminal_width()
    if width is not None and max(map(len, lines)) > width:
        lines = [f"{name}\n    {words}" for name, words in rows]
    print_lines(lines)


def ending_in_words(ending: Ending) -> str:
    """Return how a job ended, with the detail where there is one."""
    if ending.detail:
        return f"{ending.label}: {ending.detail}"
    return ending.label


def p_value(p: float) -> str:
    """Return a p value with three significant digits.

    >>> p_value(0.0882), p_value(2.42e-7), p_value(float("nan"))
    ('0.0882', '2.42e-07', '-')
    """
    if math.isnan(p):
        return "-"
    if p < SMALL_P:
        return f"{p:.3g}"
    return f"{p:#.3g}"


def number(value: float | None, form: str = ".6g") -> str:
    """Return a number in a format, a dash where there is none."""
    if value is None or math.isnan(value):
        return "-"
    return format(value, form)


def interval(low: float, high: float, form: str = ".6g") -> str:
    """Return an interval in a format of its ends.

    >>> interval(-0.1, 0.25, "+.3g")
    '-0.1 to +0.25'
    """
    return f"{number(low, form)} to {number(high, form)}"


def decimals(spreads: Sequence[float], *, digits: int = 3) -> int:
    """Return the number of decimals with which the smallest spread shows ``digits`` significant digits.

    >>> decimals([2.2e-5, 6e-5])
    7
    """
    usable = [spread for spread in spreads if math.isfinite(spread) and spread > 0]
    if not usable:
        return DECIMALS
    exponent = math.floor(math.log10(min(usable)))
    return max(0, digits - 1 - exponent)


def shorten(path: Path | str) -> str:
    """Return a path relative to the working folder where the path lies in it."""
    absolute = Path(path).absolute()
    if absolute.is_relative_to(Path.cwd()):
        return str(absolute.relative_to(Path.cwd()))
    return str(path)

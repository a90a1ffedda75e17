"""What commands print: JSON, tables and numbers."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from app.cli.visible import visible_output, without_it
from ired_diag.visible_text import visible_json, visible_line

WIDTH_OF_A_TABLE = 2000  # wider than any table: the terminal's width was heeded before


def print_json(content: object) -> None:
    """Print dataclasses, mappings and numbers as JSON; what is not finite is null."""
    click.echo(visible_json(json.dumps(plain(content), indent=2, ensure_ascii=False)))


def plain(content: object) -> Any:
    """Return content as JSON can hold it.

    >>> plain({"p": float("nan"), "path": Path("runs")})
    {'p': None, 'path': 'runs'}
    """
    if dataclasses.is_dataclass(content) and not isinstance(content, type):
        return {f.name: plain(getattr(content, f.name)) for f in dataclasses.fields(content)}
    if isinstance(content, Mapping):
        return {str(key): plain(value) for key, value in content.items()}
    if isinstance(content, str) or content is None or isinstance(content, bool | int):
        return content
    if hasattr(content, "tolist"):  # an array or a number of numpy's, which need not be loaded to be known
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
    """Print a table that fits the terminal: columns are dropped where it is too narrow, and named.

    Args:
        title: Stands above it.
        columns: Names of the columns.
        rows: Their cells.
        left: So many of the first columns are text, the others numbers.
        caption: Stands below it.
        last_is_text: The last column is text too.
        first_out: The columns that a narrow terminal loses first, in this order; then the last ones.
        keep: The columns that it loses last, after texts were cut.

    Raises:
        ValueError: A row has not as many cells as there are columns; a defect of whoever made it.
    """
    if wrong := [row for row in rows if len(row) != len(columns)]:
        raise ValueError(f"{len(columns)} columns, but the row {wrong[0]}")
    from app.cli.table_width import fit, terminal_width
    from app.cli.wrapping import broken

    # Before the widths are fitted: an escape that is shown is wider than one that is obeyed.
    columns = [visible_line(name) for name in columns]
    rows = [[visible_line(cell) for cell in row] for row in rows]
    width = terminal_width()
    text = {*range(left), *([len(columns) - 1] if last_is_text else [])}
    fitted = fit(columns, rows, width, text=sorted(text), first_out=first_out, keep=keep)
    if title:
        print_lines(broken([title], width))
    names = [columns[place] for place in fitted.kept]
    print_lines(_drawn(names, fitted.rows, [place in text for place in fitted.kept]))
    below = caption.splitlines()
    if fitted.dropped:
        below = [f"columns dropped to fit: {', '.join(fitted.dropped)}; a wider terminal shows them", *below]
    print_lines(broken(below, width))
    click.echo()


def _drawn(columns: Sequence[str], rows: Sequence[Sequence[str]], text: Sequence[bool]) -> Iterator[str]:
    """Yield the lines of a table; columns of text stand left, numbers right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, width=WIDTH_OF_A_TABLE, color_system=None)
    table = Table(box=box.SIMPLE_HEAD, header_style="")
    for column, is_text in zip(columns, text, strict=True):
        table.add_column(column, justify="left" if is_text else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # Text: a name may hold [brackets]
    with console.capture() as capture:
        console.print(table)
    yield from (line.rstrip() for line in capture.get().splitlines() if line.strip())


@contextmanager
def progress(description: str, *, unit: str = "") -> Iterator[Callable[[int, int], None]]:
    """Show progress on stderr while it lasts, and only on a terminal; yields (done, total) -> None."""
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

    widest, width = max(len(name) for name, _ in rows), terminal_width()
    narrow = width is not None and any(widest + len(words) + 2 > width for _, words in rows)
    for name, words in rows:
        click.echo(f"{name}\n    {words}" if narrow else f"{name:{widest}}  {words}")


def p_value(p: float) -> str:
    """Return a p value with three significant digits.

    >>> p_value(0.0882), p_value(2.42e-7), p_value(float("nan"))
    ('0.0882', '2.42e-07', '-')
    """
    return "-" if math.isnan(p) else f"{p:.3g}" if p < 1e-4 else f"{p:#.3g}"


def number(value: float | None, form: str = ".6g") -> str:
    """Return a number in a format, a dash where there is none."""
    return "-" if value is None or math.isnan(value) else format(value, form)


def decimals(spreads: Sequence[float], *, digits: int = 3) -> int:
    """Return after how many decimals the smallest spread shows ``digits`` significant ones.

    >>> decimals([2.2e-5, 6e-5])
    7
    """
    finite = [s for s in spreads if math.isfinite(s) and s > 0]
    return max(0, digits - 1 - math.floor(math.log10(min(finite)))) if finite else 8


def shorten(path: Path | str) -> str:
    """Return a path relative to the working folder where that is shorter."""
    absolute = Path(path).absolute()
    near = absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else path
    return str(near)

"""A table of a report, however it is written: Markdown, LaTeX, HTML, or text in a code block."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table: its head, its rows with their line numbers, and what stands above it.

    Attributes:
        head: The names of its columns, markup left out.
        rows: Line number and cells of each row.
        line: Line number of its head.
        above: Its heading and the paragraph before it.
        bold: Line and column of each cell that is set in bold.
        below: The line or paragraph that follows it directly.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    line: int
    above: str
    bold: frozenset[tuple[int, int]] = frozenset()
    below: str = ""

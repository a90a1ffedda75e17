"""A Jupyter notebook as Markdown, line by line, so that line numbers are those of the file.

Cells of Markdown are text. What a cell printed is a code block; its tables in HTML are text again. Code, and
outputs that are pictures, are left out. Nothing is run. Of a notebook that is written on one line, line
numbers count the lines of its text.

Reference: nbformat 4.5, the notebook file format.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

FENCE = "```"
Piece = tuple[str, bool]  # a line of text, and whether a program printed it


def notebook_as_markdown(text: str) -> str | None:
    """Return the text of a notebook; None where a file is not one.

    Args:
        text: The file.
    """
    if not text.lstrip().startswith("{") or '"cells"' not in text:
        return None
    try:
        notebook = json.loads(text)
    except ValueError:
        return None
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        return None
    pieces = [piece for cell in cells if isinstance(cell, dict) for piece in _pieces(cell)]
    return _on_lines_of(text, pieces) or _one_after_another(pieces)


def _pieces(cell: dict[str, Any]) -> Iterator[Piece]:
    """Yield the lines of a cell that are read."""
    if cell.get("cell_type") == "markdown":
        yield from _lines(cell.get("source"), printed=False)
    for output in cell.get("outputs") or ():
        if not isinstance(output, dict):
            continue
        data = output.get("data")
        if not isinstance(data, dict):
            data = {}
        if "text/html" in data:
            yield from _lines(data["text/html"], printed=False)
        elif "text/markdown" in data:
            yield from _lines(data["text/markdown"], printed=False)
        else:
            yield from _lines(output.get("text") or data.get("text/plain"), printed=True)


def _lines(source: Any, *, printed: bool) -> Iterator[Piece]:
    """Yield the lines of a source, which is a string or a list of lines."""
    lines = source
    if not isinstance(source, list):
        text = str(source or "")
        lines = text.splitlines(keepends=True)
    for line in lines:
        yield str(line), printed


def _on_lines_of(text: str, pieces: list[Piece]) -> str:
    """Return the pieces, each on the line of the file that holds it; empty where one is not found."""
    lines = text.splitlines()
    written = [""] * len(lines)
    at = 0
    fenced = False
    for piece, printed in pieces:
        spelled = (json.dumps(piece, ensure_ascii=False), json.dumps(piece))
        while at < len(lines) and lines[at].strip().rstrip(",") not in spelled:
            # An output begins and ends with lines of JSON, which give room for the fences.
            if fenced:
                written[at] = FENCE
                fenced = False
            at += 1
        if at == len(lines):
            return ""
        if printed and not fenced and at > 0:
            written[at - 1] = FENCE
            fenced = True
        written[at] = piece.rstrip("\n")
        at += 1
    if fenced and at < len(lines):
        written[at] = FENCE
    return "\n".join(written)


def _one_after_another(pieces: list[Piece]) -> str:
    """Return the pieces as a text of its own."""
    written: list[str] = []
    was_printed = False
    for piece, printed in pieces:
        if printed != was_printed:
            written.append(FENCE)
        was_printed = printed
        written += piece.splitlines() or [""]
        if not piece.endswith("\n"):
            written.append("")
    if was_printed:
        written.append(FENCE)
    return "\n".join(written)

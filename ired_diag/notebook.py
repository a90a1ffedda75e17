"""HTML for notebooks: tables and paragraphs in which all text is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 60
COLOURS = {"error": "#b3261e", "warning": "#8a5a00", "note": "#475467"}  # contrast above 4.5 on white


def frame_as_html(frame: pd.DataFrame) -> str:
    """Return the first rows of a frame as a table, and how many more there are."""
    shown = frame.head(MOST_ROWS)
    table = shown.to_html(index=False, border=0, float_format="{:.6g}".format, na_rep="", escape=True)
    hidden = len(frame) - len(shown)
    if hidden:
        return f"{table}<p>and {hidden} more rows</p>"
    return str(table)


def finding_as_html(severity: str, *, rule: str, statement: str, advice: str) -> str:
    """Return a finding as a paragraph: its severity in colour, its statement, its advice below.

    >>> finding_as_html("note", rule="r", statement="1 < 2", advice="")
    '<p><b style="color:#475467">note</b> <code>r</code> 1 &lt; 2</p>'
    """
    word = f'<b style="color:{COLOURS[severity]}">{severity}</b>'
    text = f"{word} <code>{escape(rule)}</code> {escape(statement)}"
    if advice:
        text += f"<br><small>{escape(advice)}</small>"
    return f"<p>{text}</p>"


def details_as_html(details: Iterable[str]) -> str:
    """Return lines in small letters; nothing where there is none.

    >>> details_as_html(["a < b"]), details_as_html([])
    ('<p><small>a &lt; b</small></p>', '')
    """
    lines = [f"<small>{escape(detail)}</small>" for detail in details]
    return f"<p>{'<br>'.join(lines)}</p>" if lines else ""


def heading_as_html(title: str, details: Iterable[str] = ()) -> str:
    """Return a title, with details in small letters below it."""
    lines = [f"<b>{escape(title)}</b>"]
    lines += [f"<small>{escape(detail)}</small>" for detail in details]
    return f"<p>{'<br>'.join(lines)}</p>"

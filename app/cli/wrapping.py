"""Sentences on a terminal: broken between words, with a hanging indent; commands stay whole."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from ired_diag.visible_text import visible

COMMAND = "ired-diag "  # a line that holds one is copied: it is left to the terminal


def broken(texts: Sequence[str], width: int | None, *, indent: str = "") -> list[str]:
    """Return texts as lines that are no longer than a terminal is wide.

    Args:
        texts: Texts of one or more sentences.
        width: Width of the terminal in characters. None: nothing is broken.
        indent: Beginning of each line of a text except its first.

    >>> broken(["a verdict in words", "ired-diag stats a b"], 10)
    ['a verdict', 'in words', 'ired-diag stats a b']
    """
    lines: list[str] = []
    for text in map(visible, texts):
        if width is None or COMMAND in text or len(text) <= width:
            lines.append(text)
        else:
            lines += textwrap.wrap(
                text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
            )
    return lines

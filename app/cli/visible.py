r"""What a terminal would obey is shown instead: an escape in a name appears as ``\x1b``.

Names, log lines and settings come from other people's files. A terminal obeys what they hold: an escape
sequence moves the cursor, hides a line or sets the window's title; a mark of direction turns the text behind
it around; half of a surrogate pair, which Python makes of a file name that is not UTF-8, cannot be printed
at all. All output passes here on its way, so that no message needs to think of it.

Our own colours are the one exception: a text that begins with codes of colour and ends by resetting them, as
``click.secho`` writes it. What stands between them is made visible like the rest.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast

from app.cli.recorded import Recorded
from ired_diag.visible_text import visible

STYLED = re.compile("((?:\x1b\\[\\d{1,2}m)+)(.*?)(\x1b\\[0m\n?)", re.DOTALL)


class VisibleText:
    """A stream that makes visible what a terminal would obey; else it is the stream that it writes to."""

    def __init__(self, stream: TextIO) -> None:
        """Write to ``stream``."""
        self.stream = stream

    @property
    def encoding(self) -> str:
        """UTF-8 to whoever asks: what the stream cannot encode is written as its escape."""
        return "utf-8"

    def write(self, text: str) -> int:
        """Write a text."""
        styled = STYLED.fullmatch(text)
        if styled:
            shown = f"{styled[1]}{visible(styled[2])}{styled[3]}"
        else:
            shown = visible(text)
        coding = getattr(self.stream, "encoding", None) or "utf-8"
        self.stream.write(shown.encode(coding, "backslashreplace").decode(coding))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)


class Nowhere(io.TextIOBase, TextIO):
    """A stream that takes every text, and needs no file to be opened for it."""

    def write(self, text: str) -> int:
        """Take a text."""
        return len(text)


@contextmanager
def visible_output() -> Iterator[None]:
    """Make visible whatever is written to standard output and standard error while it lasts.

    A stream that is closed, as ``>&-`` leaves it, is written to nowhere.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, VisibleText(stream or Nowhere())) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def without_it(stream: TextIO) -> TextIO:
    """Return the stream behind, for a progress bar, whose own escapes the terminal must obey."""
    while isinstance(stream, VisibleText | Recorded):
        stream = stream.stream
    return stream

"""A stream that remembers what is written to it."""

from __future__ import annotations

from typing import TextIO

Printed = tuple[str, str]  # name of the stream, and a text


class Recorded:
    """A stream that notes each text that is written to it; else it is the stream that it writes to."""

    def __init__(self, stream: TextIO, name: str, printed: list[Printed]) -> None:
        """Write to ``stream``, and note each text in ``printed`` under ``name``."""
        self.stream = stream
        self.name_in_record = name
        self.printed = printed

    def write(self, text: str) -> int:
        """Write a text."""
        length = self.stream.write(text)  # first: what is no text is refused there
        self.printed.append((self.name_in_record, text))
        return length

    def writelines(self, lines: list[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)

"""Lines of a log by a word in them.

A pattern that may begin anywhere looks at every byte and reads 50 MB/s; ``bytes.find`` reads gigabytes. So
the word is looked for, and the pattern is put to the lines that hold it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator


def spans_of_lines(content: bytes, *words: bytes) -> list[tuple[int, int]]:
    r"""Return start and end of each line that holds one of some words, in the order of the log.

    >>> spans_of_lines(b"loss 1\nsaved\nloss 2", b"loss", b"1")
    [(0, 6), (13, 19)]
    """
    spans: set[tuple[int, int]] = set()
    for word in words:
        at = content.find(word)
        while at >= 0:
            start = content.rfind(b"\n", 0, at) + 1
            end = content.find(b"\n", at)
            if end < 0:
                end = len(content)
            spans.add((start, end))
            at = content.find(word, end)
    return sorted(spans)


def lines_holding(content: bytes, word: bytes) -> Iterator[bytes]:
    r"""Yield each line that holds a word, without its newline, in the order of the log.

    >>> list(lines_holding(b"loss 1\nsaved\nloss 2", b"loss"))
    [b'loss 1', b'loss 2']
    """
    for start, end in spans_of_lines(content, word):
        yield content[start:end]


def places_at_line_starts(content: bytes, word: bytes) -> Iterator[int]:
    """Yield where lines begin with a word."""
    if content.startswith(word):
        yield 0
    after_newline = b"\n" + word
    at = content.find(after_newline)
    while at >= 0:
        yield at + 1
        at = content.find(after_newline, at + 1)


def starts_a_line(content: bytes, word: bytes) -> bool:
    """Say whether a line begins with a word."""
    return next(places_at_line_starts(content, word), None) is not None


def first_at_line_start(pattern: re.Pattern[bytes], content: bytes, *words: bytes) -> re.Match[bytes] | None:
    r"""Return the first match of a pattern whose matches begin a line, with one of some words.

    >>> first_at_line_start(re.compile(rb"Seed: (\d+)"), b"a\nSeed: x\nSeed: 3", b"Seed: ")[1]
    b'3'
    """
    first: re.Match[bytes] | None = None
    for word in words:
        for place in places_at_line_starts(content, word):
            match = pattern.match(content, place)
            if match:
                if first is None or match.start() < first.start():
                    first = match
                break
    return first

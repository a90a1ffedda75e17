"""Which words stand in a log: asked of its lines without repetition.

A training prints the same lines thousands of times, with other numbers. With every digit as 0 and each line
kept once, a log of megabytes is a text of kilobytes, in which a hundred words are looked for in no time. The
answer is exact for words without digits. Of a word with digits, "no" is exact and "yes" means "perhaps".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import TypeVar

DIGITS_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
AS_ZEROS = bytes.maketrans(b"123456789\r", b"000000000\n")
LARGEST_KEPT = 1 << 22  # bytes of a log whose wording is kept while it is read
MOST_LINES, LONGEST_LINE = 8192, 1024  # of which answers are kept, and in bytes

Answer = TypeVar("Answer")


class Wording:
    """The words of a log.

    Args:
        content: The log. A carriage return ends a line, too: a word stands on one line.
    """

    def __init__(self, content: bytes) -> None:
        """Keep each line once."""
        lines = content.translate(AS_ZEROS).split(b"\n")
        self.distinct = dict.fromkeys(lines)

    @cached_property
    def lines(self) -> bytes:
        """The lines, each once."""
        return b"\n".join(self.distinct)

    @cached_property
    def lower(self) -> bytes:
        """The lines in lower case."""
        return self.lines.lower()

    def may_hold(self, *words: bytes) -> bool:
        r"""Say whether the log may hold one of some words.

        >>> Wording(b"step 1\rstep 2\rdone").may_hold(b"done"), Wording(b"step 1").may_hold(b"done")
        (True, False)
        """
        lines = self.lines
        return any(word.translate(AS_ZEROS) in lines for word in words)


def wording_of(content: bytes) -> Wording:
    """Return the words of a log: several readers ask about the same bytes, one after another."""
    if len(content) > LARGEST_KEPT:
        return Wording(content)
    return _latest_wordings(content)


@lru_cache(maxsize=4)
def _latest_wordings(content: bytes) -> Wording:
    return Wording(content)


def remembered_by_line(answer: Callable[[bytes], Answer]) -> Callable[[bytes], Answer]:
    """Return a function that answers a question about a line, and knows the answers about the latest lines.

    The logs of a study hold the same lines, so that a question about a hundred words is asked once a line and
    not once a log.
    """
    remembered = lru_cache(maxsize=MOST_LINES)(answer)

    def answer_of(line: bytes) -> Answer:
        return remembered(line) if len(line) <= LONGEST_LINE else answer(line)

    return answer_of

"""Which words stand in a log: asked of its lines without repetition.

A training prints the same lines thousands of times, with other numbers. With every digit as 0 and each line
kept once, a log of megabytes is a text of kilobytes, in which a hundred words are looked for in no time. The
answer is exact for words without digits. Of a word with digits, "no" is exact and "yes" means "perhaps".
"""

from __future__ import annotations

from functools import cached_property

AS_ZEROS = bytes.maketrans(b"123456789\r", b"000000000\n")


class Wording:
    """The words of a log.

    Args:
        content: The log. A carriage return ends a line, too: a word stands on one line.
    """

    def __init__(self, content: bytes) -> None:
        """Keep each line once."""
        lines = content.translate(AS_ZEROS).split(b"\n")
        self.lines = b"\n".join(dict.fromkeys(lines))

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

r"""Text of strangers as a reader can see it: what a terminal would obey is written as its escape, ``\x1b``.

That are controls but for tab and newline, marks that change the direction of the text behind them, other
ends of lines, and halves of surrogate pairs, which Python makes of a file name that is not UTF-8.
"""

from __future__ import annotations

import re

OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
BYTE = range(0xDC80, 0xDD00)  # how Python keeps a byte of a file name that is not UTF-8


def visible(text: str) -> str:
    r"""Return a text in which each character that a terminal would obey is written as its escape.

    >>> print(visible("q1\x1b[2J\u202e"), visible("caf\udce9"))
    q1\x1b[2J\u202e caf\xe9
    """
    return OBEYED.sub(_escape, text)


def visible_line(text: str) -> str:
    r"""Return a text as one line, for a name that is part of a line or a cell of a table.

    >>> print(visible_line("seed0\nq101 is better"))
    seed0\nq101 is better
    """
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def visible_json(text: str) -> str:
    r"""Return JSON with such characters as JSON writes them; they stand only in its strings.

    >>> print(visible_json('"caf\udce9\x9b2J"'))
    "caf\udce9\u009b2J"
    """
    return OBEYED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code in BYTE:
        code -= 0xDC00
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}"

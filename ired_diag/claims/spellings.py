"""One name in several spellings: RNN-T and rnnt, UNet++ and unetpp, 3e-4 and 0.0003, lr3e-4 and lr=0.0003.

Numbers are compared by their value, where they have a decimal point or an exponent; letters without the
hyphens between them. A plus behind a word is a part of it: UNet++ is another model than UNet.
"""

from __future__ import annotations

import re

FLOAT = re.compile(r"(?<![\d.])(?:\d+\.\d+(?:e[-+]?\d+)?|\d+e[-+]?\d+)(?![\w.]*\w)")
PLUSES = re.compile(r"(?<=[^\W_])(\+{1,2})(?![\w+])")
SHORTEST = 4  # letters of a name that may be spelled with hyphens


def with_plain_numbers(text: str) -> str:
    """Return a label in lower case, its decimal numbers in one spelling and each a word of its own.

    >>> with_plain_numbers("lr3e-4"), with_plain_numbers("lr=0.0003"), with_plain_numbers("unet++")
    ('lr 0.0003', 'lr=0.0003', 'unetpp')
    """
    text = PLUSES.sub(lambda hit: "p" * len(hit[1]), text)
    return FLOAT.sub(_as_word, text)


def _as_word(hit: re.Match[str]) -> str:
    """Return a number as Python prints it without an exponent, apart from the letters before it."""
    value = f"{float(hit[0]):.10f}".rstrip("0").rstrip(".")
    before = hit.string[hit.start() - 1 : hit.start()]
    return f" {value}" if before.isalnum() else value


def glued(label: str) -> str:
    """Return the letters and digits of a label.

    >>> glued("RNN-T"), glued("UNet++")
    ('rnnt', 'unetpp')
    """
    return re.sub(r"[\W_]+", "", with_plain_numbers(label.lower()))


def hyphenated(name: str) -> list[str]:
    """Return the regular expressions for a name of one word, with hyphens between its letters, or pluses."""
    spelled = []
    if name.isalnum() and len(name) >= SHORTEST and not name.isdigit():
        spelled.append("-?".join(map(re.escape, name)))
    if re.fullmatch(r"[^\W_]+pp", name, re.IGNORECASE):
        spelled.append(re.escape(name[:-2]) + r"\+\+")
    return spelled

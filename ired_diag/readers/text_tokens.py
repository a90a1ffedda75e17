r"""The tokens of a line of a text log: words, numbers with their units, brackets, and what is no value.

    [2024-05-01 10:00:00] iteration 20/ 1000 | lm loss: 6.1E+00 | time (ms): 159.3

Times of day, dates, ranks and the names of log levels are no values. A number is one only where it stands
alone, or where a unit follows it (``513.8s``, ``159ms``, ``45%``): the digits of ``3x3``, ``v1.2`` and
``2.1.0`` are not. Counts in thousands are multiplied out (``1.2M`` is 1,200,000); a time and a percentage
keep their unit. Every token depends on the line's letters alone, and not on its digits, so that lines of the
same letters have the same tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["word", "number", "assign", "slash", "open", "close", "boundary", "aside", "none"]

DIGITS = b"0123456789+-."
COLOURS = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
THOUSANDS = {b"k": 1e3, b"K": 1e3, b"M": 1e6, b"B": 1e9, b"G": 1e9, b"T": 1e12}
SECONDS = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "msec": 1e-3, "s": 1.0, "sec": 1.0, "secs": 1.0,
    "seconds": 1.0, "min": 60.0, "mins": 60.0, "minutes": 60.0, "h": 3600.0, "hr": 3600.0, "hrs": 3600.0,
    "hours": 3600.0,
}  # fmt: skip
RATES = """
    /s /sec it/s s/it ms/it tok/s tokens/s tokens/sec samples/s samples/sec img/s images/s steps/s steps/sec
    ms/step s/step us/step MiB/s GB/s
""".split()
SIZES = "kb KB MB GB TB KiB MiB GiB TiB".split()
OTHERS = "% m d x it fps Hz W C TFLOPS TFLOPs TFLOP/s GFLOPS".split()
UNITS = frozenset((*SECONDS, *RATES, *SIZES, *OTHERS, *(unit.decode() for unit in THOUSANDS)))
NUMBER = (
    rb"[-+]?(?:\d{1,3}(?:,\d{3})++(?![\d,])(?:\.\d++)?|\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?"
    rb"|[-+]?(?i:nan|inf(?:inity)?)(?![A-Za-z_])"
)
ENDS = rb"(?![\w@\x80-\xff]|\.\w|[-+]\d|/[A-Za-z])"  # nothing that makes the number a part of a word
TOKEN = re.compile(
    rb"""
    (?P<clock>\d{4}[-/]\d\d?[-/]\d\d?(?:[T\ ]\d\d?:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[-+]\d\d:?\d\d)?)?
        |(?:\d\d?/\d\d?(?:/\d{2,4})?\ )?\d{1,4}:\d\d:\d\d(?:[.,]\d+)?|\d+\ days?,
        |(?<!\w)\d+[dhm]\ \d+[hms](?:\ \d+s)?(?!\w)|(?<!\w)[IWEF]\d{4}\ [\d:.]++\ ++\d++\ )
    |(?P<place>[\w./-]+\.(?:py|cc|cpp|cu|rs|go|jl|java):\d+|\([\w./-]+\.py\ \d+\)
        |\(?[A-Za-z_][\w.]*:\d+\)?(?=[\ \t]+(?:INFO|WARNING|DEBUG|ERROR|CRITICAL)\b)
        |[A-Za-z_][\w.]*:[\w<>.]+:\d+(?=\ -\ ))
    |(?P<rank>\[(?:rank|default)\ ?\d+\]:?)
    |(?P<aside>\[[A-Za-z][^\]\[\d=:|]{0,60}\]|\([A-Za-z][A-Za-z_ /.%]{0,60}\))
    |(?P<number>(?<![\w@.\x80-\xff])(?:NUMBER))(?P<unit>%|/?[A-Za-z\xc2\xb5][A-Za-z\xc2\xb5/]{0,12})?ENDS
    |(?P<none>(?i:n/a|na|none|null|nil)(?![\w/.=]))
    |(?P<word>[A-Za-z_\x80-\xff][\w\x80-\xff@*&+\#/.-]*+(?:'s\b)?)
    |(?P<junk>[\w.@+-]++)
    |(?P<assign>[:=]+)
    |(?P<slash>/)
    |(?P<open>[\[(])
    |(?P<close>[\])])
    |(?P<boundary>[|,;{}\t<>]|->)
    """.replace(b"NUMBER", NUMBER).replace(b"ENDS", ENDS),
    re.VERBOSE,
)
WRAPPED = re.compile(
    rb"\b(?:tensor|array|Array|np\.float\d*|numpy\.float\d*|float\d*)\(([^(),\n]*)(?:,[^()\n]*)?\)"
)


@dataclass(frozen=True)
class Token:
    """A token: its ``kind``, its ``text``, where it stands in the line, and the unit after a number."""

    kind: Kind
    text: bytes
    start: int
    end: int
    unit: bytes = b""


def tokens(line: bytes) -> Iterator[Token]:
    """Yield the tokens of a line; what is no value and no name of one is left out."""
    for match in TOKEN.finditer(line):
        kind = match.lastgroup
        if kind == "unit":  # the last group of a number with a unit
            kind = "number"
        text = match[0]
        if kind in ("rank", "place"):
            continue
        if kind == "clock":
            yield Token("boundary", b"clock", match.start(), match.end())
        elif kind == "junk":
            is_rule = not re.search(rb"[0-9A-Za-z]", text)
            yield Token("boundary", text, match.start(), match.end()) if is_rule else _word(match)
        elif kind == "number":
            yield from _number(match)
        elif kind == "word":
            yield _word(match)
        else:
            yield Token(kind, text, match.start(), match.end())  # type: ignore[arg-type]


def _number(match: re.Match[bytes]) -> Iterator[Token]:
    unit = match["unit"] or b""
    if unit and unit.decode("utf-8", "replace") not in UNITS:
        yield _word(match)
        return
    if not re.search(rb"\d", match["number"]) and unit:
        return  # "nanms": an average over nothing, which was not measured
    yield Token("number", match["number"], match.start(), match.start() + len(match["number"]), unit)


def _word(match: re.Match[bytes]) -> Token:
    return Token("word", match[0], match.start(), match.end())

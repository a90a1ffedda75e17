r"""The grammar of tqdm's progress lines: one record, in layouts that many records share.

    loss: 0.4343 loss_opt: 0.0000:   1%|▏         | 998/100000 [00:41<50:02, 32.98it/s, lr=0.001]
    description: pairs of name and number        counter/total [elapsed<remaining, rate, postfix: pairs]

The names of the pairs and the total are a record's layout. ``parse`` finds the layout of any record;
``pattern`` matches the records of one layout, and no other, at the speed of the compiled matcher.

Reference: tqdm 4.66, ``std.py``, ``format_meter``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

ELAPSED, RATE = "elapsed (s)", "rate (1/s)"

# Sets of plain ranges and possessive repeats: each is one tight loop of the matcher.
NAME = rb"[A-Za-z_][^\s:=|,\]]*+"
NUMBER = rb"[-0-9ni][-+.0-9einfa]*+"  # whether it is one, float() says
TITLE = rb"(?:[^|\r\n:=]*?:? )??"
PLAIN = rb"(?:[^|\r\n:=]*+: ++| *+)"
INSIDE = rb"[^\s:=|,\]]"  # of a run of letters without a separator
PAIR = re.compile(rb"(%b)[:=] ?+(%b)(?![^\s,])" % (NAME, NUMBER))
POST = re.compile(rb"%b(?:,? %b)*+" % (PAIR.pattern, PAIR.pattern))
PAIRS = re.compile(rb"%b(?P<pairs>%b)" % (TITLE, POST.pattern))
CLOCK = rb"[0-9]++:[0-9:]++"
SPEED = rb"[0-9?]++\.?+[0-9]*+[A-Za-z_]*+/[A-Za-z_]++"
BAR = rb"([0-9]{1,3}+)%%\|[^|\r\n]*+\| ([0-9]{1,18}+)/%b \[%b<[-0-9:?]++, *+%b%b\][^|\r\n]*+"
RECORD = re.compile(
    rb"(?:([^|\r\n]*): ++| *+)"
    + BAR % (rb"([1-9][0-9]{0,17}+)", b"(%b)" % CLOCK, b"(%b)" % SPEED, rb"(?:, ([^|\r\n\]]*+))?+")
)
# Searches in text that may be of any length begin only where a run of letters does: one that may begin at
# each letter takes the square of the length of a run.
HAS_PAIR = re.compile(rb"(?<!%b)[^\s:=|,\]A-Za-z_]*+%b[:=] ?+%b(?![^\s,])" % (INSIDE, NAME, NUMBER))
STRICT_CLOCK = re.compile(rb"(?:(\d+):)?(\d+):([0-5]\d)")
STRICT_SPEED = re.compile(rb"(\d+\.?\d*)(s/)?")
# A record that is no bar, and yet has a part of one: it was cut, or bytes of it were lost.
LOOKS_CUT = re.compile(
    rb"%%\||(?<!\w)[^\W\d]*+\d\w*+/s[,\]]|\ds/\w++[,\]]|\A%b[:=] ?-?(?:\d|nan|inf)[^\s:]*+(?!\S)" % NAME
)


@dataclass(frozen=True)
class Layout:
    """The names in a bar's description and in its postfix, and its total."""

    text: tuple[bytes, ...]
    post: tuple[bytes, ...]
    total: bytes


@lru_cache(maxsize=256)
def keys(layout: Layout, chosen: frozenset[str] | None) -> tuple[str, ...]:
    """Return what the groups of a layout's pattern hold, in their order."""
    text = ["<text>", *(n for n in map(_told, layout.text) if _wants(chosen, n))] if layout.text else []
    post = ["<post>", *(n for n in map(_told, layout.post) if _wants(chosen, n))] if layout.post else []
    clock = [key for key in (ELAPSED, RATE) if _wants(chosen, key)]
    return (*text, "<percent>", "<counter>", *clock, *post)


@lru_cache(maxsize=256)
def pattern(layout: Layout, chosen: frozenset[str] | None) -> re.Pattern[bytes]:
    """Return the pattern of a separator and a bar's record, with a group for each of its keys."""

    def pairs(names: tuple[bytes, ...]) -> bytes:
        values = (_group(NUMBER, _wants(chosen, _told(name))) for name in names)
        return rb",? ".join(
            re.escape(name) + rb"[:=] ?+" + value for name, value in zip(names, values, strict=True)
        )

    text = rb"(%b%b): ++" % (TITLE, pairs(layout.text)) if layout.text else PLAIN
    post = rb", (%b)" % pairs(layout.post) if layout.post else b""
    clock = _group(CLOCK, _wants(chosen, ELAPSED)), _group(SPEED, _wants(chosen, RATE))
    return re.compile(rb"[\r\n]" + text + BAR % (layout.total, *clock, post) + rb"(?![^\r\n])")


def parse(record: bytes) -> tuple[Layout, dict[str, bytes]] | None:
    """Return a record's layout and tokens, None where it is no bar or tells other than named numbers."""
    match = RECORD.fullmatch(record)
    if not match:
        return None
    text, post = match[1] or b"", match[7] or b""
    told = PAIRS.fullmatch(text)
    named = PAIR.findall(told["pairs"]) if told else []
    if (not told and HAS_PAIR.search(text)) or (match[7] is not None and not POST.fullmatch(post)):
        return None
    after = PAIR.findall(post)
    if after and not told and re.search(rb"[:=]", text):
        return None
    layout = Layout(tuple(name for name, _ in named), tuple(name for name, _ in after), match[4])
    tokens = {_told(name): value for name, value in named + after}
    if len(tokens) < len(named) + len(after):
        return None
    tokens |= {"<text>": text, "<percent>": match[2], "<counter>": match[3]}
    return layout, tokens | {ELAPSED: match[5], RATE: match[6], "<post>": post}


def seconds(clock: bytes) -> float:
    """Return the seconds of h:mm:ss or mm:ss; NaN where it is neither."""
    told = STRICT_CLOCK.fullmatch(clock)
    if not told:
        return math.nan
    return 3600.0 * int(told[1] or 0) + 60.0 * int(told[2]) + int(told[3])


def per_second(speed: bytes) -> float:
    """Return a rate, told by the second or, where it is below one, as seconds a step; NaN without one."""
    told = STRICT_SPEED.match(speed)
    if not told:
        return math.nan
    value = float(told[1])
    if not told[2]:
        return value
    return 1 / value if value else math.inf


def _told(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def _wants(chosen: frozenset[str] | None, key: str) -> bool:
    return chosen is None or key in chosen


def _group(pattern: bytes, captures: bool) -> bytes:
    return b"(%b)" % pattern if captures else pattern

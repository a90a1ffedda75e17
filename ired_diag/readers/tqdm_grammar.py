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
NUMBER = rb"[-0-9ni][-+.0-9einfa]*+"  # float() decides whether it is a number
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
# A separator and one print of a bar that shows no number, of any total.
WITHOUT_NUMBERS = re.compile(
    rb"[\r\n]" + PLAIN + BAR % (rb"[1-9][0-9]{0,17}+", CLOCK, SPEED, b"") + rb"(?![^\r\n])"
)
# Searches in text of any length begin only where a run of letters begins: a search that may begin at each
# letter takes a time that grows with the square of the length of the run.
HAS_PAIR = re.compile(rb"(?<!%b)[^\s:=|,\]A-Za-z_]*+%b[:=] ?+%b(?![^\s,])" % (INSIDE, NAME, NUMBER))
STRICT_CLOCK = re.compile(rb"(?:(\d+):)?(\d+):([0-5]\d)")
STRICT_SPEED = re.compile(rb"(\d+(?:\.\d*)?)(s/)?")
# A record that is not a bar but has a part of a bar: it was cut, or bytes of it were lost.
LOOKS_CUT = re.compile(
    rb"%%\||(?<!\w)[^\W\d]*+\d\w*+/s[,\]]|\ds/\w++[,\]]|\A%b[:=] ?-?(?:\d|nan|inf)[^\s:]*+(?!\S)" % NAME
)


@dataclass(frozen=True)
class AllBut:
    """All names but some, as a choice of columns."""

    left_out: frozenset[str]

    def __contains__(self, name: str) -> bool:
        return name not in self.left_out


Chosen = frozenset[str] | AllBut
WITHOUT_CLOCKS = AllBut(frozenset((ELAPSED, RATE)))


@dataclass(frozen=True)
class Layout:
    """The names in a bar's description and in its postfix, and its total."""

    text: tuple[bytes, ...]
    post: tuple[bytes, ...]
    total: bytes


@lru_cache(maxsize=256)
def keys(layout: Layout, chosen: Chosen | None) -> tuple[str, ...]:
    """Return what the groups of a layout's pattern hold, in their order."""
    text = _chosen_names(layout.text, chosen)
    post = _chosen_names(layout.post, chosen)
    result: list[str] = []
    if layout.text:
        result += ["<text>", *text]
    result += ["<percent>", "<counter>"]
    result += [key for key in (ELAPSED, RATE) if _is_chosen(key, chosen)]
    if layout.post:
        result += ["<post>", *post]
    return tuple(result)


def _chosen_names(names: tuple[bytes, ...], chosen: Chosen | None) -> list[str]:
    decoded = map(_decoded, names)
    return [name for name in decoded if _is_chosen(name, chosen)]


@lru_cache(maxsize=256)
def pattern(layout: Layout, chosen: Chosen | None) -> re.Pattern[bytes]:
    """Return the regular expression for a separator and one print of a bar, a capture group for each key."""
    text = PLAIN
    if layout.text:
        text = rb"(%b%b): ++" % (TITLE, _pattern_of_pairs(layout.text, chosen))
    post = b""
    if layout.post:
        post = rb", (%b)" % _pattern_of_pairs(layout.post, chosen)
    elapsed = _group(CLOCK, captures=_is_chosen(ELAPSED, chosen))
    rate = _group(SPEED, captures=_is_chosen(RATE, chosen))
    bar = BAR % (layout.total, elapsed, rate, post)
    return re.compile(rb"[\r\n]" + text + bar + rb"(?![^\r\n])")


def _pattern_of_pairs(names: tuple[bytes, ...], chosen: Chosen | None) -> bytes:
    """Return the pattern of pairs of these names and numbers; the numbers of chosen names are groups."""
    pairs = []
    for name in names:
        value = _group(NUMBER, captures=_is_chosen(_decoded(name), chosen))
        pairs.append(re.escape(name) + rb"[:=] ?+" + value)
    return rb",? ".join(pairs)


def parse(record: bytes) -> tuple[Layout, dict[str, bytes]] | None:
    """Return a record's layout and tokens, None where it is not a bar or its texts hold unnamed numbers."""
    match = RECORD.fullmatch(record)
    if not match:
        return None
    text = match[1] or b""
    post = match[7] or b""
    described = PAIRS.fullmatch(text)
    if not described and HAS_PAIR.search(text):
        return None
    has_postfix = match[7] is not None
    if has_postfix and not POST.fullmatch(post):
        return None
    before: list[tuple[bytes, bytes]] = []
    if described:
        before = PAIR.findall(described["pairs"])
    after: list[tuple[bytes, bytes]] = PAIR.findall(post)
    if after and not described and re.search(rb"[:=]", text):
        return None
    tokens = {_decoded(name): value for name, value in before + after}
    if len(tokens) < len(before) + len(after):
        return None
    tokens["<text>"] = text
    tokens["<percent>"] = match[2]
    tokens["<counter>"] = match[3]
    tokens[ELAPSED] = match[5]
    tokens[RATE] = match[6]
    tokens["<post>"] = post
    layout = Layout(_names_of(before), _names_of(after), match[4])
    return layout, tokens


def _names_of(pairs: list[tuple[bytes, bytes]]) -> tuple[bytes, ...]:
    return tuple(name for name, _ in pairs)


def seconds(clock: bytes) -> float:
    """Return the seconds of h:mm:ss or mm:ss; NaN for any other text."""
    parts = STRICT_CLOCK.fullmatch(clock)
    if not parts:
        return math.nan
    hours = int(parts[1] or 0)
    minutes = int(parts[2])
    return 3600.0 * hours + 60.0 * minutes + int(parts[3])


def per_second(speed: bytes) -> float:
    """Return steps per second, of a text in steps per second or in seconds per step; NaN without a number."""
    parts = STRICT_SPEED.match(speed)
    if not parts:
        return math.nan
    value = float(parts[1])
    is_seconds_a_step = parts[2]
    if not is_seconds_a_step:
        return value
    return 1 / value if value else math.inf


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def _is_chosen(key: str, chosen: Chosen | None) -> bool:
    return chosen is None or key in chosen


def _group(pattern: bytes, *, captures: bool) -> bytes:
    return b"(%b)" % pattern if captures else pattern

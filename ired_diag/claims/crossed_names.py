"""Where a sentence names a group by two words that stand apart: "On Weather, DLinear has an RMSE of 0.37".

A table of models by data sets names its groups by row and column, "Weather DLinear". In a sentence the
data set is said once, or stands in the heading, and each model goes with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ired_diag.claims.labels import mention_spans

Span = tuple[int, int, str]  # where a group is named, and its name
SEVERAL = 2  # names that share a half


@dataclass(frozen=True)
class _Crossed:
    """The names that are a row and a column of a table.

    Attributes:
        firsts: The first halves of the names, each once.
        seconds: The second halves.
        names: The name of each pair of halves.
    """

    firsts: tuple[str, ...]
    seconds: tuple[str, ...]
    names: dict[tuple[str, str], str]


def named_spans(text: str, heading: str, names: Sequence[str]) -> list[Span]:
    """Return where a sentence names which group, in reading order.

    Args:
        text: The sentence.
        heading: Above it.
        names: The groups that the report and the runs know.
    """
    spans = mention_spans(text, names)
    if spans:
        return spans
    crossed = _crossed(tuple(names))
    first = _only_mention(text, heading, crossed.firsts)
    if first:
        return _with_first(first, mention_spans(text, crossed.seconds), crossed)
    second = _only_mention(text, heading, crossed.seconds)
    if second:
        return _with_second(second, mention_spans(text, crossed.firsts), crossed)
    return []


def _only_mention(text: str, heading: str, halves: Sequence[str]) -> str:
    """Return the only half that a sentence mentions, else its heading; empty without one, or with several."""
    spans = mention_spans(text, halves) or mention_spans(heading, halves)
    mentioned = {name for _, _, name in spans}
    if len(mentioned) != 1:
        return ""
    return mentioned.pop()


def _with_first(first: str, seconds: Sequence[Span], crossed: _Crossed) -> list[Span]:
    """Return the groups of one first half with each second half; none where one is no group."""
    spans = []
    for start, end, second in seconds:
        name = crossed.names.get((first, second))
        if name is None:
            return []
        spans.append((start, end, name))
    return spans


def _with_second(second: str, firsts: Sequence[Span], crossed: _Crossed) -> list[Span]:
    """Return the groups of each first half with one second half; none where one is no group."""
    spans = []
    for start, end, first in firsts:
        name = crossed.names.get((first, second))
        if name is None:
            return []
        spans.append((start, end, name))
    return spans


@lru_cache(maxsize=64)
def _crossed(names: tuple[str, ...]) -> _Crossed:
    """Return the halves that several names share, as the rows and the columns of a table."""
    by_halves = {}
    for name in names:
        for halves in _splits(name):
            by_halves[halves] = name
    of_first: Counter[str] = Counter()
    of_second: Counter[str] = Counter()
    for first, second in by_halves:
        of_first[first] += 1
        of_second[second] += 1
    shared = {}
    for (first, second), name in by_halves.items():
        if of_first[first] >= SEVERAL and of_second[second] >= SEVERAL:
            shared[first, second] = name
    firsts = []
    seconds = []
    for first, second in shared:
        firsts.append(first)
        seconds.append(second)
    return _Crossed(
        firsts=tuple(dict.fromkeys(firsts)),
        seconds=tuple(dict.fromkeys(seconds)),
        names=shared,
    )


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """Yield a name in two halves, at each of its blanks."""
    words = name.split(" ")
    for at in range(1, len(words)):
        first = " ".join(words[:at])
        second = " ".join(words[at:])
        yield first, second

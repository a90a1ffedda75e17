"""Where a sentence names a group by two words that stand apart: "On Weather, DLinear has an RMSE of 0.37".

A table of models by data sets names its groups by row and column, "Weather DLinear". In a sentence the
data set is said once, or stands in the heading, and each model goes with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from ired_diag.claims.labels import mention_spans

Span = tuple[int, int, str]  # where a group is named, and its name
SEVERAL = 2


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
    firsts, seconds = _halves(tuple(names))
    by_halves = {halves: name for name in names for halves in _splits(name)}
    found_firsts = mention_spans(text, firsts) or mention_spans(heading, firsts)
    found_seconds = mention_spans(text, seconds) or mention_spans(heading, seconds)
    if len(_distinct(found_firsts)) == 1:
        fixed = found_firsts[0][2]
        pairs = [(start, end, (fixed, second)) for start, end, second in mention_spans(text, seconds)]
    elif len(_distinct(found_seconds)) == 1:
        fixed = found_seconds[0][2]
        pairs = [(start, end, (first, fixed)) for start, end, first in mention_spans(text, firsts)]
    else:
        return []
    if not pairs or any(halves not in by_halves for _, _, halves in pairs):
        return []
    return [(start, end, by_halves[halves]) for start, end, halves in pairs]


def _distinct(spans: Sequence[Span]) -> set[str]:
    return {name for _, _, name in spans}


@lru_cache(maxsize=64)
def _halves(names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the first and the second halves that several names share, as the rows and columns of a table."""
    pairs = [halves for name in names for halves in _splits(name)]
    firsts = Counter(first for first, _ in pairs)
    seconds = Counter(second for _, second in pairs)
    crossed = [
        (first, second) for first, second in pairs if firsts[first] >= SEVERAL and seconds[second] >= SEVERAL
    ]
    return (
        tuple(dict.fromkeys(first for first, _ in crossed)),
        tuple(dict.fromkeys(second for _, second in crossed)),
    )


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """Yield a name in two halves, at each of its blanks."""
    words = name.split(" ")
    for at in range(1, len(words)):
        yield " ".join(words[:at]), " ".join(words[at:])

"""Two levels in one bracket, of the two groups before it: "a beats b in accuracy (91.2% vs. 90.4%)".

The first number is of the group that is named first. In "compared with b, a is better (0.91 vs. 0.90)" it is
of the other one, so that the other group is kept as a rival: a number that agrees with either is no error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ired_diag.claims.metrics import MEASURE
from ired_diag.claims.numbers import Printed

Span = tuple[int, int, str]
NUMBER = r"[-+\u2212]?\d*\.?\d+\s?%?(?:\s*±\s*\d*\.?\d+\s?%?)?"
PAIR = re.compile(
    rf"(?P<opening>\(|:\s|,\s(?:with|at)\s)\s*(?P<first>{NUMBER})\s*"
    rf"(?:vs\.?|versus|against|compared (?:to|with))\s*(?P<second>{NUMBER})"
    r"(?!\s*(?:[x\u00d7]|ms\b|s\b|h\b|[GMk]))",
    re.IGNORECASE,
)
CLAUSE_END = re.compile(r";|\.\s|,\s+(?:but|while|whereas)\b", re.IGNORECASE)
SIZE = 2  # of a pair


def is_one_of_a_pair(text: str, number: Printed, names: Sequence[Span]) -> bool:
    """Say whether a number is one of two levels in a bracket behind two groups."""
    return bool(groups_of_pair(text, number, names))


def groups_of_pair(
    text: str, number: Printed, names: Sequence[Span]
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return the group of one of two levels in a bracket, and its rival; None where it is not one of two.

    Args:
        text: The sentence.
        number: In it.
        names: Where it names which group.
    """
    if number.unit >= 1 and not number.percent:
        return None
    for pair in PAIR.finditer(text):
        place = _place_in(pair, number)
        if place is None:
            continue
        since = _start_of_clause(text, pair.start())
        groups = _named_between(since, pair.start(), names)
        is_measured = number.percent or MEASURE.search(text, since, pair.start())
        if len(groups) != SIZE or not is_measured:
            return None
        own = groups[place]
        rival = groups[1 - place]
        return (own,), (rival,)
    return None


def _start_of_clause(text: str, place: int) -> int:
    """Return where the clause starts that a place is in."""
    start = 0
    for hit in CLAUSE_END.finditer(text, 0, place):
        start = hit.end()
    return start


def _named_between(since: int, until: int, names: Sequence[Span]) -> list[str]:
    """Return the groups that a stretch of a sentence names, each once, in order."""
    named: list[str] = []
    for start, _, name in names:
        if since <= start < until and name not in named:
            named.append(name)
    return named


def _place_in(pair: re.Match[str], number: Printed) -> int | None:
    """Return which of the two numbers of a pair a number is; None where it is neither."""
    for place, part in enumerate(("first", "second")):
        if pair.start(part) == number.start:
            return place
    return None

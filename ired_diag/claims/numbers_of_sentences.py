"""What each number of a sentence is: a mean with its ±, an interval, a count of wins, a statistic."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ired_diag.claims import phrases
from ired_diag.claims.claim import Kind
from ired_diag.claims.from_to import FROM_TO
from ired_diag.claims.levels import is_level
from ired_diag.claims.named_groups import NamedGroups
from ired_diag.claims.numbers import Printed
from ired_diag.claims.statistic_words import after_plus_minus

INTERVAL = re.compile(
    r"(?:\bci\b|confidence interval|\binterval\b|konfidenzintervall)[^\d\-+.]{0,25}[-+]?$", re.IGNORECASE
)
QUARTILES = re.compile(r"(?:\biqr\b|interquartile range)[^\d\-+.]{0,12}[-+]?$", re.IGNORECASE)
TO = re.compile(r"\s*(?:,|;|to|bis|\u2013|-|and|\.\.\.?|…)\s*")
SUPPOSED = re.compile(
    r"\?\s*$|\b(?:whether|hypothes\w*|would|may|might|could|should|if|expect\w*|cannot|can't|assum\w*|ask\w*|unless"
    r"|define\w*|threshold|null|require\w*|must|need\w*|target\w*|goal|when|criteri\w*|corresponds?|"
    r"count\w* as)\b",
    re.IGNORECASE,
)
NEEDS_TIMES = re.compile(r"\bneed(?:s|ed)?(?=\s+[\d.]+\s*(?:x\b|\u00d7|times\b|-?fold\b))", re.IGNORECASE)
Numbered = tuple[Kind, tuple[Printed, ...], bool]


def numbers_with_kinds(text: str, numbers: Sequence[Printed], named: NamedGroups) -> Iterator[Numbered]:
    """Yield what is printed, with its kind and whether it is half an interval."""
    taken: set[int] = set()
    continues = False
    for at, number in enumerate(numbers):
        if at in taken:
            continue
        behind = re.sub(r"[<>≤≥≈~]\s*$", "", text[: number.start])
        follower = numbers[at + 1] if at + 1 < len(numbers) else None
        between = text[number.end : follower.start] if follower else ""
        if follower and re.fullmatch(r"\s*±\s*", between):
            taken.add(at + 1)
            yield "mean", (number,), False
            yield after_plus_minus(text[follower.end : follower.end + 30]), (follower,), True
        elif follower and TO.fullmatch(between) and (kind := _of_two_ends(behind[-60:])):
            taken.add(at + 1)
            yield kind, (number, follower), False
        elif follower and phrases.WINS.fullmatch(between) and _are_wins(text, number, follower):
            taken.add(at + 1)
            yield "wins", (number, follower), False
        elif _is_every_win(text, number):
            yield "wins", (number, number), False
        elif (kind := _kind(behind, text[number.end :], number)) and not _is_supposed(kind, text):
            continues = continues or kind == "mean"
            yield kind, (number,), False
        elif not SUPPOSED.search(text) and is_level(text, number, named.at, continues=continues):
            continues = True
            yield "level", (number,), False


def _of_two_ends(before: str) -> Kind | None:
    if INTERVAL.search(before):
        return "interval"
    return "quartiles" if QUARTILES.search(before) else None


def _are_wins(text: str, wins: Printed, trials: Printed) -> bool:
    """Say whether two numbers are k of n seeds on which one group is better."""
    counts = wins.unit == trials.unit == 1 and 0 <= wins.value <= trials.value
    after = re.match(r"\s*(?:\w+\s+)?(?:seeds|runs)\b", text[trials.end :])
    return bool(counts and after and phrases.BEATS.search(text))


def _is_every_win(text: str, number: Printed) -> bool:
    """Say whether a number is n of "better on all n seeds"."""
    before = phrases.ON_ALL.search(text[: number.start])
    seeds = re.match(r"\s*(?:\w+\s+)?(?:seeds|runs)\b", text[number.end :])
    of_means = re.search(r"\bmean|\baverage", text, re.IGNORECASE)
    return bool(before and seeds and number.unit == 1 and not of_means and phrases.BEATS.search(text))


def _is_supposed(kind: Kind, text: str) -> bool:
    stated = NEEDS_TIMES.sub("", text) if kind == "ratio" else text
    return kind in ("percent", "ratio", "difference", "p") and bool(SUPPOSED.search(stated))


def _kind(before: str, after: str, number: Printed) -> Kind | None:
    if number.percent and FROM_TO.search(re.sub(r"[<>≈~]\s*$", "", before)):
        return "percent"
    if number.percent:
        if re.match(
            r"\s*(?:-?\s*ci\b|confidence|interval|konfidenz|level|margin|threshold|tolerance)", after, re.I
        ):
            return None
        if re.search(phrases.BEFORE[-2][1], before[-90:], re.IGNORECASE):
            return "difference"
        if before.endswith("(") and after.startswith(")") and not phrases.COMPARING.search(before[-14:]):
            return None  # "at 20 documents (67%)" is a level
        near = before[-25:] + " " + after[:30]
        return "percent" if phrases.COMPARING.search(near) or phrases.CHANGE.search(before) else None
    if (
        phrases.N_AFTER.match(after)
        and number.unit == 1
        and number.value >= 1
        and not re.search(r"seeds?\s*$", before)
    ):
        return "n"
    if phrases.RATIO.match(after):
        return "ratio"
    if (statistic := phrases.statistic_before(before)) and statistic[0] != "t":
        return "statistic"
    kind = phrases.kind_before(before, after)
    if kind == "p" and phrases.NO_P_ANYWHERE.search(before[-60:] + after[:30]):
        return None
    return kind

"""What each number of a sentence is: a mean with its ±, an interval, a count of wins, a statistic."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ired_diag.claims import phrases
from ired_diag.claims.claim import Kind
from ired_diag.claims.continued_kinds import continued_kind, kind_of_list
from ired_diag.claims.from_to import FROM_TO, is_end_of_change
from ired_diag.claims.levels import is_level
from ired_diag.claims.metrics import MEASURE
from ired_diag.claims.named_groups import NamedGroups
from ired_diag.claims.numbers import Printed
from ired_diag.claims.statistic_words import after_plus_minus

INTERVAL = re.compile(
    r"(?:\bci\b|confidence interval|\binterval\b|konfidenzintervall)"
    r"(?:\s+(?:of|for|on|around)(?:\s+[^\W\d][\w@-]*){1,9}(?:\s+-\s+[^\W\d][\w@-]*)?)?[^\d\-+.]{0,25}[-+]?$",
    re.IGNORECASE,
)
QUARTILES = re.compile(r"(?:\biqr\b|interquartile range)[^\d\-+.]{0,12}[-+]?$", re.IGNORECASE)
RANGE = re.compile(
    r"\brang(?:e|es|ed|ing)\b\s*(?:is|of|from|:|=|between)?\s*(?:between\s+|from\s+)?[-+]?$", re.IGNORECASE
)
TO = re.compile(r"\s*(?:,|;|to|bis|\u2013|-|and|\.\.\.?|…)\s*")
SUPPOSED = re.compile(
    r"\?\s*$|\b(?:whether|hypothes\w*|would|may|might|could|should|if|expect\w*|cannot|can't|assum\w*|ask\w*|unless"
    r"|define\w*|threshold|null|require\w*|must|need\w*|target\w*|goal|when|criteri\w*|corresponds?|"
    r"count\w* as)\b",
    re.IGNORECASE,
)
NEEDS_TIMES = re.compile(r"\bneed(?:s|ed)?(?=\s+[\d.]+\s*(?:x\b|\u00d7|times\b|-?fold\b))", re.IGNORECASE)
Numbered = tuple[Kind, tuple[Printed, ...], bool]
PLUS_MINUS = re.compile(r"\s*±\s*")
BOUND = re.compile(r"[<>≤≥≈~]\s*$")
BOUND_OF_CHANGE = re.compile(r"[<>≈~]\s*$")
SEEDS_AFTER = re.compile(r"\s*(?:\w+\s+)?(?:seeds|runs)\b")
SEED_BEFORE = re.compile(r"seeds?\s*$")
OF_MEANS = re.compile(r"\bmean|\baverage", re.IGNORECASE)
NO_CHANGE_AFTER = re.compile(
    r"\s*(?:-?\s*ci\b|confidence|interval|konfidenz|level|margin|threshold|tolerance)", re.IGNORECASE
)
HEAD_OF_ITEM = re.compile(r"(?::|[^\W\d_])\s*$")
POWER_OF_TEN = re.compile(r"10\s*\^\s*([-+]?\d+)")
ENDS_OF_CLAUSE = re.compile(r"[,;:]")
MEANS_IN_PERCENT = ("mean", "median")
SEEDS_IN_PERCENT = ("best", "worst")
ENDS_LEVEL = re.compile(r"\s*(?:$|[.,;:()]|(?:and|vs\.?|versus|for|with|while|whereas|but)\b)")
REACH_OF_SPREAD = 30  # letters after a ± that say what it is
REACH_OF_ENDS = 110  # letters before an interval that say so


def numbers_with_kinds(text: str, numbers: Sequence[Printed], named: NamedGroups) -> Iterator[Numbered]:
    """Yield what is printed, with its kind and whether it is half an interval."""
    taken: set[int] = set()
    continues = False
    last: Numbered | None = None
    for at, number in enumerate(numbers):
        if at in taken:
            continue
        follower = numbers[at + 1] if at + 1 < len(numbers) else None
        claims = list(_with_follower(text, number, follower)) if follower else []
        if claims:
            taken.add(at + 1)
            yield from claims
            last = None
            continue
        kind = _kind_alone(text, number)
        if kind:
            continues = continues or kind == "mean"
        elif not SUPPOSED.search(text) and is_level(text, number, named.at, continues=continues):
            kind = "level"
            continues = True
        elif not SUPPOSED.search(text):
            kind = _continued(named, last, number)
        if kind:
            last = kind, (number,), False
        if kind == "wins":
            yield kind, (number, number), False
        elif kind:
            yield kind, (number,), False


def _continued(named: NamedGroups, last: Numbered | None, number: Printed) -> Kind | None:
    """Return the kind of a number that continues the one before it, or a list under a statistic."""
    kind = None
    is_level = number.percent and NO_CHANGE_AFTER.match(named.text, number.end)  # "0.02 (95% CI …"
    if last is not None and not is_level:
        kind = continued_kind(named, last[0], last[1][0], number)
    return kind or kind_of_list(named, number)


def _with_follower(text: str, number: Printed, follower: Printed) -> Iterator[Numbered]:
    """Yield what a number and the next one are together: mean ± spread, an interval, k of n seeds."""
    between = text[number.end : follower.start]
    if PLUS_MINUS.fullmatch(between):
        yield "mean", (number,), False
        behind = text[follower.end : follower.end + REACH_OF_SPREAD]
        yield after_plus_minus(behind), (follower,), True
    elif TO.fullmatch(between) and (kind := _of_two_ends(_before(text, number)[-REACH_OF_ENDS:])):
        yield kind, (_in_scale_of(number, follower), follower), False
    elif phrases.WINS.fullmatch(between) and _are_wins(text, number, follower):
        yield "wins", (number, follower), False


def _in_scale_of(first: Printed, last: Printed) -> Printed:
    """Return the first end of an interval in the power of ten that stands once, after its last end."""
    power = POWER_OF_TEN.search(last.text)
    if power is None or POWER_OF_TEN.search(first.text):
        return first
    return first.scaled(10.0 ** int(power[1]))


def _before(text: str, number: Printed) -> str:
    """Return the text before a number, without the sign of a bound."""
    return BOUND.sub("", text[: number.start])


def _kind_alone(text: str, number: Printed) -> Kind | None:
    """Return what the words around a number say that it is; None where they suppose it, or say nothing."""
    if _is_every_win(text, number):
        return "wins"
    kind = _kind(_before(text, number), text[number.end :], number)
    if kind and _is_supposed(kind, text):
        return None
    return kind


def _of_two_ends(before: str) -> Kind | None:
    if INTERVAL.search(before):
        return "interval"
    if QUARTILES.search(before):
        return "quartiles"
    if RANGE.search(before):
        return "range"
    return None


def _are_wins(text: str, wins: Printed, trials: Printed) -> bool:
    """Say whether two numbers are k of n seeds on which one group is better."""
    are_counts = wins.unit == trials.unit == 1 and 0 <= wins.value <= trials.value
    if not are_counts or not SEEDS_AFTER.match(text, trials.end):
        return False
    return phrases.BEATS.search(text) is not None


def _is_every_win(text: str, number: Printed) -> bool:
    """Say whether a number is n of "better on all n seeds"."""
    if number.unit != 1 or not phrases.ON_ALL.search(text[: number.start]):
        return False
    if not SEEDS_AFTER.match(text, number.end) or OF_MEANS.search(text):
        return False
    return phrases.BEATS.search(text) is not None


def _is_supposed(kind: Kind, text: str) -> bool:
    """Say whether a sentence only supposes, asks for or requires what its number says."""
    if kind not in ("percent", "ratio", "difference", "p"):
        return False
    if kind == "ratio":
        text = NEEDS_TIMES.sub("", text)
    return SUPPOSED.search(text) is not None


def _kind(before: str, after: str, number: Printed) -> Kind | None:
    if number.percent:
        change = _kind_of_percentage(before, after)
        return change or _level_in_percent(before, after) or _mean_with_spread(before, after)
    if _is_count(before, after, number):
        return "n"
    if phrases.RATIO.match(after):
        return "ratio"
    if number.value >= 1 and phrases.TIMES_ANOTHER.match(after) and MEASURE.search(before + after):
        return "ratio"
    if phrases.SEEDS_BEFORE.search(before) or phrases.REACHED_BEFORE.search(before):
        return None
    if phrases.COUNTED_AFTER.match(after):
        return None
    if phrases.WITHIN_BEFORE.search(before):
        return None
    if phrases.ALPHA_BEFORE.search(before):
        return None
    if _is_difference(before, after, number):
        return "difference"
    statistic = phrases.statistic_before(before)
    if statistic and statistic[0] != "t":
        return "statistic"
    kind = phrases.kind_before(before, after)
    if kind is None:
        return _mean_with_spread(before, after)
    if kind == "p" and phrases.NO_P_ANYWHERE.search(before[-60:] + after[:30]):
        return None
    return kind


def _mean_with_spread(before: str, after: str) -> Kind | None:
    """Return that a number is a mean, where its spread stands behind it: "- b: 3.26 (std 0.01)"."""
    if phrases.MEAN_WITH_SPREAD_AFTER.match(after) and HEAD_OF_ITEM.search(before):
        return "mean"
    return None


def _is_difference(before: str, after: str, number: Printed) -> bool:
    """Say whether the words around a number say that it is a difference of two means."""
    gains = phrases.GAINS.search(before) is not None
    if phrases.GIVES_A_LEVEL.search(before) and phrases.ENDS_AFTER.match(after):
        return False  # "tuning a for longer gives 0.43."
    is_gain = gains or phrases.ADVANTAGE.search(before)
    if is_gain and phrases.NO_UNIT_AFTER.match(after):
        return True
    is_signed = gains or number.text.startswith(("+", "-"))
    is_measured = MEASURE.search(after[:REACH_OF_SPREAD]) or phrases.UNIT_AFTER.match(after)
    if is_signed and is_measured and phrases.OVER_A_GROUP_AFTER.match(after):
        return True
    if phrases.CHANGED_BY.search(before) or phrases.FURTHER_AFTER.match(after):
        return True
    if number.unit < 1 and phrases.ABSOLUTE_AFTER.match(after):
        return True
    is_by = phrases.BY_BEFORE.search(before) and phrases.ON_AVERAGE_AFTER.match(after)
    return bool(is_by) and phrases.BEATS.search(before) is not None


def _kind_of_percentage(before: str, after: str) -> Kind | None:
    """Return whether a percentage is a change or a difference in points; None where it is a level."""
    if FROM_TO.search(BOUND_OF_CHANGE.sub("", before)):
        return "percent"
    if NO_CHANGE_AFTER.match(after) or is_end_of_change(before, after):
        return None
    if phrases.is_absolute(before, after):
        return "difference"
    if re.search(phrases.DIFFERENCE, before[-90:], re.IGNORECASE):
        return "difference"
    if before.endswith("(") and after.startswith(")") and not phrases.COMPARING.search(before[-14:]):
        return None  # "at 20 documents (67%)" is a level
    clause_after, *_ = ENDS_OF_CLAUSE.split(after[:30])
    near = f"{before[-25:]} {clause_after}"
    if phrases.COMPARING.search(near) or phrases.CHANGE.search(before) or phrases.CHANGED_BY.search(before):
        return "percent"
    if phrases.MORE_AFTER.match(after) or phrases.BELOW_ANOTHER_AFTER.match(after):
        return "percent"
    return None


def _level_in_percent(before: str, after: str) -> Kind | None:
    """Return whether a percentage is a mean, a median or the best seed's: "a mean accuracy of 91.3%"."""
    if not ENDS_LEVEL.match(after):
        return None
    kind = phrases.kind_before(before, after)
    if kind in SEEDS_IN_PERCENT or (kind in MEANS_IN_PERCENT and MEASURE.search(before)):
        return kind
    return None


def _is_count(before: str, after: str, number: Printed) -> bool:
    """Say whether a number is that of the seeds: "5 random seeds", but not "seed 5 runs"."""
    if number.unit != 1 or number.value < 1 or SEED_BEFORE.search(before):
        return False
    return phrases.N_AFTER.match(after) is not None

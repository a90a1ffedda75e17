"""Sentences that count runs by how they ended: "3 of 5 seeds diverged", "none of the 5 did", "no run failed".

A count is "k of n", "k/n", "all n", "none of the n". What happened stands after it ("2 of 5 seeds crashed")
or before it ("crashed on 2 of 5 seeds"); "did" repeats what the sentence said last. A run reaches a value: "4
of 10 seeds reach a return of 3000", "exceed 3000", "stay below 0.1".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ired_diag.claims.named_groups import NamedGroups
from ired_diag.claims.numbers import Printed, numbers_in
from ired_diag.claims.phrases import NUMBER_WORDS

WORDS = {"none": 0, "zero": 0, "one": 1, **NUMBER_WORDS}
COUNT = r"(?:\d{1,3}(?![.,]?\d)|" + "|".join(WORDS) + r")"
# What a word says of a run. The order matters: "failed to reach" is no failure.
EVENTS: tuple[tuple[str, str], ...] = (
    ("incomplete", r"(?:did not|didn['\u2019]t|does not|do not|failed to) (?:finish|complete)"),
    ("incomplete", r"(?:was|were|got) (?:preempted|killed|interrupted|cut off|cut short)"),
    ("not finite", r"(?:became|become|went to|ended? (?:in|with|at)|hit|turned|produced?) (?:an? )?nans?"),
    ("diverged", r"diverg(?:ed?|es)|blew up|blows? up|exploded?|explodes"),
    ("crashed", r"crash(?:ed|es)?"),
    ("failed", r"fail(?:ed|s)?(?!\s+to\b)"),
    ("finished", r"(?:finish(?:ed|es)?|complet(?:ed|es?))(?! (?:first|second|early|faster))"),
    ("converged", r"converge[ds]?(?! (?:to|faster|slower|at|within|in|after|below|above|by|on))"),
)
REACHES = (
    r"(?:reach(?:ed|es)?|exceed(?:ed|s)?|surpass(?:ed|es)?|attain(?:ed|s)?|get (?:to|above|below)|"
    r"(?:end(?:ed|s)?|stay(?:ed|s)?|finish(?:ed|es)?|(?:is|are|was|were)) (?:above|below|under|over))"
)
EVENT = "|".join(f"(?:{pattern})" for _, pattern in EVENTS)
RUNS = r"(?:seeds?|runs?|trials?|jobs?)"
BETWEEN = r"(?:[^\W\d][\w@-]*\s+){0,3}?"
HELPING = r"(?:\s+(?:have|had|has|were|was|that|which|all|also|each|eventually|finally|still|then))*"
ANY_COUNT = (
    rf"(?:(?P<count>{COUNT})\s*(?:(?:out\s+)?of\s+(?:the\s+|all\s+|its\s+|our\s+)?|/\s*)(?P<n>{COUNT})"
    rf"|(?P<all>all|both)\s+(?:of\s+)?(?:the\s+|its\s+|our\s+)?(?P<n_of_all>{COUNT}))"
)
AFTER = re.compile(
    rf"(?<![\w./]){ANY_COUNT}(?:\s+{BETWEEN}{RUNS}\b(?:\s+(?:of|with|for|by)\s+[\w@-]+)?)?{HELPING}\s*"
    rf"\b(?P<event>{EVENT}|did\b(?! not|n['\u2019]t)|{REACHES})\b",
    re.IGNORECASE,
)
BEFORE = re.compile(
    rf"\b(?P<event>{EVENT})\s+(?:only\s+)?(?:on|in|for|at|with)\s+{ANY_COUNT}\b(?:\s+{BETWEEN}{RUNS}\b)?",
    re.IGNORECASE,
)
NO_RUN = re.compile(
    rf"\b(?P<none>no|none of (?:the|its|our))\s+{BETWEEN}{RUNS}{HELPING}\s+(?P<event>{EVENT})\b",
    re.IGNORECASE,
)
AGAIN = re.compile(
    rf"(?:,|\band)\s+(?:and\s+)?[^\W\d][\w@-]*\s+(?:in|on|for)\s+{ANY_COUNT}\b(?:\s+{BETWEEN}{RUNS}\b)?",
    re.IGNORECASE,
)  # "a diverged on 1 of 5 seeds, b on 0 of 5"
ON_SEEDS = re.compile(
    rf"\b(?:on|in|for)\s+{ANY_COUNT}\s+{BETWEEN}{RUNS},?\s+(?:[^\W\d][\w@-]*\s+){{1,3}}?(?P<event>{EVENT}|{REACHES})\b",
    re.IGNORECASE,
)  # "on 4 of 6 seeds, a exceeds 3300"
NOT_BEFORE = re.compile(r"\b(?:not|never|n['\u2019]t|neither|nor)\s*$", re.IGNORECASE)
IN_BRACKET = re.compile(r"\s*\([^()]*\)")
LOWER = re.compile(r"below|under", re.IGNORECASE)
HIGHER = re.compile(r"above|over|exceed|surpass", re.IGNORECASE)
WORDS_TO_VALUE = re.compile(r"\s*(?:an?\s+|the\s+)?(?:[^\W\d][\w-]*\s+){0,3}?(?:of\s+)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Counted:
    """A count of runs by how they ended.

    Attributes:
        event: One of the first words of ``EVENTS``, or ``reached``, ``above`` or ``below``.
        numbers: How many, of how many; and the value, of runs that reach one.
        start: Where the count, or what happened, starts in the sentence.
        end: Where it ends.
    """

    event: str
    numbers: tuple[Printed, ...]
    start: int
    end: int


def counted_outcomes(text: str, *, comma: bool) -> Iterator[Counted]:
    """Yield the counts of a sentence, in reading order.

    Args:
        text: The sentence.
        comma: Whether it writes decimal commas.
    """
    hits = [hit for pattern in (AFTER, BEFORE, NO_RUN, AGAIN, ON_SEEDS) for hit in pattern.finditer(text)]
    hits.sort(key=lambda hit: hit.start())
    event = ""
    end = 0
    for hit in hits:
        word = hit.groupdict().get("event", "")
        before = text[: hit.start("event")] if word else ""
        if hit.start() < end or NOT_BEFORE.search(before):
            continue
        event = _event(word) or event
        end = hit.end()
        counted = _counted(hit, event)
        if counted is not None and event in ("reached", "above", "below"):
            counted = _with_value(counted, text, comma=comma)
        if counted is not None:
            yield counted


def _event(word: str) -> str:
    """Return what a word says of a run; empty for "did", and for no word."""
    if word.lower() in ("did", ""):
        return ""
    for event, pattern in EVENTS:
        if re.fullmatch(pattern, word, re.IGNORECASE):
            return event
    if LOWER.search(word):
        return "below"
    return "above" if HIGHER.search(word) else "reached"


def _counted(hit: re.Match[str], event: str) -> Counted | None:
    """Return a count in words or digits; None where nothing happened yet, or more than all of it did."""
    if hit.re is NO_RUN:
        nothing = Printed(
            text=hit["none"],
            value=0.0,
            unit=1.0,
            start=hit.start("none"),
            end=hit.end("none"),
        )
        return Counted(event, (nothing,), hit.start(), hit.end())
    n = _number(hit, "n") or _number(hit, "n_of_all")
    count = _number(hit, "count") or n
    if n is None or count is None or not event or count.value > n.value or not n.value:
        return None
    return Counted(event, (count, n), hit.start(), hit.end())


def _number(hit: re.Match[str], name: str) -> Printed | None:
    word = hit[name]
    if word is None:
        return None
    value = WORDS.get(word.lower())
    return Printed(
        text=word,
        value=float(word if value is None else value),
        unit=1.0,
        start=hit.start(name),
        end=hit.end(name),
    )


def _with_value(counted: Counted, text: str, *, comma: bool) -> Counted | None:
    """Return a count with the value that its runs reach, which stands next after it."""
    for number in numbers_in(text, comma=comma):
        if number.start >= counted.end:
            if not WORDS_TO_VALUE.fullmatch(text[counted.end : number.start]) or number.relation:
                return None
            return replace(counted, numbers=(*counted.numbers, number), end=number.end)
    return None


def group_of(counted: Counted, before: int, following: int, named: NamedGroups) -> tuple[str, ...]:
    """Return the group that a count is of; none where the sentence does not say it for certain.

    Args:
        counted: The count.
        before: Where the count before it ends in the sentence.
        following: Where the next one starts.
        named: Where the sentence names which group.
    """
    if len(named.everyone) == 1:
        return named.everyone
    if bracket := IN_BRACKET.match(named.text, counted.end):  # "No run diverged (5 of a, 5 of b)"
        groups = named.within(*bracket.span())
        if groups == named.everyone and len(counted.numbers) == 1:
            return groups
    for start, end in ((counted.start, counted.end), (before, counted.start), (counted.end, following)):
        groups = named.within(start, end)
        if groups:
            return groups if len(groups) == 1 else ()
    return ()

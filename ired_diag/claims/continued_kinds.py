"""Numbers that continue the one before: "the sd is 0.30 for a and 0.31 for b", "of a 290 and that of b 378".

Between the two stand only names of groups and words that list. A list may have its statistic as its head:
"Median return: a 2309, b 3149".
"""

from __future__ import annotations

import re

from ired_diag.claims.claim import Kind
from ired_diag.claims.named_groups import NamedGroups
from ired_diag.claims.numbers import Printed

CONTINUED: tuple[Kind, ...] = ("sd", "se", "spread", "median", "best", "worst", "mean")
NAME = "\x00"  # stands for the name of a group
LINKING = re.compile(
    rf"\s*(?:\(?\s*(?:(?:for|with|of|by|using|under)\s+)?(?:the\s+)?{NAME}\s*\)?)?\s*"
    r"(?:[,;]\s*(?:and|against|versus|vs\.?|compared (?:to|with)|while)?|"
    r"\b(?:and|vs\.?|versus|against)\b|/)\s*"
    rf"(?:that\s+)?(?:(?:of|for|with)\s+)?(?:the\s+)?(?:{NAME}(?:['\u2019]s)?)?\s*(?:is|at|was|of|:|=)?\s*",
    re.IGNORECASE,
)
ITEM = re.compile(
    rf"(?:{NAME}|\)|[\d.])\s*(?:[,;]\s*|\band\s+)*(?:and\s+)?{NAME}\s*[:=]?\s*$|^\s*{NAME}\s*[:=]?\s*$"
)
OTHER_EXTREME = re.compile(
    rf",?\s*(?:and|,|;|while)\s+(?:the|its)\s+(?P<word>best|worst|strongest|weakest)"
    rf"(?:\s+{NAME})?(?:\s+(?:one|seed|run))?"
    r"\s*(?:(?:is|at|has|with|reaches|ends at|of)\s+)?$",
    re.IGNORECASE,
)
AS_SHARE = re.compile(r"\s*(?:\(|,?\s*(?:i\.\s?e\.,?|that is,?|or|=))\s*(?:about\s+|only\s+)?", re.IGNORECASE)
WORST = ("worst", "weakest")
HEADS: tuple[tuple[Kind, str], ...] = (
    ("median", r"medians?"),
    ("sd", r"(?:sds?|stds?|standard deviations?)"),
    ("se", r"(?:sems?|standard errors?)"),
)


def continued_kind(named: NamedGroups, kind: Kind, last: Printed, number: Printed) -> Kind | None:
    """Return the kind of a number that continues the one before it; None where it does not.

    Args:
        named: The sentence, and where it names which group.
        kind: Of the number before.
        last: That number.
        number: The one that may continue it.
    """
    if kind == "difference" and number.percent and not last.percent:
        return "percent" if AS_SHARE.fullmatch(named.text[last.end : number.start]) else None
    if kind not in CONTINUED or number.percent != last.percent or number.relation:
        return None
    if number.unit >= 1 > last.unit:
        return None
    between = masked(named, last.end, number.start)
    extreme = OTHER_EXTREME.fullmatch(between)
    if extreme and kind in ("best", "worst"):
        return "worst" if extreme["word"].lower() in WORST else "best"
    is_of_a_name = NAME in between or _name_follows(named, number)
    if is_of_a_name and LINKING.fullmatch(between):
        return kind
    return None


def _name_follows(named: NamedGroups, number: Printed) -> bool:
    """Say whether the name of a group stands directly after a number: "0.31 for b", "0.31 (b)"."""
    after = masked(named, number.end, len(named.text))
    return re.match(rf"\s*(?:for|with|of|by|\()\s*(?:the\s+)?{NAME}", after, re.IGNORECASE) is not None


def kind_of_list(named: NamedGroups, number: Printed) -> Kind | None:
    """Return the statistic at the head of the list that a number stands in, right after a group's name."""
    for kind, pattern in HEADS:
        head = re.match(
            rf"\W*(?:the\s+)?{pattern}\b[^:=\d\x00]{{0,40}}[:=]\s*", masked(named, 0, number.start), re.I
        )
        if head is None:
            continue
        if ITEM.search(masked(named, 0, number.start)[head.end() - 1 :]):
            return kind
    return None


def masked(named: NamedGroups, start: int, end: int) -> str:
    """Return a stretch of the sentence, with one sign for each name of a group in it."""
    text = named.text[start:end]
    for at, stop, _ in reversed(named.at):
        if start <= at and stop <= end:
            text = text[: at - start] + NAME + text[stop - start :]
    return text

"""Does a percentage follow from the two numbers before it: "from 0.120 to 0.090 (a 25% reduction)"?

    x = 100 |b - a| / |a|

The base of a change "from a to b" is a. Of percentages the difference in points is right as well.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ired_diag.claims.claim import Claim, Verdict, holds, refuted
from ired_diag.claims.numbers import Printed, number_of
from ired_diag.claims.range_arithmetic import difference_of, percent_of_base
from ired_diag.claims.ranges import fits, fits_any, printed_range

NUMBER = r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)"
UNIT = r"\s?(?:%|[A-Za-z\u00b5/]{1,6}(?:\s\S{1,4})?)?"
FROM_TO = re.compile(
    rf"\bfrom\s+({NUMBER}{UNIT})\s+(?:\([^()]*\)\s*)?(?:down |up )?to\s+({NUMBER}{UNIT})\s*"
    r"(?:\([^()\d]*\)\s*)?[(,;:=]?\s*(?:i\.\s?e\.,?|that is,?|which is|or|=|by)?"
    r"\s*(?:an?\s+(?:relative\s+)?(?:[A-Za-z-]+\s+)?(?:reduction|decrease|increase|improvement|drop|gain|change)\s+of|"
    r"an?|by|about|roughly)?\s*[-+]?$"
)
START = re.compile(r"\bfrom\s+$", re.IGNORECASE)
TO_NEXT = re.compile(rf"\s*(?:\([^()]*\)\s*)?(?:down |up )?to\s+{NUMBER}", re.IGNORECASE)
FROM_FIRST = re.compile(rf"\bfrom\s+{NUMBER}{UNIT}\s+(?:\([^()]*\)\s*)?(?:down |up )?to\s+$", re.IGNORECASE)
CHANGE = re.compile(
    r"^\s*(?:relative\s+)?(?:reduction|decrease|increase|improvement|drop|gain|change|lower|higher|less|"
    r"more|fewer|relative\b)",
    re.IGNORECASE,
)
BY = re.compile(
    r"\b(?:by|(?:reduction|decrease|increase|improvement|drop|gain|change)\s+of)\s*(?:about|roughly)?\s*$"
)


def is_end_of_change(before: str, after: str) -> bool:
    """Say whether a number is one of the two levels in "from 14.3% to 11.8%".

    Args:
        before: What stands before it.
        after: What stands after it.
    """
    if START.search(before):
        return TO_NEXT.match(after) is not None
    return FROM_FIRST.search(before) is not None


def check_from_to(claim: Claim) -> Verdict | None:
    """Return whether a percentage is the change from one number to the next; None where it says none."""
    number = claim.number
    near = claim.wording
    if claim.table or near[number.start : number.end].strip() != claim.said:
        return None
    before = near[: number.start]
    after = near[number.start + len(number.text) :].lstrip(" %")
    # In "from 0.12 to 0.09 (<25%)" the sign of the bound stands between.
    hit = FROM_TO.search(re.sub(r"[<>≈~]\s*$", "", before))
    if hit is None or not (CHANGE.match(after) or BY.search(before)):
        return None
    first = number_of(hit[1])
    last = number_of(hit[2])
    if first is None or last is None or not first.value:
        return None
    return _held(claim, first, last)


def _held(claim: Claim, first: Printed, last: Printed) -> Verdict:
    """Return whether a percentage is the change between two numbers, or their difference in points."""
    a = printed_range(replace(first, relation=""))
    b = printed_range(replace(last, relation=""))
    change = percent_of_base(b, a)
    shown = f"from {first.text} to {last.text} is {abs(change.middle):.3g}%"
    right = [change]
    if first.percent and last.percent:
        right.append(difference_of(b, a))
    if fits_any(claim.number, right, magnitude=True):
        return holds(claim, shown)
    evidence = {"recomputed": abs(change.middle)}
    if fits(claim.number, percent_of_base(a, b), magnitude=True):
        return refuted(
            claim,
            rule="percent_base",
            severity="warning",
            words=f"{claim.said} is relative to {last.text}; {shown}.",
            evidence=evidence,
        )
    return refuted(
        claim,
        rule="percent",
        words=f"the change is printed as {claim.said}; {shown}.",
        evidence=evidence,
    )

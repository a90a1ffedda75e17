"""Does a percentage follow from the two numbers before it: "from 0.120 to 0.090 (a 25% reduction)"?

    x = 100 |b - a| / |a|

The base of a change "from a to b" is a. Of percentages the difference in points is right as well.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace

from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds
from ired_diag.claims.numbers import Printed, number_of
from ired_diag.claims.ranges import Range, fits, printed_range, through

NUMBER = r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)"
UNIT = r"\s?(?:%|[A-Za-z\u00b5/]{1,6}(?:\s\S{1,4})?)?"
FROM_TO = re.compile(
    rf"\bfrom\s+({NUMBER}{UNIT})\s+(?:\([^()]*\)\s*)?(?:down |up )?to\s+({NUMBER}{UNIT})\s*"
    r"(?:\([^()\d]*\)\s*)?[(,;:=]?\s*(?:i\.\s?e\.,?|that is,?|which is|or|=|by)?"
    r"\s*(?:an?|by|about|roughly)?\s*[-+]?$"
)
CHANGE = re.compile(
    r"^\s*(?:relative\s+)?(?:reduction|decrease|increase|improvement|drop|gain|change|lower|higher|less|"
    r"more|fewer|relative\b)",
    re.IGNORECASE,
)


def check_from_to(claim: Claim) -> Verdict | None:
    """Return whether a percentage is the change from one number to the next; None where it says none."""
    near, number = claim.context.split("\n")[0], claim.number
    before, after = near[: number.start], near[number.start + len(number.text) :].lstrip(" %")
    hit = FROM_TO.search(re.sub(r"[<>≈~]\s*$", "", before))
    if claim.table or hit is None or near[number.start : number.end].strip() != claim.said:
        return None
    if not CHANGE.match(after) and not re.search(r"\bby\s*(?:about|roughly)?\s*$", before):
        return None
    ends = number_of(hit[1]), number_of(hit[2])
    if ends[0] is None or ends[1] is None or not ends[0].value:
        return None
    return _held(claim, ends[0], ends[1])


def _held(claim: Claim, first: Printed, last: Printed) -> Verdict:
    a, b = printed_range(replace(first, relation="")), printed_range(replace(last, relation=""))
    change = through(_percent, a, b)
    points = through(lambda x, y: y - x, a, b)
    in_points = first.percent and last.percent and fits(claim.number, points, magnitude=True)
    if fits(claim.number, change, magnitude=True) or in_points:
        return holds(claim, f"from {first.text} to {last.text} is {abs(change.middle):.3g}%")
    return _wrong(claim, (first, last), change, through(_percent, b, a))


def _wrong(claim: Claim, ends: tuple[Printed, Printed], change: Range, back: Range) -> Verdict:
    shown = f"from {ends[0].text} to {ends[1].text} is {abs(change.middle):.3g}%"
    evidence = {"recomputed": abs(change.middle)}
    if fits(claim.number, back, magnitude=True):
        words = f"{claim.said} is relative to {ends[1].text}; {shown}."
        return fails(claim, Fault("percent_base", "warning", words, evidence=evidence).of(claim))
    words = f"the change is printed as {claim.said}; {shown}."
    return fails(claim, Fault("percent", "error", words, evidence=evidence).of(claim))


def _percent(x: float, y: float) -> float:
    return 100 * (y - x) / abs(x) if x else math.nan

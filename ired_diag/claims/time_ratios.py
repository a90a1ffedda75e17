"""Is "3.1x faster" the ratio of two times, or "3x fewer steps" that of two numbers of steps?

    "a is x times faster than b":  x = T_b / T_a

The times are those of the report's tables (a column of hours, seconds, throughput), and the last values of
times that the runs log. "Faster" may mean many things (the clock, the steps up to a target), so that a ratio
is accused only where all times that are known of both groups give the same one, and the words speak of no
target.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.numbers import Printed
from ired_diag.claims.range_arithmetic import larger_over_smaller
from ired_diag.claims.ranges import Range, fits, printed_range

TIME = re.compile(
    r"\b(?:time|hours?|hrs?|wall|wall[- ]?clock|seconds?|secs?|minutes?|mins?|runtime|duration|elapsed|"
    r"latency|throughput|speed|(?:it|iter\w*|steps?|samples|tokens|images|ex\w*)\s*/\s*s\w*|[sm]?s\s*/\s*(?:it\w*|step|batch|epoch))\b"
    r"|\((?:h|s|ms|min)\)",
    re.IGNORECASE,
)
STEPS = re.compile(r"\b(?:steps?|iterations?|iters|epochs?|updates)\b", re.IGNORECASE)
FEWER = re.compile(r"\b(?:steps?|iterations?|iters|epochs?|updates)\b|\bfewer\b", re.IGNORECASE)
TO_A_TARGET = re.compile(
    r"\bconver\w+|\breach\w*|\btargets?\b|\bto (?:get|hit|match|attain)\b|\bup to\b|\bper\b|\blearns?\b|"
    r"\binference\b|\bsampling\b|\bdecod\w+|\bforward\b|\bbackward\b|\bper[- ]step\b",
    re.IGNORECASE,
)
FASTER = re.compile(r"faster|slower|quicker|speed|fewer|longer|shorter", re.IGNORECASE)
OTHER_COST = re.compile(
    r"memory|parameters?|params|flops|cheaper|price|\bcosts?\b|tokens|\bdata\b|samples", re.IGNORECASE
)
SLACK = 0.1  # as of other ratios: "3x" is said of 2.8


def check_time_ratio(claim: Claim, book: Book, clause: str) -> Verdict:
    """Return whether "x times faster" or "x times fewer steps" follows from times or steps that are known.

    Args:
        claim: The ratio.
        book: What is known.
        clause: The words around it.
    """
    other = _other_quantity(clause)
    if other:
        return unchecked(claim, f"it is of another quantity ({other!r})")
    what = "times"
    quantity = TIME
    if FEWER.search(clause):
        what = "steps"
        quantity = STEPS
    if len(claim.groups) != 2:
        return unchecked(claim, f"it is of {what}, and of which two groups is not certain")
    ratios = dict(_ratios(claim, book, quantity))
    if not ratios:
        return unchecked(
            claim, f"it is of {what}, which neither the report nor the runs state of both groups"
        )
    for ratio in ratios.values():
        if fits(claim.number, ratio.widened(SLACK)):
            return holds(claim, f"a ratio of the {what} gives it")
    # "Up to the target" is a time that no table has.
    if not _agree(ratios.values()) or TO_A_TARGET.search(claim.wording):
        return unchecked(claim, f"it is of {what}, and of which of them is not certain")
    source = next(iter(ratios))
    given = ratios[source].middle
    return refuted(
        claim,
        rule="ratio",
        words=f"{claim.said}x is printed; the ratio of the {what} ({source}) is {given:.4g}.",
        evidence={"recomputed": given, "printed": claim.number.value},
    )


def _other_quantity(clause: str) -> str:
    """Return the words that say that a ratio is neither of times nor of steps, or nothing."""
    if not FASTER.search(clause):
        return clause.strip()
    cost = OTHER_COST.search(clause)
    return cost[0] if cost else ""


def _ratios(claim: Claim, book: Book, quantity: re.Pattern[str]) -> Iterator[tuple[str, Range]]:
    """Yield the ratio of each such quantity that is known of both groups, with where it stands."""
    in_columns = _in_columns(claim, book, quantity)
    of_runs = _of_runs(claim, book, quantity)
    for source, a, b in itertools.chain(in_columns, of_runs):
        ratio = larger_over_smaller(a, b)
        if ratio.is_finite:
            yield source, ratio


def _in_columns(claim: Claim, book: Book, quantity: re.Pattern[str]) -> Iterator[tuple[str, Range, Range]]:
    """Yield what the columns of the report's tables have of both groups."""
    first, second = (_by_head(label, book, quantity) for label in claim.groups)
    for head, number in first.items():
        if head in second:
            yield f"column {head!r}", printed_range(number), printed_range(second[head])


def _by_head(label: str, book: Book, quantity: re.Pattern[str]) -> dict[str, Printed]:
    """Return the numbers of a group in columns of a quantity, by the head of the column."""
    numbers = {}
    for mean in book.stated("mean", label):
        if mean.table and _is_of(mean, quantity):
            numbers[mean.wording] = mean.number
    return numbers


def _of_runs(claim: Claim, book: Book, quantity: re.Pattern[str]) -> Iterator[tuple[str, Range, Range]]:
    """Yield what the runs of both groups log."""
    first, second = claim.groups
    a = book.group(first) or ""
    b = book.group(second) or ""
    for name, by_group in book.groups.costs.items():
        if a not in by_group or b not in by_group:
            continue
        spelled = name.replace("_", " ")
        if quantity.search(spelled):
            source = f"{name} of the runs"
            yield source, Range.exactly(by_group[a]), Range.exactly(by_group[b])


def _agree(ratios: Iterable[Range]) -> bool:
    """Say whether several ratios are one, within what "3x" is said of."""
    middles = [ratio.middle for ratio in ratios]
    return max(middles) <= (1 + SLACK) * min(middles)


def _is_of(claim: Claim, quantity: re.Pattern[str]) -> bool:
    """Say whether the column of a number names the quantity; a speed in steps a second is a time."""
    if quantity is STEPS and TIME.search(claim.wording):
        return False
    return quantity.search(claim.wording) is not None

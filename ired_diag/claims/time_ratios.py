"""Is "3.1x faster" the ratio of two times, or "3x fewer steps" that of two numbers of steps?

    "a is x times faster than b":  x = T_b / T_a

The times are those of the report's tables (a column of hours, seconds, throughput), and the last values of
times that the runs log. "Faster" may mean many things (the clock, the steps up to a target), so that a ratio
is accused only where all times that are known of both groups give the same one, and the words speak of no
target.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked
from ired_diag.claims.ranges import Range, fits, printed_range, through

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
    if not FASTER.search(clause) or (cost := OTHER_COST.search(clause)):
        words = cost[0] if FASTER.search(clause) and cost else clause.strip()
        return unchecked(claim, f"it is of another quantity ({words!r})")
    of_steps = bool(FEWER.search(clause))
    what = "steps" if of_steps else "times"
    if len(claim.groups) != 2:
        return unchecked(claim, f"it is of {what}, and of which two groups is not certain")
    ratios = dict(_ratios(claim, book, STEPS if of_steps else TIME))
    if not ratios:
        return unchecked(
            claim, f"it is of {what}, which neither the report nor the runs state of both groups"
        )
    reach = [Range(r.low * (1 - SLACK), r.middle, r.high * (1 + SLACK)) for r in ratios.values()]
    if any(fits(claim.number, r) for r in reach):
        return holds(claim, f"a ratio of the {what} gives it")
    if not _agree(ratios.values()) or TO_A_TARGET.search(claim.context.split("\n")[0]):
        return unchecked(claim, f"it is of {what}, and of which of them is not certain")
    source, ratio = next(iter(ratios.items()))
    words = f"{claim.said}x is printed; the ratio of the {what} ({source}) is {ratio.middle:.4g}."
    evidence = {"recomputed": ratio.middle, "printed": claim.number.value}
    return fails(claim, Fault("ratio", "error", words, evidence=evidence).of(claim))


def _ratios(claim: Claim, book: Book, quantity: re.Pattern[str]) -> Iterator[tuple[str, Range]]:
    """Yield the ratio of each such quantity that is known of both groups, with where it stands."""
    stated = [
        {
            c.context.split("\n")[0]: c.number
            for c in book.stated("mean", label)
            if c.table and _is_of(c, quantity)
        }
        for label in claim.groups
    ]
    for head in stated[0].keys() & stated[1].keys():
        a, b = (printed_range(numbers[head]) for numbers in stated)
        if (ratio := through(_larger_over_smaller, a, b)).known:
            yield f"column {head!r}", ratio
    keys = [book.group(label) or "" for label in claim.groups]
    for name, by_group in book.groups.costs.items():
        if quantity.search(name.replace("_", " ")) and all(key in by_group for key in keys):
            ends = [Range.around(by_group[key], 0.0) for key in keys]
            if (ratio := through(_larger_over_smaller, *ends)).known:
                yield f"{name} of the runs", ratio


def _agree(ratios: Iterable[Range]) -> bool:
    """Say whether several ratios are one, within what "3x" is said of."""
    middles = [ratio.middle for ratio in ratios]
    return max(middles) <= (1 + SLACK) * min(middles)


def _is_of(claim: Claim, quantity: re.Pattern[str]) -> bool:
    """Say whether the column of a number names the quantity; a speed in steps a second is a time."""
    head = claim.context.split("\n")[0]
    return bool(quantity.search(head)) and not (quantity is STEPS and TIME.search(head))


def _larger_over_smaller(x: float, y: float) -> float:
    small, large = sorted((abs(x), abs(y)))
    return large / small if small and x * y > 0 else float("nan")

"""Do the words follow from the numbers: "significant", "not significant", "equivalent"?

A large p is no sign that two groups are alike: with few seeds it says that little is known. Equivalence
needs a margin, what is too small to matter, and an interval of the difference that lies inside it
(``stats.equivalence``). What the interval allows is said here.
"""

from __future__ import annotations

import re

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked
from ired_diag.claims.comparisons import tests_of
from ired_diag.claims.pairs import OTHER_TEST, samples_of_pair
from ired_diag.claims.ranges import through

LEVELS = {1: 0.05, 2: 0.01, 3: 0.001}  # by the number of stars
ALPHA = re.compile(r"(?:\u03b1|alpha|significance level(?: of)?)\s*=?\s*(0?\.\d+)", re.IGNORECASE)
MARGIN = r"equivalence test|\btost\b|one-sided tests|\bmargin\b|too small to matter"


def check_significance(claim: Claim, book: Book) -> Verdict:
    """Return whether "significant", its negation, or stars agree with the p printed beside it."""
    stars = claim.said.count("*") if set(claim.said) == {"*"} else 0
    level = LEVELS[stars] if stars else _level(book)
    beside = _p_beside(claim, book)
    if len(beside) != 1:
        return unchecked(claim, "no single p stands beside it")
    number = beside[0].number
    says = claim.kind == "significant"
    unclear = (number.relation == "<" and number.value > level) or (
        number.relation == ">" and number.value < level
    )
    if unclear or (abs(number.value - level) <= number.unit / 2 and not number.relation):
        return unchecked(claim, f"p = {beside[0].said} does not tell on which side of {level:g} it is")
    below = number.value < level or (number.relation == "<" and number.value <= level)
    if says == below:
        return holds(claim, f"p = {beside[0].said}")
    what = f"{claim.said!r} stands" if not stars else f"{claim.said} (p < {level:g}) stands"
    negated = "" if says else " (negated)"
    words = (
        f"{what}{negated} beside p = {beside[0].said}, which is {'below' if below else 'above'} {level:g}."
    )
    return fails(
        claim, Fault("significance", "error", words, evidence={"p": number.value, "level": level}).of(claim)
    )


def check_equivalence(claim: Claim, book: Book) -> Verdict:
    """Return whether "equivalent" or "no difference" rests on more than a large p."""
    if re.search(MARGIN, claim.context, re.IGNORECASE):
        return unchecked(claim, "it is said to rest on a margin: ired-diag stats A B --margin tests it")
    beside = _p_beside(claim, book)
    large = f"; p = {beside[0].said} is no test of it" if beside and beside[0].number.value > 0.05 else ""
    pair = samples_of_pair(claim, book)
    tests = tests_of(pair.a, pair.b, pairs=pair.told_pairs) if pair else {}
    advice = "Name a margin and test it: ired-diag stats A B --margin 1%"
    if pair is None or not tests:
        if not large:
            return unchecked(claim, book.why_unknown(claim))
        words = f"{claim.said!r} is concluded without a margin{large}."
        return fails(claim, Fault("equivalence", "warning", words, advice).of(claim))
    name = "paired" if "paired" in tests else "welch"
    test = tests[name]
    difference = through(lambda x, y: x - y, pair.a.mean, pair.b.mean).middle
    low, high = difference - test.half.middle, difference + test.half.middle
    share = 100 * max(abs(low), abs(high)) / abs(pair.b.mean.middle) if pair.b.mean.middle else float("nan")
    excludes = ", which excludes 0" if low > 0 or high < 0 else ""
    words = (
        f"{claim.said!r} is concluded without a margin{large}. The 95% interval of the difference ({name}) "
        f"is {low:.3g} to {high:.3g}{excludes}: it allows differences up to {share:.2g}% of the mean."
    )
    evidence = {"low": low, "high": high, "share_percent": share, "p": test.p.middle}
    return fails(claim, Fault("equivalence", "warning", words, advice, evidence).of(claim))


def _level(book: Book) -> float:
    """Return the level that the report names, if it names one; else 5%."""
    named = {float(found) for found in ALPHA.findall(book.text)}
    return named.pop() if len(named) == 1 else 0.05


def _p_beside(claim: Claim, book: Book) -> list[Claim]:
    """Return the p values of a claim's own row or sentence, else those of its pair anywhere."""
    everyone = [c for c in book.claims if c.kind == "p"]
    pair = {book.key(label) for label in claim.groups}
    beside = [c for c in everyone if c.block == claim.block]
    if len(beside) > 1:
        beside = [c for c in beside if len(pair) == 2 and {book.key(label) for label in c.groups} == pair]
    if beside or re.search(OTHER_TEST, claim.context, re.IGNORECASE):
        return beside
    return [c for c in everyone if len(pair) == 2 and {book.key(label) for label in c.groups} == pair]

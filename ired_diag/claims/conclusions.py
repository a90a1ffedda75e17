"""Do the words follow from the numbers: "significant", "not significant", or stars?

A conclusion is held against the p that stands next to it, at the level that the report states; where none
stands there, against the seeds. ``equivalence`` does the same for "equivalent" and "no difference".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.comparisons import NAMES
from ired_diag.claims.correction import Level, level_of
from ired_diag.claims.numbers import Printed
from ired_diag.claims.pairs import OTHER_TEST, other_test, samples_of_pair, t_tests_of, tests_said
from ired_diag.claims.ranges import fits

LEVELS = {1: 0.05, 2: 0.01, 3: 0.001, 4: 0.0001}  # by the number of stars
REACH = 110  # characters
CLEARLY_BELOW, CLEARLY_ABOVE = 0.01, 0.2  # p: between them, a test that is not named may conclude otherwise
GRADED = re.compile(
    r"\b(?:marginal|borderline|nearly|almost|weak|approach|trend|practical|clinical|economic)\w*\W+(?:\w+\W+)?signif",
    re.I,
)
TURN = re.compile(r"[;:]\s|\bbut\b|\bwhile\b")


def check_significance(claim: Claim, book: Book) -> Verdict:
    """Return whether "significant", its negation, or stars agree with the p next to it, or with the runs."""
    if GRADED.search(claim.wording):
        return unchecked(claim, "it is graded")
    level = _level(claim, book)
    beside = p_beside(claim, book)
    if not beside:
        return _by_runs(claim, book, level)
    if len(beside) > 1:
        return unchecked(claim, "several p values stand next to it")
    if not claim.table and _is_one_of_several(claim, book):
        return unchecked(claim, "to which of the conclusions the p belongs is not certain")
    if not claim.table and not _stands_near(claim, beside[0]):
        return unchecked(claim, "whether the p is of this conclusion is not certain")
    return _beside_p(claim, book, level, beside[0])


def _is_one_of_several(claim: Claim, book: Book) -> bool:
    """Say whether a sentence calls one difference significant, and another one not."""
    kinds = {other.kind for other in book.beside(claim)}
    return {"significant", "not significant"} <= kinds


def _level(claim: Claim, book: Book) -> Level:
    """Return the level of a conclusion: of its stars, else of the text."""
    stars = _stars(claim)
    if stars:
        return Level(LEVELS[min(stars, max(LEVELS))])
    return level_of(claim.wording, claim.above, book.text)


def _stars(claim: Claim) -> int:
    """Return how many stars a conclusion is printed as; 0 where it is printed in words."""
    if set(claim.said) != {"*"}:
        return 0
    return len(claim.said)


def _stands_near(claim: Claim, p: Claim) -> bool:
    """Say whether a p stands so near to a word of its sentence that it is of it."""
    if p.block != claim.block:
        return True
    text = claim.wording
    for hit in re.finditer(re.escape(claim.said), text):
        first, last = sorted((hit.start(), p.number.start))
        between = text[first:last]
        if len(between) <= REACH and not TURN.search(between):
            return True
    return False


def _beside_p(claim: Claim, book: Book, level: Level, p: Claim) -> Verdict:
    """Return whether a conclusion agrees with the p printed next to it."""
    number = p.number
    is_positive = claim.kind == "significant"
    limit = _limit(level, p, book)
    shown = f"p {number.relation or '='} {p.said}"
    # Raw or corrected, a p above alpha is not significant; below it, both are possible.
    if limit is None:
        limit = level.alpha
        below_alpha = number.value < limit
        if below_alpha and not is_positive:
            return unchecked(claim, "it is corrected for a number of comparisons that is not stated")
        if below_alpha:
            return unchecked(
                claim, "whether the p is corrected, and for how many comparisons, is not certain"
            )
    if _is_on_either_side(number, limit):
        return unchecked(claim, f"{shown} does not say on which side of {limit:g} it is")
    below = number.value < limit
    if number.relation == "<":
        below = number.value <= limit
    if is_positive == below:
        return holds(claim, shown)
    for other in level.doubtful:
        if (number.value < other) == is_positive:
            return unchecked(claim, "whether the alpha of the text is its level is not certain")
    side = "below" if below else "above"
    conclusion = _conclusion_in_words(claim, limit)
    words = f"{conclusion} stands{_negation(claim)} next to {shown}, which is {side} {limit:.3g}."
    if level.corrected:
        comparisons = level.alpha / level.corrected
        words += f" The level is {level.alpha:g} over {comparisons:.0f} comparisons."
    return refuted(
        claim,
        rule="significance",
        words=words,
        evidence={"p": number.value, "level": limit},
    )


def _is_on_either_side(p: Printed, limit: float) -> bool:
    """Say whether a printed p may be below a level as well as above it."""
    if p.relation == "<":
        return p.value > limit
    if p.relation == ">":
        return p.value < limit
    return abs(p.value - limit) <= p.unit / 2


def _conclusion_in_words(claim: Claim, limit: float) -> str:
    if _stars(claim):
        return f"{claim.said} (p < {limit:g})"
    return repr(claim.said)


def _negation(claim: Claim) -> str:
    if claim.kind == "significant":
        return ""
    return " (negated)"


def _limit(level: Level, p: Claim, book: Book) -> float | None:
    """Return the level that a p is to be below; None where it is not certain whether the p is a raw one."""
    if not level.is_corrected:
        return level.alpha
    if level.corrected is None:
        return None
    is_between = level.corrected < p.number.value <= level.alpha
    if level.raw or not is_between or _is_raw(p, book):
        return level.corrected
    return None


def _is_raw(p: Claim, book: Book) -> bool:
    """Say whether the seeds give a p without any correction."""
    for test in t_tests_of(samples_of_pair(p, book)).values():
        if fits(p.number, test.p):
            return True
    return False


def _by_runs(claim: Claim, book: Book, level: Level) -> Verdict:
    """Return whether the seeds of two groups bear out a conclusion that no p stands next to."""
    pair = None
    if not other_test(claim) and not level.is_corrected:
        pair = samples_of_pair(claim, book)
    if pair is None or not pair.a.values:
        return unchecked(claim, "no single p stands next to it")
    said = tests_said(claim)
    evidence = {}
    given = []
    conclusions = set()
    in_doubt = False
    for name, test in t_tests_of(pair, stated_pairs_only=True).items():
        if name in said:
            p = test.p.middle
            evidence[f"p_{name}"] = p
            given.append(f"{NAMES[name]} gives p = {p:.3g}")
            conclusions.add(p < level.alpha)
            in_doubt = in_doubt or CLEARLY_BELOW <= p <= CLEARLY_ABOVE
    if not given:
        return unchecked(claim, "no single p stands next to it")
    shown = "; ".join(given)
    if (claim.kind == "significant") in conclusions:
        return holds(claim, shown)
    if in_doubt and len(said) > 1:
        return unchecked(claim, f"no test is named, and another one may conclude otherwise: {shown}")
    return refuted(
        claim,
        rule="significance",
        words=f"{claim.said!r}{_negation(claim)} is concluded; by {pair.a.source} {shown}.",
        evidence=evidence,
    )


def p_beside(claim: Claim, book: Book) -> list[Claim]:
    """Return the p values of a claim's own row or sentence, else those of its pair anywhere."""
    beside = [other for other in book.beside(claim) if other.kind == "p"]
    if len(beside) > 1:
        beside = _of_same_pair(claim, beside, book)
    if beside or re.search(OTHER_TEST, claim.context, re.IGNORECASE) or len(book.metrics) > 1:
        return beside
    return _of_same_pair(claim, book.of_kinds("p"), book)


def _of_same_pair(claim: Claim, candidates: Sequence[Claim], book: Book) -> list[Claim]:
    """Return the candidates about the same two groups as a claim; none if it is not about two."""
    pair = set(map(book.key, claim.groups))
    if len(pair) != 2:
        return []
    return [other for other in candidates if set(map(book.key, other.groups)) == pair]

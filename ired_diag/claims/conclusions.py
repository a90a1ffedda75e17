"""Do the words follow from the numbers: "significant", "not significant", "equivalent"?

A large p is no sign that two groups are alike: with few seeds it says that little is known. Equivalence
needs a margin, what is too small to matter, and an interval of the difference that lies inside it
(``stats.equivalence``). What the interval allows is said here.
"""

from __future__ import annotations

import re

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked
from ired_diag.claims.comparisons import NAMES, tests_of
from ired_diag.claims.correction import Level, level_of
from ired_diag.claims.known_samples import why_unknown
from ired_diag.claims.pairs import OTHER_TEST, other_test, samples_of_pair, tests_said
from ired_diag.claims.ranges import fits, through

LEVELS = {1: 0.05, 2: 0.01, 3: 0.001, 4: 0.0001}  # by the number of stars
REACH = 110  # characters
MARGIN = r"equivalence test|\btost\b|one-sided tests|\bmargin\b|too small to matter"
GRADED = re.compile(
    r"\b(?:marginal|borderline|nearly|almost|weak|approach|trend|practical|clinical|economic)\w*\W+(?:\w+\W+)?signif",
    re.I,
)


def check_significance(claim: Claim, book: Book) -> Verdict:
    """Return whether "significant", its negation, or stars agree with the p beside it, or with the runs."""
    near = claim.context.split("\n")[0]
    if GRADED.search(near):
        return unchecked(claim, "it is graded")
    stars = claim.said.count("*") if set(claim.said) == {"*"} else 0
    rest = claim.context.partition("\n")[2]
    level = Level(LEVELS[min(stars, max(LEVELS))]) if stars else level_of(near, rest, book.text)
    beside = _p_beside(claim, book)
    if len(beside) != 1:
        return (
            _by_runs(claim, book, level)
            if not beside
            else unchecked(claim, "several p values stand beside it")
        )
    same = {c.kind for c in book.beside(claim) if c.kind.endswith("significant")}
    if len(same) > 1 and not claim.table:
        return unchecked(claim, "to which of the conclusions the p belongs is not certain")
    if not claim.table and not _stands_near(claim, beside[0], near):
        return unchecked(claim, "whether the p is of this conclusion is not certain")
    return _beside_p(claim, book, level, beside[0], stars)


def _stands_near(claim: Claim, p: Claim, text: str) -> bool:
    """Say whether a p stands so near to a word of its sentence that it is of it."""
    if p.block != claim.block:
        return True
    places = [hit.start() for hit in re.finditer(re.escape(claim.said), text)]
    between = [text[min(at, p.number.start) : max(at, p.number.start)] for at in places]
    return any(
        len(stretch) <= REACH and not re.search(r"[;:]\s|\bbut\b|\bwhile\b", stretch) for stretch in between
    )


def _beside_p(claim: Claim, book: Book, level: Level, p: Claim, stars: int) -> Verdict:
    """Return whether a conclusion agrees with the p printed beside it."""
    number, says = p.number, claim.kind == "significant"
    limit = _limit(level, p, book)
    shown = f"p {number.relation or '='} {p.said}"
    if limit is None:
        if not says and number.value < level.alpha:
            return unchecked(claim, "it is corrected for a number of comparisons that is not stated")
        limit = level.alpha
        if says and number.value < limit:
            return unchecked(
                claim, "whether the p is corrected, and for how many comparisons, is not certain"
            )
    unclear = (number.relation == "<" and number.value > limit) or (
        number.relation == ">" and number.value < limit
    )
    if unclear or (abs(number.value - limit) <= number.unit / 2 and not number.relation):
        return unchecked(claim, f"{shown} does not say on which side of {limit:g} it is")
    below = number.value < limit or (number.relation == "<" and number.value <= limit)
    if says == below:
        return holds(claim, shown)
    if any((number.value < other) == says for other in level.doubtful):
        return unchecked(claim, "whether the alpha of the text is its level is not certain")
    what = f"{claim.said!r} stands" if not stars else f"{claim.said} (p < {limit:g}) stands"
    negated = "" if says else " (negated)"
    words = f"{what}{negated} beside {shown}, which is {'below' if below else 'above'} {limit:.3g}."
    if level.corrected:
        words += f" The level is {level.alpha:g} over {level.alpha / level.corrected:.0f} comparisons."
    evidence = {"p": number.value, "level": limit}
    return fails(claim, Fault("significance", "error", words, evidence=evidence).of(claim))


def _limit(level: Level, p: Claim, book: Book) -> float | None:
    """Return the level that a p is to be below; None where it is not certain whether the p is a raw one."""
    if not level.is_corrected:
        return level.alpha
    if level.corrected is None:
        return None
    if level.raw or p.number.value <= level.corrected or p.number.value > level.alpha or _is_raw(p, book):
        return level.corrected
    return None


def _is_raw(p: Claim, book: Book) -> bool:
    """Say whether the seeds give a p without any correction."""
    pair = samples_of_pair(p, book)
    tests = tests_of(pair.a, pair.b, pairs=pair.pairs) if pair else {}
    return any(fits(p.number, test.p) for test in tests.values())


def _by_runs(claim: Claim, book: Book, level: Level) -> Verdict:
    """Return whether the seeds of two groups bear out a conclusion that no p stands beside."""
    pair = samples_of_pair(claim, book) if not other_test(claim) and not level.is_corrected else None
    tests = tests_of(pair.a, pair.b, pairs=pair.stated_pairs) if pair and pair.a.values else {}
    tests = {name: test for name, test in tests.items() if name in tests_said(claim)}
    if pair is None or not tests:
        return unchecked(claim, "no single p stands beside it")
    below = {name: test.p.middle < level.alpha for name, test in tests.items()}
    says = claim.kind == "significant"
    given = "; ".join(f"{NAMES[name]} gives p = {test.p.middle:.3g}" for name, test in tests.items())
    if any(value == says for value in below.values()):
        return holds(claim, given)
    words = f"{claim.said!r}{'' if says else ' (negated)'} is concluded; by {pair.a.source} {given}."
    evidence = {f"p_{name}": test.p.middle for name, test in tests.items()}
    return fails(claim, Fault("significance", "error", words, evidence=evidence).of(claim))


def check_equivalence(claim: Claim, book: Book) -> Verdict:
    """Return whether "equivalent" or "no difference" rests on more than a large p."""
    if re.search(MARGIN, claim.context, re.IGNORECASE):
        return unchecked(claim, "it is said to rest on a margin: ired-diag stats A B --margin tests it")
    beside = _p_beside(claim, book)
    large = f"; p = {beside[0].said} is no test of it" if beside and beside[0].number.value > 0.05 else ""
    pair = samples_of_pair(claim, book)
    tests = tests_of(pair.a, pair.b, pairs=pair.stated_pairs) if pair else {}
    advice = "Name a margin and test it: ired-diag stats A B --margin 1%"
    if pair is None or not tests:
        if not large or len(claim.groups) != 2:
            return unchecked(claim, why_unknown(claim, book))
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


def _p_beside(claim: Claim, book: Book) -> list[Claim]:
    """Return the p values of a claim's own row or sentence, else those of its pair anywhere."""
    everyone = [c for c in book.claims if c.kind == "p"]
    pair = {book.key(label) for label in claim.groups}
    beside = [c for c in book.beside(claim) if c.kind == "p"]
    if len(beside) > 1:
        beside = [c for c in beside if len(pair) == 2 and {book.key(label) for label in c.groups} == pair]
    if beside or re.search(OTHER_TEST, claim.context, re.IGNORECASE) or len(book.metrics) > 1:
        return beside
    return [c for c in everyone if len(pair) == 2 and {book.key(label) for label in c.groups} == pair]

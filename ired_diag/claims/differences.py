"""Does a printed difference, or a ratio, follow from two means?

"the difference a - b is x":  x = x̄_a - x̄_b          "a is x times lower than b":  x = x̄_b / x̄_a
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.known_samples import means_of_claim, why_unknown
from ired_diag.claims.metrics import relation_to
from ired_diag.claims.percent_words import is_share
from ired_diag.claims.phrases import RATIO, is_absolute
from ired_diag.claims.range_arithmetic import difference_of, larger_over_smaller, percent_of_base
from ired_diag.claims.ranges import Range, fits_any
from ired_diag.claims.time_ratios import check_time_ratio

FAR = 10.0  # times the difference: then it is printed in points
SLACK = 0.1  # of a ratio: "3x" is said of 2.8
SLACK_OF_DECIMALS = 0.02  # "1.38x" is meant as it is printed
COST = re.compile(
    r"\b(?:faster|slower|quicker|fewer|longer|shorter|speed-?ups?)|memory|parameters?|params|flops|compute|time(?!s\b)|costs?\b|price|latency|cheaper|tokens|speed|throughput|data\b|steps|samples",
    re.I,
)
REACH = 60  # letters to each side of a ratio
CLAUSE_ENDS = re.compile(r"[,;]|\band\b")


def check_difference(claim: Claim, book: Book) -> Verdict:
    """Return whether a difference is that of two means."""
    if not claim.groups:
        return unchecked(claim, why_unknown(claim, book))
    if len(claim.groups) != 2:
        return unchecked(claim, "of which two means is not certain")
    if claim.number.percent and not _in_points(claim, book):
        return unchecked(claim, "whether it is relative or in percentage points is not certain")
    pairs = pairs_of_means(claim, *claim.groups, book)
    if not pairs:
        return unchecked(claim, why_unknown(claim, book))
    differences = [difference_of(a, b) for a, b in pairs]
    if fits_any(claim.number, differences, magnitude=True):
        return holds(claim, f"the means differ by {differences[0].middle:.4g}")
    if not _is_in_points_by_words(claim) and _is_relative(claim, pairs):
        return holds(claim, "the means give it as a relative difference in percent")
    if len(book.metrics) > 1 and not claim.metric:
        return unchecked(claim, "of which metric it is, is not certain")
    given = differences[0].middle
    in_points = ""
    if is_share(book.groups.metric) and abs(claim.number.value) > FAR * abs(given):
        in_points = f" ({100 * given:.4g} points)"
    return refuted(
        claim,
        rule="difference",
        words=f"the difference is printed as {claim.said}; the means differ by {given:.4g}{in_points}.",
        evidence={"recomputed": given},
    )


def pairs_of_means(claim: Claim, first: str, second: str, book: Book) -> list[tuple[Range, Range]]:
    """Return each mean that a group may have with each that another one may have.

    Args:
        claim: That speaks of the groups.
        first: Label of a group.
        second: Label of another.
        book: What is known.
    """
    means = means_of_claim(claim, first, book), means_of_claim(claim, second, book)
    return list(itertools.product(*means))


def _is_relative(claim: Claim, pairs: Sequence[tuple[Range, Range]]) -> bool:
    """Say whether a number that is in percent is a difference of means over one of them."""
    if not claim.number.percent and "%" not in claim.wording:
        return False
    relative = []
    for a, b in pairs:
        # "Improves by 4%" leaves open which of the two means is the base.
        relative += [percent_of_base(a, b), percent_of_base(b, a)]
    return fits_any(claim.number, relative, magnitude=True)


def _in_points(claim: Claim, book: Book) -> bool:
    """Say whether a percentage is one in points, by its words, or as the means are printed in percent."""
    if _is_in_points_by_words(claim):
        return True
    means = []
    for label in claim.groups:
        means += book.stated("mean", label, metric=claim.metric)
    return bool(means) and all(mean.number.percent for mean in means)


def _is_in_points_by_words(claim: Claim) -> bool:
    """Say whether "absolute" stands at a number of a sentence."""
    if claim.table:
        return False
    return is_absolute(claim.words_before, claim.wording[claim.number.end :])


def check_ratio(claim: Claim, book: Book) -> Verdict:
    """Return whether "x times lower" is the ratio of two means."""
    number = claim.number
    clause = _clause(claim.wording, number.start, number.end)
    if COST.search(clause):
        return check_time_ratio(claim, book, clause)
    if len(claim.groups) != 2:
        return unchecked(claim, why_unknown(claim, book))
    ratios = []
    for a, b in pairs_of_means(claim, *claim.groups, book):
        ratio = larger_over_smaller(a, b)
        if ratio.is_finite:
            ratios.append(ratio)
    if not ratios:
        return unchecked(claim, why_unknown(claim, book))
    given = ratios[0].middle
    slack = SLACK if number.unit >= 1 else SLACK_OF_DECIMALS
    if fits_any(number, (ratio.widened(slack) for ratio in ratios)):
        return holds(claim, f"the ratio of the means is {given:.3g}")
    if len(book.metrics) != 1 and not _names_its_metric(claim, book):
        return unchecked(claim, "of which metric it is, is not certain")
    hit = RATIO.match(claim.wording[number.end :])
    word = f" {hit[1]}" if hit else ""
    printed = f"{claim.said}x{word}" if claim.said[-1:].isdigit() else repr(claim.said)
    return refuted(
        claim,
        rule="ratio",
        words=f"{printed} is printed; the ratio of the means is {given:.4g}.",
        evidence={"recomputed": given, "printed": number.value},
    )


def _names_its_metric(claim: Claim, book: Book) -> bool:
    if book.group(claim.groups[0]):
        return relation_to(claim.metric, book.groups.metric) in ("same", "unnamed")
    return bool(claim.metric)


def _clause(text: str, start: int, end: int) -> str:
    """Return the part of a sentence around a number, up to the next comma or "and" on each side."""
    before = text[max(0, start - REACH) : start]
    after = text[start : end + REACH]
    *_, nearest = CLAUSE_ENDS.split(before)
    number, *_ = CLAUSE_ENDS.split(after)
    return nearest + number

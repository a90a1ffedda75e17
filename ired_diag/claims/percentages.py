"""Does a printed percentage follow from two means?

    "a is x% lower than b":  x = 100 |x̄_a - x̄_b| / |x̄_b|,    b the base

Found are percentages that are a factor 100 off (a share that was printed with a percent sign), that take
the other base, that have the wrong direction, or that are plainly others.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import replace

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.differences import COST, pairs_of_means
from ired_diag.claims.from_to import check_from_to
from ired_diag.claims.known_samples import means_of_claim, why_unknown
from ired_diag.claims.phrases import CHANGED_BY
from ired_diag.claims.range_arithmetic import difference_of, percent_of_base
from ired_diag.claims.ranges import Range, fits_any, printed_range
from ired_diag.finding import Severity

OF_SPREAD = re.compile(
    r"\bs\.?d\b|\bstd|variance|spread|scatter|standard|\bwider\b|narrow|interval|variab", re.IGNORECASE
)
THAN = re.compile(
    r"\b(?:than|relative to|with respect to|w\.r\.t|compared (?:to|with)|against|over|als|vs\.?|"
    r"(?:below|above) that of)\b",
    re.IGNORECASE,
)
LOWER = re.compile(r"^\W*(?:lower|smaller|less)\b", re.IGNORECASE)
HIGHER = re.compile(r"^\W*(?:higher|larger|more)\b", re.IGNORECASE)
LINKED = re.compile(r"\bfrom\b.*\bto\b|\bbetween\b|\bdifference\b|\s[-\u2212]\s")
SUBJECT = re.compile(r"[^,;]*\b(?:is|was|are|were|has|had)\b[^,;]*$")
REACH_BEFORE = 60  # letters: so near to a percentage, words say of what it is
REACH_AFTER = 12
REACH_OF_BASE = 40  # letters after "than" in which the base is named
TO_THE_NUMBER = r"\b[^.;\d]{0,60}\b(?:by|of)\s+(?:about\s+|roughly\s+|around\s+|~\s*)?$"
REDUCED_BEFORE = re.compile(
    rf"\b(?:reduc(?:es|ed|ing|tion)|lower(?:s|ed|ing)|cuts?|cutting|decreas(?:es?|ed|ing)){TO_THE_NUMBER}",
    re.IGNORECASE,
)
REDUCED_AFTER = re.compile(
    r"\s*(?:relative\s+)?(?:[A-Za-z-]+\s+)?(?:reduction|decrease|lower|smaller|fewer|less)\b", re.IGNORECASE
)
RAISED_BEFORE = re.compile(rf"\b(?:increas(?:es?|ed|ing)|rais(?:es|ed|ing)){TO_THE_NUMBER}", re.IGNORECASE)
RAISED_AFTER = re.compile(
    r"\s*(?:relative\s+)?(?:[A-Za-z-]+\s+)?(?:increase|higher|larger|greater)\b", re.IGNORECASE
)
FACTORS = (
    (100.0, "a share printed with a percent sign"),
    (0.01, "a hundred times too large"),
)


def check_percent(claim: Claim, book: Book) -> Verdict:
    """Return whether a percentage is the difference of two means over one of them."""
    beside = _words_beside(claim)
    words = claim.wording
    if _stands_in_sentence(claim):
        words = beside
    if OF_SPREAD.search(words):
        return unchecked(claim, "it may be of something else than a mean")
    change = check_from_to(claim)
    if change is not None:
        return change
    if len(claim.groups) == 1:
        return _of_one_group(claim, book)
    if not book.is_pair(claim):
        return unchecked(claim, "it does not say, for certain, which groups it is about")
    # A share in percent ("93.6%") is a level and no change; both are printed alike.
    level = _of_a_share(claim, book)
    if level is not None:
        return level
    first, second = claim.groups
    bases = {
        second: _relative(claim, book, first, second),
        first: _relative(claim, book, second, first),
    }
    if not all(bases.values()):
        return unchecked(claim, why_unknown(claim, book))
    cost = COST.search(beside)
    if cost:
        return unchecked(claim, f"it is of another quantity ({cost[0]!r})")
    return _of_two_means(claim, book, bases)


def _words_beside(claim: Claim) -> str:
    start = max(0, claim.number.start - REACH_BEFORE)
    return claim.wording[start : claim.number.end + REACH_AFTER]


def _stands_in_sentence(claim: Claim) -> bool:
    """Say whether the words of a claim hold its number; the head of a column does not."""
    number = claim.number
    return claim.wording[number.start : number.end].strip() == claim.said


def _of_two_means(claim: Claim, book: Book, bases: dict[str, list[Range]]) -> Verdict:
    """Return whether a percentage is one of the changes between two means.

    Args:
        claim: The percentage.
        book: What is known.
        bases: By the group that is the base, what the change of the other one may be.
    """
    base = _base(claim) or _base_by_direction(claim, bases)
    right = bases[base] if base else _all_of(bases)
    if _fits_any(claim, right):
        return _direction(claim, base, right[0])
    if points := _points(claim, book):
        return points
    if not claim.table and not _links(claim):
        return unchecked(claim, "whether the two groups are compared is not certain")
    return _slip(claim, bases, base)


def _all_of(bases: dict[str, list[Range]]) -> list[Range]:
    return list(itertools.chain.from_iterable(bases.values()))


def _of_a_share(claim: Claim, book: Book) -> Verdict | None:
    """Return the verdict on a percentage that may be a share, such as an accuracy, or a difference in points.

    It is None where the metric is no share of success, or where the percentage can only be relative.
    """
    if book.groups.lower_is_better:
        return None
    means = []
    for label in claim.groups:
        means += means_of_claim(claim, label, book)
    for mean in means:
        if not 0 <= mean.low <= mean.high <= 1:
            return None
    candidates = [mean.scaled(100) for mean in means]
    lows = [level.low for level in candidates]
    for a, b in itertools.permutations(means, 2):
        points = difference_of(a, b)
        candidates.append(points.scaled(100))
    if _fits_any(claim, candidates):
        return holds(claim, "the means, or their difference in percentage points, give it")
    is_change = CHANGED_BY.search(claim.words_before) is not None or _says_which_way(claim)
    if lows and claim.number.value >= min(lows) / 2 and not is_change:
        return unchecked(claim, "it may be the metric itself, of which readout is not said")
    return None


def _says_which_way(claim: Claim) -> bool:
    """Say whether "higher" or "lower" follows a percentage of a sentence, so that it is no level."""
    if not _stands_in_sentence(claim):
        return False
    behind = claim.wording[claim.number.end :]
    return bool(LOWER.match(behind) or HIGHER.match(behind))


def _points(claim: Claim, book: Book) -> Verdict | None:
    """Return that a percentage is the difference in points of means that are printed in percent."""
    in_percent = []
    for label in claim.groups:
        ranges = []
        for mean in book.stated("mean", label, metric=claim.metric):
            if mean.number.percent:
                ranges.append(printed_range(mean.number))
        in_percent.append(ranges)
    points = list(itertools.starmap(difference_of, itertools.product(*in_percent)))
    if not _fits_any(claim, points):
        return None
    return holds(claim, "the means differ by so many points")


def _links(claim: Claim) -> bool:
    """Say whether a sentence compares two groups, and does not name them side by side."""
    if claim.implied or CHANGED_BY.search(claim.words_before):
        return True
    return bool(THAN.search(claim.wording) or LINKED.search(claim.wording))


def _slip(claim: Claim, bases: dict[str, list[Range]], base: str | None) -> Verdict:
    """Return what is wrong with a percentage that no change between the means gives."""
    shown = "; ".join(_first_in_words(label, values) for label, values in bases.items())
    changes = _all_of(bases)
    expected = bases[base][0] if base else changes[0]
    rule = "percent"
    severity: Severity = "error"
    words = f"the difference is printed as {claim.said}; the means give {shown}."
    # A wrong factor explains more than a wrong base, so that it is tried first.
    factor = _wrong_factor(claim, changes)
    if factor:
        rule = "percent_factor"
        words = f"{claim.said} is off by a factor 100 ({factor}): the means give {shown}."
    elif base and _fits_any(claim, changes):
        rule = "percent_base"
        severity = "warning"
        words = f"{claim.said} is relative to the wrong base: the means give {shown}, and {base} is named."
    return refuted(
        claim,
        rule=rule,
        severity=severity,
        words=words,
        evidence={"recomputed": abs(expected.middle)},
    )


def _first_in_words(label: str, changes: list[Range]) -> str:
    size = abs(changes[0].middle)
    return f"{size:.3g}% of {label}"


def _wrong_factor(claim: Claim, changes: list[Range]) -> str:
    """Return in words by which factor of 100 a percentage is off; empty where it is by none."""
    if not claim.number.value:
        return ""
    for factor, words in FACTORS:
        scaled = replace(claim.number.scaled(factor), relation="")
        if fits_any(scaled, changes, magnitude=True):
            return words
    return ""


def _relative(claim: Claim, book: Book, label: str, base: str) -> list[Range]:
    """Return the difference of a group from a base, in percent of the base."""
    changes = []
    for a, b in pairs_of_means(claim, label, base, book):
        change = percent_of_base(a, b)
        if change.is_finite:
            changes.append(change)
    return changes


def _fits_any(claim: Claim, values: Iterable[Range]) -> bool:
    return fits_any(claim.number, values, magnitude=True)


def _base(claim: Claim) -> str | None:
    """Return the group that stands after "than", or first in "from a to b", where one does."""
    near = claim.wording
    first, second = map(re.escape, claim.groups)
    if re.search(rf"\bfrom\s+{first}\s+to\s+{second}", near, re.IGNORECASE):
        return claim.groups[0]
    end = claim.number.end
    if end >= len(near) or not _stands_in_sentence(claim):
        return None
    than = THAN.search(near, end)
    if than is None:
        return None
    start = than.end()
    behind = near[start : start + REACH_OF_BASE]
    named = [label for label in claim.groups if _names(behind, label)]
    if len(named) != 1:
        return None
    return named[0]


def _base_by_direction(claim: Claim, bases: dict[str, list[Range]]) -> str | None:
    """Return the group that a reduction starts from, the larger mean, or an increase, the smaller one."""
    if not _stands_in_sentence(claim):
        return None
    near = claim.wording[claim.number.end :]
    sign = 0
    if REDUCED_BEFORE.search(claim.words_before) or REDUCED_AFTER.match(near):
        sign = -1
    elif RAISED_BEFORE.search(claim.words_before) or RAISED_AFTER.match(near):
        sign = 1
    starts = []
    for label, changes in bases.items():
        if sign * changes[0].middle > 0:
            starts.append(label)
    if len(starts) != 1:
        return None
    return starts[0]


def _names(text: str, label: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(label)}(?!\w)", text, re.IGNORECASE) is not None


def _direction(claim: Claim, base: str | None, change: Range) -> Verdict:
    """Return whether "lower" and "higher" are the right way round; only where the base is named after it."""
    size = abs(change.middle)
    right = holds(claim, f"the means give {size:.3g}%")
    is_subject = claim.groups[0] != base and SUBJECT.match(claim.words_before)
    if not base or not is_subject:
        return right
    end = claim.number.end
    behind = claim.wording[end : end + REACH_AFTER]
    if LOWER.search(behind):
        said, way = "lower", "higher"
        is_wrong = change.low > 0
    elif HIGHER.search(behind):
        said, way = "higher", "lower"
        is_wrong = change.high < 0
    else:
        return right
    if not is_wrong:
        return right
    return refuted(
        claim,
        rule="percent_direction",
        words=f"it is printed as {claim.said} {said}; by the means it is {way}.",
        evidence={"change": change.middle},
    )


def _of_one_group(claim: Claim, book: Book) -> Verdict:
    """Return whether a percentage of one group is relative to some other; which is not said."""
    label = claim.only_group
    changes = []
    for other in book.names:
        if book.key(other) != book.key(label):
            changes += _relative(claim, book, label, other)
    if _fits_any(claim, changes):
        return holds(claim, "relative to another group of the report")
    return unchecked(claim, "relative to whom is not said")

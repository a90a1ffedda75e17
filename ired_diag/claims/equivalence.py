"""Does "equivalent", or "no difference", rest on more than a large p?

A large p is no sign that two groups are alike: with few seeds it says that little is known. Equivalence
needs a margin, what is too small to matter, and an interval of the difference that lies inside it
(``stats.equivalence``). What the interval allows is said here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, refuted, unchecked
from ired_diag.claims.comparisons import Tested
from ired_diag.claims.conclusions import p_beside
from ired_diag.claims.known_samples import why_unknown
from ired_diag.claims.pairs import Pair, samples_of_pair, t_tests_of
from ired_diag.claims.range_arithmetic import difference_of

ALPHA = 0.05
MARGIN = r"equivalence test|\btost\b|one-sided tests|\bmargin\b|too small to matter"
ADVICE = "Name a margin and test it: ired-diag stats A B --margin 1%"


def check_equivalence(claim: Claim, book: Book) -> Verdict:
    """Return whether "equivalent" or "no difference" rests on more than a large p."""
    if re.search(MARGIN, claim.context, re.IGNORECASE):
        return unchecked(claim, "it is said to rest on a margin: ired-diag stats A B --margin tests it")
    words = f"{claim.said!r} is concluded without a margin"
    large = _large_p(p_beside(claim, book))
    if large:
        words += f"; p = {large} is no test of it"
    pair = samples_of_pair(claim, book)
    tests = t_tests_of(pair, stated_pairs_only=True)
    if pair is not None and tests:
        # Where the configurations state pairs, their interval is the sharper one.
        name = "paired" if "paired" in tests else "welch"
        return _with_interval(claim, pair, name, tests[name], words)
    if not large or len(claim.groups) != 2:
        return unchecked(claim, why_unknown(claim, book))
    return refuted(
        claim,
        rule="equivalence",
        severity="warning",
        words=f"{words}.",
        advice=ADVICE,
    )


def _large_p(beside: Sequence[Claim]) -> str:
    """Return the first p that stands next to a conclusion, as printed, where it is a large one."""
    if not beside or beside[0].number.value <= ALPHA:
        return ""
    return beside[0].said


def _with_interval(claim: Claim, pair: Pair, name: str, test: Tested, words: str) -> Verdict:
    """Return that a conclusion has no margin, with what the interval of the difference allows."""
    difference = difference_of(pair.a.mean, pair.b.mean).middle
    low = difference - test.half.middle
    high = difference + test.half.middle
    largest = max(abs(low), abs(high))
    base = abs(pair.b.mean.middle)
    share = 100 * largest / base if base else math.nan
    excludes = ", which excludes 0" if low > 0 or high < 0 else ""
    interval = f"The 95% interval of the difference ({name}) is {low:.3g} to {high:.3g}{excludes}"
    return refuted(
        claim,
        rule="equivalence",
        severity="warning",
        words=f"{words}. {interval}: it allows differences up to {share:.2g}% of the mean.",
        advice=ADVICE,
        evidence={"low": low, "high": high, "share_percent": share, "p": test.p.middle},
    )

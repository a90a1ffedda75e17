"""Do U, W, F, H, χ² and their p follow from the seeds?

    Mann-Whitney  U, p exact or by the normal, with and without correction for continuity, one- and two-sided
    Wilcoxon      W = min(W₊, W₋) or either, likewise
    several groups: one-way ANOVA's F, Kruskal-Wallis' H, Friedman's χ² over shared seeds

Programs differ in all these choices: a printed number is right if any of them gives it. With n seeds no p
of a rank test is below its smallest (Mann-Whitney 2/C(2n, n), Wilcoxon 2/2ⁿ), whatever the data.
"""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.labels import mentions
from ired_diag.claims.other_number import runs_of_claim
from ired_diag.claims.pairs import samples_of_pair
from ired_diag.claims.ranges import Range, fits_any
from ired_diag.claims.samples import Sample
from ired_diag.claims.words_of_test import words_of_test

Array = NDArray[np.float64]
NAMES: Mapping[str, str] = {
    "U": r"mann[\s-]*whitney|rank[\s-]*sum|\bMWU\b",
    "W": r"signed[\s-]*rank|wilcoxon(?!.*rank[\s-]*sum)",
    "F": r"\banova\b",
    "H": r"kruskal",
    "chi2": r"friedman",
}
WORDS = {
    "U": "Mann-Whitney",
    "W": "Wilcoxon's signed-rank test",
    "F": "ANOVA",
    "H": "Kruskal-Wallis",
    "chi2": "Friedman",
}
UNCERTAIN = re.compile(
    r"bonferroni|\bholm\b|adjust|corrected|\bfdr\b|permutation|bootstrap|pooled over|post[\s-]*hoc", re.I
)
SEVERAL = 3  # groups: from here on a test is of all of them at once
SLACK = 0.02  # of a p: programs differ in how they treat ties
MOST_SHOWN = 4  # values of p in a message
METHODS: tuple[Literal["exact", "asymptotic"], ...] = ("exact", "asymptotic")
METHODS_OF_WILCOXON: tuple[Literal["exact", "approx"], ...] = ("exact", "approx")  # scipy's names differ
ALTERNATIVES: tuple[Literal["two-sided", "less", "greater"], ...] = ("two-sided", "less", "greater")
SYMBOLS = {"chi2": "χ²"}
Result = tuple[float, float]


@dataclass(frozen=True)
class Outcome:
    """What a test may give: its statistic in every convention, and its p."""

    statistics: Sequence[float]
    p: Sequence[float]


def test_named(claim: Claim) -> str:
    """Return which rank test, or test over several groups, the words name; empty where none or several."""
    words = words_of_test(claim)
    named = [name for name, pattern in NAMES.items() if re.search(pattern, words, re.IGNORECASE)]
    if len(named) != 1:
        return ""
    return named[0]


def check_rank_test(claim: Claim, book: Book) -> Verdict:
    """Return whether the statistic, or the p, of a rank test follows from the seeds."""
    name = test_named(claim)
    if not name or UNCERTAIN.search(claim.wording):
        return unchecked(claim, "which test it is of is not certain, or it is corrected")
    samples = _samples(claim, book, name)
    if samples is None:
        return unchecked(claim, "the seeds of the groups that are tested are not known")
    outcome = _outcome(name, samples)
    if outcome is None:
        return unchecked(claim, "the test cannot be computed from these seeds")
    right = outcome.statistics
    symbol = SYMBOLS.get(name, name)
    if claim.kind == "p":
        right = outcome.p
        symbol = "p"
    reach = [Range.around(value, SLACK * abs(value)) for value in right]
    if fits_any(claim.number, reach):
        return holds(claim, f"{WORDS[name]} on {samples[0].source}")
    printed = f"{symbol} is printed as {claim.number.relation}{claim.said}"
    return refuted(
        claim,
        rule="rank_test",
        words=f"{printed}; {WORDS[name]} on {samples[0].source} gives {_in_words(right)}.",
        evidence={"recomputed": float(right[0])},
    )


def _in_words(values: Sequence[float]) -> str:
    """Return several results for a message, those that are the same to three digits once."""
    rounded = {float(f"{value:.3g}") for value in values}
    smallest = sorted(rounded)[:MOST_SHOWN]
    return ", ".join(f"{value:.4g}" for value in smallest)


def _samples(claim: Claim, book: Book, name: str) -> list[Sample] | None:
    """Return the seeds of the groups that a test is of: all that the sentence names."""
    if name in ("U", "W"):
        pair = samples_of_pair(claim, book)
        if pair is None or not pair.a.values or not pair.b.values:
            return None
        return [pair.a, pair.b]
    labels = dict.fromkeys(label for _, label in mentions(claim.wording, book.names))
    samples = []
    for label in labels:
        sample = runs_of_claim(claim, label, book) or book.of_seeds(label, claim.metric)
        if sample is None:
            return None
        samples.append(sample)
    if len(samples) < SEVERAL:
        return None
    return samples


def _outcome(name: str, samples: Sequence[Sample]) -> Outcome | None:
    with warnings.catch_warnings():
        # scipy warns of ties and of few values; every convention is tried in any case.
        warnings.simplefilter("ignore")
        if name in ("W", "chi2"):
            return _of_shared_seeds(name, samples)
        numbers = [sample.numbers for sample in samples]
        if name == "U":
            return _gathered(_mann_whitney(numbers[0], numbers[1]))
        if name == "F":
            return _gathered([stats.f_oneway(*numbers)])
        return _gathered([stats.kruskal(*numbers)])


def _of_shared_seeds(name: str, samples: Sequence[Sample]) -> Outcome | None:
    """Return what a test of matched values may give: of the seeds that all groups have."""
    first = samples[0]
    shared = [seed for seed in first.values if all(seed in other.values for other in samples)]
    if len(shared) < SEVERAL:
        return None
    columns = []
    for sample in samples:
        columns.append(np.array([sample.values[seed] for seed in shared]))
    if name == "W":
        return _gathered(_wilcoxon(columns[0], columns[1]))
    friedman = stats.friedmanchisquare(*columns)
    return Outcome([float(friedman.statistic)], [float(friedman.pvalue)])


def _gathered(results: Iterable[Result]) -> Outcome:
    statistics = []
    p = []
    for statistic, p_of_statistic in results:
        statistics.append(float(statistic))
        p.append(float(p_of_statistic))
    return Outcome(statistics, p)


def _mann_whitney(x: Array, y: Array) -> Iterator[Result]:
    choices = itertools.product(((x, y), (y, x)), METHODS, ALTERNATIVES, (True, False))
    for (a, b), method, alternative, continuity in choices:
        test = stats.mannwhitneyu(
            a,
            b,
            alternative=alternative,
            method=method,
            use_continuity=continuity,
        )
        yield float(test.statistic), float(test.pvalue)


def _wilcoxon(x: Array, y: Array) -> Iterator[Result]:
    """Yield each result, and again for the other of the two sums of ranks, which is n (n + 1)/2 minus it."""
    n = len(x)
    total = n * (n + 1) / 2
    choices = itertools.product(METHODS_OF_WILCOXON, ALTERNATIVES, (True, False))
    for method, alternative, correction in choices:
        test = stats.wilcoxon(
            x,
            y,
            alternative=alternative,
            method=method,
            correction=correction,
        )
        statistic = float(test.statistic)
        p = float(test.pvalue)
        yield statistic, p
        yield total - statistic, p

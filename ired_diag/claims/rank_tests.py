"""Do U, W, F, H, χ² and their p follow from the seeds?

    Mann-Whitney  U, p exact or by the normal, with and without correction for continuity, one- and two-sided
    Wilcoxon      W = min(W₊, W₋) or either, likewise
    several groups: one-way ANOVA's F, Kruskal-Wallis' H, Friedman's χ² over shared seeds

Programs differ in all these choices: a printed number is right if any of them gives it. With n seeds no p
of a rank test is below its smallest (Mann-Whitney 2/C(2n, n), Wilcoxon 2/2ⁿ), whatever the data.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked
from ired_diag.claims.labels import mentions
from ired_diag.claims.other_number import runs_of_claim
from ired_diag.claims.pairs import samples_of_pair
from ired_diag.claims.ranges import Range, fits
from ired_diag.claims.samples import Sample

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


@dataclass(frozen=True)
class Outcome:
    """What a test may give: its statistic in every convention, and its p."""

    statistics: Sequence[float]
    p: Sequence[float]


def test_named(claim: Claim) -> str:
    """Return which rank test, or test over several groups, the words name; empty where none or several."""
    near = claim.context if claim.table else claim.context.split("\n")[0]
    named = [name for name, pattern in NAMES.items() if re.search(pattern, near, re.IGNORECASE)]
    return named[0] if len(named) == 1 else ""


def check_rank_test(claim: Claim, book: Book) -> Verdict:
    """Return whether the statistic, or the p, of a rank test follows from the seeds."""
    name = test_named(claim)
    if not name or UNCERTAIN.search(claim.context.split("\n")[0]):
        return unchecked(claim, "which test it is of is not certain, or it is corrected")
    samples = _samples(claim, book, name)
    if samples is None:
        return unchecked(claim, "the seeds of the groups that are tested are not known")
    outcome = _outcome(name, samples)
    if outcome is None:
        return unchecked(claim, "the test cannot be computed from these seeds")
    right = outcome.p if claim.kind == "p" else outcome.statistics
    if any(fits(claim.number, Range.around(value, SLACK * abs(value))) for value in right):
        return holds(claim, f"{WORDS[name]} on {samples[0].source}")
    shown = ", ".join(f"{value:.4g}" for value in sorted({float(f"{v:.3g}") for v in right})[:4])
    what = "p" if claim.kind == "p" else {"chi2": "χ²"}.get(name, name)
    printed = f"{claim.number.relation}{claim.said}"
    words = f"{what} is printed as {printed}; {WORDS[name]} on {samples[0].source} gives {shown}."
    evidence = {"recomputed": float(right[0])}
    return fails(claim, Fault("rank_test", "error", words, evidence=evidence).of(claim))


def _samples(claim: Claim, book: Book, name: str) -> list[Sample] | None:
    """Return the seeds of the groups that a test is of: all that the sentence names."""
    if name in ("U", "W"):
        pair = samples_of_pair(claim, book)
        return [pair.a, pair.b] if pair and pair.a.values and pair.b.values else None
    labels = list(dict.fromkeys(label for _, label in mentions(claim.context.split("\n")[0], book.names)))
    samples = [runs_of_claim(claim, x, book) or book.of_seeds(x, claim.metric) for x in labels]
    known = [sample for sample in samples if sample is not None]
    return known if len(known) == len(labels) >= SEVERAL else None


def _outcome(name: str, samples: Sequence[Sample]) -> Outcome | None:
    shared = [seed for seed in samples[0].values if all(seed in s.values for s in samples)]
    columns = [np.array([s.values[seed] for seed in shared]) for s in samples]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name == "U":
            return _gathered(_mann_whitney(samples[0].numbers, samples[1].numbers))
        if len(shared) < SEVERAL and name in ("W", "chi2"):
            return None
        if name == "W":
            return _gathered(_wilcoxon(columns[0], columns[1]))
        if name == "chi2":
            friedman = stats.friedmanchisquare(*columns)
            return _single(float(friedman.statistic), float(friedman.pvalue))
        if name == "F":
            return _single(*stats.f_oneway(*(s.numbers for s in samples)))
        return _single(*stats.kruskal(*(s.numbers for s in samples)))


def _single(statistic: float, p: float) -> Outcome:
    return Outcome([float(statistic)], [float(p)])


def _gathered(results: Iterator[tuple[float, float]]) -> Outcome:
    every = list(results)
    return Outcome([statistic for statistic, _ in every], [p for _, p in every])


def _mann_whitney(x: Array, y: Array) -> Iterator[tuple[float, float]]:
    for a, b in ((x, y), (y, x)):
        for method in ("exact", "asymptotic"):
            for alternative in ("two-sided", "less", "greater"):
                for continuity in (True, False):
                    test = stats.mannwhitneyu(
                        a, b, alternative=alternative, method=method, use_continuity=continuity
                    )
                    yield float(test.statistic), float(test.pvalue)


def _wilcoxon(x: Array, y: Array) -> Iterator[tuple[float, float]]:
    n = len(x)
    for method in ("exact", "approx"):
        for alternative in ("two-sided", "less", "greater"):
            for correction in (True, False):
                test = stats.wilcoxon(x, y, alternative=alternative, method=method, correction=correction)
                p = float(test.pvalue)
                yield float(test.statistic), p
                yield n * (n + 1) / 2 - float(test.statistic), p

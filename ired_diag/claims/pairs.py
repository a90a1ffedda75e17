"""Two groups that a claim compares, as far as they are known, and which tests its words allow."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim
from ired_diag.claims.comparisons import Tested, tests_of
from ired_diag.claims.other_number import runs_of_claim
from ired_diag.claims.samples import Sample
from ired_diag.claims.words_of_test import words_of_test

PAIRED = re.compile(r"(?<!un)(?<!non-)\bpaired\b|gepaart", re.IGNORECASE)
WELCH = re.compile(r"\bwelch", re.IGNORECASE)
STUDENT = re.compile(
    r"\bstudent|equal[\s_-]var|\bpooled\b|\bindependent\b|\bunpaired\b|\bttest_ind\b", re.IGNORECASE
)
OTHER_TEST = (
    r"mann[\s-]*whitney|wilcoxon|permutation|bootstrap|anova|kruskal|kolmogorov|friedman|bayes|sign test|"
    r"levene|brown[\s-]*forsythe|shapiro|one[\s-]*(?:sided|tailed)|bonferroni|\bholm\b|adjusted|corrected|\bfdr\b|tost|"
    r"equivalence|correlat|spearman|pearson|regress|\bslope\b|interaction|mcnemar|chi[\s-]*sq"
)
Source = Callable[[Claim, str, Book], Sample | None]


@dataclass(frozen=True)
class Pair:
    """Two samples that are compared.

    Attributes:
        a: The first named.
        b: The second.
        pairs: Whether equal seeds may be pairs.
        stated_pairs: Whether the runs' configurations state that they are.
        certain: Whether every test that the words allow can be recomputed.
    """

    a: Sample
    b: Sample
    pairs: bool
    stated_pairs: bool
    certain: bool

    @property
    def samples(self) -> tuple[Sample, Sample]:
        """Both samples."""
        return self.a, self.b


def samples_of_pair(claim: Claim, book: Book) -> Pair | None:
    """Return the two samples of a claim, from the same kind of source; None where they are not known."""
    labels = claim.groups or _only_pair(claim, book)
    if len(labels) != 2 or book.key(labels[0]) == book.key(labels[1]):
        return None
    first, second = labels
    # The runs know more than the report, and values by seed more than their mean and sd.
    sources: tuple[Source, ...] = (runs_of_claim, _seeds_of_report, _summary_of_report)
    for source in sources:
        a = source(claim, first, book)
        b = source(claim, second, book)
        if a is not None and b is not None:
            by_seed = bool(a.values and b.values)
            return Pair(
                a=a,
                b=b,
                pairs=by_seed,
                stated_pairs=source is runs_of_claim and _are_stated_pairs(first, second, book),
                certain=by_seed or not book.says(PAIRED.pattern),
            )
    return None


def _seeds_of_report(claim: Claim, label: str, book: Book) -> Sample | None:
    return book.of_seeds(label, claim.metric)


def _summary_of_report(claim: Claim, label: str, book: Book) -> Sample | None:
    return book.of_summary(label, claim.metric)


def _are_stated_pairs(first: str, second: str, book: Book) -> bool:
    """Say whether the configurations of two groups of runs state that equal seeds are pairs."""
    groups = book.group(first), book.group(second)
    if not groups[0] or not groups[1]:
        return False
    return book.groups.pairable(groups[0], groups[1])


def t_tests_of(pair: Pair | None, *, stated_pairs_only: bool = False) -> Mapping[str, Tested]:
    """Return the t tests of two samples, by name; none where the samples are not known.

    Args:
        pair: The samples.
        stated_pairs_only: Leave out the paired test unless the configurations state that seeds are pairs.
    """
    if pair is None:
        return {}
    pairs = pair.stated_pairs if stated_pairs_only else pair.pairs
    return tests_of(pair.a, pair.b, pairs=pairs)


def _only_pair(claim: Claim, book: Book) -> tuple[str, ...]:
    """Return the only two groups with values by seed, for a sentence on a t test that names none."""
    is_on_t_test = re.search(r"t[\s-]*test", claim.wording, re.IGNORECASE)
    if claim.table or not is_on_t_test:
        return ()
    labels = {book.key(value.only_group): value.only_group for value in book.values_by_seed}
    if len(labels) != 2:
        return ()
    return tuple(labels.values())


def tests_said(claim: Claim) -> tuple[str, ...]:
    """Return the t test that the words name; all three where they name none, or several."""
    patterns = {"paired": PAIRED, "welch": WELCH, "student": STUDENT}
    for text in _texts_on_test(claim, claim.wording):
        said = tuple(name for name, pattern in patterns.items() if pattern.search(text))
        # "Independent" is a word of Welch's test as well.
        if said == ("welch", "student") and re.search(r"unpaired|independent", text, re.IGNORECASE):
            said = ("welch",)
        if len(said) == 1:
            return said
        if said:
            break
    return tuple(patterns)


def _texts_on_test(claim: Claim, words: str) -> tuple[str, ...]:
    """Return the texts that may name the test of a claim, the nearest first; its own where it has some.

    Args:
        claim: A p, or a statistic.
        words: Those of its sentence or column.
    """
    own = words_of_test(claim)
    if own != claim.own_words:
        return (own,)
    return words, claim.context


def other_test(claim: Claim) -> str:
    """Return the words that say that a p is of something else than a plain two-sided t test."""
    for text in _texts_on_test(claim, claim.own_words):
        hit = re.search(OTHER_TEST, text, re.IGNORECASE)
        if hit:
            return hit[0]
    return ""

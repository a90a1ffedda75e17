"""Two groups that a claim compares, as far as they are known, and which tests its words allow."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim
from ired_diag.claims.other_number import runs_of_claim
from ired_diag.claims.samples import Sample

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


def samples_of_pair(claim: Claim, book: Book) -> Pair | None:
    """Return the two samples of a claim, from the same kind of source; None where they are not known."""
    labels = claim.groups or _only_pair(claim, book)
    if len(labels) != 2 or book.key(labels[0]) == book.key(labels[1]):
        return None
    first, second = labels
    sources: tuple[Callable[[str], Sample | None], ...] = (
        lambda label: runs_of_claim(claim, label, book),
        lambda label: book.of_seeds(label, claim.metric),
        lambda label: book.of_summary(label, claim.metric),
    )
    for source in sources:
        a, b = source(first), source(second)
        if a is not None and b is not None:
            groups = book.group(first), book.group(second)
            stated = bool(
                a.source.startswith("the runs") and groups[0] and groups[1]
            ) and book.groups.pairable(str(groups[0]), str(groups[1]))
            by_seed = bool(a.values and b.values)
            return Pair(a, b, by_seed, stated, by_seed or not book.says(PAIRED.pattern))
    return None


def _only_pair(claim: Claim, book: Book) -> tuple[str, ...]:
    """Return the only two groups with values by seed, for a sentence on a t test that names none."""
    labels = {
        book.key(c.groups[0]): c.groups[0] for c in book.claims if c.kind == "value" and len(c.groups) == 1
    }
    speaks = re.search(r"t[\s-]*test", claim.context.split("\n")[0], re.IGNORECASE)
    return tuple(labels.values()) if speaks and not claim.table and len(labels) == 2 else ()


def tests_said(claim: Claim) -> tuple[str, ...]:
    """Return the t test that the words name; all three where they name none, or several."""
    patterns = {"paired": PAIRED, "welch": WELCH, "student": STUDENT}
    near, whole = claim.context.split("\n")[0], claim.context
    for text in (near, whole):
        said = tuple(name for name, pattern in patterns.items() if pattern.search(text))
        if said == ("welch", "student"):
            said = ("welch",) if re.search(r"unpaired|independent", text, re.IGNORECASE) else said
        if len(said) == 1:
            return said
        if said:
            break
    return tuple(patterns)


def other_test(claim: Claim) -> str:
    """Return the words that say that a p is of something else than a plain two-sided t test."""
    own = claim.context if claim.table else claim.context.split("\n")[0]
    hit = re.search(OTHER_TEST, own, re.IGNORECASE) or re.search(OTHER_TEST, claim.context, re.IGNORECASE)
    return hit[0] if hit else ""

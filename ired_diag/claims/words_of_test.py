"""Which words of a sentence say of which test a p is, where the sentence has several?

    "(paired t-test p = 0.001, Wilcoxon p = 0.004)"      each test stands before its p
    "p = 0.001 (paired t-test), p = 0.004 (Wilcoxon)"    each test stands in the bracket after its p

Of a sentence with one p, and of a table, all words count.
"""

from __future__ import annotations

import re

from ired_diag.claims.claim import Claim

P_VALUE = re.compile(r"(?<![\w.])p\s*(?:[=<>≤≥≈]|is|of)\s*\d*\.?\d+(?:e[-+]?\d+)?", re.IGNORECASE)
TEST = re.compile(
    r"t[\s-]*tests?\b|welch|student|\bpaired\b|mann[\s-]*whitney|wilcoxon|signed[\s-]*rank|rank[\s-]*sum|"
    r"permutation|bootstrap|anova|kruskal|friedman|sign test|levene|shapiro",
    re.IGNORECASE,
)
BRACKET = re.compile(r"\s*\(([^()]*)\)")
SEVERAL = 2


def words_of_test(claim: Claim) -> str:
    """Return the words that name the test of a claim.

    Args:
        claim: A p, or a statistic.
    """
    text = claim.wording
    if claim.table or not claim.numbers:
        return claim.own_words
    p_values = list(P_VALUE.finditer(text))
    if len(p_values) < SEVERAL:
        return claim.own_words
    bracket = BRACKET.match(text, claim.number.end)
    if bracket and TEST.search(bracket[1]):
        return bracket[1]
    ends = [hit.end() for hit in p_values if hit.end() <= claim.number.start]
    since = text[max(ends, default=0) : claim.number.start]
    if TEST.search(since):
        return since
    return claim.own_words

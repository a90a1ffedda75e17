"""The level that a significance is held against, where several comparisons are made.

    Bonferroni:  α/m            stated as "α = 0.05/56", or as "over 56 comparisons"

The p beside it may be the raw one or m times it. It is taken for the raw one where the text writes the level
as a quotient, or where the seeds give it without a correction; else it is left alone between α/m and α.
Holm's and the false discovery rate's levels depend on all the p values, so that only a p above α is certain:
after any correction it is not significant either.

References: Dunn (1961); Holm (1979); Benjamini & Hochberg (1995).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ired_diag.claims.heads import CORRECTED
from ired_diag.claims.phrases import NUMBER_WORDS

ALPHA = re.compile(
    r"(?:\u03b1|\balpha|significance level(?: of)?)\s*(?:=|of|:)?\s*(0?\.\d+)(?!\d*\s*/)", re.IGNORECASE
)
QUOTIENT = re.compile(r"(?<!\d)(0?\.0\d+|0?\.10?)\s*/\s*([1-9]\d*)\b(?![.\d/%])")
COUNT = re.compile(
    r"\b(?:over|for|across|with|among|m\s*=|of)\s+(?:the\s+|all\s+)?(\d+|" + "|".join(NUMBER_WORDS) + r")\s*"
    r"(?:\w+\s+){0,2}(?:comparisons|tests|hypotheses|pairs|contrasts)|\bm\s*=\s*(\d+)",
    re.IGNORECASE,
)
AT_LEVEL = re.compile(
    r"\bat (?:the )?(?:\u03b1\s*=\s*|alpha\s*=\s*|p\s*<\s*)?(?:(\d+)\s*%|(0?\.\d+))", re.IGNORECASE
)
BONFERRONI = re.compile(r"bonferroni", re.IGNORECASE)
USUAL = 0.05


@dataclass(frozen=True)
class Level:
    """A level of significance.

    Attributes:
        alpha: Before any correction.
        corrected: After it; None where none is made, or its size is not stated.
        is_corrected: Whether a correction is made.
        raw: Whether the p values are stated to be raw ones.
    """

    alpha: float
    corrected: float | None = None
    is_corrected: bool = False
    raw: bool = False


def level_of(near: str, context: str, text: str) -> Level:
    """Return the level that a conclusion is held against.

    >>> level_of("Bonferroni over three tests", "", "").corrected
    0.016666666666666666

    Args:
        near: The sentence, or the column's head.
        context: What stands above it.
        text: The report.
    """
    named = {float(number) for number in ALPHA.findall(text)}
    alpha = named.pop() if len(named) == 1 else USUAL
    if stated := AT_LEVEL.search(near):
        alpha = float(stated[1]) / 100 if stated[1] else float(stated[2])
    if not CORRECTED.search(near):
        return Level(alpha)
    for words in (near, context, text):
        if quotient := QUOTIENT.search(words):
            return Level(alpha, float(quotient[1]) / int(quotient[2]), is_corrected=True, raw=True)
        count = COUNT.search(words)
        if count and BONFERRONI.search(words):
            return Level(alpha, alpha / _number(count[1] or count[2]), is_corrected=True)
    return Level(alpha, is_corrected=True)


def _number(word: str) -> int:
    return NUMBER_WORDS.get(word.lower()) or max(1, int(word))

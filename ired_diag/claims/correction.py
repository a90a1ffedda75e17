"""The level that a significance is held against, where several comparisons are made.

    Bonferroni:  α/m            stated as "α = 0.05/56", or as "over 56 comparisons"

The p next to it may be the raw one or m times it. It is taken for the raw one where the text writes the level
as a quotient, or where the seeds give it without a correction; else it is left alone between α/m and α.
Holm's and the false discovery rate's levels depend on all the p values, so that only a p above α is certain:
after any correction it is not significant either.

Not every α is a level: mixup, an exponential average, and Cronbach's coefficient have one too. An α counts
where the words before it speak of a level or a test; one that stands without such words may be a level, and
a conclusion that depends on it is left alone.

References: Dunn (1961); Holm (1979); Benjamini & Hochberg (1995).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ired_diag.claims.heads import CORRECTED
from ired_diag.claims.phrases import NUMBER_WORDS

ALPHA = re.compile(
    r"(?:\u03b1|\balpha|significance level)\s*(?:=|of|:|is|was|(?:was |is )?set (?:to|at))?\s*"
    r"(?:\u03b1\s*=\s*)?(0?\.\d+)(?!\d*\s*/)",
    re.IGNORECASE,
)
OTHER_ALPHA = re.compile(
    r"\b(?:cronbach\w*|krippendorff\w*|mix-?up|cut-?mix|ema|averag\w*|decay|momentum|smooth\w*|leaky\w*|elu|prelu|lora|"
    r"focal|beta|dirichlet|learning|step size|rate|blend\w*|temperature|weights?|mix\w*|augment\w*|power law|"
    r"exponent|scaling|regulari[sz]\w*|penalty|ridge|lasso|elastic|opacity|transparency|reliability|"
    r"slopes?|adaptive|learn(?:ed|t|able)|trainable|fitted|coefficients?|negative part)\b[^.;]{0,30}$",
    re.IGNORECASE,
)
OTHER_QUANTITY = (
    r"(?:the |an? |our )?(?:adaptive |learned |fitted |mixing |negative )*"
    r"(?:slopes?|mix-?up|momentum|decay|leak\w*|learning rate|exponent|coefficient|"
    r"blend\w*|weight|parameter)\b"
)
OTHER_ALPHA_AFTER = re.compile(
    rf"^\s*(?:\(|,|for|as|of|is)?\s*{OTHER_QUANTITY}(?!\s*(?:\u03b1|alpha|=))", re.IGNORECASE
)
DEFINED = re.compile(
    rf"(?:\u03b1|\balpha)\s*(?:,|\(|is|denotes|controls|:|being)\s*{OTHER_QUANTITY}", re.IGNORECASE
)
OF_A_LEVEL = re.compile(
    r"(?:\bat (?:the |an? )?(?:\w+ )?|signifi\w*|\blevels?\b|threshold|\breject\w*|bonferroni|\bholm\b|"
    r"\btests?\b|hypothes\w*|two-sided|two-tailed|type[ -]I|error rate)[^.;]{0,40}$|\bat\s*$",
    re.IGNORECASE,
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
LARGEST = 0.2  # a level above it is none
ROUND = (1.0, 2.0, 2.5, 5.0)  # first digits of levels in use: 0.05, 0.01, 0.025, 0.2
REACH_BEFORE = 60  # letters before an α that say of what it is
REACH_AFTER = 40


@dataclass(frozen=True)
class Level:
    """A level of significance.

    Attributes:
        alpha: Before any correction.
        corrected: After it; None where none is made, or its size is not stated.
        is_corrected: Whether a correction is made.
        raw: Whether the p values are stated to be raw ones.
        doubtful: Other levels that the text may mean.
    """

    alpha: float
    corrected: float | None = None
    is_corrected: bool = False
    raw: bool = False
    doubtful: tuple[float, ...] = ()


def level_of(near: str, context: str, text: str) -> Level:
    """Return the level that a conclusion is held against.

    >>> level_of("Bonferroni over three tests", "", "").corrected
    0.016666666666666666

    Args:
        near: The sentence, or the column's head.
        context: What stands above it.
        text: The report.
    """
    named, doubtful = levels_in(text)
    alpha = named.pop() if len(named) == 1 else USUAL
    if stated := AT_LEVEL.search(near):
        at_level = float(stated[1]) / 100 if stated[1] else float(stated[2])
        if is_usual(at_level):
            alpha = at_level
    if not CORRECTED.search(near):
        return Level(alpha, doubtful=tuple(sorted(doubtful - {alpha})))
    # The nearest words that state the size of the correction hold.
    for words in (near, context, text):
        if quotient := QUOTIENT.search(words):
            corrected = float(quotient[1]) / int(quotient[2])
            return Level(alpha, corrected, is_corrected=True, raw=True)
        count = COUNT.search(words)
        if count and BONFERRONI.search(words):
            comparisons = _number(count[1] or count[2])
            return Level(alpha, alpha / comparisons, is_corrected=True)
    return Level(alpha, is_corrected=True)


def levels_in(text: str) -> tuple[set[float], set[float]]:
    """Return the levels of significance that a text states, and each α that may be one.

    >>> levels_in("We test at α = 0.01."), levels_in("mixup α = 0.4; loss with α = 0.02")
    (({0.01}, set()), (set(), {0.02}))
    """
    named: set[float] = set()
    doubtful: set[float] = set()
    is_defined = DEFINED.search(text) is not None  # a text may say of what its α is
    for hit in ALPHA.finditer(text):
        value = float(hit[1])
        before = text[max(0, hit.start() - REACH_BEFORE) : hit.start()]
        after = text[hit.end() : hit.end() + REACH_AFTER]
        if not is_usual(value) or OTHER_ALPHA.search(before) or OTHER_ALPHA_AFTER.search(after):
            continue
        if "level" in hit[0].lower():
            named.add(value)
        elif OF_A_LEVEL.search(before) and not is_defined:
            named.add(value)
        else:
            doubtful.add(value)
    return named, doubtful


def is_usual(level: float) -> bool:
    """Say whether a number is one that levels of significance have: 0.05, 0.01, 0.025, and no 0.171.

    >>> is_usual(0.05), is_usual(0.171), is_usual(0.4)
    (True, False, False)
    """
    digits = float(f"{level:e}".partition("e")[0])
    return 0 < level <= LARGEST and any(math.isclose(digits, first) for first in ROUND)


def _number(word: str) -> int:
    return NUMBER_WORDS.get(word.lower()) or max(1, int(word))

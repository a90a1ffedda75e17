"""The head of a column: which metric it holds, in which unit, and which statistic of it.

    "val_loss (mean ± std, ×10⁻³) "
    "↓"  →  metric "val loss", statistic mean, after ± a sd, factor 10⁻³, lower is better

A number is held only against numbers of its own metric.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ired_diag.claims.claim import Kind
from ired_diag.claims.metric_names import SCALE, metric_of
from ired_diag.claims.numbers import plain
from ired_diag.claims.statistic_words import after_plus_minus, kind_of, spaced
from ired_diag.runs.metric_words import HIGHER, LOWER, NO_MEASURE, measures_in, words_of

OF_A_STATISTIC = (
    r"p|t|d|g|df|dof|q|p[-_ ]?val\w*|val|vals|stat\w*|cohen.*|hedges.*|effect|size|welch.*|"
    r"student.*|paired|t-test|test|diff\w*|"
    r"delta|Δ|δ|gain|change|min|max|minimum|maximum|best|worst|lowest|highest|relative|rel|improvement|signifi\w*|sig|\?|vs|ci95|"
    r"bonferroni.*|holm.*|fdr.*|adj\w*|corrected|raw|standard|dev\w*|number|num|#|iqr|interquartile|range|percent|%"
)
COMPARED = ("p", "t", "df", "effect", "n", "significant")
DOWN, UP = re.compile(r"[↓⬇]|\blower\b"), re.compile(r"[↑⬆]|\bhigher\b")
CORRECTED = re.compile(
    r"bonferroni|\bholm\b|\bfdr\b|benjamini|adjust|correct(?:ed|ion)|p[_ -]?adj|\bq[\s-]*value", re.I
)
NO_LABEL = re.compile(
    r"note|comment|status|verdict|description|\blogs?\b|date|commit|hardware|link|source|file|interpret|winner|result|"
    r"conclusion|remark|details|purpose|config\b|contributor|author|\btest\b|command|gpus?$",
    re.IGNORECASE,
)  # fmt: skip
SEED_HEAD = re.compile(
    r"^(?:random |rng |cv )?(?:seeds?|folds?|runs?|trials?|reps?|replicates?|logs?(?: file)?|"
    r"log ?files?|files?|uuid)(?: ?(?:id|#|no\.?|number|index))?$",
    re.I,
)
OTHER_UNIT = re.compile(
    r"\b(?:time|ms|steps?|size|bytes|artifact|memory|params?|parameters|flops|tokens|bpb|bpc|gap|hours?|rate|ratio|score|"
    r"speed|throughput|rank|epochs?|cost|entropy|count|nats|perplexity|val|valid|validation|test|train|eval)\b",
    re.IGNORECASE,
)  # fmt: skip
PERCENT = re.compile(r"\(\s*%|%\s*\)|\bin %|, ?%|%\s*$")


@dataclass(frozen=True, kw_only=True)
class Head:
    """What the head of a column says.

    Attributes:
        text: As printed, without markup.
        kind: Which statistic its numbers are; None where it says none.
        metric: The words of its metric; empty where it names none.
        factor: By which its numbers are to be multiplied; None where none is printed.
        percent: Whether its numbers are in percent.
        after: What the number after a ± is; ``spread`` where it is not said.
        lower_is_better: The direction that its arrow or its measure says; None where neither does.
        corrected: The word that says that it is corrected for several comparisons.
        is_logged: Whether it is the name of a metric that the runs log.
    """

    text: str
    kind: Kind | None
    metric: str
    factor: float | None = None
    percent: bool = False
    after: Kind = "spread"
    lower_is_better: bool | None = None
    corrected: str = ""
    is_logged: bool = False

    @property
    def is_metric(self) -> bool:
        """Whether it names a quantity, and not a group."""
        if self.is_logged or self.percent or self.lower_is_better is not None:
            return True
        words = words_of(self.text)
        if measures_in(words) or NO_MEASURE.intersection(words):
            return True
        return OTHER_UNIT.search(spaced(self.text)) is not None


def head_of(text: str) -> Head:
    """Return what a head says.

    >>> head = head_of("val_loss (mean ± std, ×10⁻³) ↓")
    >>> head.metric, head.kind, head.after, head.factor, head.lower_is_better
    ('val loss', 'mean', 'sd', 0.001, True)
    """
    shown = plain(text)
    kind = kind_of(shown)
    corrected = CORRECTED.search(shown)
    return Head(
        text=shown,
        kind=kind,
        metric=_metric_beside(kind, metric_of(shown)) or _no_measure_in(kind, shown),
        factor=_factor(shown),
        percent=PERCENT.search(shown) is not None,
        after=after_plus_minus(shown.partition("±")[2] or shown),
        lower_is_better=_direction(shown),
        corrected=corrected[0] if corrected else "",
    )


def _no_measure_in(kind: Kind | None, text: str) -> str:
    """Return a head that is a unit alone, such as "Tokens", so that its numbers are of no metric."""
    if kind is not None or not NO_MEASURE.intersection(words_of(text)):
        return ""
    return text.lower()


def _factor(text: str) -> float | None:
    """Return the power of ten that a head prints."""
    scale = SCALE.search(text)
    if scale is None:
        return None
    return 10.0 ** int(scale[1] or scale[2])


def _metric_beside(kind: Kind | None, metric: str) -> str:
    """Return the metric that is left when the words of the statistic itself are taken away."""
    if kind is None or kind == "mean":
        return metric
    of_a_test = OF_A_STATISTIC
    if kind not in COMPARED:  # "val" is a word of "p-val"; next to other statistics it is validation
        of_a_test = OF_A_STATISTIC.replace("|val|vals|", "|")
    words = [word for word in metric.split() if not re.fullmatch(of_a_test, word)]
    left = " ".join(words)
    if kind in COMPARED and not measures_in(words_of(left)):
        return ""
    return left


def _direction(text: str) -> bool | None:
    """Return whether lower is better, by the arrows of a head, else by its measures; None if unknown."""
    down = DOWN.search(text.lower()) is not None
    up = UP.search(text.lower()) is not None
    if down and up:
        return None
    if down or up:
        return down
    measures = set(measures_in(words_of(text)))
    if not measures:
        return None
    if measures <= LOWER:
        return True
    if measures <= HIGHER:
        return False
    return None

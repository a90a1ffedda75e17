"""Is a number of the metric that another number is of? And which metric does a sentence speak of?

Two names are of one metric where their words are the same, "final" and "last" apart. A number whose text
names no metric is of the only one that the report has; where it has several, it is of none that is certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from ired_diag.claims.heads import OTHER_UNIT
from ired_diag.claims.metric_names import metric_of
from ired_diag.runs.metric_words import (
    ALL_MEASURES,
    DETAILS,
    LOSSES,
    NO_MEASURE,
    SPLITS,
    TEST_SPLITS,
    TRAINING,
    words_of,
)

UNCLEAR = "?"  # the metric of a number whose text names several
MEASURE = re.compile(
    r"(?<![\w/])(?:(?:validation|valid|val|test|eval|train|training|ood|dev|final|mean)[\s_/-]+)*"
    r"(?:r?mse|mae|nll|loss(?:es)?|accurac(?:y|ies)|acc|perplexity|ppl|bleu|psnr|ssim|fid|auc|auroc|f1|m?iou|bpb|bpc|"
    r"rewards?|returns?|recall|success rate|error rate|r2)(?![\w])",
    re.IGNORECASE,
)
SYNONYMS = {
    "acc": "accuracy",
    "top": "accuracy",
    "training": "train",
    "rew": "reward",
    "ppl": "perplexity",
    "ret": "return",
}
GENERIC = frozenset({"loss", "error", "cost", "score"})
Relation = Literal["same", "generic", "unnamed", "other"]


def same_metric(a: str, b: str, every: frozenset[str] = frozenset()) -> bool:
    """Say whether two numbers are of one metric.

    >>> same_metric("final val loss", "val loss"), same_metric("", "mse", frozenset({"mse", "psnr"}))
    (True, False)
    """
    if UNCLEAR in (a, b):
        return False
    if not a or not b:
        return a == b or len(every) <= 1
    return _bare(a) == _bare(b)


def metric_at(text: str, start: int, end: int, vocabulary: Iterable[str]) -> str:
    """Return the metric that a number in a sentence is of; empty where the sentence names none.

    It is the only one that the sentence names, else the one named last before the number; ``?`` where several
    are named, all of them after it.

    Args:
        text: The sentence.
        start: Where the number starts.
        end: Where it ends.
        vocabulary: The metrics that the report's tables and the runs name.
    """
    places = _mentions(text, vocabulary)
    if len({name for _, name in places}) <= 1:
        return places[0][1] if places else ""
    before = [name for place, name in places if place < start]
    clause = max(text.rfind(mark, 0, start) for mark in (";", "|", "), ", ". "))
    return before[-1] if before and max(p for p, _ in places if p < start) >= clause else UNCLEAR


def relation_to(metric: str, own: str) -> Relation:
    """Say how the words of a metric stand to the name of the one that judges the runs.

    >>> relation_to("mse", "validation/mse"), relation_to("train mse", "validation/mse")
    ('same', 'other')
    >>> relation_to("loss", "val/mse"), relation_to("", "val/mse"), relation_to("gpu hours", "mse")
    ('generic', 'unnamed', 'other')
    """
    if metric == UNCLEAR:
        return "other"
    if _rank(metric) != _rank(own):
        return "other"
    words, others = _words(metric), _words(own)
    if not words - set(DETAILS) or words <= {"result", "results", "performance", "value"}:
        return "unnamed"
    if words & set(TRAINING) and not others & {*TRAINING} and not words & {*SPLITS}:
        return "other"
    if (words & set(TEST_SPLITS)) - others:
        return "other"
    named, measures = words & ALL_MEASURES, others & ALL_MEASURES
    if NO_MEASURE.intersection(words - others):
        return "other"
    if named & measures:
        return "same"
    if named and named <= GENERIC and measures & set(LOSSES):
        return "generic"
    if not named and words & {*SPLITS} and not (words - {*SPLITS} - set(DETAILS)):
        return "generic"
    return "same" if words == others else "other"


def spoken(metric: str) -> str:
    """Return a metric for a sentence to the reader."""
    return f" of {metric}" if metric and metric != UNCLEAR else ""


def is_quantity(text: str) -> bool:
    """Say whether a text names a unit or a quantity of another kind than quality."""
    return bool(OTHER_UNIT.search(text))


def _words(name: str) -> set[str]:
    kept = [word for word in words_of(name) if not word.isdigit()]
    return {SYNONYMS.get(word, word) for word in kept}


def _rank(name: str) -> str:
    """Return the k of a top-k accuracy; 1 of any other metric."""
    hit = re.search(r"(?:top|acc\w*)[\s_-]?@?(\d+)\b", name, re.IGNORECASE)
    return hit[1] if hit else "1"


def _bare(metric: str) -> str:
    words = [SYNONYMS.get(word, word) for word in metric.split()]
    return " ".join(word for word in words if word not in ("final", "last"))


def _mentions(text: str, vocabulary: Iterable[str]) -> list[tuple[int, str]]:
    """Return where a text names which metric, the longest name first; none inside another."""
    places: dict[int, tuple[int, str]] = {}
    for name in sorted({v for v in vocabulary if len(v) > 1}, key=len, reverse=True):
        pattern = r"[\s_/-]+".join(re.escape(word) for word in name.split())
        for hit in re.finditer(rf"(?<![\w]){pattern}(?![\w])", text, re.IGNORECASE):
            if not _covered(hit.start(), places):
                places[hit.start()] = (hit.end(), name)
    for hit in MEASURE.finditer(text):
        if not _covered(hit.start(), places) and not _covered(hit.end() - 1, places):
            places[hit.start()] = (hit.end(), metric_of(hit[0]))
    return [(start, places[start][1]) for start in sorted(places)]


def _covered(at: int, places: dict[int, tuple[int, str]]) -> bool:
    return any(start <= at < end for start, (end, _) in places.items())

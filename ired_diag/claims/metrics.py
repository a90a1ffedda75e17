"""Is a number of the metric that another number is of? And which metric does a sentence speak of?

Two names are of one metric where their words are the same, "final" and "last" apart. A number whose text
names no metric is of the only one that the report has; where it has several, it is of none that is certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from ired_diag.claims.metric_names import STATISTIC_WORDS, metric_of
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

RANKED = re.compile(
    r"(?:top|acc\w*|(?<![a-z])m?ap|recall|ndcg|hits?|pass|precision|rouge)[\s_-]?@?_?(\d+)(?![\d:.-]*\d)(?![a-z])",
    re.IGNORECASE,
)  # "mAP50-95" is a mean over thresholds, the plain mAP
UNCLEAR = "?"  # the metric of a number whose text names several
MEASURE = re.compile(
    r"(?<![\w/])(?:(?:validation|valid|val|test|eval|train|training|ood|dev|final|mean|"
    r"top[\s-]?\d+)[\s_/-]+)*"
    r"(?:r?mse|s?mape|mae|nll|bpd|loss(?:es)?|"
    r"(?:word|character|token|phoneme) error rates?|accurac(?:y|ies)|acc|perplexity|ppl|bleu|psnr|ssim|fid|"
    r"dice|dsc|hd95|rouge(?:-?(?:lsum|l|\d))?|wer|cer|ndcg|elo|"
    r"exact match|win rate|auc|auroc|f1|m?iou|bpb|bpc|"
    r"mcc|crps|auprc|mrr|chrf|nmi|pesq|stoi|si-?sdr|lpips|kid|(?-i:mAP)|"
    r"rewards?|returns?|recall|success rate|error rate|r2|r\u00b2|ece|jaccard|"
    r"kappa|spearman|pass@\d+)(?![\w])",
    re.IGNORECASE,
)
UP_TO_METRIC = re.compile(
    r"\s*(?:%|points?|pp)?\s*"
    r"(?:(?:(?!and\b|but\b)[^\W\d][\w-]*\s+){1,6}?(?:in|on)\s+(?:terms of\s+)?(?:the\s+)?)?",
    re.IGNORECASE,
)
IN_DECIBELS = re.compile(r"\s*dB\b")
OF_DECIBELS = ("psnr", "snr", "sdr", "si-sdr")
SYNONYMS = {
    "acc": "accuracy",
    "top": "accuracy",
    "training": "train",
    "rew": "reward",
    "ppl": "perplexity",
    "ret": "return",
    "err": "error",
    "dsc": "dice",
    "em": "exactmatch",
}
ACRONYM = re.compile(
    r"(?:\b(?:an?|the)\s+(?=[A-Z]{2,}[A-Z\d-]*\s+of\b)|(?:^|[.;,]\s+|[-*]\s+)(?=[A-Z]{2,}[A-Z\d-]*:\s))"
    r"([A-Z][A-Z\d-]{1,8})(?:\s+of\s+|:\s+)"
)
CLAUSE_END = re.compile(r";|\.\s|,\s+(?:but|while|whereas)\b")
GENERIC = frozenset({"loss", "error", "cost", "score"})
Relation = Literal["same", "generic", "unnamed", "other"]
NO_METRIC = frozenset({"result", "results", "performance", "value"})
ENDS_OF_CLAUSES = (";", "|", "), ", ". ")


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
    mentions = _mentions(text, vocabulary)
    if IN_DECIBELS.match(text, end):
        in_decibels = [name for name in metrics_in(" ".join(vocabulary), ()) if name in OF_DECIBELS]
        return in_decibels[0] if len(in_decibels) == 1 else ""
    if unknown := _unknown_acronym(text, start, mentions):
        return unknown
    if not mentions:
        return ""
    if len({name for _, name in mentions}) == 1:
        return mentions[0][1]
    if behind := _right_behind(text, end, mentions):
        return behind
    clause = max(text.rfind(mark, 0, start) for mark in ENDS_OF_CLAUSES)
    before = [mention for mention in mentions if mention[0] < start]
    if not before:
        return UNCLEAR
    place, name = before[-1]
    if place < clause:
        return UNCLEAR
    return name


def _unknown_acronym(text: str, start: int, mentions: Sequence[tuple[int, str]]) -> str:
    """Return the acronym that a number is of by the words before it: "a MOS of 4.1", "MOS: 4.1 (a)"."""
    acronyms = [hit for hit in ACRONYM.finditer(text, 0, start) if not _is_mention(hit.start(1), mentions)]
    if not acronyms:
        return ""
    last = acronyms[-1]
    if last[1].lower() in STATISTIC_WORDS:
        return ""
    between = text[last.end() : start]
    if CLAUSE_END.search(between) or any(last.end() <= place < start for place, _ in mentions):
        return ""
    is_head = last[0].rstrip().endswith(":")
    if not is_head and re.search(r"\d", between):
        return ""
    return last[1].lower()


def _is_mention(place: int, mentions: Sequence[tuple[int, str]]) -> bool:
    return any(start <= place < start + len(name) for start, name in mentions)


def _right_behind(text: str, end: int, mentions: Sequence[tuple[int, str]]) -> str:
    """Return the metric of "3.8% better in Recall@20", or of "2.2 mAP above b"; empty without one."""
    for place, name in mentions:
        if place >= end:
            return name if UP_TO_METRIC.fullmatch(text, end, place) else ""
    return ""


def relation_to(metric: str, own: str) -> Relation:
    """Say how the words of a metric stand to the name of the one that judges the runs.

    >>> relation_to("mse", "validation/mse"), relation_to("train mse", "validation/mse")
    ('same', 'other')
    >>> relation_to("loss", "val/mse"), relation_to("", "val/mse"), relation_to("gpu hours", "mse")
    ('generic', 'unnamed', 'other')
    """
    # Top-1 and top-5 accuracy are two metrics.
    if metric == UNCLEAR or rank_of(metric) != rank_of(own):
        return "other"
    words = _words(metric)
    others = _words(own)
    if words <= set(DETAILS) or words <= NO_METRIC:
        return "unnamed"
    # Logs call a return a reward; who speaks of a reward may mean how a policy is rewarded.
    if "return" in words and "reward" in others:
        words = words - {"return"} | {"reward"}
    if _is_of_other_data(words, others) or NO_MEASURE.intersection(words - others):
        return "other"
    named = words & ALL_MEASURES
    measures = others & ALL_MEASURES
    if named & measures:
        return "same"
    if named and named <= GENERIC and measures & set(LOSSES):
        return "generic"
    of_data = {*SPLITS, *TEST_SPLITS}
    only_split = words & of_data and words <= of_data | DETAILS
    if only_split and not named:
        return "generic"
    bare = others - of_data
    # "mel L1" is ``val/mel_l1_error``: what no measure is in, names one by all its other words.
    is_same = words in (others, bare) or (bool(words) and words == bare - GENERIC)
    return "same" if is_same else "other"


def is_exactly(metric: str, own: str) -> bool:
    """Say whether the words of a metric are those of a name, in whichever spelling.

    >>> is_exactly("validation top-1", "val_acc"), is_exactly("acc", "val_acc")
    (True, False)
    """
    if rank_of(metric) != rank_of(own):
        return False
    return telling_words(metric) == telling_words(own)


def telling_words(name: str) -> set[str]:
    """Return the words of a metric, each name of the validation data as one."""
    words = {word for word in _words(name) if word not in DETAILS}
    if words & set(SPLITS):
        words = words - set(SPLITS) | {"val"}
    return words


def _is_of_other_data(words: set[str], others: set[str]) -> bool:
    """Say whether a metric is of the training data, or of a test set, and that of the runs is not."""
    training = set(TRAINING)
    if words & training and not others & training and not words & set(SPLITS):
        return True
    return bool(words & set(TEST_SPLITS) - others)


def spoken(metric: str) -> str:
    """Return a metric for a sentence to the reader."""
    if not metric or metric == UNCLEAR:
        return ""
    return f" of {metric}"


def _words(name: str) -> set[str]:
    return {SYNONYMS.get(word, word) for word in words_of(name) if not word.isdigit()}


def rank_of(name: str) -> str:
    """Return the k of a top-k accuracy or of an average precision at k; 1 of any other metric.

    >>> rank_of("val_acc5"), rank_of("bbox_mAP_50"), rank_of("mAP50-95"), rank_of("mse")
    ('5', '50', '1', '1')
    """
    hit = RANKED.search(name)
    if hit is None:
        return "1"
    return hit[1]


def _bare(metric: str) -> str:
    words = [SYNONYMS.get(word, word) for word in metric.split()]
    return " ".join(word for word in words if word not in ("final", "last"))


def metrics_in(text: str, vocabulary: Iterable[str]) -> list[str]:
    """Return the metrics that a text names, each once, in order."""
    return list(dict.fromkeys(name for _, name in _mentions(text, vocabulary)))


def _mentions(text: str, vocabulary: Iterable[str]) -> list[tuple[int, str]]:
    """Return where a text names which metric, the longest name first; none inside another."""
    places: dict[int, tuple[int, str]] = {}
    names = {name for name in vocabulary if len(name) > 1}
    for name in sorted(names, key=len, reverse=True):
        for hit in _pattern_of(name).finditer(text):
            if not _covered(hit.start(), places):
                places[hit.start()] = (hit.end(), name)
    for hit in MEASURE.finditer(text):
        if not _covered(hit.start(), places) and not _covered(hit.end() - 1, places):
            places[hit.start()] = (hit.end(), metric_of(hit[0]))
    return [(start, places[start][1]) for start in sorted(places)]


def _pattern_of(name: str) -> re.Pattern[str]:
    """Return how the words of a metric are spelled: with blanks, underscores, slashes or dashes between."""
    words = r"[\s_/-]+".join(map(re.escape, name.split()))
    return re.compile(rf"(?<![\w]){words}(?![\w])", re.IGNORECASE)


def _covered(at: int, places: dict[int, tuple[int, str]]) -> bool:
    return any(start <= at < end for start, (end, _) in places.items())

"""May a number be of something else than the end of the curves: another metric, step, unit or statistic?"""

from __future__ import annotations

import math
import re

from ired_diag.claims.agreeing_readouts import matching
from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim
from ired_diag.claims.metric_names import step_of
from ired_diag.claims.metrics import MEASURE, UNCLEAR, relation_to
from ired_diag.claims.percent_words import is_in_percent
from ired_diag.claims.ranges import FAR
from ired_diag.claims.samples import Sample
from ired_diag.claims.units import in_other_unit
from ired_diag.readers.seed_table_metrics import UNNAMED

OTHER_METRIC = re.compile(
    r"\btrain(?:ing)?[\s_/-]*(?:loss|mse|error|time)|\bood\b|out[- ]of[- ]distribution|\baccuracy\b"
    r"|\benerg(?:y|ies)\b"
    r"|\b(?:hours?|minutes?|seconds|per second|gpus?|runtime|wall|grad(?:ients?)?|memory|epochs?|"
    r"(?<!at the )cost|parameters?|faster|slower)\b"
    r"|\bcorrelat\w*|\bratios?\b|\b(?:rejection|acceptance|negative) rate"
    r"|\bdiversity\b|\bcoverage\b|\bslopes?\b|\bcondition(?:ing| numbers?)\b|\bvariances?\b"
    r"|\bgaps?\b|\brewards?\b|\bperplexity\b",
    re.IGNORECASE,
)
ERRORS = re.compile(r"(?<!\bstandard )\b(?:mse|rmse|loss(?:es)?|errors?)\b", re.IGNORECASE)
OF_A_TIME = re.compile(
    r"\W*(?:(?:best|last|first|final)\s+)?(?:epoch|step|iteration|iter)s?\s*(?:#|number)?\s*(?:$|(?:of|at|to|for)\b)",
    re.IGNORECASE,
)  # a column "epoch of best"
SPREADS = ("sd", "se", "interval", "spread")
GAP_OF_GROUPS = re.compile(r"\bgap(?=\s+(?:between|to|from|over|with|is|of)\b)", re.IGNORECASE)
RIGHT_BEFORE = re.compile(rf"(?:{MEASURE.pattern})\s*(?:(?:is|was|of|at|=|:)\s*)?\(?$", re.IGNORECASE)
PERCENT = 0.01
LEVELS = ("mean", "value", "level")


def runs_of_claim(claim: Claim, label: str, book: Book) -> Sample | None:
    """Return what the runs have for a claim; None where it is not certain that it is about them."""
    group = book.group(label)
    if group is None or why_of_another(claim, label, book):
        return None
    readout = book.readout
    mean = book.mean_beside(claim, label)
    if mean is not None:
        quoted = matching(mean.number, group, book.groups)
        if quoted and readout not in quoted:
            readout = quoted[0]
    if not readout:
        return None
    return book.groups.sample(group, readout)


def why_of_another(claim: Claim, label: str, book: Book) -> str:
    """Return why a claim may be about something else than the end of the curves, or nothing."""
    if book.groups.metric == UNNAMED:
        return "of which metric the numbers of the table of runs are, is not said"
    relation = relation_to(claim.metric, book.groups.metric)
    if relation == "other":
        what = "several metrics" if claim.metric == UNCLEAR else repr(claim.metric)
        return f"it is of {what}, and the runs are judged by {book.groups.metric or 'nothing'}"
    if claim.table and OF_A_TIME.match(claim.wording):
        return f"it is of a time, and no {book.groups.metric or 'metric'}"
    mean = claim if claim.kind in LEVELS else book.mean_beside(claim, label)
    near = _words_near(claim, mean)
    beside = near
    if claim.table and claim.metric:
        beside = claim.wording
    if not claim.table:  # "the gap between a and b" is no metric of its own
        beside = GAP_OF_GROUPS.sub("difference", beside)
    if relation == "same" and _is_named_right_before(claim):
        beside = ""
    if other := another_metric_in(beside, book):
        return f"it may be of another metric ({other!r} stands next to it)"
    if _is_of_an_extreme(claim, book):
        return "of which number in its row it is the spread is not certain"
    group = book.group(label)
    if group is None:
        return ""
    step = step_of(near)
    if claim.kind == "steps to a value":  # its step is the claim, not that of its number
        step = None
    if step and step != book.groups.last_step(group):
        if claim.kind in LEVELS and book.groups.sample_at(group, step):
            return ""
        return f"it is of step {step}, and the last evaluation is of another"
    if mean is None:
        return ""
    is_named = relation == "same" or bool(re.search(r"\bmse\b|validation", near, re.IGNORECASE))
    return _why_by_size(mean, group, book, is_named=is_named)


def _is_named_right_before(claim: Claim) -> bool:
    """Say whether a metric stands next to a number of a sentence, so that no other one is meant."""
    if claim.table or not claim.numbers:
        return False
    return RIGHT_BEFORE.search(claim.words_before) is not None


def _words_near(claim: Claim, mean: Claim | None) -> str:
    """Return the sentence or column of a claim and of its mean, each with its heading."""
    lines = claim.context.split("\n")[:2]
    if mean is not None:
        lines += mean.context.split("\n")[:2]
    return "\n".join(lines)


def _why_by_size(mean: Claim, group: str, book: Book, *, is_named: bool) -> str:
    """Return why a mean is by its size another number than that of the runs, or nothing.

    Args:
        mean: As the report prints it.
        group: The runs.
        book: What is known.
        is_named: Whether the words name the metric of the runs, so that any size is of it.
    """
    if not mean.table:
        power = in_other_unit(mean.number, group, book.groups)
        if power and not (power == PERCENT and is_in_percent(mean)):
            return f"it agrees with the runs if it is to be multiplied by {power:g}, which is not stated"
    if is_named:
        return ""
    sample = book.groups.sample(group, "last")
    ratio = math.nan  # compares with nothing: without a last value, or with one of 0, any number is far off
    if sample and sample.mean.middle:
        ratio = abs(mean.number.value / sample.mean.middle)
    if 1 / FAR < ratio < FAR:
        return ""
    return "it is so far from the runs' numbers that it may be of another metric"


def runs_at_step(claim: Claim, group: str, book: Book) -> Sample | None:
    """Return the runs at the step that a claim names, where it is not that of the last evaluation."""
    step = step_of(f"{claim.wording}\n{claim.heading}")
    if not step or step == book.groups.last_step(group):
        return None
    return book.groups.sample_at(group, step)


def another_metric_in(text: str, book: Book) -> str:
    """Return words that speak of another metric than the one that judges the runs, or nothing."""
    for hit in OTHER_METRIC.finditer(text):
        if relation_to(hit[0], book.groups.metric) == "other":
            return hit[0]
    if book.groups.lower_is_better:
        return ""
    error = ERRORS.search(text)  # next to an accuracy, an error is another metric
    return error[0] if error else ""


def _is_of_an_extreme(claim: Claim, book: Book) -> bool:
    """Say whether a spread stands after a best, worst or median value, in a row of several spreads."""
    if claim.kind not in SPREADS:
        return False
    here = [other for other in book.beside(claim) if other.groups == claim.groups]
    kinds = [other.kind for other in here]
    if kinds.count(claim.kind) < 2:
        return False
    last_level = ""
    for other in here:
        if other is claim:
            break
        if other.kind in ("mean", "best", "worst", "median"):
            last_level = other.kind
    return last_level not in ("", "mean")

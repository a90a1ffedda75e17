"""May a number be of something else than the end of the curves: another metric, step, unit or statistic?"""

from __future__ import annotations

import math
import re

from ired_diag.claims.book import FAR, Book
from ired_diag.claims.claim import Claim
from ired_diag.claims.groups import matching
from ired_diag.claims.metric_names import step_of
from ired_diag.claims.metrics import UNCLEAR, relation_to
from ired_diag.claims.samples import Sample
from ired_diag.claims.units import in_other_unit
from ired_diag.readers.seed_table_metrics import UNNAMED

OTHER_METRIC = re.compile(
    r"\btrain(?:ing)?[\s_/-]*(?:loss|mse|error|time)|\bood\b|out[- ]of[- ]distribution|\baccuracy\b"
    r"|\benerg(?:y|ies)\b"
    r"|\b(?:hours?|minutes?|seconds?|gpus?|runtime|wall|grad(?:ients?)?|memory|epochs?|cost|parameters?|faster|slower)\b"
    r"|\bcorrelat\w*|\bratios?\b|\b(?:rejection|acceptance|negative) rate"
    r"|\bdiversity\b|\bcoverage\b|\bslopes?\b|\bcondition(?:ing| numbers?)\b|\bvariances?\b"
    r"|\bgaps?\b|\brewards?\b|\bperplexity\b",
    re.IGNORECASE,
)
ERRORS = re.compile(r"\b(?:mse|rmse|loss(?:es)?|errors?)\b", re.IGNORECASE)
SPREADS = ("sd", "se", "interval", "spread")


def runs_of_claim(claim: Claim, label: str, book: Book) -> Sample | None:
    """Return what the runs have for a claim; None where it is not certain that it is about them."""
    group = book.group(label)
    if group is None or why_of_another(claim, label, book):
        return None
    mean = book.mean_beside(claim, label)
    quoted = matching(mean.number, group, book.groups) if mean else []
    readout = quoted[0] if quoted and book.readout not in quoted else book.readout
    return book.groups.sample(group, readout) if readout else None


def why_of_another(claim: Claim, label: str, book: Book) -> str:
    """Return why a claim may be about something else than the end of the curves, or nothing."""
    mean = claim if claim.kind in ("mean", "value", "level") else book.mean_beside(claim, label)
    if book.groups.metric == UNNAMED:
        return "of which metric the numbers of the table of runs are, is not said"
    relation = relation_to(claim.metric, book.groups.metric)
    if relation == "other":
        what = "several metrics" if claim.metric == UNCLEAR else repr(claim.metric)
        return f"it is of {what}, and the runs are judged by {book.groups.metric or 'nothing'}"
    near = "\n".join(line for c in (claim, mean) if c for line in c.context.split("\n")[:2])
    beside = claim.context.split("\n")[0] if claim.table and claim.metric else near
    if other := another_metric_in(beside, book):
        return f"it may be of another metric ({other!r} stands beside it)"
    if _is_of_an_extreme(claim, book):
        return "of which number in its row it is the spread is not certain"
    group = book.group(label)
    if group is None:
        return ""
    if (step := step_of(near)) and step != book.groups.last_step(group):
        if claim.kind in ("mean", "value", "level") and book.groups.sample_at(group, step):
            return ""
        return f"it is of step {step}, and the last evaluation is of another"
    sample = book.groups.sample(group, "last")
    if mean is not None and not mean.table and (power := in_other_unit(mean.number, group, book.groups)):
        return f"it agrees with the runs if it is to be multiplied by {power:g}, which is not stated"
    if mean is not None:
        ratio = abs(mean.number.value / sample.mean.middle) if sample and sample.mean.middle else math.nan
        named = relation == "same" or re.search(r"\bmse\b|validation", near, re.IGNORECASE)
        if not (1 / FAR < ratio < FAR) and not named:
            return "it is so far from the runs' numbers that it may be of another metric"
    return ""


def runs_at_step(claim: Claim, group: str, book: Book) -> Sample | None:
    """Return the runs at the step that a claim names, where it is not that of the last evaluation."""
    step = step_of("\n".join(claim.context.split("\n")[:2]))
    return book.groups.sample_at(group, step) if step and step != book.groups.last_step(group) else None


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
    here = [c for c in book.beside(claim) if c.groups == claim.groups]
    if claim.kind not in SPREADS or sum(c.kind == claim.kind for c in here) < 2:
        return False
    place = next((k for k, c in enumerate(here) if c is claim), len(here))
    before = [c.kind for c in here[:place] if c.kind in ("mean", "best", "worst", "median")]
    return bool(before) and before[-1] != "mean"

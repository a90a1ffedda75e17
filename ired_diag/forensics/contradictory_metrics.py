"""Metrics of one step that no set of predictions can have together.

- F1 is the harmonic mean H of precision P and recall R. H is concave and lies above P + R - 1, so that means
  over classes, batches or folds, taken of all three alike, obey

      P + R - 1 <= F1 <= 2 P R / (P + R)

- Who is right with the first answer is right among the first five: top-1 <= top-5, recall@1 <= recall@5.
- A perplexity is exp(L) of the mean cross-entropy L in nats. The mean of exp over batches is larger (Jensen),
  never smaller: a perplexity below exp(L) is impossible for the same rows. So is one below 2^L where L is in
  bits; where the two agree within 2% as 2^L, L is taken to be in bits. A metric that is only called a loss
  may have other terms (label smoothing, penalties): there the perplexity must lie far below, and nothing is
  said where the configuration or the log has such terms.

Told are contradictions beyond rounding at half of the common steps or more. Printed results of one file are
held against each other too.

References: van Rijsbergen (1979), Information Retrieval, chapter 7; Jelinek et al. (1977), Perplexity.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.evaluation_counts import name_by_folder
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.history import Series
from ired_diag.runs.metric_limits import LEAST_PERCENT, PERCENT
from ired_diag.runs.metric_relatives import (
    PerplexityPair,
    TopPair,
    Triple,
    f1_triples,
    perplexity_pairs,
    top_pairs,
)
from ired_diag.runs.metric_words import words_of
from ired_diag.runs.study import Study

OFTEN = 0.5  # of the common steps
SHARE_SLACK = 0.015  # of F1: three values of two decimals
TOP_SLACK = 1e-3
LOSS_SLACK = 0.03  # of the loss in nats
IN_BITS = 0.02  # how far ln(perplexity) / loss may be from ln 2
OF_A_SUM = 0.2  # ln(perplexity) / loss below it: the loss is a sum over tokens
OTHER_TERMS = 0.85  # ln(perplexity) / loss above it: a plain loss may have other terms
LARGEST = 700.0  # nats: exp of more is not finite
OTHER_LOSSES = frozenset("aux auxiliary z kl router balance penalty reg regularizer regularization".split())
SMOOTHING = ("label_smoothing", "label_smoothing_factor", "z_loss", "aux_loss", "kl_weight", "smoothing")

Array = NDArray[np.float64]
Columns = Mapping[str, Series]


class Contradiction(NamedTuple):
    """Metrics that contradict each other: which, how, where, and at what share of the common steps.

    Attributes:
        names: The metrics.
        words: What is wrong, with the numbers of the worst step.
        reason: Why it is impossible.
        step: The worst step.
        share: Of the common steps.
        of: Number of the common steps.
        beyond: By how much at the worst step.
    """

    names: tuple[str, ...]
    words: str
    reason: str
    step: int
    share: float
    of: int
    beyond: float


class Place(NamedTuple):
    """Where a contradiction stands: a run's history, or a file of results."""

    group: str
    words: str
    label: str


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and each set of metrics that contradict each other."""
    cases: dict[tuple[str, tuple[str, ...]], list[tuple[Place, Contradiction]]] = defaultdict(list)
    for run in study.runs:
        place = Place(run.group, run.seed_label, run.label)
        for case in contradictions_in(run.history.series, run.configuration or {}):
            cases[run.group, case.names].append((place, case))
    owners = [(a.experiment or name_by_folder(a.path), a.configuration, a.results) for a in study.evaluations]
    owners += [(run.group, run.configuration, run.results) for run in study.runs]
    for group, configuration, results in owners:
        for source, columns in _columns_of(results).items():
            for case in contradictions_in(columns, configuration or {}):
                cases[group, case.names].append((Place(group, source, ""), case))
    for (group, _), found in cases.items():
        yield _finding(group, found)


def contradictions_in(columns: Columns, configuration: Mapping[str, Any]) -> Iterator[Contradiction]:
    """Yield the contradictions among the metrics of a run or of a file of results."""
    for triple in f1_triples(columns):
        yield from _of_f1(columns, triple)
    for pair in top_pairs(columns):
        yield from _of_top(columns, pair)
    for perplexity in perplexity_pairs(columns):
        if perplexity.is_cross_entropy or not _has_other_terms(columns, perplexity, configuration):
            yield from _of_perplexity(columns, perplexity)


def _of_f1(columns: Columns, names: Triple) -> Iterator[Contradiction]:
    steps, (f1, precision, recall) = _at_common_steps(columns, names)
    scale = _scale(f1, precision, recall)
    if scale is None:
        return
    f1, precision, recall = f1 / scale, precision / scale, recall / scale
    total = precision + recall
    harmonic = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    off = np.maximum(f1 - harmonic, total - 1 - f1) - SHARE_SLACK
    if (worst := _worst(off)) is None:
        return
    p, r, low = precision[worst], recall[worst], max(0.0, float(total[worst]) - 1)
    words = (
        f"{names.f1} is {f1[worst] * scale:.4g}, and {names.precision} {p * scale:.4g} and {names.recall} "
        f"{r * scale:.4g} allow {low * scale:.4g} to {harmonic[worst] * scale:.4g}"
    )
    reason = "the three are not of the same predictions, threshold or average over classes"
    yield _contradiction(names, words, reason, steps=steps, off=off, worst=worst)


def _of_top(columns: Columns, names: TopPair) -> Iterator[Contradiction]:
    steps, (narrow, wide) = _at_common_steps(columns, names)
    scale = _scale(narrow, wide)
    if scale is None:
        return
    off = (narrow - wide) / scale - TOP_SLACK
    if (worst := _worst(off)) is not None:
        words = f"{names.wide} is {wide[worst]:.4g}, below {names.narrow}, {narrow[worst]:.4g}"
        reason = "who is right with fewer answers is right with more; one of them is another quantity"
        yield _contradiction(names, words, reason, steps=steps, off=off, worst=worst)


def _of_perplexity(columns: Columns, pair: PerplexityPair) -> Iterator[Contradiction]:
    names = (pair.perplexity, *pair.losses)
    steps, (perplexity, loss) = _at_common_steps(columns, names)
    known = (perplexity > 0) & (loss > 0) & (loss < LARGEST)
    steps, perplexity, loss = steps[known], perplexity[known], loss[known]
    if not len(steps):
        return
    nats = np.log(perplexity)
    ratio = float(np.median(nats / loss))
    in_bits = abs(ratio / math.log(2) - 1) <= IN_BITS
    if in_bits or ratio < OF_A_SUM or (ratio > OTHER_TERMS and not pair.is_cross_entropy):
        return
    off = loss * (1 - LOSS_SLACK) - nats
    if (worst := _worst(off)) is not None:
        words = (
            f"{names[0]} is {perplexity[worst]:.4g}, below exp({names[1]}) = exp({loss[worst]:.4g}) = "
            f"{np.exp(loss[worst]):.4g}"
        )
        reason = "a mean of exponentials is never below the exponential of the mean"
        if not pair.is_cross_entropy:
            reason += ", unless the loss has terms besides the cross-entropy in nats"
        yield _contradiction(names, words, reason, steps=steps, off=off, worst=worst)


def _has_other_terms(columns: Columns, pair: PerplexityPair, configuration: Mapping[str, Any]) -> bool:
    """Say whether a loss has terms besides the cross-entropy, by the configuration or by the log."""
    settings = {key.rpartition(".")[2].lower(): value for key, value in configuration.items()}
    if any(settings.get(key) for key in SMOOTHING):
        return True
    return any(OTHER_LOSSES.intersection(words_of(name)) for name in columns if name not in pair.losses)


def _columns_of(results: tuple[EvaluationResult, ...]) -> dict[str, dict[str, Series]]:
    """Return the results of each file and model as columns of one row, but those that stand there twice."""
    tables: dict[tuple[Path, str, str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        if result.value is not None and not result.partial and not result.error:
            table = tables[result.source, result.model, result.checkpoint, result.data]
            table[result.metric].append(result.value)
    columns: dict[str, dict[str, Series]] = {}
    for number, ((source, model, *_), table) in enumerate(tables.items()):
        where = f"{source.name}{f', {model}' if model else ''}"
        key = where if where not in columns else f"{where} ({number + 1})"
        step = np.zeros(1, dtype=np.int64)
        columns[key] = {
            name: Series(step, np.array(values)) for name, values in table.items() if len(values) == 1
        }
    return columns


def _at_common_steps(columns: Columns, names: tuple[str, ...]) -> tuple[NDArray[np.int64], list[Array]]:
    """Return metrics at the steps where all are finite."""
    steps = np.asarray(columns[names[0]].steps)
    for name in names[1:]:
        steps = np.intersect1d(steps, columns[name].steps)
    values = [
        np.asarray(columns[name].values, dtype=np.float64)[np.searchsorted(columns[name].steps, steps)]
        for name in names
    ]
    finite = np.isfinite(np.stack(values)).all(axis=0)
    return steps[finite], [column[finite] for column in values]


def _scale(*shares: Array) -> float | None:
    """Return 1 where shares are fractions, 100 where they are percent, and None where they are mixed."""
    if not len(shares[0]) or min(float(share.min()) for share in shares) < 0:
        return None
    percent = [float(share.max()) > LEAST_PERCENT for share in shares]
    if all(percent):
        return PERCENT if max(float(share.max()) for share in shares) <= PERCENT else None
    return None if any(percent) or max(float(share.max()) for share in shares) > 1 else 1.0


def _worst(off: Array) -> int | None:
    """Return where a bound fails most; None where it fails at fewer than half of the steps."""
    return int(np.argmax(off)) if len(off) and np.mean(off > 0) >= OFTEN else None


def _contradiction(
    names: tuple[str, ...], words: str, reason: str, *, steps: NDArray[np.int64], off: Array, worst: int
) -> Contradiction:
    share, beyond = float(np.mean(off > 0)), float(off[worst])
    return Contradiction(tuple(names), words, reason, int(steps[worst]), share, len(off), beyond)


def _finding(group: str, cases: list[tuple[Place, Contradiction]]) -> Finding:
    place, worst = max(cases, key=lambda case: case[1].beyond)
    where = f"at step {worst.step} of {place.words}" if place.label else f"in {place.words}"
    often = f" ({100 * worst.share:.3g}% of {worst.of} common steps)" if place.label else ""
    places = list(dict.fromkeys(one.words for one, _ in cases))
    more = f" Likewise in {listed(places)}." if len(places) > 1 else ""
    statement = f"{group}: {worst.words} {where}{often}: {worst.reason}.{more}"
    evidence: Evidence = {"group": group, "metrics": ", ".join(worst.names), "step": worst.step}
    evidence |= {"share": worst.share, "steps": worst.of, "beyond": worst.beyond, "places": len(places)}
    advice = f"Look at where {' and '.join(worst.names[:2])} are computed before either is reported."
    labels = tuple(dict.fromkeys(one.label for one, _ in cases if one.label))
    return Finding("contradictory_metrics", "warning", statement, evidence, advice, runs=labels)


RULE = Rule(
    name="contradictory_metrics",
    question="Can the logged metrics of one step belong to the same predictions?",
    find=find,
    refuted_by=(
        "The definitions in the program: another average over classes, another threshold, or a loss with "
        "terms besides the cross-entropy."
    ),
    near_miss=(
        "An F1 averaged over classes, which lies below the harmonic mean; a perplexity averaged over "
        "batches, which lies above exp(loss); a loss in bits; accuracies of the classes 1 and 5."
    ),
    example="val_f1 0.95 next to a val_precision of 0.80 and a val_recall of 0.70, which allow 0.5 to 0.747.",
)

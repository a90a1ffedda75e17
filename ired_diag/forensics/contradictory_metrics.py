"""Metrics of one step that no set of predictions can have together.

- F1 is the harmonic mean H of precision P and recall R. H is concave and lies above P + R - 1, so that means
  over classes, batches or folds, taken of all three alike, obey

      P + R - 1 <= F1 <= 2 P R / (P + R)

- Who is right with the first answer is right among the first five: top-1 <= top-5, recall@1 <= recall@5.
- The root of a mean square is never below the mean of the sizes (Jensen): RMSE >= MAE, for means over
  batches too.
- A perplexity is exp(L) of the mean cross-entropy L in nats. The mean of exp over batches is larger (Jensen),
  never smaller: a perplexity below exp(L) is impossible for the same rows. So is one below 2^L where L is in
  bits; where the two agree within 2% as 2^L, L is taken to be in bits. A metric that is only called a loss
  may have other terms (label smoothing, penalties): there the perplexity must lie far below, and nothing is
  said where the configuration or the log has such terms. Where ln(perplexity) / L is one constant while L
  moves, the two may be per word and per token: a note. Two bases in one study are
  ``perplexity_base``.

Reported are contradictions beyond rounding at half of the common steps or more. Printed results of one file
are compared with each other too.

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
    ErrorPair,
    PerplexityPair,
    TopPair,
    Triple,
    error_pairs,
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
ERROR_SLACK = 0.01  # of the MAE: two values of two or three digits
IN_BITS = 0.02  # how far ln(perplexity) / loss may be from ln 2
OF_A_SUM = 0.2  # ln(perplexity) / loss below it: the loss is a sum over tokens
OTHER_TERMS = 0.85  # ln(perplexity) / loss above it: a plain loss may have other terms
FEWEST_OF_A_UNIT, MOVES, SAME = 5, 1.1, 5e-3  # steps, times the smallest loss, relative range of a ratio
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
        share: Share of the common steps at which they contradict each other.
        of: Number of the common steps.
        beyond: By how much they do at the worst step.
        is_certain: Whether no unit of its own explains it.
    """

    names: tuple[str, ...]
    words: str
    reason: str
    step: int
    share: float
    of: int
    beyond: float
    is_certain: bool = True


class Place(NamedTuple):
    """Where a contradiction stands: a run's history, or a file of results."""

    group: str
    words: str
    label: str


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and each set of metrics that contradict each other."""
    cases: dict[tuple[str, tuple[str, ...]], list[tuple[Place, Contradiction]]] = defaultdict(list)
    for place, columns, configuration in _rows(study):
        for contradiction in contradictions_in(columns, configuration):
            cases[place.group, contradiction.names].append((place, contradiction))
    for contradictions in cases.values():
        yield _finding(contradictions)


def _rows(study: Study) -> Iterator[tuple[Place, Columns, Mapping[str, Any]]]:
    """Yield what was logged by runs, then what evaluations and runs printed or saved as results."""
    for run in study.runs:
        place = Place(run.group, run.seed_label, run.label)
        yield place, run.history.series, run.configuration or {}
    for attempt in study.evaluations:
        name = attempt.experiment or name_by_folder(attempt.path)
        for source, columns in _columns_of(attempt.results).items():
            yield Place(name, source, ""), columns, attempt.configuration or {}
    for run in study.runs:
        for source, columns in _columns_of(run.results).items():
            yield Place(run.group, source, ""), columns, run.configuration or {}


def contradictions_in(columns: Columns, configuration: Mapping[str, Any]) -> Iterator[Contradiction]:
    """Yield the contradictions among the metrics of a run or of a file of results."""
    for triple in f1_triples(columns):
        yield from _of_f1(columns, triple)
    for pair in top_pairs(columns):
        yield from _of_top(columns, pair)
    for errors in error_pairs(columns):
        yield from _of_errors(columns, errors)
    for perplexity in perplexity_pairs(columns):
        if perplexity.is_cross_entropy or not _has_other_terms(columns, perplexity, configuration):
            yield from _of_perplexity(columns, perplexity)


def _of_f1(columns: Columns, names: Triple) -> Iterator[Contradiction]:
    """Yield a contradiction where F1 lies outside of what precision and recall allow."""
    steps, values = _at_common_steps(columns, names)
    scale = _scale(*values)
    if scale is None:
        return
    f1, precision, recall = (column / scale for column in values)
    total = precision + recall
    harmonic = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    excess = np.maximum(f1 - harmonic, total - 1 - f1) - SHARE_SLACK
    worst = _worst(excess)
    if worst is None:
        return
    lowest = max(0.0, float(total[worst]) - 1)
    words = (
        f"{names.f1} is {f1[worst] * scale:.4g}, and {names.precision} {precision[worst] * scale:.4g} and "
        f"{names.recall} {recall[worst] * scale:.4g} allow {lowest * scale:.4g} to "
        f"{harmonic[worst] * scale:.4g}"
    )
    reason = "the three are not of the same predictions, threshold or average over classes"
    yield _contradiction(names, words, reason, steps=steps, excess=excess, worst=worst)


def _of_top(columns: Columns, names: TopPair) -> Iterator[Contradiction]:
    """Yield a contradiction where more answers are right less often."""
    steps, (narrow, wide) = _at_common_steps(columns, names)
    scale = _scale(narrow, wide)
    if scale is None:
        return
    excess = (narrow - wide) / scale - TOP_SLACK
    worst = _worst(excess)
    if worst is None:
        return
    words = f"{names.wide} is {wide[worst]:.4g}, below {names.narrow}, {narrow[worst]:.4g}"
    reason = "who is right with fewer answers is right with more; one of them is another quantity"
    yield _contradiction(names, words, reason, steps=steps, excess=excess, worst=worst)


def _of_errors(columns: Columns, names: ErrorPair) -> Iterator[Contradiction]:
    """Yield a contradiction where the root mean square of errors lies below the mean of their sizes."""
    steps, (rmse, mae) = _at_common_steps(columns, names)
    excess = mae * (1 - ERROR_SLACK) - rmse
    worst = _worst(np.where((rmse >= 0) & (mae > 0), excess, -1.0))
    if worst is None:
        return
    words = f"{names.rmse} is {rmse[worst]:.4g}, below {names.mae}, {mae[worst]:.4g}"
    reason = "of the same errors it never is; the two are of other data, units or masks, or one is another"
    yield _contradiction(names, words, f"{reason} quantity", steps=steps, excess=excess, worst=worst)


def _of_perplexity(columns: Columns, pair: PerplexityPair) -> Iterator[Contradiction]:
    """Yield a contradiction where a perplexity lies below the exponential of its cross-entropy."""
    names = (pair.perplexity, *pair.losses)
    steps, (perplexity, loss) = _at_common_steps(columns, names)
    usable = (perplexity > 0) & (loss > 0) & (loss < LARGEST)
    steps, perplexity, loss = steps[usable], perplexity[usable], loss[usable]
    if not len(steps):
        return
    nats = np.log(perplexity)
    ratio = float(np.median(nats / loss))
    if not _is_judged(ratio, is_cross_entropy=pair.is_cross_entropy):
        return
    excess = loss * (1 - LOSS_SLACK) - nats
    worst = _worst(excess)
    if worst is None:
        return
    words = (
        f"{names[0]} is {perplexity[worst]:.4g}, below exp({names[1]}) = exp({loss[worst]:.4g}) = "
        f"{np.exp(loss[worst]):.4g}"
    )
    reason = "a mean of exponentials is never below the exponential of the mean"
    is_other_unit = _is_of_another_unit(nats / loss, loss)
    if is_other_unit:
        reason = (
            f"it is exp({ratio:.4g} {names[1]}) throughout: one is per word or byte and the other per token, "
        )
        reason += "or one has a factor"
    elif not pair.is_cross_entropy:
        reason += ", unless the loss has terms besides the cross-entropy in nats"
    contradiction = _contradiction(names, words, reason, steps=steps, excess=excess, worst=worst)
    yield contradiction._replace(is_certain=not is_other_unit)


def _is_judged(ratio: float, *, is_cross_entropy: bool) -> bool:
    """Say whether a loss is a mean in nats, by the median of ln(perplexity) over it."""
    is_in_bits = abs(ratio / math.log(2) - 1) <= IN_BITS
    is_a_sum = ratio < OF_A_SUM
    may_have_other_terms = ratio > OTHER_TERMS and not is_cross_entropy
    return not (is_in_bits or is_a_sum or may_have_other_terms)


def _is_of_another_unit(ratio: Array, loss: Array) -> bool:
    """Say whether a perplexity is per word, and its loss per token: their ratio stays, as the loss moves."""
    if len(loss) < FEWEST_OF_A_UNIT or loss.max() < MOVES * loss.min():
        return False
    return float(np.ptp(ratio)) <= SAME * abs(float(np.median(ratio)))


def _has_other_terms(columns: Columns, pair: PerplexityPair, configuration: Mapping[str, Any]) -> bool:
    """Say whether a loss has terms besides the cross-entropy, by the configuration or by the log."""
    settings = {key.rpartition(".")[2].lower(): value for key, value in configuration.items()}
    if any(settings.get(key) for key in SMOOTHING):
        return True
    for name in columns:
        if name not in pair.losses and OTHER_LOSSES.intersection(words_of(name)):
            return True
    return False


def _columns_of(results: tuple[EvaluationResult, ...]) -> dict[str, dict[str, Series]]:
    """Return the results of each file and model as columns of one row, but those that stand there twice."""
    tables: dict[tuple[Path, str, str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        if result.value is not None and not result.partial and not result.error:
            table = tables[result.source, result.model, result.checkpoint, result.data]
            table[result.metric].append(result.value)
    columns: dict[str, dict[str, Series]] = {}
    for number, ((source, model, *_), table) in enumerate(tables.items(), start=1):
        where = source.name
        if model:
            where = f"{source.name}, {model}"
        if where in columns:
            where = f"{where} ({number})"
        columns[where] = _single_row(table)
    return columns


def _single_row(table: Mapping[str, list[float]]) -> dict[str, Series]:
    """Return each metric that has one value, as a column of one row."""
    step = np.zeros(1, dtype=np.int64)
    return {name: Series(step, np.array(values)) for name, values in table.items() if len(values) == 1}


def _at_common_steps(columns: Columns, names: tuple[str, ...]) -> tuple[NDArray[np.int64], list[Array]]:
    """Return metrics at the steps where all are finite."""
    steps = np.asarray(columns[names[0]].steps)
    for name in names[1:]:
        steps = np.intersect1d(steps, columns[name].steps)
    values = []
    for name in names:
        places = np.searchsorted(columns[name].steps, steps)
        values.append(np.asarray(columns[name].values, dtype=np.float64)[places])
    finite = np.isfinite(np.stack(values)).all(axis=0)
    return steps[finite], [column[finite] for column in values]


def _scale(*shares: Array) -> float | None:
    """Return 1 where shares are fractions, 100 where they are percent, and None where they are mixed."""
    if not len(shares[0]) or np.min(shares) < 0:
        return None
    largest = np.max(shares, axis=1)
    if (largest > LEAST_PERCENT).all():
        return PERCENT if largest.max() <= PERCENT else None
    if (largest > LEAST_PERCENT).any() or largest.max() > 1:
        return None
    return 1.0


def _worst(excess: Array) -> int | None:
    """Return where a bound fails most; None where it fails at fewer than half of the steps."""
    if not len(excess) or np.mean(excess > 0) < OFTEN:
        return None
    return int(np.argmax(excess))


def _contradiction(
    names: tuple[str, ...], words: str, reason: str, *, steps: NDArray[np.int64], excess: Array, worst: int
) -> Contradiction:
    return Contradiction(
        names=tuple(names),
        words=words,
        reason=reason,
        step=int(steps[worst]),
        share=float(np.mean(excess > 0)),
        of=len(excess),
        beyond=float(excess[worst]),
    )


def _finding(cases: list[tuple[Place, Contradiction]]) -> Finding:
    place, worst = max(cases, key=lambda case: case[1].beyond)
    where = f"in {place.words}"
    if place.label:
        percent = 100 * worst.share
        where = f"at step {worst.step} of {place.words} ({percent:.3g}% of {worst.of} common steps)"
    statement = f"{place.group}: {worst.words} {where}: {worst.reason}."
    places = list(dict.fromkeys(other.words for other, _ in cases))
    if len(places) > 1:
        statement += f" Likewise in {listed(places)}."
    evidence: Evidence = {
        "group": place.group,
        "metrics": ", ".join(worst.names),
        "step": worst.step,
        "share": worst.share,
        "steps": worst.of,
        "beyond": worst.beyond,
        "places": len(places),
    }
    labels = dict.fromkeys(other.label for other, _ in cases)
    return Finding(
        rule="contradictory_metrics",
        severity="warning" if worst.is_certain else "note",
        statement=statement,
        evidence=evidence,
        advice=f"Look at where {' and '.join(worst.names[:2])} are computed before either is reported.",
        runs=tuple(filter(None, labels)),
    )


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
        "batches, which lies above exp(loss); a loss in bits; a perplexity per word next to a loss per "
        "token; accuracies of the classes 1 and 5."
    ),
    example="val_f1 0.95 next to a val_precision of 0.80 and a val_recall of 0.70, which allow 0.5 to 0.747.",
)

"""Results that are no better than a predictor without training.

A task says what such predictors reach on its data (``Task.references``). Only results whose data are known
are looked at.

- A group of runs is judged by the mean over its complete seeds of the evaluations of the last tenth of
  training, against predictors that were fitted on the same data.
- An evaluation (``Study.evaluations``, or at the end of a training) is compared with what its task says of
  the data that it used.

Within 2 standard errors or 1% of a reference, or worse than it, a result is no better than that reference;
the least of the references that it fails to beat is named.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag import tasks
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.task import Metric, Reference, References, Task

ALIKE = 0.01  # a share of the reference
FEWEST_BATCHES = 10  # of a running value


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group, and for each experiment's evaluations, that beat not all references."""
    for name in tasks.names():
        task = tasks.load(name)
        yield from _of_groups(study, task)
        yield from _of_evaluations(study, task)


def _of_groups(study: Study, task: Task) -> Iterator[Finding]:
    groups: dict[tuple[str, References], list[Run]] = defaultdict(list)
    for run in study.runs:
        if not run.ending.may_be_complete or not math.isfinite(_end(run, task.metric)):
            continue
        if references := task.references(run.configuration or {}, None):
            groups[run.group, references].append(run)
    for (group, references), runs in groups.items():
        ends = np.array([_end(run, task.metric) for run in runs])
        failed = not_beaten(float(ends.mean()), references, task.metric)
        if failed:
            finding = _finding(group, ends, failed[0], references, task.metric)
            yield replace(finding, runs=tuple(run.label for run in runs))


def _of_evaluations(study: Study, task: Task) -> Iterator[Finding]:
    """Yield a finding for evaluations of one experiment that fail at the same reference of the same data."""
    failures: dict[tuple[str, References, Reference], list[EvaluationResult]] = defaultdict(list)
    for group, keys, result in _evaluated(study, task.metric):
        references = task.references(keys, result)
        if references is None or result.value is None or not math.isfinite(result.value):
            continue
        if failed := not_beaten(result.value, references, task.metric):
            failures[group, references, failed[0]].append(result)
    for (group, references, failed_at), results in failures.items():
        yield _finding_of_evaluations(group, references, failed_at, results, task.metric)


def _evaluated(study: Study, metric: Metric) -> Iterator[tuple[str, Mapping[str, Any], EvaluationResult]]:
    """Yield each result of a metric that a reference may apply to, with its group and configuration."""
    owners = [(a.experiment, a.configuration, a.results) for a in study.evaluations]
    owners += [(run.group, run.configuration, run.results) for run in study.runs]
    for group, configuration, results in owners:
        for result in results:
            enough = result.batches is None or result.batches >= FEWEST_BATCHES
            if result.measure == metric.measure and not result.unit and enough:
                yield group, configuration or {}, result


def not_beaten(value: float, references: References, metric: Metric) -> list[Reference]:
    """Return the references that a value is no better than, the least demanding first."""
    values = references.values
    return [reference for reference in values if not metric.is_better(value, _bar(reference, metric))]


def _finding(
    group: str, ends: NDArray[np.float64], failed: Reference, references: References, metric: Metric
) -> Finding:
    spread = "1 seed" if len(ends) == 1 else f"{len(ends)} seeds, {ends.min():.4g} to {ends.max():.4g}"
    statement = (
        f"{group}: ends at a {metric.title} of {ends.mean():.4g} ({spread}), "
        f"no better than {failed.title}. On these data: {_in_words(references)}."
    )
    evidence: Evidence = {
        "group": group,
        metric.measure: float(ends.mean()),
        "runs": len(ends),
        "floor": failed.name,
    }
    evidence |= _evidence_of(references, metric)
    evidence |= {"standard_error_of_floor": failed.standard_error}
    advice = f"See the whole ladder, on a checkpoint: ired-diag probe floor {group}"
    return Finding("trivial_floor", "error", statement, evidence, advice)


def _finding_of_evaluations(
    group: str, references: References, failed: Reference, results: list[EvaluationResult], metric: Metric
) -> Finding:
    title = metric.measure.upper()
    models = listed(f"{result.model or 'a model'} {_in_one(result, title)}" for result in results)
    fitted = f", fitted {references.fitted}," if references.fitted else ""
    statement = (
        f"{group}: evaluated {references.where}, {models}: "
        f"no better than {failed.title} ({failed.value:.3g}). "
        f"On these data predictors without a network{fitted} have an {title} of: {_in_words(references)}."
    )
    advice = "See the whole ladder, on the checkpoint: ired-diag probe floor CHECKPOINT"
    if failed.name == "zero":
        statement += " Weights that were not loaded give that, and models that diverged or hardly trained."
        advice = (
            "See whether the checkpoint holds weights, and evaluate it: ired-diag probe accuracy CHECKPOINT"
        )
    worst = max(results, key=lambda result: -metric.sign * (result.value or 0.0))
    evidence: Evidence = {
        "group": group,
        "evaluations": len(results),
        metric.measure: worst.value,
        "model": worst.model,
        **dict(references.facts),
        "partial": worst.partial,
        "floor": failed.name,
    }
    evidence |= _evidence_of(references, metric)
    evidence |= {"standard_error_of_floor": failed.standard_error}
    return Finding("trivial_floor", "error", statement, evidence, advice)


def _in_one(result: EvaluationResult, title: str) -> str:
    spread = "" if result.spread is None else f" ± {result.spread:.3g}"
    so_far = f" so far (batch {result.batches})" if result.partial else ""
    return f"has an {title} of {result.value:.4g}{spread}{so_far} ({result.where})"


def _in_words(references: References) -> str:
    return ", ".join(f"{reference.title} {reference.value:.3g}" for reference in references.values)


def _evidence_of(references: References, metric: Metric) -> Evidence:
    return {f"{metric.measure}_{reference.name}": reference.value for reference in references.values}


def _bar(reference: Reference, metric: Metric) -> float:
    """Return what a result must be better than to beat a reference."""
    margin = max(2 * reference.standard_error, ALIKE * abs(reference.value))
    return reference.value + metric.sign * margin


def _end(run: Run, metric: Metric) -> float:
    """Return the mean of the last tenth of a run's evaluations."""
    series = run.history.series.get(metric.name)
    lower_is_better = run.direction_of(metric.name).lower_is_better
    if series is None or not len(series.values) or lower_is_better is metric.higher_is_better:
        return math.nan
    values = np.asarray(series.values, dtype=np.float64)
    with np.errstate(invalid="ignore", over="ignore"):  # of infinities of both signs: NaN, and not judged
        return float(values[-max(1, len(values) // 10) :].mean())


RULE = Rule(
    "trivial_floor",
    "Is the result better than a predictor without a network?",
    find,
    consequence="conclusion",
    refuted_by=(
        "The result on the same data with a predictor that was fitted there: if the network is better, "
        "the data were taken for others."
    ),
    near_miss=(
        "A result 2% better than linear regression; an evaluation out of distribution, compared with "
        "predictors fitted out of distribution."
    ),
    example=("validation/mse ends at 0.0097; linear regression from A to its inverse has 0.0095."),
)

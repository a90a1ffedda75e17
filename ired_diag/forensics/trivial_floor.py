"""Results that are no better than a predictor without training.

A task says what such predictors reach on its data (``Task.references``). Only results whose data are known
are looked at.

- A group of runs is judged by the mean over its complete seeds of the evaluations of the last tenth of
  training, against predictors that were fitted on the same data. Seeds that diverged or regressed are left
  out where others did not: their curves say what happened (``curve_shape``), and one of them is enough to
  put the mean of good seeds above a floor. So is one that never came down: the median is to fail as well.
- An evaluation (``Study.evaluations``, or at the end of a training) is compared with what its task says of
  the data that it used.

Within 2 standard errors or 1% of a reference, or worse than it, a result is no better than that reference;
the least of the references that it fails to beat is named.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ired_diag import tasks
from ired_diag.curves.shape import shape_of
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, labels_of, listed
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.owned_results import owned_results
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.task import Metric, Reference, References, Task

ALIKE = 0.01  # a share of the reference
FEWEST_BATCHES = 10  # of a running value


@dataclass(frozen=True)
class Floor:
    """A reference that a result does not beat.

    Attributes:
        references: All references of the data.
        failed: The least demanding one that is not beaten.
        metric: The metric that they are compared by.
    """

    references: References
    failed: Reference
    metric: Metric


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group, and for each experiment's evaluations, that beat not all references."""
    for name in tasks.names():
        task = tasks.load(name)
        yield from _of_groups(study, task)
        yield from _of_evaluations(study, task)


def _of_groups(study: Study, task: Task) -> Iterator[Finding]:
    """Yield a finding for each group whose runs end, on average, no better than a reference."""
    groups: dict[tuple[str, References], list[Run]] = defaultdict(list)
    for run in study.runs:
        if not run.ending.may_be_complete or not math.isfinite(_end(run, task.metric)):
            continue
        references = task.references(run.configuration or {}, None)
        if references:
            groups[run.group, references].append(run)
    for (group, references), runs in groups.items():
        judged = [run for run in runs if not _rises(run, task.metric)] or runs
        ends = np.array([_end(run, task.metric) for run in judged])
        failed = not_beaten(float(ends.mean()), references, task.metric)
        of_middle = not_beaten(float(np.median(ends)), references, task.metric)
        failed = [reference for reference in failed if reference in of_middle]
        if failed:
            floor = Floor(references=references, failed=failed[0], metric=task.metric)
            finding = _finding(group, ends, floor, left_out=len(runs) - len(judged))
            yield replace(finding, runs=labels_of(judged))


def _rises(run: Run, metric: Metric) -> bool:
    """Say whether a run ends where it is worse than before, as its curve says."""
    series = run.history.series[metric.name]
    shape = shape_of(series.steps, series.values, lower_is_better=not metric.higher_is_better)
    return shape.word in ("diverged", "regressed")


def _of_evaluations(study: Study, task: Task) -> Iterator[Finding]:
    """Yield a finding for evaluations of one experiment that fail at the same reference of the same data."""
    failures: dict[tuple[str, References, Reference], list[EvaluationResult]] = defaultdict(list)
    for owned in owned_results(study):
        result = owned.result
        if not _is_comparable(result, task.metric):
            continue
        references = task.references(owned.configuration, result)
        if references is None or result.value is None or not math.isfinite(result.value):
            continue
        failed = not_beaten(result.value, references, task.metric)
        if failed:
            failures[owned.group, references, failed[0]].append(result)
    for (group, references, failed_at), results in failures.items():
        floor = Floor(references=references, failed=failed_at, metric=task.metric)
        yield _finding_of_evaluations(group, results, floor)


def _is_comparable(result: EvaluationResult, metric: Metric) -> bool:
    """Say whether a result is of the metric that the references are of, and over enough batches."""
    is_long_enough = result.batches is None or result.batches >= FEWEST_BATCHES
    return is_long_enough and result.measure == metric.measure and not result.unit


def not_beaten(value: float, references: References, metric: Metric) -> list[Reference]:
    """Return the references that a value does not beat, the easiest first."""
    failed = []
    for reference in references.values:
        if not metric.is_better(value, _bar(reference, metric)):
            failed.append(reference)
    return failed


def _finding(group: str, ends: NDArray[np.float64], floor: Floor, *, left_out: int) -> Finding:
    metric = floor.metric
    mean = float(ends.mean())
    spread = "1 seed"
    if len(ends) > 1:
        spread = f"{len(ends)} seeds, {ends.min():.4g} to {ends.max():.4g}"
    if left_out:
        spread += f", without {left_out} that ended worse than before"
    statement = (
        f"{group}: ends at a {metric.title} of {mean:.4g} ({spread}), "
        f"no better than {floor.failed.title}. On these data: {_in_words(floor.references)}."
    )
    evidence: Evidence = {
        "group": group,
        metric.measure: mean,
        "runs": len(ends),
        **_evidence_of(floor),
    }
    return Finding(
        rule="trivial_floor",
        severity="error",
        statement=statement,
        evidence=evidence,
        advice=f"See the whole ladder, on a checkpoint: ired-diag probe floor {group}",
    )


def _finding_of_evaluations(group: str, results: list[EvaluationResult], floor: Floor) -> Finding:
    metric, references, failed = floor.metric, floor.references, floor.failed
    title = metric.measure.upper()
    models = listed(_result_in_words(result, title) for result in results)
    fitted = ""
    if references.fitted:
        fitted = f", fitted {references.fitted},"
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
        **_evidence_of(floor),
    }
    return Finding(
        rule="trivial_floor",
        severity="error",
        statement=statement,
        evidence=evidence,
        advice=advice,
    )


def _result_in_words(result: EvaluationResult, title: str) -> str:
    """Return what an evaluation gave: the model, its value, and where that stands."""
    value = f"{result.value:.4g}"
    if result.spread is not None:
        value += f" ± {result.spread:.3g}"
    if result.partial:
        value += f" so far (batch {result.batches})"
    return f"{result.model or 'a model'} has an {title} of {value} ({result.where})"


def _in_words(references: References) -> str:
    return ", ".join(f"{reference.title} {reference.value:.3g}" for reference in references.values)


def _evidence_of(floor: Floor) -> Evidence:
    evidence: Evidence = {"floor": floor.failed.name}
    for reference in floor.references.values:
        evidence[f"{floor.metric.measure}_{reference.name}"] = reference.value
    evidence["standard_error_of_floor"] = floor.failed.standard_error
    return evidence


def _bar(reference: Reference, metric: Metric) -> float:
    """Return what a result must be better than to beat a reference."""
    margin = max(2 * reference.standard_error, ALIKE * abs(reference.value))
    return reference.value + metric.sign * margin


def _end(run: Run, metric: Metric) -> float:
    """Return the mean of the last tenth of a run's evaluations."""
    series = run.history.series.get(metric.name)
    if series is None or not len(series.values):
        return math.nan
    lower_is_better = run.direction_of(metric.name).lower_is_better
    if lower_is_better is metric.higher_is_better:
        return math.nan
    values = np.asarray(series.values, dtype=np.float64)
    tenth = max(1, len(values) // 10)
    with np.errstate(invalid="ignore", over="ignore"):  # of infinities of both signs: NaN, and not judged
        return float(values[-tenth:].mean())


RULE = Rule(
    name="trivial_floor",
    question="Is the result better than a predictor without a network?",
    find=find,
    consequence="conclusion",
    refuted_by=(
        "The result on the same data with a predictor that was fitted there: if the network is better, "
        "the data were taken for others."
    ),
    near_miss=(
        "A result 2% better than linear regression; an evaluation out of distribution, compared with "
        "predictors fitted out of distribution; five seeds of which one diverged, while four beat the floor."
    ),
    example=("validation/mse ends at 0.0097; linear regression from A to its inverse has 0.0095."),
)

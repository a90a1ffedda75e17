"""Results that are no better than a predictor without a network.

Of matrix inversion the data can be simulated, and what zero, the mean inverse and linear regression reach is
known to a fraction of a percent (``stats.inverse_floors``). Only results whose data are known are looked at.

- Of a run: its configuration tells rank, ood, mining strategy and diffusion steps together. A group is
  judged by the mean over its complete seeds of the evaluations of the last tenth of training, against
  predictors that were fitted on the same data.
- Of an evaluation (``Study.evaluations``, or at the end of a training): its configuration or its log tells
  rank, data set and whether the data are out of distribution. The model is taken to be trained in
  distribution, and so are the predictors that it is compared with.

Within 2 standard errors or 1% of a floor, or above it, a result is no better than that floor; the least of
the floors that it fails to beat is named.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.inverse.simulated_floors import Floor, inverse_floors

TOLD = ("rank", "ood", "mining_strategy", "diffusion_steps")
TITLES = {"zero": "answering zero", "mean_inverse": "the mean inverse", "linear": "linear regression"}
GRAM_WEIGHTS = {"ired": 2.0, "inverse": 2.0, "design": 1.0}  # w by data set; the public code says "inverse"
IN_DISTRIBUTION, OUT_OF_DISTRIBUTION = 0.5, 0.1  # ε
MSE = "validation/mse"  # the floors are of this and no other
ALIKE = 0.01  # a share of the floor
LARGEST = 200  # rows: larger ones take too long to simulate
FEWEST_BATCHES = 10  # of a running value

Data = tuple[int, float, float]  # rank, ε, w


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group, and for each experiment's evaluations, that beat not all floors."""
    groups: dict[tuple[str, Data], list[Run]] = defaultdict(list)
    for run in study.runs:
        data = matrices_of(run)
        if data is not None and run.ending.may_be_complete and math.isfinite(_end(run)):
            groups[run.group, data].append(run)
    for (group, data), runs in groups.items():
        ends = np.array([_end(run) for run in runs])
        floors = floors_of(data)
        failed = [floor for floor in floors if ends.mean() >= _bar(floor)]
        if failed:
            finding = _finding(group, ends, failed[0], floors)
            yield replace(finding, runs=tuple(run.label for run in runs))
    yield from _of_evaluations(study)


def _of_evaluations(study: Study) -> Iterator[Finding]:
    """Yield a finding for the evaluations of one experiment that fail at the same floor of the same data."""
    failures: dict[tuple[str, Data, Floor], list[EvaluationResult]] = defaultdict(list)
    for group, configuration, result in _evaluated(study):
        data = matrices_of_evaluation(result, configuration)
        if data is None or result.value is None or not math.isfinite(result.value):
            continue
        failed = [floor for floor in evaluation_floors(data) if result.value >= _bar(floor)]
        if failed:
            failures[group, data, failed[0]].append(result)
    for (group, data, floor), results in failures.items():
        yield _finding_of_evaluations(group, data, floor, results)


def _evaluated(study: Study) -> Iterator[tuple[str, Mapping[str, Any], EvaluationResult]]:
    """Yield each result that a floor applies to, with its group and the configuration."""
    owners = [(a.experiment, a.configuration, a.results) for a in study.evaluations]
    owners += [(run.group, run.configuration, run.results) for run in study.runs]
    for group, configuration, results in owners:
        for result in results:
            enough = result.batches is None or result.batches >= FEWEST_BATCHES
            if result.measure == "mse" and not result.unit and enough:
                yield group, configuration or {}, result


def _finding(group: str, ends: NDArray[np.float64], failed: Floor, floors: tuple[Floor, ...]) -> Finding:
    spread = "1 seed" if len(ends) == 1 else f"{len(ends)} seeds, {ends.min():.4g} to {ends.max():.4g}"
    statement = (
        f"{group}: ends at a validation MSE of {ends.mean():.4g} ({spread}), "
        f"no better than {TITLES[failed.name]}. On these data: {_in_words(floors)}."
    )
    evidence: Evidence = {"group": group, "mse": float(ends.mean()), "runs": len(ends), "floor": failed.name}
    evidence |= {f"mse_{floor.name}": floor.mse for floor in floors}
    evidence |= {"standard_error_of_floor": failed.standard_error}
    advice = f"See the whole ladder, on a checkpoint: ired-diag probe floor {group}"
    return Finding("trivial_floor", "error", statement, evidence, advice)


def _finding_of_evaluations(
    group: str, data: Data, failed: Floor, results: list[EvaluationResult]
) -> Finding:
    floors = evaluation_floors(data)
    where = "out of distribution" if data[1] == OUT_OF_DISTRIBUTION else "in distribution"
    models = listed(f"{result.model or 'a model'} {_mse_in_words(result)}" for result in results)
    statement = (
        f"{group}: evaluated {where}, {models}: no better than {TITLES[failed.name]} ({failed.mse:.3g}). "
        "On these data predictors without a network, fitted in distribution, have an MSE of: "
        f"{_in_words(floors)}."
    )
    advice = "See the whole ladder, on the checkpoint: ired-diag probe floor CHECKPOINT"
    if failed.name == "zero":
        statement += " Weights that were not loaded give that, and models that diverged or hardly trained."
        advice = (
            "See whether the checkpoint holds weights, and evaluate it: ired-diag probe accuracy CHECKPOINT"
        )
    worst = max(results, key=lambda result: result.value or 0.0)
    evidence: Evidence = {
        "group": group,
        "evaluations": len(results),
        "mse": worst.value,
        "model": worst.model,
        "out_of_distribution": data[1] == OUT_OF_DISTRIBUTION,
        "partial": worst.partial,
        "floor": failed.name,
    }
    evidence |= {f"mse_{floor.name}": floor.mse for floor in floors}
    evidence |= {"standard_error_of_floor": failed.standard_error}
    return Finding("trivial_floor", "error", statement, evidence, advice)


def _mse_in_words(result: EvaluationResult) -> str:
    spread = "" if result.spread is None else f" ± {result.spread:.3g}"
    so_far = f" so far (batch {result.batches})" if result.partial else ""
    return f"has an MSE of {result.value:.4g}{spread}{so_far} ({result.where})"


def _in_words(floors: tuple[Floor, ...]) -> str:
    return ", ".join(f"{TITLES[floor.name]} {floor.mse:.3g}" for floor in floors)


def _bar(floor: Floor) -> float:
    """Return below what a result is better than a floor."""
    return floor.mse - max(2 * floor.standard_error, ALIKE * floor.mse)


def floors_of(data: Data) -> tuple[Floor, ...]:
    """Return the floors of some matrices, fitted on the same, the best last."""
    rank, epsilon, weight = data
    return inverse_floors(rank, epsilon=epsilon, weight=weight)


def evaluation_floors(data: Data) -> tuple[Floor, ...]:
    """Return the floors of some matrices, fitted in distribution, the best last."""
    rank, epsilon, weight = data
    return inverse_floors(rank, epsilon=epsilon, weight=weight, fitted_epsilon=IN_DISTRIBUTION)


def matrices_of(run: Run) -> Data | None:
    """Return which matrices a run inverts, where its configuration tells."""
    told = run.configuration or {}
    if not all(key in told for key in TOLD):
        return None
    return _data(told.get("rank"), bool(told["ood"]), told.get("dataset", "ired"))


def matrices_of_evaluation(result: EvaluationResult, configuration: Mapping[str, Any]) -> Data | None:
    """Return which matrices a model was evaluated on, where its log or configuration tells."""
    known = all(key in configuration for key in TOLD)  # the study's own: it names its data set nowhere else
    dataset = result.dataset or configuration.get("dataset") or ("ired" if known else None)
    rank = configuration.get("rank") if result.rank is None else result.rank
    ood = configuration.get("ood") if result.ood is None else result.ood
    return None if not isinstance(ood, bool) else _data(rank, ood, dataset)


def _data(rank: object, ood: bool, dataset: object) -> Data | None:
    whole = isinstance(rank, int) and not isinstance(rank, bool) and 1 <= rank <= LARGEST
    if not whole or not isinstance(dataset, str) or dataset not in GRAM_WEIGHTS:
        return None
    return int(str(rank)), OUT_OF_DISTRIBUTION if ood else IN_DISTRIBUTION, GRAM_WEIGHTS[dataset]


def _end(run: Run) -> float:
    """Return the mean of the last tenth of a run's evaluations."""
    series = run.history.series.get(MSE)
    if series is None or not len(series.values) or not run.direction_of(MSE).lower_is_better:
        return math.nan
    values = np.asarray(series.values, dtype=np.float64)
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

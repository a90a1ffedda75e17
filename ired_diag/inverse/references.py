"""What predictors without a network reach on matrices, where a configuration or a log states the data.

The data of matrix inversion can be simulated, and what zero, the mean inverse and linear regression reach is
known to a fraction of a percent (``simulated_floors``). Only results whose data are known are compared.

- Of a run: its configuration states rank, ood, mining strategy and diffusion steps together. The predictors
  are fitted on the same data.
- Of an evaluation: its configuration or its log states rank, data set and whether the data are out of
  distribution. The model is taken to be trained in distribution, and so are the predictors that it is
  compared with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ired_diag.inverse.simulated_floors import Floor, inverse_floors
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.task import Reference, References

TITLES = {"zero": "answering zero", "mean_inverse": "the mean inverse", "linear": "linear regression"}
STATED = ("rank", "ood", "mining_strategy", "diffusion_steps")  # together they are the study's
GRAM_WEIGHTS = {"ired": 2.0, "inverse": 2.0, "design": 1.0}  # by data set; the public code says "inverse"
IN_DISTRIBUTION, OUT_OF_DISTRIBUTION = 0.5, 0.1  # epsilon
LARGEST = 200  # rows: larger ones take too long to simulate

Data = tuple[int, float, float]  # rank, epsilon, weight of R R'


def references_of(keys: Mapping[str, Any], evaluation: EvaluationResult | None = None) -> References | None:
    """Return what predictors without a network reach; None where the data are unknown.

    Args:
        keys: The configuration of a run, or of an evaluation.
        evaluation: The result that is compared; None: the end of a run's training.
    """
    if evaluation is None:
        return _references_of_run(keys)
    data = data_of_evaluation(evaluation, keys)
    if data is None:
        return None
    rank, epsilon, weight = data
    floors = inverse_floors(
        rank,
        epsilon=epsilon,
        weight=weight,
        fitted_epsilon=IN_DISTRIBUTION,
    )
    away = epsilon == OUT_OF_DISTRIBUTION
    return References(
        _as_references(floors),
        where="out of distribution" if away else "in distribution",
        fitted="in distribution",
        facts=(("out_of_distribution", away),),
    )


def _references_of_run(keys: Mapping[str, Any]) -> References | None:
    data = data_of_run(keys)
    if data is None:
        return None
    rank, epsilon, weight = data
    floors = inverse_floors(rank, epsilon=epsilon, weight=weight)
    return References(_as_references(floors))


def is_of_study(keys: Mapping[str, Any]) -> bool:
    """Say whether a configuration states what those of the study state together."""
    return all(key in keys for key in STATED)


def answer_size(keys: Mapping[str, Any]) -> int | None:
    """Return how many entries the inverse of a matrix has; None where the matrices are unknown."""
    data = data_of_run(keys)
    if data is None:
        return None
    rank, _, _ = data
    return rank**2


def data_of_run(keys: Mapping[str, Any]) -> Data | None:
    """Return which matrices a run inverts, where its configuration says so."""
    if not is_of_study(keys):
        return None
    return _data(keys.get("rank"), bool(keys["ood"]), keys.get("dataset", "ired"))


def data_of_evaluation(result: EvaluationResult, keys: Mapping[str, Any]) -> Data | None:
    """Return which matrices a model was evaluated on, where its log or configuration says so."""
    dataset = result.dataset or keys.get("dataset")
    # The study's own configurations name their data set nowhere.
    if not dataset and is_of_study(keys):
        dataset = "ired"
    rank = result.rank
    if rank is None:
        rank = keys.get("rank")
    ood = result.ood
    if ood is None:
        ood = keys.get("ood")
    if not isinstance(ood, bool):
        return None
    return _data(rank, ood, dataset)


def _data(rank: object, ood: bool, dataset: object) -> Data | None:
    if not isinstance(rank, int) or isinstance(rank, bool):
        return None
    if not 1 <= rank <= LARGEST:
        return None
    if not isinstance(dataset, str) or dataset not in GRAM_WEIGHTS:
        return None
    epsilon = OUT_OF_DISTRIBUTION if ood else IN_DISTRIBUTION
    return rank, epsilon, GRAM_WEIGHTS[dataset]


def _as_references(floors: tuple[Floor, ...]) -> tuple[Reference, ...]:
    references = []
    for floor in floors:
        title = TITLES[floor.name]
        references.append(Reference(floor.name, title, floor.mse, floor.standard_error))
    return tuple(references)

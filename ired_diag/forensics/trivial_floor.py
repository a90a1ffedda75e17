"""Runs that end no better than a predictor without a network.

Of matrix inversion the data can be simulated, and what zero, the mean inverse and linear regression reach is
known to a fraction of a percent (``stats.inverse_floors``). Only configurations that tell such a problem are
looked at: rank, ood, mining strategy and diffusion steps together. A group is judged by the mean over its
complete seeds of the evaluations of the last tenth of training. Within 2 standard errors or 1% of a floor, or
above it, it is no better than that floor; the least of the floors that it fails to beat is named.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.stats.inverse_floors import Floor, inverse_floors

TOLD = ("rank", "ood", "mining_strategy", "diffusion_steps")
TITLES = {"zero": "answering zero", "mean_inverse": "the mean inverse", "linear": "linear regression"}
MSE = "validation/mse"  # the floors are of this and no other
ALIKE = 0.01  # a share of the floor
LARGEST = 200  # rows: larger ones take too long to simulate

Data = tuple[int, float, float]  # rank, ε, w


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group that beats not all floors."""
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
            yield _finding(group, ends, failed[0], floors)


def _finding(group: str, ends: NDArray[np.float64], failed: Floor, floors: tuple[Floor, ...]) -> Finding:
    told = ", ".join(f"{TITLES[floor.name]} {floor.mse:.3g}" for floor in floors)
    seeds = "1 seed" if len(ends) == 1 else f"{len(ends)} seeds"
    statement = (
        f"{group}: ends at a validation MSE of {ends.mean():.4g} ({seeds}, {ends.min():.4g} to "
        f"{ends.max():.4g}), no better than {TITLES[failed.name]}. On these data: {told}."
    )
    evidence: Evidence = {"group": group, "mse": float(ends.mean()), "runs": len(ends), "floor": failed.name}
    evidence |= {f"mse_{floor.name}": floor.mse for floor in floors}
    evidence |= {"standard_error_of_floor": failed.standard_error}
    advice = f"See the whole ladder, on a checkpoint: ired-diag probe floor {group}"
    return Finding("trivial_floor", "error", statement, evidence, advice)


def _bar(floor: Floor) -> float:
    """Return below what a result is better than a floor."""
    return floor.mse - max(2 * floor.standard_error, ALIKE * floor.mse)


def floors_of(data: Data) -> tuple[Floor, ...]:
    """Return the floors of some matrices, the best last."""
    rank, epsilon, weight = data
    return inverse_floors(rank, epsilon=epsilon, weight=weight)


def matrices_of(run: Run) -> Data | None:
    """Return which matrices a run inverts, where its configuration tells."""
    told = run.configuration or {}
    rank, name = told.get("rank"), told.get("dataset", "ired")
    whole = isinstance(rank, int) and not isinstance(rank, bool) and 1 <= rank <= LARGEST
    if not whole or not all(key in told for key in TOLD) or name not in ("ired", "design"):
        return None
    return int(rank or 0), 0.1 if told["ood"] else 0.5, 2.0 if name == "ired" else 1.0


def _end(run: Run) -> float:
    """Return the mean of the last tenth of a run's evaluations."""
    series = run.history.series.get(MSE)
    if series is None or not len(series.values) or not run.direction_of(MSE).lower_is_better:
        return math.nan
    values = np.asarray(series.values, dtype=np.float64)
    return float(values[-max(1, len(values) // 10) :].mean())


RULE = Rule("trivial_floor", "Is the result better than a predictor without a network?", find)

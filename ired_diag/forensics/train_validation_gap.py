"""Train and validation errors an order of magnitude apart: suspect how they are computed before the model.

Where each training batch is drawn fresh there is no set to be over-fitted, so that a large gap means that two
programs compute the two: in the study a fork divided the gradient by the batch size, 2048 in training and 256
in validation, so that the sampler took steps eight times too long. Where the training set is fixed a gap may
be over-fitting, and logs cannot tell; the finding says so. A training error far above that of validation is
no over-fitting in either case. It takes the medians over the second half.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.evaluation_metric import training_metric
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

FACTOR = 10.0
FEWEST = 6  # evaluations


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group in which validation is far above training, or far below."""
    groups: dict[tuple[str, bool], list[tuple[Run, float]]] = defaultdict(list)
    for run in study.runs:
        ratio = _ratio(run)
        if ratio >= FACTOR or 0 < ratio <= 1 / FACTOR:
            groups[run.group, ratio > 1].append((run, ratio))
    for (group, above), found in groups.items():
        ratios = [ratio for _, ratio in found]
        statement = (
            f"{group}: the validation error is {np.median(ratios):.3g} times the training error over the "
            f"second half of training ({listed(run.seed_label for run, _ in found)}). "
        ) + (
            "Where each batch is fresh data that cannot be over-fitting: the two then compute something "
            "different."
            if above
            else "The two compute something different, or something is on in training alone, such as dropout."
        )
        evidence: Evidence = {"group": group, "runs": len(found), "median_ratio": float(np.median(ratios))}
        advice = (
            "Look for what depends on the batch size, and check a checkpoint with: "
            f"ired-diag probe invariance {group}"
        )
        yield Finding("train_validation_gap", "warning", statement, evidence, advice)


def _ratio(run: Run) -> float:
    """Return the median validation error over the median training error; 0 where either is unknown.

    Ratios are of errors: where a higher value is better, as of an accuracy or a return, there is none.
    """
    if run.evaluated is None or not run.lower_is_better:
        return 0.0
    twin = training_metric(run.evaluated[0], run.history.series)
    if twin is None:
        return 0.0
    above, below = _late_median(run.evaluated[1]), _late_median(run.history.series[twin])
    return above / below if below > 0 else 0.0


def _late_median(series: Series) -> float:
    half = series.values[len(series) // 2 :]
    finite = half[np.isfinite(half)]
    return float(np.median(finite)) if len(series) >= FEWEST and len(finite) else math.nan


RULE = Rule("train_validation_gap", "Do training and validation measure the same thing?", find)

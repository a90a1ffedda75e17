"""Train and validation errors an order of magnitude apart: suspect how they are computed before the model.

Where each training batch is drawn fresh there is no set to be over-fitted, so that a large gap means that two
programs compute the two: in the study a fork divided the gradient by the batch size, 2048 in training and 256
in validation, so that the sampler took steps eight times too long. Where the training set is fixed a gap may
be over-fitting, and logs cannot tell; the finding says so. It takes the medians over the second half.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from ired_diag.finding import Finding
from ired_diag.forensics.rule import METRIC, Evidence, Rule, listed
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

TRAIN = "train/mse_error"
FACTOR = 10.0
FEWEST = 6  # evaluations


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group in which validation is far above training."""
    groups: dict[str, list[tuple[Run, float]]] = defaultdict(list)
    for run in study.runs:
        if (ratio := _ratio(run)) >= FACTOR:
            groups[run.group].append((run, ratio))
    for group, found in groups.items():
        ratios = [ratio for _, ratio in found]
        statement = (
            f"{group}: the validation error is {np.median(ratios):.3g} times the training error over the "
            f"second half of training ({listed(run.seed_label for run, _ in found)}). Where each batch is "
            "fresh data that cannot be over-fitting: the two then compute something different."
        )
        evidence: Evidence = {"group": group, "runs": len(found), "median_ratio": float(np.median(ratios))}
        advice = (
            "Look for what depends on the batch size, and check a checkpoint with: "
            f"ired-diag probe invariance {group}"
        )
        yield Finding("train_validation_gap", "warning", statement, evidence, advice)


def _ratio(run: Run) -> float:
    """Return the median validation error over the median training error; 0 where either is not told."""
    medians = []
    for name in (METRIC, TRAIN):
        series = run.history.series.get(name)
        if series is None or len(series.values) < FEWEST:
            return 0.0
        half = np.asarray(series.values)[len(series.values) // 2 :]
        finite = half[np.isfinite(half)]
        if not len(finite):
            return 0.0
        medians.append(float(np.median(finite)))
    return medians[0] / medians[1] if medians[1] > 0 else 0.0


RULE = Rule("train_validation_gap", "Do training and validation measure the same thing?", find)

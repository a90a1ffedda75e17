"""Training and validation errors an order of magnitude apart: what that means depends on the data.

With r the validation error over the training error, late (medians over the second half) and at the first
evaluations, where little is learnt:

    data                 r at first    r late                it is
    fresh every batch    any           >= 10 or <= 1/10      two programs that compute two things (warning)
    other or unknown     about 1       >= 10, training fell  over-fitting of the training set (note)
    other or unknown     far from 1    far from 1            two different quantities (note)
    other or unknown     about 1       <= 1/10               something that is on in training alone (note)

Where each batch is drawn fresh there is no set to be over-fitted: in the study a fork divided the gradient by
the batch size, 2048 in training and 256 in validation, so that the sampler took steps eight times too long.
Of a finite training set the same curves are over-fitting, which need not hurt: whether it does is said by the
validation curve itself. A loss that is summed in training and averaged in validation is a factor apart from
the start. That data are fresh is known of matrix inversion alone, by its configuration.

Reference: Zhang et al. (2017), Understanding Deep Learning Requires Rethinking Generalization, section 2.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ired_diag import tasks
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed, with_probe
from ired_diag.runs.evaluation_metric import training_metric
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

FACTOR = 10.0
GROWN = 3.0  # from the first evaluations on
FALLEN = 0.5  # of the first training error
FEWEST = 6  # evaluations

Kind = Literal["mismatch", "over_fitting", "other_quantity", "below"]


@dataclass(frozen=True)
class Gap:
    """How far a run's validation error is from its training error.

    Attributes:
        run: The run.
        early: Their ratio at the first evaluations.
        late: Their ratio over the second half of training.
        train: The training error at first, and late.
    """

    run: Run
    early: float
    late: float
    train: tuple[float, float]

    @property
    def kind(self) -> Kind | None:
        """What the gap is; None where it is small, or its beginning says nothing."""
        if not (self.late >= FACTOR or 0 < self.late <= 1 / FACTOR):
            return None
        task = tasks.recognised(self.run.configuration or {})
        if task is not None and task.draws_fresh_data:
            return "mismatch"
        if self.early >= FACTOR or 0 < self.early <= 1 / FACTOR:
            return "other_quantity"
        if self.late < 1:
            return "below" if self.early >= GROWN * self.late else None
        is_fitted = self.train[1] <= FALLEN * self.train[0]
        return "over_fitting" if is_fitted and self.late >= GROWN * self.early else None


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group in which validation is far above training, or far below."""
    groups: dict[tuple[str, Kind, bool], list[Gap]] = defaultdict(list)
    for run in study.runs:
        gap = _gap(run)
        if gap is not None and gap.kind is not None:
            groups[run.group, gap.kind, gap.late > 1].append(gap)
    for (group, kind, _), gaps in groups.items():
        yield _finding(group, kind, gaps)


def _finding(group: str, kind: Kind, gaps: Sequence[Gap]) -> Finding:
    early, late = (float(np.median([getattr(gap, name) for gap in gaps])) for name in ("early", "late"))
    evidence: Evidence = {"group": group, "kind": kind, "runs": len(gaps), "median_ratio": late}
    evidence |= {"early_ratio": early}
    labels = listed(gap.run.seed_label for gap in gaps)
    statement = (
        f"{group}: the validation error is {late:.3g} times the training error over the second half of "
    )
    statement += f"training ({labels}), {early:.3g} times at the first evaluations. "
    if kind == "mismatch":
        statement += "Each batch is fresh data, so it is not over-fitting: the two compute different things."
        advice = with_probe("Look for what depends on the batch size", "invariance", [g.run for g in gaps])
        return Finding("train_validation_gap", "warning", statement, evidence, advice)
    first, last = (float(np.median([gap.train[i] for gap in gaps])) for i in (0, 1))
    meanings = {
        "over_fitting": f"Meanwhile the training error fell from {first:.3g} to {last:.3g}: over-fitting, if "
        "the training set is finite. If each batch is fresh data, the two compute different things.",
        "other_quantity": "They are a factor apart from the start: two quantities, such as a sum and a "
        "mean. Their gap says nothing about over-fitting.",
        "below": "Something is on in training alone, such as dropout or augmentation, or the data differ.",
    }
    advices = {
        "over_fitting": "See whether the validation error itself rises; if not, the best checkpoint is safe.",
        "other_quantity": "Look at what each of them is averaged or summed over.",
        "below": "Evaluate the training data in evaluation mode.",
    }
    return Finding("train_validation_gap", "note", statement + meanings[kind], evidence, advices[kind])


def _gap(run: Run) -> Gap | None:
    """Return the gap of a run; None where either error is unknown.

    Ratios are of errors: where a higher value is better, as of an accuracy or a return, there is none.
    """
    if run.evaluated is None or not run.lower_is_better:
        return None
    metric, validation = run.evaluated
    twin = training_metric(metric, run.history.series)
    train = None if twin is None else run.history.series[twin]
    if train is None or min(len(validation), len(train)) < FEWEST:
        return None
    first, last = validation.steps[[0, 1]]
    near = train.values[(train.steps >= first) & (train.steps <= last)]
    early_train = _median(near if len(near) else train.values[:2])
    late_train = _median(train.values[len(train) // 2 :])
    early, late = _median(validation.values[:2]), _median(validation.values[len(validation) // 2 :])
    if not (early_train > 0 and late_train > 0 and early > 0 and late > 0):
        return None
    return Gap(run, early / early_train, late / late_train, (early_train, late_train))


def _median(values: NDArray[np.float64]) -> float:
    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    return float(np.median(finite)) if len(finite) else float("nan")


RULE = Rule(
    "train_validation_gap",
    "Do training and validation measure the same thing?",
    find,
    refuted_by=(
        "The same checkpoint gives the same error on the same data in both programs; or the training set is "
        "finite, and the gap grew while the training error fell: that is over-fitting."
    ),
    near_miss=(
        "A classifier on a finite set: its training loss falls to 0.0004, its test loss rests at 0.07 with "
        "98.5% accuracy, 180 times above. That is over-fitting, and not a mismatch of programs."
    ),
    example=(
        "Fresh matrices in each batch: train/mse_error 0.0098, validation/mse 2.5, at the first "
        "step 2.7 and 2.3."
    ),
)

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
the start. Whether data are fresh is said by the task (``Task.draws_fresh_data``).

Reference: Zhang et al. (2017), Understanding Deep Learning Requires Rethinking Generalization, section 2.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ired_diag import tasks
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, labels_of, runs_of, seeds_in_words, with_probe
from ired_diag.runs.evaluation_metric import training_metric
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

FACTOR = 10.0  # an order of magnitude
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
        early_train: The training error at the first evaluations.
        late_train: The training error over the second half of training.
    """

    run: Run
    early: float
    late: float
    early_train: float
    late_train: float

    @property
    def kind(self) -> Kind | None:
        """What the gap is; None where it is small, or its beginning says nothing."""
        if not _is_far_from_1(self.late):
            return None
        task = tasks.recognised(self.run.configuration or {})
        if task is not None and task.draws_fresh_data:
            return "mismatch"
        if _is_far_from_1(self.early):
            return "other_quantity"
        if self.late < 1 and self.early >= GROWN * self.late:
            return "below"
        is_fitted = self.late_train <= FALLEN * self.early_train
        if self.late > 1 and is_fitted and self.late >= GROWN * self.early:
            return "over_fitting"
        return None


def _is_far_from_1(ratio: float) -> bool:
    return ratio >= FACTOR or 0 < ratio <= 1 / FACTOR


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group in which validation is far above training, or far below."""
    groups: dict[tuple[str, Kind, bool], list[Gap]] = defaultdict(list)
    for run in study.runs:
        gap = _gap(run)
        if gap is not None and gap.kind is not None:
            is_above = gap.late > 1
            groups[run.group, gap.kind, is_above].append(gap)
    for (group, kind, _), gaps in groups.items():
        yield _finding(group, kind, gaps)


def _finding(group: str, kind: Kind, gaps: Sequence[Gap]) -> Finding:
    early, late = np.median([(gap.early, gap.late) for gap in gaps], axis=0).tolist()
    runs = runs_of(gaps)
    statement = (
        f"{group}: the validation error is {late:.3g} times the training error over the second half of "
        f"training ({seeds_in_words(runs)}), {early:.3g} times at the first evaluations. "
        f"{_meaning(kind, gaps)}"
    )
    evidence: Evidence = {
        "group": group,
        "kind": kind,
        "runs": len(gaps),
        "median_ratio": late,
        "early_ratio": early,
    }
    return Finding(
        rule="train_validation_gap",
        severity="warning" if kind == "mismatch" else "note",
        statement=statement,
        evidence=evidence,
        advice=_advice(kind, runs),
        runs=labels_of(runs),
    )


def _meaning(kind: Kind, gaps: Sequence[Gap]) -> str:
    """Return what a kind of gap means, in words."""
    if kind == "mismatch":
        return "Each batch is fresh data, so it is not over-fitting: the two compute different things."
    if kind == "other_quantity":
        return (
            "They are a factor apart from the start: two quantities, such as a sum and a "
            "mean. Their gap says nothing about over-fitting."
        )
    if kind == "below":
        return "Something is on in training alone, such as dropout or augmentation, or the data differ."
    first, last = np.median([(gap.early_train, gap.late_train) for gap in gaps], axis=0).tolist()
    return (
        f"Meanwhile the training error fell from {first:.3g} to {last:.3g}: over-fitting, if "
        "the training set is finite. If each batch is fresh data, the two compute different things."
    )


def _advice(kind: Kind, runs: Sequence[Run]) -> str:
    """Return what to look at next for a kind of gap."""
    if kind == "mismatch":
        return with_probe("Look for what depends on the batch size", "invariance", runs)
    advices = {
        "over_fitting": "See whether the validation error itself rises; if not, the best checkpoint is safe.",
        "other_quantity": "Look at what each of them is averaged or summed over.",
        "below": "Evaluate the training data in evaluation mode.",
    }
    return advices[kind]


def _gap(run: Run) -> Gap | None:
    """Return the gap of a run; None where either error is unknown.

    Ratios are of errors: where a higher value is better, as of an accuracy or a return, there is none.
    """
    if run.evaluated is None or not run.lower_is_better:
        return None
    metric, validation = run.evaluated
    twin = training_metric(metric, run.history.series)
    if twin is None:
        return None
    train = run.history.series[twin]
    if min(len(validation), len(train)) < FEWEST:
        return None
    early = _median_of_finite(validation.values[:2])
    late = _median_of_finite(_second_half(validation))
    early_train = _median_of_finite(_at_first_evaluations(train, validation))
    late_train = _median_of_finite(_second_half(train))
    if not (early_train > 0 and late_train > 0 and early > 0 and late > 0):
        return None
    return Gap(
        run=run,
        early=early / early_train,
        late=late / late_train,
        early_train=early_train,
        late_train=late_train,
    )


def _at_first_evaluations(train: Series, validation: Series) -> NDArray[np.float64]:
    """Return the training errors between the first two evaluations; the first two where none is."""
    first, second = validation.steps[[0, 1]]
    between = (train.steps >= first) & (train.steps <= second)
    values: NDArray[np.float64] = np.asarray(train.values, dtype=np.float64)
    chosen: NDArray[np.float64] = values[:2]
    if between.any():
        chosen = values[between]
    return chosen


def _second_half(series: Series) -> NDArray[np.float64]:
    half: NDArray[np.float64] = series.values[len(series) // 2 :]
    return half


def _median_of_finite(values: NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return math.nan
    return float(np.median(finite))


RULE = Rule(
    name="train_validation_gap",
    question="Do training and validation measure the same thing?",
    find=find,
    refuted_by=(
        "The same checkpoint gives the same error on the same data in both programs; or the training set is "
        "finite, and the gap grew while the training error fell: that is over-fitting."
    ),
    near_miss=(
        "A classifier on a finite set: its training loss falls to 0.0004, its test loss rests at 0.07 with "
        "98.5% accuracy, 180 times above. That is over-fitting, and not a mismatch of programs."
    ),
    example=(
        "Fresh problems in each batch: train/mse_error 0.0098, validation/mse 2.5, at the first "
        "step 2.7 and 2.3."
    ),
)

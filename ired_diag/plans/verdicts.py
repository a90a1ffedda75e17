"""Verdicts on all predictions of a plan, corrected for there being several.

The primary predictions of a plan are one family. Holm's correction is made twice over all of them: over the p
values for, and over those against. So with probability 1 - α no primary prediction is wrongly supported, and
with 1 - α none is wrongly refuted, in whatever way their tests depend on each other. A prediction that cannot
be tested yet stays in the family with p = 1: later runs do not loosen what was corrected before. Secondary
predictions are not corrected, and count towards no hypothesis.

A hypothesis is supported where all of its primary predictions are, and refuted where one of them is. Without
a primary prediction nothing is decided.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ired_diag.plans.declared import Criterion, Hypothesis, Prediction
from ired_diag.stats.multiplicity import holm

Verdict = Literal["supported", "refuted", "undecided"]
Met = Literal["met", "not met", "undecided"]


@dataclass(frozen=True)
class Corrected:
    """A verdict and the p values that it rests on.

    Attributes:
        verdict: Supported, refuted or undecided.
        p_support: P value for, corrected where the prediction is primary; NaN where nothing was tested.
        p_refute: P value against.
    """

    verdict: Verdict
    p_support: float
    p_refute: float


def verdicts_of(
    predictions: Sequence[Prediction],
    p_values: Mapping[str, tuple[float, float]],
    *,
    alpha: float,
) -> dict[str, Corrected]:
    """Return the verdict on each prediction by its id.

    Args:
        predictions: All predictions of a plan.
        p_values: P for and against by id; NaN where nothing can be said yet.
        alpha: Level of the family.
    """
    family = [prediction.id for prediction in predictions if prediction.primary]
    raw_support = []
    raw_refute = []
    for name in family:
        for_it, against_it = p_values[name]
        raw_support.append(_or_one(for_it))
        raw_refute.append(_or_one(against_it))
    support = dict(zip(family, holm(raw_support).tolist(), strict=True))
    refute = dict(zip(family, holm(raw_refute).tolist(), strict=True))
    verdicts = {}
    for prediction in predictions:
        name = prediction.id
        for_it, against_it = p_values[name]
        if math.isnan(for_it):
            verdicts[name] = Corrected("undecided", math.nan, math.nan)
            continue
        for_it = support.get(name, for_it)
        against_it = refute.get(name, against_it)
        verdict = _verdict(for_it, against_it, alpha)
        verdicts[name] = Corrected(verdict, for_it, against_it)
    return verdicts


def of_hypothesis(hypothesis: Hypothesis, verdicts: Mapping[str, Verdict]) -> Verdict:
    """Return the verdict on a hypothesis.

    Args:
        hypothesis: The hypothesis.
        verdicts: Verdict on each prediction by its id.
    """
    reached = []
    for prediction in hypothesis.predictions:
        if prediction.primary:
            reached.append(verdicts[prediction.id])
    if "refuted" in reached:
        return "refuted"
    if reached and all(verdict == "supported" for verdict in reached):
        return "supported"
    return "undecided"


def of_criterion(criterion: Criterion, verdicts: Mapping[str, Verdict]) -> Met:
    """Return whether a criterion of success is met.

    Args:
        criterion: The criterion.
        verdicts: Verdict on each prediction and hypothesis by its id.

    >>> of_criterion(Criterion(id="S", any_of=["a", "b"]), {"a": "refuted", "b": "supported"})
    'met'
    """
    names = [*criterion.all_of, *criterion.any_of]
    supported = [verdicts[name] == "supported" for name in names]
    refuted = [verdicts[name] == "refuted" for name in names]
    if criterion.all_of:
        is_met, is_missed = all(supported), any(refuted)
    else:
        is_met, is_missed = any(supported), all(refuted)
    if is_met:
        return "met"
    return "not met" if is_missed else "undecided"


def _or_one(p: float) -> float:
    return 1.0 if math.isnan(p) else p


def _verdict(support: float, refute: float, alpha: float) -> Verdict:
    if support <= alpha:
        return "supported"
    if refute <= alpha:
        return "refuted"
    return "undecided"

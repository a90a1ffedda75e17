"""Does a validation loss rise because the model over-fits, and not because training broke down?

In both cases the validation loss ends above its best. The training loss tells them apart: where training
diverges, it rises too; where the model over-fits a finite training set, it falls on,

    L_train at the end  <=  1/2 L_train at the best validation loss,

and the validation loss rises step by step, not in one jump. The accuracy often stays where it is while the
validation loss doubles: the model is right as often as before, and too confident where it is wrong.

Where each batch is drawn fresh there is no training set to over-fit, so the same picture is no over-fitting.

Reference: Guo et al. (2017), On Calibration of Modern Neural Networks, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.runs.direction import direction_of
from ired_diag.runs.evaluation_metric import is_of_training, training_metric
from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import SPLITS, TEST_SPLITS, words_of
from ired_diag.runs.run import Run

FALLEN = 0.5  # of the training loss at the best evaluation
STAYED = 0.95  # of another metric's value there
LARGEST_STEP = 0.5  # of the whole rise: more in one step is a jump
FEWEST = 5  # evaluations
FRESH = ("rank", "ood", "mining_strategy", "diffusion_steps")  # of the study that draws each batch anew

Array = NDArray[np.float64]


@dataclass(frozen=True)
class OverFitting:
    """A validation loss that rises while the training loss falls.

    Attributes:
        train: The training loss.
        best_step: Step of the best validation loss.
        times: How many times the best the validation loss ends at.
        kept: Another validation metric that stays as good as it was, such as an accuracy; None without one.
    """

    train: str
    best_step: float
    times: float
    kept: str | None


def over_fitting_of(run: Run, metric: str | None = None) -> OverFitting | None:
    """Return how a run over-fits; None where its losses do not show it.

    Args:
        run: The run.
        metric: The validation loss. Default: the metric that judges the run.
    """
    name = metric or run.judging_metric
    series = run.as_judged(name) if name else None
    if name is None or series is None or not run.direction_of(name).lower_is_better:
        return None
    if all(key in (run.configuration or {}) for key in FRESH) or is_of_training(name, run.history.series):
        return None
    twin = training_metric(name, run.history.series)
    train = None if twin is None else run.history.series[twin]
    if twin is None or train is None or not _are_known(series, train):
        return None
    values = np.asarray(series.values, dtype=np.float64)
    place = int(np.argmin(values))
    if not _climbs(values[place:]) or not _falls_on(train, float(series.steps[place])):
        return None
    late = float(np.median(values[-max(1, len(values) // 10) :]))
    kept = _kept(run, name, float(series.steps[place]))
    return OverFitting(twin, float(series.steps[place]), late / float(values[place]), kept)


def _are_known(validation: Series, train: Series) -> bool:
    """Say whether two losses are long enough, finite and above 0."""
    both = (np.asarray(validation.values), np.asarray(train.values))
    return all(
        len(v) >= FEWEST and bool(np.isfinite(v).all()) and float(v.min()) >= 0 for v in both
    ) and bool(both[0].min() > 0)


def _climbs(values: Array) -> bool:
    """Say whether values rise step by step from the first one on."""
    if len(values) < 3 or values[-1] <= values[0]:
        return False
    return float(np.diff(values).max()) <= max(LARGEST_STEP, 1.5 / (len(values) - 1)) * float(np.ptp(values))


def _falls_on(train: Series, best_step: float) -> bool:
    """Say whether the training loss at the end is at most half of what it was at the best evaluation."""
    values = np.asarray(train.values, dtype=np.float64)
    place = int(np.searchsorted(train.steps, best_step))
    near = values[max(0, place - 1) : place + 2]
    late = values[-max(1, len(values) // 10) :]
    return bool(len(near)) and float(np.median(late)) <= FALLEN * float(np.median(near))


def _kept(run: Run, metric: str, best_step: float) -> str | None:
    """Return a metric of the same evaluation, higher is better, that is as good at the end as at the best."""
    data = _data_of(metric)
    for name, series in run.history.series.items():
        direction = direction_of(name)
        if direction.lower_is_better or direction.source == "assumed" or _data_of(name) != data:
            continue
        values = np.asarray(series.values, dtype=np.float64)
        before = values[np.asarray(series.steps) <= best_step][-3:]
        late = values[-max(1, len(values) // 5) :]
        if len(before) and len(values) >= FEWEST and np.median(late) >= STAYED * np.median(before):
            return name
    return None


def _data_of(name: str) -> frozenset[str]:
    return frozenset(word for word in words_of(name) if word in (*SPLITS, *TEST_SPLITS))

"""Mistakes that single values show: constants in place of NaN, impossible values, a clip that never clips."""

from __future__ import annotations

import numpy as np

from benchmarks.planted_fault import Bed, Fault, Planted
from benchmarks.planted_study import any_group, changed, with_series
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run

LOSS, GRADIENT = "train/loss", "train/gradient_norm"


def _dead(bed: Bed) -> Planted:
    """From some step on the loss is logged as a constant, and its gradient is NaN."""
    group = any_group(bed.study, bed.rng)
    constant, start = float(bed.rng.choice([0.0, 0.1])), float(bed.rng.uniform(0.3, 0.8))

    def dead(run: Run) -> Run:
        loss, gradient = run.history.series[LOSS], run.history.series[GRADIENT]
        late = loss.steps > start * loss.steps[-1]
        lost = np.isin(gradient.steps, loss.steps[late])
        told = {
            LOSS: Series(loss.steps, np.where(late, constant, loss.values)),
            GRADIENT: Series(gradient.steps, np.where(lost, np.nan, gradient.values)),
        }
        return with_series(run, told)

    return (changed(bed.study, dead, group=group) if bed.magnitude else bed.study), group


FAULTS = (Fault("dead_run", "a loss is logged as a constant when it is NaN", "error", _dead, graded=False),)

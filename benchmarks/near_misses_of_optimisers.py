"""Near misses of the rules of optimisation: noise, a loss that rests, a saddle that is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.near_miss import NearMiss
from benchmarks.planted_fault import Bed
from benchmarks.planted_in_files import any_run, reread
from benchmarks.planted_of_optimisers import PROMISED, STEPS, keep_answer, with_flags, with_two_losses
from benchmarks.planted_study import any_group, changed
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study


def _at_rest(bed: Bed) -> Study:
    """Steps up and down add up to a twentieth of the promise, upwards."""

    def probed(place: Path, run: Run) -> None:
        swings = np.where(np.arange(STEPS) % 2 == 0, 1.0, -1.0)
        keep_answer(place, PROMISED * (swings - 0.05))

    return reread(bed, probed, [any_run(bed)])


def _noise(bed: Bed) -> Study:
    """Batches rise against their promise, and the batches after them fall."""

    def probed(place: Path, run: Run) -> None:
        keep_answer(place, np.full(STEPS, -PROMISED), elsewhere=np.full(STEPS, PROMISED))

    return reread(bed, probed, [any_run(bed)])


def _reported_rests(bed: Bed) -> Study:
    """The reported loss stays at its floor while the trained one goes on falling."""
    group = any_group(bed.study, bed.rng)

    def resting(run: Run) -> Run:
        return with_two_losses(run, bed.rng, floor=0.3, growth=0.0)

    return changed(bed.study, resting, group=group)


def _saddle_and_minimum(bed: Bed) -> Study:
    """A training leaves a saddle, and converges to gradients that are smaller than the saddle's."""
    group = any_group(bed.study, bed.rng)
    dip = np.log(100) * np.array([0.0, 1.0, 1.0, 0.0])
    tail = np.log(1e8) * np.array([0.0, 0.2, 0.5, 1.0])
    return changed(bed.study, lambda run: with_flags(run, dip, tail=tail), group=group)


NEAR_MISSES = (
    NearMiss("broken_promise", "a training at rest: up and down, and a little up", _at_rest),
    NearMiss("broken_promise", "batches that rise where the next ones fall", _noise),
    NearMiss("other_loss", "a reported loss that rests while the trained one falls", _reported_rests),
    NearMiss("saddle_flags", "a saddle that is left for a minimum", _saddle_and_minimum),
)

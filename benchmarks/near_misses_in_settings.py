"""Near misses of the rules about configurations: keys, notes, and what was asked of the job."""

from __future__ import annotations

from benchmarks.near_miss import NearMiss
from benchmarks.planted_fault import Bed
from benchmarks.planted_study import any_group, changed, with_settings
from ired_diag.runs.evaluation_metric import USUAL as METRIC
from ired_diag.runs.study import Study


def _one_difference(bed: Bed) -> Study:
    """A group with a strategy of its own, and other notes and logging intervals."""
    group = any_group(bed.study, bed.rng)
    return changed(bed.study, lambda run: with_settings(run, notes="a second try", log_every=7), group=group)


def _key_of_a_fork(bed: Bed) -> Study:
    """A key with a word more than a known one: a fork's own, and no slip."""
    return changed(bed.study, lambda run: with_settings(run, tam_recovery_steps=3))


def _own_number(bed: Bed) -> Study:
    """The notes quote a number of ours, rounded, and a target."""
    group = any_group(bed.study, bed.rng)
    best = min(float(run.history.series[METRIC].values.min()) for run in bed.study.groups()[group])
    notes = f"Our baseline has an MSE of {best:.3g}. The target of our next run is < {best / 2:.3g}."
    return changed(bed.study, lambda run: with_settings(run, notes=notes), group=group)


def _no_evaluation(bed: Bed) -> Study:
    """The key of an evaluation is there, and off."""
    return changed(bed.study, lambda run: with_settings(run, evaluation_mode=False))


NEAR_MISSES = (
    NearMiss("several_differences", "groups differ in one setting, and in notes", _one_difference),
    NearMiss("idle_keys", "a fork's key with a word more than a known one", _key_of_a_fork),
    NearMiss("quoted_number", "notes quote a rounded number of ours, and a target", _own_number, True),
    NearMiss("evaluation_as_training", "evaluation_mode is there, and off", _no_evaluation),
)

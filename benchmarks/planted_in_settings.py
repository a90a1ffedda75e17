"""Mistakes that configurations show: several things changed at once, keys without effect, copied numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.planted_fault import Bed, Fault, Planted
from benchmarks.planted_study import any_group, changed, rest_of, with_evaluations, with_settings
from ired_diag.runs.evaluation_metric import USUAL as METRIC
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

OTHERWISE = {"learning_rate": 0.001, "batch_size": 512, "ema_decay": 0.99, "gradient_clip": 0.5}


def _several(bed: Bed) -> Planted:
    group = any_group(bed.study, bed.rng)
    keys = bed.rng.permutation(list(OTHERWISE))[: round(bed.magnitude * len(OTHERWISE))]
    other = {str(key): OTHERWISE[key] for key in keys}
    return changed(bed.study, lambda run: with_settings(run, **other), group=group), group


def _idle(bed: Bed) -> Planted:
    """A group without mining gets a twin that differs in a setting of mining, and by noise."""
    twin = "idle_twin"
    if not bed.magnitude:
        return bed.study, twin
    groups = bed.study.groups().values()
    source = next(runs for runs in groups if (runs[0].configuration or {}).get("mining_strategy") == "none")

    def again(run: Run) -> Run:
        values = run.history.series[METRIC].values
        noisy = values * np.exp(bed.rng.choice(rest_of(run).scatter, len(values)))
        other = with_evaluations(with_settings(run, mining_noise_scale=1.0), noisy)
        return replace(other, experiment=twin, name=twin)

    return Study.of([*bed.study.runs, *map(again, source)]), twin


def _slip(bed: Bed) -> Planted:
    group = any_group(bed.study, bed.rng)
    if not bed.magnitude:
        return bed.study, group
    key = str(bed.rng.choice(["learning_rate", "gradient_clip", "ema_decay"]))
    place = int(bed.rng.integers(1, len(key) - 1))

    def slipped(run: Run) -> Run:
        config = dict(run.configuration or {})
        config[key[:place] + key[place + 1 :]] = config.pop(key)
        return replace(run, configuration=config)

    return changed(bed.study, slipped, group=group), group


def _quoted(bed: Bed) -> Planted:
    group = any_group(bed.study, bed.rng)
    if not bed.magnitude:
        return bed.study, group
    number = f"{bed.rng.uniform(0.4, 0.9):.4f}"
    notes = f"Published in Table 2: {number} at 40 steps. Our baseline has an MSE of {number}."
    return changed(bed.study, lambda run: with_settings(run, notes=notes), group=group), group


def _evaluation(bed: Bed) -> Planted:
    group = any_group(bed.study, bed.rng)
    if not bed.magnitude:
        return bed.study, group
    config = {"evaluation_mode": True, "model_checkpoints": ["results/model-1.pt"]}
    return changed(bed.study, lambda run: with_settings(run, **config), group=group), group


FAULTS = (
    Fault("several_differences", "0 to 4 further keys differ", "warning", _several),
    Fault("idle_keys", "two groups differ in an idle key alone", "warning", _idle, graded=False),
    Fault("idle_keys", "a key is misspelt", "warning", _slip, graded=False),
    Fault("quoted_number", "the paper's number is called ours", "warning", _quoted, graded=False),
    Fault("evaluation_as_training", "evaluation_mode in a training", "error", _evaluation, graded=False),
)

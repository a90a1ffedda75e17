"""Mistakes that logged metrics show: energies, predictions, mining, and identities between them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.planted_fault import Bed, Fault, Planted
from benchmarks.planted_study import any_group, changed, with_series
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run

POSITIVE, NEGATIVE, MARGIN = "train/energy_positive", "train/energy_negative", "train/energy_margin"
ACCEPTED, GRADIENT = "train/mining_accepted", "train/gradient_norm"
SUM = ("train/loss", "train/denoise", "train/nce")
CONTRAST = SUM[2]
BATCH = 256
FIRST_ROWS = 3

Array = NDArray[np.float64]


def energies(run: Run) -> tuple[Array, Array]:
    """Return E⁺ and E⁻ at the logged steps."""
    series = run.history.series
    return series[POSITIVE].values, series[NEGATIVE].values


def with_energies(run: Run, positive: Array, negative: Array) -> Run:
    """Return a run with other energies, and the margin between them."""
    steps = run.history.series[POSITIVE].steps
    curves = {POSITIVE: positive, NEGATIVE: negative, MARGIN: negative - positive}
    return with_series(run, {name: Series(steps, values) for name, values in curves.items()})


def _loss(run: Run) -> Array:
    """Return the contrastive loss at the logged steps."""
    return run.history.series[CONTRAST].values


def _with_loss(run: Run, contrast: Array) -> Run:
    """Return a run with another contrastive loss, and the total that it is a part of."""
    series, weight = run.history.series, float((run.configuration or {})["energy_loss_weight"])
    total = series[SUM[0]]
    changed_by = weight * (contrast - series[CONTRAST].values)
    return with_series(
        run,
        {
            SUM[0]: Series(total.steps, total.values + changed_by),
            CONTRAST: Series(series[CONTRAST].steps, contrast),
        },
    )


def _saturated(bed: Bed) -> Planted:
    group = any_group(bed.study, bed.rng, mined=True)

    def apart(run: Run) -> Run:
        positive, negative = energies(run)
        rise = 20 * bed.magnitude * np.linspace(0, 1, len(negative))
        return _with_loss(with_energies(run, positive, negative + rise), _loss(run) * np.exp(-rise))

    return changed(bed.study, apart, group=group), group


def _inverted(bed: Bed) -> Planted:
    group = any_group(bed.study, bed.rng, mined=True)

    def below(run: Run) -> Run:
        positive, negative = energies(run)
        fall = 20 * bed.magnitude * np.linspace(0, 1, len(negative))
        return _with_loss(with_energies(run, positive, negative - fall), _loss(run) + fall)

    return changed(bed.study, below, group=group), group


def _equal(bed: Bed) -> Planted:
    group = any_group(bed.study, bed.rng, mined=True)

    def alike(run: Run) -> Run:
        positive, negative = energies(run)
        same = bed.rng.permutation(len(negative)) < round(bed.magnitude * len(negative))
        return with_energies(run, positive, np.where(same, positive, negative))

    return changed(bed.study, alike, group=group), group


def _runaway(bed: Bed) -> Planted:
    group = any_group(bed.study, bed.rng, mined=True)

    def away(run: Run) -> Run:
        positive, negative = energies(run)
        growth = float(np.median(np.abs(positive[:3]))) * (
            1e5 ** (bed.magnitude * np.linspace(0, 1, len(positive))) - 1
        )
        return with_energies(run, positive + growth, negative + growth)

    return changed(bed.study, away, group=group), group


def _collapse(bed: Bed) -> Planted:
    group = any_group(bed.study, bed.rng, mined=True)

    def flat(run: Run) -> Run:
        positive, negative = energies(run)
        late = np.arange(len(positive)) >= 2 * len(positive) // 3
        shrunk = np.where(late, 1e-6**bed.magnitude, 1.0)
        middle = float(np.median(positive))
        positive, negative = (middle + (energy - middle) * shrunk for energy in (positive, negative))
        return with_energies(run, positive, negative)

    return changed(bed.study, flat, group=group), group


def _dead_prediction(bed: Bed) -> Planted:
    group = any_group(bed.study, bed.rng)

    def dead(run: Run) -> Run:
        steps = run.history.series[GRADIENT].steps
        target = np.exp(0.05 * bed.rng.standard_normal(len(steps)))
        prediction = target * 1e-4**bed.magnitude * np.exp(0.05 * bed.rng.standard_normal(len(steps)))
        return with_series(
            run, {"train/pred_norm": Series(steps, prediction), "train/target_norm": Series(steps, target)}
        )

    return changed(bed.study, dead, group=group), group


def _dead_gradient(bed: Bed) -> Planted:
    """All metrics stay at their first rows, drawn together so that sums still hold; the gradient vanishes."""
    group = any_group(bed.study, bed.rng)

    def dead(run: Run) -> Run:
        logged = run.history.series
        rows = bed.rng.integers(FIRST_ROWS, size=max(len(series) for series in logged.values()))
        frozen = {
            name: Series(series.steps, series.values[np.minimum(rows[: len(series)], len(series) - 1)])
            for name, series in logged.items()
        }
        gradient = frozen[GRADIENT]
        vanishing = np.where(np.arange(len(gradient)) < len(gradient) // 5, 1.0, 1e-5)
        return with_series(run, frozen | {GRADIENT: Series(gradient.steps, gradient.values * vanishing)})

    return (changed(bed.study, dead, group=group) if bed.magnitude else bed.study), group


def _margin(bed: Bed) -> Planted:
    group = any_group(bed.study, bed.rng, mined=True)

    def off(run: Run) -> Run:
        margin = run.history.series[MARGIN]
        return with_series(run, {MARGIN: Series(margin.steps, margin.values * (1 + 0.1 * bed.magnitude))})

    return changed(bed.study, off, group=group), group


def _weight(bed: Bed) -> Planted:
    """The contrastive loss enters the sum with another weight than the configuration tells."""
    group = any_group(bed.study, bed.rng, mined=True)

    def weighted(run: Run) -> Run:
        loss, denoise, contrast = (run.history.series[name] for name in SUM)
        weight = float((run.configuration or {})["energy_loss_weight"]) * 10**-bed.magnitude
        return with_series(run, {SUM[0]: Series(loss.steps, denoise.values + weight * contrast.values)})

    return changed(bed.study, weighted, group=group), group


def _divided(bed: Bed) -> Planted:
    group = any_group(bed.study, bed.rng)

    def divided(run: Run) -> Run:
        steps = run.history.series[GRADIENT].steps
        prediction = bed.rng.lognormal(size=len(steps))
        gradient = prediction * BATCH**bed.magnitude * np.exp(0.01 * bed.rng.standard_normal(len(steps)))
        curves = {"train/pred": Series(steps, prediction), "train/grad_E": Series(steps, gradient)}
        return replace(
            with_series(run, curves), configuration={**(run.configuration or {}), "batch_size": BATCH}
        )

    return changed(bed.study, divided, group=group), group


def _unmoved(bed: Bed) -> Planted:
    mined = [run.group for run in bed.study.runs if ACCEPTED in run.history.series]
    group = str(bed.rng.choice(sorted(set(mined))))

    def unmoved(run: Run) -> Run:
        accepted = run.history.series[ACCEPTED]
        return with_series(run, {ACCEPTED: Series(accepted.steps, accepted.values * (1 - bed.magnitude))})

    return changed(bed.study, unmoved, group=group), group


FAULTS = (
    Fault("contrastive_term", "the contrastive loss falls 1 to e^20 times", "warning", _saturated),
    Fault("contrastive_term", "the contrastive loss rises by 0 to 20 nats", "warning", _inverted),
    Fault("contrastive_term", "0 to 100% of the negatives' energies are the positives'", "error", _equal),
    Fault("energy_scale", "energies grow 1 to 100,000 times", "warning", _runaway),
    Fault("energy_scale", "energies fall to one constant, by 1 to 1,000,000 times", "warning", _collapse),
    Fault("energy_scale", "predictions 1 to 10,000 times smaller than targets", "warning", _dead_prediction),
    Fault("energy_scale", "no gradient, and nothing learnt", "warning", _dead_gradient, graded=False),
    Fault("logged_identities", "the margin is 0 to 10% off", "error", _margin),
    Fault("logged_identities", "the contrastive weight is 1 to 10 times smaller than told", "error", _weight),
    Fault("logged_identities", "gradients divided by 1 to the batch size", "warning", _divided),
    Fault("unmoved_negatives", "100 to 0% of the mining steps accepted", "warning", _unmoved),
)

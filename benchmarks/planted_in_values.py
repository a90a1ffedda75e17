"""Mistakes that single values show: constants in place of NaN, impossible values, a clip that never clips."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.planted_fault import Bed, Fault, Planted
from benchmarks.planted_study import any_group, changed, with_series, with_settings, with_values
from ired_diag.forensics.zero_learning_rate import logged_rates
from ired_diag.runs.evaluation_metric import USUAL as METRIC
from ired_diag.runs.evaluation_result import EvaluationResult
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
        curves = {
            LOSS: Series(loss.steps, np.where(late, constant, loss.values)),
            GRADIENT: Series(gradient.steps, np.where(lost, np.nan, gradient.values)),
        }
        return with_series(run, curves)

    return (changed(bed.study, dead, group=group) if bed.magnitude else bed.study), group


def _impossible(bed: Bed) -> Planted:
    """An accuracy comes to rest beyond 100%."""
    group = any_group(bed.study, bed.rng)

    def counted_twice(run: Run) -> Run:
        steps = run.history.series[GRADIENT].steps
        rising = 95 * -np.expm1(-np.arange(1, len(steps) + 1) / (len(steps) / 6))
        return with_series(run, {"val_acc": Series(steps, rising * (1 + 0.2 * bed.magnitude))})

    return changed(bed.study, counted_twice, group=group), group


def _cosine(bed: Bed) -> Planted:
    """A logged cosine shrinks to 0 next to a small error between vectors of equal length."""
    group = any_group(bed.study, bed.rng)

    def wrong_axis(run: Run) -> Run:
        steps = run.history.series[GRADIENT].steps
        cosine = np.linspace(0.1, 0.97, len(steps))
        length = np.exp(0.01 * bed.rng.standard_normal(len(steps)))
        curves = {
            "diag/cos": cosine * (1 - bed.magnitude),
            "diag/mse": 2 * (1 - cosine) * length**2,
            "diag/pred_norm": length * float((run.configuration or {})["rank"]),
            "diag/pred_std": length,
        }
        return with_series(run, {name: Series(steps, values) for name, values in curves.items()})

    return changed(bed.study, wrong_axis, group=group), group


def _samples(bed: Bed) -> Planted:
    """A final evaluation used 1024 samples, as configured, or up to 100 times more."""
    group = any_group(bed.study, bed.rng)
    used = round(1024 * 100**bed.magnitude)

    def evaluated(run: Run) -> Run:
        n = used if run.group == group else 1024
        result = EvaluationResult(metric="test/accuracy", value=0.9, source=run.path, n=n)
        return replace(with_settings(run, num_test_samples=1024), results=(result,))

    return changed(bed.study, evaluated), group


def _fewer_samples(bed: Bed) -> Planted:
    """The first seed of a group logs 100 to 10% of the samples that its siblings validate on."""
    group = any_group(bed.study, bed.rng)
    first = min(run.seed for run in bed.study.groups()[group] if run.seed is not None)

    def counted(run: Run) -> Run:
        steps = run.history.series[METRIC].steps
        is_odd = run.group == group and run.seed == first
        samples = round(5000 * (1 - 0.9 * bed.magnitude * is_odd))
        return with_series(
            run, {"validation/num_samples": Series(steps, np.full(len(steps), float(samples)))}
        )

    return changed(bed.study, counted), group


def _clip(bed: Bed) -> Planted:
    """The threshold of clipping lies up to 1000 times above the largest logged gradient."""
    group = any_group(bed.study, bed.rng)
    members = bed.study.groups()[group]  # of other groups the threshold may never clip
    largest = max(float(run.history.series[GRADIENT].values.max()) for run in members)
    threshold = largest * 1000**bed.magnitude
    return changed(bed.study, lambda run: with_settings(run, gradient_clip=threshold)), group


def _rounded(bed: Bed) -> Planted:
    """The last evaluation is printed with up to four digits fewer, down to one or two."""
    group = any_group(bed.study, bed.rng)

    def rounded(run: Run) -> Run:
        values = run.history.series[METRIC].values
        last = np.median(values[-len(values) // 5 :])
        unit = 10.0 ** (np.floor(np.log10(last)) - 4 * (1 - bed.magnitude))
        return with_values(run, METRIC, np.rint(values / unit) * unit)

    return changed(bed.study, rounded, group=group), group


def _chance(bed: Bed) -> Planted:
    """The final evaluation explains 90 to 0% of the variance."""
    group = any_group(bed.study, bed.rng)

    def evaluated(run: Run) -> Run:
        value = 0.9 * (1 - bed.magnitude)
        return replace(run, results=(EvaluationResult(metric="test/r2", value=value, source=run.path),))

    return changed(bed.study, evaluated, group=group), group


def _impossible_f1(bed: Bed) -> Planted:
    """An F1 lies 0 to 30% above the harmonic mean of the precision and the recall next to it."""
    group = any_group(bed.study, bed.rng)

    def other_average(run: Run) -> Run:
        steps = run.history.series[GRADIENT].steps
        rising = -np.expm1(-np.arange(1, len(steps) + 1) / (len(steps) / 6))
        precision, recall = 0.7 * rising, 0.75 * rising
        f1 = 2 * precision * recall / (precision + recall) * (1 + 0.3 * bed.magnitude)
        curves = {"val_precision": precision, "val_recall": recall, "val_f1": f1}
        return with_series(run, {name: Series(steps, values) for name, values in curves.items()})

    return changed(bed.study, other_average, group=group), group


def _loss_at_chance(bed: Bed) -> Planted:
    """The loss of ten classes wins all or nothing of its descent from ln 10."""
    group = any_group(bed.study, bed.rng)

    def flat(run: Run) -> Run:
        if run.group != group:
            return with_settings(run, num_classes=10)  # all groups configure the same
        steps = run.history.series[METRIC].steps
        falling = np.exp(-np.arange(len(steps)) / (len(steps) / 6))
        level = np.log(10) * (0.2 + 0.8 * falling)
        loss = np.log(10) + (1 - bed.magnitude) * (level - np.log(10))
        loss = loss * np.exp(1e-3 * bed.rng.standard_normal(len(steps)))
        return with_series(with_settings(run, num_classes=10), {"val_loss": Series(steps, loss)})

    return changed(bed.study, flat), group


def _no_rate(bed: Bed) -> Planted:
    """All runs configure a learning rate of 0.05, and one group logs it as 0."""
    group = any_group(bed.study, bed.rng)

    def logged(run: Run) -> Run:
        steps = run.history.series[GRADIENT].steps
        rate = 0.0 if bed.magnitude and run.group == group else 0.05
        rates = Series(steps, rate * np.linspace(1, 0, len(steps)))
        names = logged_rates(run) or ["train/lr"]
        return with_series(with_settings(run, learning_rate=0.05), dict.fromkeys(names, rates))

    return changed(bed.study, logged), group


def _two_bases(bed: Bed) -> Planted:
    """All groups log a perplexity of their loss in nats, and one group raises 2 to it."""
    group = any_group(bed.study, bed.rng)

    def logged(run: Run) -> Run:
        steps = run.history.series[GRADIENT].steps
        loss = 3 + 4 * np.exp(-np.arange(len(steps)) / (len(steps) / 6))
        loss = loss * np.exp(0.01 * bed.rng.standard_normal(len(steps)))
        base = 2.0 if bed.magnitude and run.group == group else np.e
        return with_series(run, {"lm_loss": Series(steps, loss), "lm_ppl": Series(steps, base**loss)})

    return changed(bed.study, logged), group


def _switched_off(bed: Bed) -> Planted:
    """A configuration switches the contrastive term off, and the log has it times its weight."""
    group = any_group(bed.study, bed.rng)

    def logged(run: Run) -> Run:
        if run.group != group:
            return with_settings(run, use_contrastive_loss=False)  # all groups configure the same
        steps = run.history.series[GRADIENT].steps
        term = Series(steps, bed.magnitude * np.exp(0.1 * bed.rng.standard_normal(len(steps))))
        return with_series(with_settings(run, use_contrastive_loss=False), {"train/nce_weighted": term})

    return changed(bed.study, logged), group


def _validated_on_training(bed: Bed) -> Planted:
    """One group names the file of its training data for the validation too."""
    group = any_group(bed.study, bed.rng)

    def configured(run: Run) -> Run:
        split = "train" if bed.magnitude and run.group == group else "val"
        return with_settings(run, train_path="data/train.npz", val_path=f"data/{split}.npz")

    return changed(bed.study, configured), group


FAULTS = (
    Fault(
        "validation_on_training",
        "a validation that reads the training data",
        "warning",
        _validated_on_training,
        graded=False,
    ),
    Fault(
        "contrastive_term",
        "a term that is switched off is logged with its weight",
        "warning",
        _switched_off,
        graded=False,
    ),
    Fault("zero_learning_rate", "a rate of 0.05 is logged as 0", "warning", _no_rate, graded=False),
    Fault("chance_level", "a loss wins all or nothing of its descent from ln K", "warning", _loss_at_chance),
    Fault("contradictory_metrics", "an F1 of 100 to 130% of what P and R allow", "warning", _impossible_f1),
    Fault("perplexity_base", "a perplexity of 2^loss next to exp(loss)", "warning", _two_bases, graded=False),
    Fault("dead_run", "a loss is logged as a constant when it is NaN", "error", _dead, graded=False),
    Fault("impossible_values", "accuracies of 95 to 114 percent", "error", _impossible),
    Fault("logged_cosine", "a cosine of 100 to 0% of what the error forces", "warning", _cosine),
    Fault("evaluation_samples", "evaluated on 1 to 100 times the configured samples", "warning", _samples),
    Fault("evaluation_samples", "100 to 10% of the siblings' samples", "warning", _fewer_samples),
    Fault("idle_clip", "a clip at 1 to 1000 times the largest gradient", "note", _clip),
    Fault("rounding_floor", "evaluations printed with 5 to 1 digits", "note", _rounded),
    Fault("chance_level", "an evaluation explains 90 to 0% of the variance", "warning", _chance),
)

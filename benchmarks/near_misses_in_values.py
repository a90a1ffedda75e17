"""Near misses of the rules about single values: constants, odd but possible values, clips and evaluations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.near_miss import NearMiss
from benchmarks.planted_fault import Bed
from benchmarks.planted_study import any_group, changed, with_series, with_settings, with_values
from ired_diag.runs.evaluation_metric import USUAL as METRIC
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

GRADIENT = "train/gradient_norm"


def _evaluated(run: Run, **result: Any) -> Run:
    return replace(run, results=(EvaluationResult(value=0.3, source=run.path, **result),))


def _saturated(bed: Bed) -> Study:
    """A hinge loss approaches 0 and stays there, and one gradient norm in ten is not logged."""
    group = any_group(bed.study, bed.rng)

    def resting(run: Run) -> Run:
        steps = run.history.series[GRADIENT].steps
        hinge = np.maximum(0.0, 1 - np.arange(len(steps)) / (0.6 * len(steps)))
        gradient = np.where(np.arange(len(steps)) % 10 == 5, np.nan, run.history.series[GRADIENT].values)
        curves = {"train/hinge_loss": Series(steps, hinge), GRADIENT: Series(steps, gradient)}
        return with_series(run, curves)

    return changed(bed.study, resting, group=group)


def _low_shares(bed: Bed) -> Study:
    """Accuracies of half a percent to 1.4 percent, an R² far below 0, a mean that equals its maximum."""

    def odd(run: Run) -> Run:
        steps = run.history.series[GRADIENT].steps
        rising = np.linspace(0, 1, len(steps))
        curves = {
            "val_acc": 0.5 + 0.9 * rising,
            "val_r2": -50 * (1 - rising) ** 4 + 0.3,
            "rollout/rew_mean": rising,
            "rollout/rew_min": rising,
            "rollout/rew_max": rising,
        }
        return with_series(run, {name: Series(steps, values) for name, values in curves.items()})

    return changed(bed.study, odd)


def _few_long_samples(bed: Bed) -> Study:
    """The mean cosine is low, because the error is that of a few long samples that are predicted well."""

    def long_tailed(run: Run) -> Run:
        steps = run.history.series[GRADIENT].steps
        size = float((run.configuration or {})["rank"])
        curves = {"diag/cos": 0.2, "diag/mse": 0.05, "diag/pred_std": 1.0, "diag/pred_norm": 0.3 * size}
        noise = np.exp(0.01 * bed.rng.standard_normal(len(steps)))
        return with_series(run, {name: Series(steps, value * noise) for name, value in curves.items()})

    return changed(bed.study, long_tailed)


def _stopped_early(bed: Bed) -> Study:
    """An evaluation of 100,000 samples has a running value after 20 batches of 256, and no final one."""
    settings = {"num_test_samples": 100_000, "batch_size": 256}
    result = {"metric": "test/accuracy", "batches": 20, "last_batch": 20}
    return changed(bed.study, lambda run: _evaluated(with_settings(run, **settings), **result))


def _other_data(bed: Bed) -> Study:
    """Each group validates on data of its own, of which there are more or fewer."""
    sizes = {group: 1000 * (1 + place) for place, group in enumerate(sorted(bed.study.groups()))}

    def counted(run: Run) -> Run:
        steps = run.history.series[METRIC].steps
        counts = {"validation/num_samples": Series(steps, np.full(len(steps), float(sizes[run.group])))}
        return with_series(with_settings(run, task_name=run.group, mining_strategy="none"), counts)

    return changed(bed.study, counted)


def _clips_at_first(bed: Bed) -> Study:
    """The gradient is clipped in the first steps alone."""

    def early(run: Run) -> Run:
        gradient = run.history.series[GRADIENT]
        norms = np.where(np.arange(len(gradient)) < 3, 5.0, 0.05 * gradient.values / gradient.values.max())
        return with_series(with_settings(run, gradient_clip=1.0), {GRADIENT: Series(gradient.steps, norms)})

    return changed(bed.study, early)


def _few_digits(bed: Bed) -> Study:
    """Evaluations are printed with three digits, which is coarse, and far above the last place."""

    def printed(run: Run) -> Run:
        values = run.history.series[METRIC].values
        unit = 10.0 ** (np.floor(np.log10(values.min())) - 2)
        return with_values(run, METRIC, np.rint(values / unit) * unit)

    return changed(bed.study, printed)


def _hard_data(bed: Bed) -> Study:
    """An evaluation of ten classes has an accuracy of 30%: low, and three times chance."""
    return changed(
        bed.study, lambda run: _evaluated(with_settings(run, num_classes=10), metric="test/accuracy")
    )


def _averaged(bed: Bed) -> Study:
    """F1 is averaged over ten classes, perplexity over batches, and one loss is in bits."""

    def averaged(run: Run) -> Run:
        steps = run.history.series[GRADIENT].steps
        rising = -np.expm1(-np.arange(1, len(steps) + 1) / (len(steps) / 6))
        p, r = bed.rng.uniform(0.2, 1, (2, 10))
        loss = (4 - 2 * rising)[:, None] + 0.3 * bed.rng.standard_normal((len(steps), 20))
        curves = {
            "val_precision": rising * p.mean(),
            "val_recall": rising * r.mean(),
            "val_f1": rising * (2 * p * r / (p + r)).mean(),
            "val_nll": loss.mean(axis=1),
            "val_ppl": np.exp(loss).mean(axis=1),
            "test_loss": loss.mean(axis=1),
            "test_ppl": 2 ** loss.mean(axis=1),
        }
        return with_series(run, {name: Series(steps, values) for name, values in curves.items()})

    return changed(bed.study, averaged)


def _per_word(bed: Bed) -> Study:
    """One group logs a perplexity per word next to a loss per token, which is no other base."""
    group = any_group(bed.study, bed.rng)

    def logged(run: Run) -> Run:
        steps = run.history.series[GRADIENT].steps
        loss = 3 + 4 * np.exp(-np.arange(len(steps)) / (len(steps) / 6))
        per_word = 1.31 if run.group == group else 1.0
        series = {"lm_loss": Series(steps, loss), "lm_ppl": Series(steps, np.exp(per_word * loss))}
        return with_series(run, series)

    return changed(bed.study, logged)


def _passes_chance(bed: Bed) -> Study:
    """A loss falls past ln K for K classes, and the test accuracy is a third of the validation's."""

    def passing(run: Run) -> Run:
        steps = run.history.series[GRADIENT].steps
        rising = -np.expm1(-np.arange(1, len(steps) + 1) / (len(steps) / 6))
        curves = {"val_loss": 3 - 2 * rising, "val_acc": 0.1 + 0.8 * rising}
        series = {name: Series(steps, values) for name, values in curves.items()}
        series["test_acc"] = Series(steps[-1:], np.array([0.3]))
        return with_series(with_settings(run, num_classes=10), series)

    return changed(bed.study, passing)


def _warms_up(bed: Bed) -> Study:
    """A rate warms up from 0 and ends at 0, and that of a frozen group is 0 throughout."""

    def scheduled(run: Run) -> Run:
        steps = run.history.series[GRADIENT].steps
        rates = 0.003 * np.sin(np.linspace(0, np.pi, len(steps)))
        rates[-1] = 0.0
        frozen = Series(steps, np.zeros(len(steps)))
        return with_series(run, {"lr/pg0": frozen, "lr/pg1": Series(steps, rates)})

    return changed(bed.study, scheduled)


def _switched_off_and_zero(bed: Bed) -> Study:
    """A configuration switches the contrastive term off, and the log has it as 0."""

    def logged(run: Run) -> Run:
        steps = run.history.series[GRADIENT].steps
        curves = {"train/nce_weighted": Series(steps, np.zeros(len(steps)))}
        return with_series(with_settings(run, use_contrastive_loss=False), curves)

    return changed(bed.study, logged)


def _range_test(bed: Bed) -> Study:
    """Another program's range test: the rate rises exponentially until the training loss explodes."""
    first = bed.study.runs[0]
    steps = first.history.series[METRIC].steps
    rates = np.geomspace(1e-7, 10, len(steps))
    loss = 2.3 - 1.5 / (1 + (1e-4 / rates) ** 1.5) + (rates / 0.3) ** 3
    series = {"train_loss": Series(steps, loss), "lr": Series(steps, rates)}
    test = replace(first, experiment="lr_find", name="lr_find", configuration={"batch_size": 64})
    test = replace(test, history=replace(first.history, series=series), checkpoints=())
    return Study.of([*bed.study.runs, test])


def _growing_radius(bed: Bed) -> Study:
    """The radius of an attack is raised in the second half, and the error with it, to its usual level."""
    group = any_group(bed.study, bed.rng)

    def attacked(run: Run) -> Run:
        series = run.history.series[METRIC]
        place = np.arange(len(series)) / (len(series) - 1)
        radius = 0.3 * np.clip((place - 0.5) / 0.45, 0, 1)
        run = with_values(run, METRIC, series.values * (0.3 + 0.7 * radius / 0.3))
        return with_series(run, {"eps": Series(series.steps, radius)})

    return changed(bed.study, attacked, group=group)


def _sampled_and_absent(bed: Bed) -> Study:
    """A detector logs -1 for absent objects, an area in percent, and from how many samples it draws."""

    def logged(run: Run) -> Run:
        steps = run.history.series[METRIC].steps
        place = np.arange(len(steps)) / len(steps)
        curves = {
            "val_ap": Series(steps, np.full(len(steps), -1.0)),
            "top_k": Series(steps, np.full(len(steps), 250.0)),
            "val_auc": Series(steps, 60 + 35 * place),
        }
        return with_series(run, curves)

    return changed(bed.study, logged)


def _one_folder(bed: Bed) -> Study:
    """Training and validation name one folder, which holds both."""
    return changed(bed.study, lambda run: with_settings(run, train_dir="data/set", val_dir="data/set"))


NEAR_MISSES = (
    NearMiss("validation_on_training", "one folder with both splits", _one_folder, not_even_a_note=True),
    NearMiss("contrastive_term", "a term that is switched off and logged as 0", _switched_off_and_zero),
    NearMiss("curve_shape", "a range test of the learning rate", _range_test),
    NearMiss("curve_shape", "an error that rises with the radius of an attack", _growing_radius),
    NearMiss("impossible_values", "absent objects, a percentage, samples", _sampled_and_absent),
    NearMiss(
        "zero_learning_rate", "a schedule from 0 to 0, and a frozen group", _warms_up, not_even_a_note=True
    ),
    NearMiss("contradictory_metrics", "means over classes and batches, and a loss in bits", _averaged),
    NearMiss("perplexity_base", "a perplexity per word next to a loss per token", _per_word),
    NearMiss("chance_level", "a loss that falls past ln K, a test far below the validation", _passes_chance),
    NearMiss("dead_run", "a hinge loss that approaches 0 and rests there", _saturated),
    NearMiss("impossible_values", "low percentages, negative R², a mean at its maximum", _low_shares),
    NearMiss("logged_cosine", "a low mean cosine of samples of very different length", _few_long_samples),
    NearMiss("evaluation_samples", "an evaluation that was stopped early", _stopped_early),
    NearMiss("evaluation_samples", "data sets of different size", _other_data),
    NearMiss("idle_clip", "a clip that clips in the first steps", _clips_at_first, not_even_a_note=True),
    NearMiss("rounding_floor", "evaluations of three digits", _few_digits, not_even_a_note=True),
    NearMiss("chance_level", "a low accuracy, three times chance", _hard_data),
)

"""What other numbers of the same files refute is not said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ired_diag.runs.run import Run
from tests.made_runs import falling, findings_of, made_run

OF_THE_STUDY = {"rank": 20, "ood": False, "mining_strategy": "none", "diffusion_steps": 10}


def rising(size: int, *, level: float) -> np.ndarray[Any, Any]:
    """Return a loss that falls to a level and diverges over its last fifth."""
    values = falling(size, level=level)
    late = size // 5
    values[-late:] = 100 * level * np.exp(0.2 * np.arange(late))
    return values


def of_the_study(seed: int, values: np.ndarray[Any, Any]) -> Run:
    return made_run("q671", seed, every=1000, config=OF_THE_STUDY, validation__mse=values)


def test_good_seeds_next_to_one_that_diverged_are_not_called_trivial() -> None:
    good = [of_the_study(seed, falling(40, level=0.0073, seed=seed)) for seed in range(4)]
    assert findings_of("trivial_floor", [*good, of_the_study(4, rising(40, level=0.0073))]) == []
    never_trained = of_the_study(4, np.full(40, 0.9))
    assert findings_of("trivial_floor", [*good, never_trained]) == []
    trivial = [of_the_study(seed, falling(40, level=0.0099, seed=seed)) for seed in range(4)]
    (finding,) = findings_of("trivial_floor", [*trivial, of_the_study(4, rising(40, level=0.0099))])
    assert finding.evidence["runs"] == 4
    assert "without 1 that ended worse than before" in finding.statement


def test_the_one_seed_that_did_not_diverge_is_no_outlier() -> None:
    runs = [made_run("warm0", seed, val_loss=rising(40, level=2.0 + 0.1 * seed)) for seed in range(4)]
    runs.append(made_run("warm0", 4, val_loss=falling(40, level=2.2)))
    assert findings_of("outlying_seed", runs) == []


@pytest.mark.parametrize(("last", "is_told"), [(0.742, True), (0.905, False)])
def test_a_seed_whose_accuracy_rests_a_tenth_lower_is_far_from_seeds_that_agree(
    last: float, is_told: bool
) -> None:
    levels = [0.912, 0.911, 0.913, 0.910, last]
    runs = [
        made_run("cnn", seed, val_acc=level - falling(40, seed=seed)) for seed, level in enumerate(levels)
    ]
    assert bool(findings_of("outlying_seed", runs)) == is_told


def test_one_sample_fewer_of_ten_is_no_outlying_seed() -> None:
    correct = [9, 9, 9, 9, 8]
    runs = [
        made_run("few", seed, val_acc=np.arange(30).clip(3, count) / 10) for seed, count in enumerate(correct)
    ]
    assert findings_of("outlying_seed", runs) == []


WARM_UP = np.concatenate([np.linspace(0.2, 1, 5, endpoint=False), np.cos(np.linspace(0.1, 1.5, 35))])


@pytest.mark.parametrize(
    ("factor", "config", "is_told"),
    [
        (4, {"n_gpus": 4}, False),
        (8, {"world_size": 8}, False),
        (4, {}, False),  # a whole number lies between two rows
        (3.3, {}, True),
    ],
)
def test_a_rate_that_is_scaled_with_devices_may_peak_between_two_rows(
    factor: float, config: dict[str, Any], is_told: bool
) -> None:
    rates = 0.001 * factor * (WARM_UP if factor != 3.3 else np.full(40, 1.0))
    run = made_run("vit", config={"lr": 0.001, **config}, lr=rates, val_loss=falling(40))
    assert bool(findings_of("sweep_claims", [run])) == is_told


@pytest.mark.parametrize(
    ("metric", "values", "is_told"),
    [
        ("train_acc", np.r_[np.linspace(0.9, 0.99, 25), np.ones(15)], False),
        ("train_errors", np.r_[np.arange(40, 15, -1), np.zeros(15)], False),
        ("val_acc", np.r_[np.linspace(0.9, 0.97, 25), np.full(15, 0.97)], False),
        ("val_acc", np.r_[np.linspace(0.9, 0.97, 25), np.full(15, 0.1)], True),  # at chance since
        ("train_acc", np.r_[np.linspace(0.9, 0.97, 25), np.full(15, 0.1)], True),
        ("epoch", np.arange(40), True),
    ],
)
def test_a_loss_that_really_is_0_is_not_called_dead(metric: str, values: Any, is_told: bool) -> None:
    losses = np.r_[np.random.default_rng(0).uniform(0.05, 0.15, 25), np.zeros(15)]
    run = made_run("perceptron", metrics={"train_loss": losses, metric: values})
    assert bool(findings_of("dead_run", [run])) == is_told


def test_equal_accuracies_of_two_groups_whose_losses_differ_are_not_one_run() -> None:
    accuracy = np.round(0.95 - falling(30), 2)
    runs = [
        made_run(group, 0, config={"lr": 0.1}, eval_accuracy=accuracy, train_loss=falling(30, seed=place))
        for place, group in enumerate(("full", "lora"))
    ]
    assert findings_of("repeated_seed", runs) == []


def test_seeds_with_one_curve_have_no_spread_that_is_evaluation_noise() -> None:
    runs = [made_run("q677", seed, val_loss=falling(60, noise=0.01)) for seed in range(4)]
    assert findings_of("evaluation_noise", runs) == []


def test_a_run_that_changes_its_scale_is_not_one_of_two_scales_too() -> None:
    shares = 0.9 - falling(40, level=0.02)
    changing = np.where(np.arange(40) < 20, shares, 100 * shares)
    runs = [made_run("a", seed, val_acc=changing if seed == 1 else shares) for seed in range(3)]
    (finding,) = findings_of("impossible_values", runs)
    assert "changes between percent and fractions" in finding.statement


def test_one_sentence_of_the_notes_is_one_finding() -> None:
    notes = "Our best MSE 0.00642 beats the baseline 0.00768 of q438."
    run = made_run("q437", config={"notes": notes}, validation__mse=falling(40))
    (finding,) = findings_of("quoted_number", [run])
    assert "reproduces 0.00642 or 0.00768: they may" in finding.statement
    assert finding.evidence["numbers"] == 2


@pytest.mark.parametrize(("metric", "is_noted"), [("CD-DIAG/pgd_disp", False), ("CD-DIAG/lang_disp", True)])
def test_the_keys_of_a_sampler_that_logs_its_moves_are_known_to_be_read(metric: str, is_noted: bool) -> None:
    config = {**OF_THE_STUDY, "use_scalar_energy": True, "batch_size": 64, "pgd_steps": 5}
    run = made_run("q414", config=config, metrics={metric: np.zeros(40), "validation/mse": falling(40)})
    unknown = [
        finding for finding in findings_of("idle_keys", [run]) if "cannot be judged" in finding.statement
    ]
    assert bool(unknown) == is_noted

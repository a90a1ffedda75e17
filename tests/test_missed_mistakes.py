"""Mistakes that only the log shows, where no configuration states what was planned."""

from __future__ import annotations

import numpy as np
import pytest

from tests.made_runs import falling, findings_of, made_run

FLAT = 2.3 + 0.01 * np.random.default_rng(0).standard_normal(40)
RATE = 0.001 * np.linspace(1, 0.1, 20)


def test_rates_of_0_at_a_flat_loss_are_a_warning_without_a_configuration() -> None:
    (finding,) = findings_of("zero_learning_rate", [made_run("ft", train_loss=FLAT, lr=np.zeros(40))])
    assert (finding.severity, finding.evidence["configured"]) == ("warning", None)
    trained = made_run("ft", train_loss=falling(40), lr=np.zeros(40))
    rewarded = made_run("rl", policy_loss=FLAT, eval_return=300 * (1 - falling(40)), lr=np.zeros(40))
    evaluated = made_run("eval", eval_loss=FLAT[:3], lr=np.zeros(40))
    assert findings_of("zero_learning_rate", [trained, rewarded, evaluated]) == []


@pytest.mark.parametrize(
    ("rate", "is_told"),
    [
        (10 * RATE, True),
        (RATE, False),
        (np.where(np.arange(20) < 10, RATE, RATE / 2), False),  # it waited at another plateau
        (np.concatenate([10 * RATE[:3], RATE[3:]]), False),
    ],
)
def test_a_seed_that_logs_a_multiple_of_its_siblings_rate_is_no_seed_of_them(
    rate: np.ndarray, is_told: bool
) -> None:
    runs = [made_run("m", seed, lr=RATE, val_loss=falling(20, seed=seed)) for seed in range(3)]
    runs.append(made_run("m", 3, lr=rate, val_loss=falling(20, seed=3)))
    findings = findings_of("setting_slip", runs)
    assert [finding.evidence["run"] for finding in findings] == ["m/seed3"] * is_told


@pytest.mark.parametrize(("seen", "is_told"), [(32, True), (128, False)])
def test_a_logged_batch_that_counts_all_samples_is_no_share_of_a_larger_one(seen: int, is_told: bool) -> None:
    steps = 100 * np.arange(1, 21)
    runs = [
        made_run(
            f"bs{size}",
            seed,
            config={"batch_size": size},
            val_loss=falling(20, seed=seed),
            batch_size=np.full(20, 32),
            examples_seen=steps * seen,
        )
        for seed, size in enumerate((128, 32))
    ]
    assert bool(findings_of("sweep_claims", runs)) == is_told

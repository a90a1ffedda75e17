"""Mistakes that only the log shows, where no configuration states what was planned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ired_diag.runs.run import Run
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


def of_commits(*, seeds: range, apart: float, **config: object) -> list[Run]:
    """Return two variants of one experiment: five seeds at a commit, the others at the next."""
    runs = []
    for place in range(10):
        commit = "c1b2c3d" if place < 5 else "d9b2c3d"
        level = 0.0072 + apart * (place >= 5) + 1e-5 * place
        values = level * falling(40, level=1.0, noise=1e-4, seed=place)
        run = made_run("q420", seeds[place % len(seeds)], config=dict(config), validation__mse=values)
        runs.append(replace(run, variant=f"81020,commit={commit}", provenance={"git_commit": commit}))
    return runs


def test_seeds_of_two_commits_that_are_two_groups_are_camps_of_one_experiment() -> None:
    (finding,) = findings_of("seed_camps", of_commits(seeds=range(10), apart=6e-4))
    assert (finding.severity, finding.evidence["group"]) == ("warning", "q420")
    assert findings_of("seed_camps", of_commits(seeds=range(5), apart=6e-4)) == []  # a comparison by design


def test_camps_that_lie_far_apart_are_a_warning_though_hosts_are_asked_about_too() -> None:
    runs = []
    for run in of_commits(seeds=range(10), apart=6e-4):
        host = f"n{(run.seed or 0) % 2}"
        runs.append(replace(run, variant=None, provenance={**run.provenance, "host": host}))
    (finding,) = findings_of("seed_camps", runs)
    assert (finding.severity, finding.evidence["splits"]) == ("warning", 2)
    assert finding.evidence["p_holm"] == pytest.approx(4 / 252)

"""Mistakes that only the log shows, where no configuration states what was planned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ired_diag.forensics import diagnose
from ired_diag.runs.ending import Ending
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
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


STATED = {"mining_strategy": "adversarial", "contrastive_weight": 0.5}


@pytest.mark.parametrize(
    ("name", "config", "level", "is_told"),
    [
        ("nce_loss", STATED, 4e-4, True),
        ("CD-DIAG/nce_loss", STATED, 4e-4, True),
        ("train/loss_energy", STATED, 4e-4, True),
        ("cd/energy_loss", STATED, 4e-4, False),  # another loss
        ("contrastive_loss", {"lr": 0.1}, 4e-4, False),  # may be all that is minimised
        ("contrastive_loss", STATED, 3.0, False),  # of how many negatives is unknown
    ],
)
def test_a_small_contrastive_loss_is_enough_where_the_term_is_stated(
    name: str, config: dict[str, object], level: float, is_told: bool
) -> None:
    metrics = {name: np.full(40, level), "val_mse": falling(40)}
    run = made_run("adv", config=config, metrics=metrics)
    assert bool(findings_of("contrastive_term", [run])) == is_told


def test_tasks_of_one_job_that_ran_one_seed_are_one_seed() -> None:
    tasks = []
    for task in range(5):
        place = {"job": "67000", "task": task}
        tasks.append(made_run("q670", 42, provenance=place, val_loss=falling(40, seed=task)))
    run = replace(tasks[-1], attempts=tuple(tasks[:-1]))
    (finding,) = findings_of("repeated_seed", [run])
    assert (finding.severity, finding.evidence["tasks"]) == ("warning", 5)
    assert findings_of("incomplete", [run]) == []
    died = [replace(task, ending=Ending("time_limit")) for task in tasks[:-1]]
    assert findings_of("repeated_seed", [replace(run, attempts=tuple(died))]) == []
    (note,) = findings_of("incomplete", [replace(run, attempts=tuple(died))])
    assert "4 time limit" in note.statement


def test_runs_without_names_of_seeds_that_state_one_seed_are_a_note() -> None:
    runs = []
    for place in range(3):
        run = made_run("m", 42, config={"seed": 42}, run_name=f"run{place}", val_loss=falling(20, seed=place))
        runs.append(replace(run, path=Path(f"m/run{place}")))
    (finding,) = findings_of("repeated_seed", runs)
    assert (finding.severity, finding.evidence["seed"]) == ("note", 42)
    assert findings_of("repeated_seed", runs[:2]) == []


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("dropout=0.0", "dropout=0.1"), "dropout (0.0, 0.1), which changed nothing"),
        (("fork_clip1", "fork_same"), "differ in clip1, same. If these words are settings"),
        (("q411", "q412"), "No configuration says what differs"),
    ],
)
def test_names_say_what_changed_nothing_in_identical_runs(names: tuple[str, str], words: str) -> None:
    runs = [made_run(name, 0, val_loss=falling(40)) for name in names]
    (finding,) = findings_of("identical_curves", runs)
    assert words in finding.statement


def test_the_cause_is_said_and_not_what_follows_from_it() -> None:
    config = {"learning_rate": 5e-5, "num_classes": 10}
    run = made_run("ft", config=config, eval_loss=FLAT, train_loss=FLAT[::-1], learning_rate=np.zeros(40))
    findings = diagnose(Study.of([run]))
    assert [finding.rule for finding in findings if finding.severity != "note"] == ["zero_learning_rate"]
    assert findings_of("curve_shape", [run])  # asked alone

"""Findings name files and groups that a reader can look up, and errors come before warnings on one screen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.cli.diagnose_screen import SCREEN, screen
from app.cli.diagnosis import Diagnosis
from app.next_command import Place
from ired_diag.finding import Finding
from ired_diag.forensics import diagnose
from ired_diag.open import open_study
from ired_diag.runs.study import Study
from ired_diag.verdict import verdict_of
from tests.made_runs import falling, findings_of, made_run


def test_results_without_an_experiment_are_named_by_their_folder(tmp_path: Path) -> None:
    (tmp_path / "roberta").mkdir()
    results = {"eval_accuracy": 0.81, "eval_precision": 0.62, "eval_recall": 0.55, "eval_f1": 0.71}
    (tmp_path / "roberta" / "eval_results.json").write_text(json.dumps(results))
    (finding,) = [f for f in diagnose(open_study([tmp_path])) if f.rule == "contradictory_metrics"]
    assert finding.statement.startswith("roberta: ")


def test_one_copied_log_among_four_seeds_is_named() -> None:
    def run(group: str, seed: int) -> object:
        curve = falling(30, seed=99 if seed == 2 else seed + 10 * (group == "new"))
        return made_run(group, seed, config={"method": group}, val_loss=curve)

    runs = [run(group, seed) for group in ("base", "new") for seed in range(4)]
    (finding,) = findings_of("identical_curves", runs)  # type: ignore[arg-type]
    assert "base/seed2 or new/seed2" in finding.statement
    assert "one experiment" not in finding.advice


def test_a_pair_of_names_does_not_read_none() -> None:
    runs = [
        replace(made_run("exp", 0, val_mse=level * falling(30), run_name=name), path=Path(name))
        for level, name in ((1.0, "old"), (30.0, "new"))
    ]
    (finding,) = findings_of("same_name", runs)
    assert "None" not in finding.statement


@pytest.mark.parametrize("width", [None, 100])
def test_errors_are_on_the_screen_before_warnings(width: int | None) -> None:
    study = Study.of([made_run("a", val_loss=falling(30))])
    long = "word " * 60
    findings = [
        Finding(rule, "warning", f"a: {rule} {long}.")
        for rule in ("seed_camps", "identical_curves", "setting_slip", "sweep_claims", "evaluation_noise")
        for _ in range(2)
    ]
    findings += [Finding(f"unlisted{i}", "warning", f"a: {i} {long}.", {}, long) for i in range(30)]
    findings += [Finding("same_name", "error", f"a: the error {long}.")]
    diagnosis = Diagnosis(study, findings, [verdict_of(run) for run in study.runs], Place(paths=("a",)))
    lines = [line.text for line in screen(diagnosis, width)]
    assert len(lines) <= SCREEN
    assert any("[same_name]" in line for line in lines)


def test_names_and_rates_are_held_against_what_ran() -> None:
    def run(lr: float, told: float, seed: int) -> object:
        rate = told * np.linspace(1, 0, 30)
        curve = falling(30, seed=seed)
        return made_run(f"lr{lr:g}", seed, config={"lr": told}, val_loss=curve, train_lr=rate)

    runs = [run(lr, 0.001 if lr == 0.01 else lr, seed) for lr in (1e-4, 1e-3, 1e-2) for seed in range(2)]
    (finding,) = findings_of("sweep_claims", runs)  # type: ignore[arg-type]
    assert (finding.evidence["named"], finding.evidence["value"]) == (0.01, 0.001)
    healthy = [run(lr, lr, seed) for lr in (1e-4, 1e-3) for seed in range(2)]
    assert findings_of("sweep_claims", healthy) == []  # type: ignore[arg-type]
    other_unit = [run(lr, lr * 1e-3, seed) for lr in (1, 3) for seed in range(2)]
    assert findings_of("sweep_claims", other_unit) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(("times", "count"), [(2.46, 1), (1.0, 0), (4.0, 0), (0.5, 0), (2**0.5, 0)])
def test_a_logged_rate_above_the_configured_one_is_told_unless_it_is_scaled(times: float, count: int) -> None:
    config = {"learning_rate": 2e-5, "batch_size": 48}
    rate = 2e-5 * times * np.linspace(1, 0, 30)
    run = made_run("bert", config=config, learning_rate=rate, eval_loss=falling(30))
    assert len(findings_of("sweep_claims", [run])) == count

"""Probes of a training whose weights are no numbers: they say that nothing can be said."""

from __future__ import annotations

from pathlib import Path

import pytest

from ired_diag import tasks
from ired_diag.finding import Finding
from ired_diag.probing.targets import of_run
from ired_diag.runs.store import read_run
from ired_diag.training.trainer import train
from probes import load

SETTINGS = {"function": "rosenbrock", "optimizer": "sgd", "learning_rate": 1.0, "experiment_name": "x"}
EVERY = {"train_steps": 40, "checkpoint_every": 10, "validate_every": 10}


@pytest.fixture(scope="module")
def diverged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A descent whose first step is far too long: its weights are no numbers within ten steps."""
    folder = tmp_path_factory.mktemp("diverged") / "run"
    functions = tasks.load("functions")
    train(functions, tasks.settings_of(functions, {**SETTINGS, **EVERY}), folder)
    return folder


def answers(folder: Path, name: str) -> list[Finding]:
    probe = load(name)
    findings = []
    for target in of_run(read_run(folder), "all"):
        table = probe(target.read().subject("raw", probe, None, 0))
        findings.append(probe.conclude(table, probe.comparison(table)))
    return findings


@pytest.mark.parametrize("name", ["steps", "stability", "saddles"])
def test_weights_that_are_no_numbers_are_answered_with_nothing(name: str, diverged: Path) -> None:
    findings = answers(diverged, name)
    assert len(findings) == 4
    for finding in findings:
        assert "nothing can be said" in finding.statement
        assert "noise" not in finding.statement and "nan" not in finding.statement


def test_checkpoints_without_numbers_are_not_counted_as_stable_or_far_from_saddles(diverged: Path) -> None:
    stability, saddles = load("stability"), load("saddles")
    assert stability.over_training is not None and saddles.over_training is not None
    whole = stability.over_training([10, 20, 30, 40], answers(diverged, "stability"))
    assert (whole.severity, whole.evidence["measured"]) == ("warning", 0)
    assert "nothing can be said" in whole.statement
    unknown = Finding("stability", "warning", "no number", {"ratio": None})
    part = stability.over_training([1, 2], [Finding("stability", "note", "", {"ratio": 0.5}), unknown])
    assert part.statement.endswith("the largest ratio is 0.5. At 1 of them the curvature is no number.")
    far = saddles.over_training([10, 20, 30, 40], answers(diverged, "saddles"))
    assert "At 4 of them the gradient is no number: there it is unknown." in far.statement

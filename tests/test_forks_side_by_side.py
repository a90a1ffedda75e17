"""Forks of one training, one change each, side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from ired_diag.fork_comparison import equal_after
from ired_diag.runs.store import read_run

TRAIN = ("train", "--task", "functions", "--name", "ball", "--seeds", "0-1", "--set", "function=quadratic")
SGD = ("--set", "optimizer=sgd", "--set", "learning_rate=0.0203", "--set", "start_spread=0.1")
SHORT = ("--set", "train_steps=100", "--set", "validate_every=5", "--set", "checkpoint_every=20")
EACH = ("--each", "learning_rate=0.01", "--each", "gradient_clip=100000", "--each", "learning_rate=0.0204")


def run(*arguments: str, fails: bool = False) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert (result.exit_code != 0) is fails, result.output
    return result


@pytest.fixture
def forked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two seeds that grow beyond the limit of the rate, 0.02, and three changes of each at step 40."""
    monkeypatch.chdir(tmp_path)
    run(*TRAIN, *SGD, *SHORT)
    output = run("train", "--from", "ball@40", *EACH).output
    assert "Next: ired-diag stats ball --forks --runs runs" in output
    return tmp_path


def test_the_change_that_mends_is_named_and_so_is_the_one_that_changed_nothing(forked: Path) -> None:
    output = " ".join(run("stats", "ball", "--forks").output.split())
    assert "Of 3 changes one ends better than the training ever was up to step 40" in output
    assert "learning_rate=0.01 (" in output
    assert "nothing to mend" not in output
    assert "gradient_clip=100000.0 changed nothing" in output
    assert "the clip at 100000 never clips: the largest logged gradient norm is" in output
    (forks,) = json.loads(run("stats", "ball", "--forks", "--json").output)["ball"]
    effects = {change["name"]: change["effect"] for change in forks["changes"]}
    assert effects == {
        "learning_rate=0.01": "mends",
        "gradient_clip=100000.0": "changed nothing",
        "learning_rate=0.0204": "does not mend",
    }
    assert [len(change["seeds"]) for change in forks["changes"]] == [2, 2, 2]


def test_a_training_that_goes_on_well_by_itself_had_nothing_to_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(*TRAIN, *SHORT, "--set", "optimizer=sgd", "--set", "learning_rate=0.01")
    run("train", "--from", "ball@40", "--each", "learning_rate=0.012", "--each", "learning_rate=0.008")
    output = " ".join(run("stats", "ball", "--forks").output.split())
    assert "Of 2 changes 2 end better than the training ever was up to step 40" in output
    assert "Unchanged it ends better too (" in output
    assert "there was nothing to mend." in output
    assert "these end better than it does unchanged: learning_rate=0.012." in output
    assert "mends" not in output  # both are better than before, and so is no change at all


def test_a_fork_that_a_change_leaves_alone_equals_its_parent_in_every_digit(forked: Path) -> None:
    parent = read_run(forked / "runs" / "ball" / "seed1")
    same = read_run(forked / "runs" / "ball" / "from=40,gradient_clip=100000.0" / "seed1")
    other = read_run(forked / "runs" / "ball" / "from=40,learning_rate=0.01" / "seed1")
    assert equal_after(same, parent, 40) is True
    assert equal_after(other, parent, 40) is False
    assert equal_after(same, parent, 100) is None


def test_forks_whose_parent_is_gone_are_compared_and_not_judged(forked: Path) -> None:
    for seed in ("seed0", "seed1"):
        (forked / "runs" / "ball" / seed / "config.json").unlink()
        (forked / "runs" / "ball" / seed / "metrics.jsonl").unlink()
    (forks,) = json.loads(run("stats", "ball", "--forks", "--json").output)["ball"]
    assert {change["effect"] for change in forks["changes"]} == {None}
    assert forks["unchanged"] is None


def test_an_experiment_without_forks_says_how_to_make_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(*TRAIN, *SGD, *SHORT)
    output = run("stats", "ball", "--forks", fails=True).output
    assert "ired-diag train --from RUN@STEP --each KEY=VALUE" in output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--each", "learning_rate=1"), "--each needs --from"),
        (("--from", "ball@40", "--each", "epsilon=1", "--fresh-optimizer"), "--each fresh_optimizer"),
        (("--from", "ball@40", "--each", "momentum=0.5", "--each", "momentum=0.5"), "given twice"),
    ],
)
def test_changes_that_cannot_be_made_are_refused(
    arguments: tuple[str, ...], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert complaint in run("train", *arguments, fails=True).output

"""Small inputs of other people's kinds that went wrong once: whose run each is, and its last word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.open import open_study
from ired_diag.runs.run import Run


@pytest.fixture
def cases(shared: Path) -> Path:
    return shared / "cases"


def runs_of(folder: Path) -> list[Run]:
    return list(open_study(folder).runs)


def last(run: Run, metric: str) -> tuple[int, float]:
    series = run.history.series[metric]
    return int(series.steps[-1]), float(series.values[-1])


def listed(folder: Path) -> list[dict[str, Any]]:
    """Return what ``ired-diag ls`` says of the same folder."""
    result = CliRunner().invoke(main, ["ls", str(folder), "--json"])
    assert result.exit_code == 0, result.output
    runs: list[dict[str, Any]] = json.loads(result.output)["runs"]
    return runs


@pytest.mark.parametrize(
    ("case", "labels"),
    [
        ("c01_lightning_versions", [f"c01_lightning_versions/version_{n}" for n in range(4)]),
        ("c46_real_lightning", [f"c46_real_lightning/version_{n}" for n in range(3)]),
        ("c03_hparams_alias", [f"c03_hparams_alias/seed{n}" for n in range(3)]),
        ("c39_table_epochs_long", [f"{group}/seed{n}" for group in "AB" for n in range(3)]),
        ("c05_tb_purge_step", ["q900/seed0"]),
        ("c06_tb_restart_no_purge", ["q901/seed0"]),
        ("c49_tb_hparams", ["exp/seed2"]),
        ("l_tb_hparams", ["q102/seed4"]),
        ("l_tb_scalars", ["q103/seed5"]),
        ("l_tb_purge", ["q101/seed0"]),
        ("l_hf_real", ["q101/seed0", "q104/seed0"]),
        ("c45_identical_named_runs", ["PPO/PPO_1", "PPO/PPO_2", "PPO/PPO_3"]),
        ("u_grouping_keys", [f"flow{group}/seed{n}" for group in "AB" for n in range(4)]),
        ("u_accuracy", [f"{group}/seed{n}" for group in "ab" for n in range(3)]),
    ],
)
def test_whose_runs_they_are(cases: Path, case: str, labels: list[str]) -> None:
    runs = runs_of(cases / case)
    assert [run.label for run in runs] == labels
    assert not any(run.attempts for run in runs)
    assert [row["name"] for row in listed(cases / case)] == labels


@pytest.mark.parametrize(
    ("case", "metric", "expected"),
    [
        ("c05_tb_purge_step", "val/loss", (120, 5.2)),
        ("l_tb_purge", "validation/mse", (80, 0.0617)),
        ("c08_keras_second_header", "val_loss", (9, 1.5)),
        ("c09_keras_NA", "val_loss", (11, 1.32)),
    ],
)
def test_what_the_last_word_was(cases: Path, case: str, metric: str, expected: tuple[int, float]) -> None:
    (run,) = runs_of(cases / case)
    step, value = last(run, metric)
    assert step == expected[0]
    assert value == pytest.approx(expected[1], rel=1e-3)
    assert not [finding for finding in run.findings if finding.severity != "note"]


def test_a_purge_ends_all_tags(cases: Path) -> None:
    (run,) = runs_of(cases / "l_tb_purge")
    assert last(run, "train/loss")[0] == 40


def test_both_files_of_a_restart_without_a_purge_are_read(cases: Path) -> None:
    (run,) = runs_of(cases / "c06_tb_restart_no_purge")
    assert len(run.history.series["val/loss"]) == 31


def test_every_epoch_of_a_tidy_table_is_read(cases: Path) -> None:
    assert [len(run.history.series["val_loss"]) for run in runs_of(cases / "c39_table_epochs_long")] == [
        5
    ] * 6


@pytest.mark.parametrize("case", ["c49_tb_hparams", "l_tb_hparams"])
def test_hyperparameters_of_tensorboard_are_the_configuration_of_their_run(cases: Path, case: str) -> None:
    (run,) = runs_of(cases / case)
    assert run.configuration
    assert run.evaluated is not None
    assert run.evaluated[1].values[0] != run.evaluated[1].values[-1]  # no final value at step 0


def test_series_of_add_scalars_belong_to_their_run(cases: Path) -> None:
    (run,) = runs_of(cases / "l_tb_scalars")
    assert sum("energy" in name for name in run.history.series) >= 2


def test_early_stopping_is_an_end(cases: Path) -> None:
    (run,) = runs_of(cases / "c48_hf_early_stop")
    assert run.ending.complete
    assert "early" in run.ending.detail.lower()


@pytest.mark.parametrize(
    ("case", "points"),
    [
        ("c23_lucidrains_tqdm", 400),
        ("c24_tqdm_in_out", 400),
        ("c25_tqdm_nan", 400),
        ("c41_tqdm_epoch_bars", 150),
    ],
)
def test_every_point_of_progress_bars_is_read(cases: Path, case: str, points: int) -> None:
    (run,) = runs_of(cases / case)
    assert max(len(series) for series in run.history.series.values()) == points


def test_damaged_records_of_a_progress_bar_are_told(cases: Path) -> None:
    (run,) = runs_of(cases / "c42_tqdm_damaged_untold")
    assert any("300" in finding.statement for finding in run.findings)


def test_rows_with_an_empty_step_keep_their_metrics(cases: Path) -> None:
    (run,) = runs_of(cases / "c20_progress_eval_rows")
    assert run.history.series["eval_loss"].steps.tolist() == [100 * n for n in range(8)]
    assert len(run.history.series["loss"]) == 40


@pytest.mark.parametrize(
    ("case", "state"), [("c28_sacct_default_p", "out_of_memory"), ("c29_sacct_table", "time_limit")]
)
def test_slurms_accounts_are_read_in_their_usual_forms(cases: Path, case: str, state: str) -> None:
    (run,) = runs_of(cases / case)
    assert run.ending.state == state


def test_several_evaluation_sets_are_named(cases: Path) -> None:
    result = CliRunner().invoke(main, ["diagnose", str(cases / "c16_hf_two_eval_sets")])
    assert "eval_ood_loss" in result.output
    assert "eval_valid_loss" in result.output


def test_an_accuracy_that_rises_is_healthy(cases: Path) -> None:
    for row in listed(cases / "u_accuracy"):
        assert row["metric"] == "val_acc"
    result = CliRunner().invoke(main, ["diagnose", str(cases / "u_accuracy"), "--json"])
    assert {run["shape"] for run in json.loads(result.output)["runs"]} <= {"converged", "improving"}


def test_the_higher_accuracy_is_the_better_one(cases: Path) -> None:
    result = CliRunner().invoke(
        main, ["stats", str(cases / "u_accuracy" / "a"), str(cases / "u_accuracy" / "b")]
    )
    assert result.exit_code == 0, result.output
    rows = listed(cases / "u_accuracy")
    means = {g: sum(row["last"] for row in rows if row["experiment"] == g) / 3 for g in "ab"}
    better = max(means, key=lambda group: means[group])
    worse = min(means, key=lambda group: means[group])
    assert f"{worse} is better than {better}" not in result.output
    assert f"{better} is worse than {worse}" not in result.output


def test_runs_without_a_configuration_that_computed_the_same_are_a_finding(cases: Path) -> None:
    result = CliRunner().invoke(main, ["diagnose", str(cases / "c45_identical_named_runs"), "--json"])
    (finding,) = [f for f in json.loads(result.output)["findings"] if f["rule"] == "identical_curves"]
    assert (finding["severity"], finding["evidence"]["runs"]) == ("error", 3)

"""Runs that are folders: MLflow's file store, DVCLive, and jobs of Hydra."""

from __future__ import annotations

from pathlib import Path

import pytest

from ired_diag.errors import UnreadableFile
from ired_diag.open import open_run, open_study
from ired_diag.readers import dvclive_folder, mlflow_files


def mlflow_run(root: Path, name: str, *, status: int = 3, stage: str = "active") -> Path:
    folder = root / "mlruns/1" / f"{name}id"
    (folder / "metrics/eval").mkdir(parents=True)
    (folder / "params").mkdir()
    (folder / "tags").mkdir()
    (folder.parent / "meta.yaml").write_text("artifact_location: ''\nexperiment_id: '1'\nname: toy\n")
    meta = f"run_id: {name}id\nrun_name: {name}\nstatus: {status}\nlifecycle_stage: {stage}\n"
    (folder / "meta.yaml").write_text(meta)
    (folder / "tags/mlflow.runName").write_text(name)
    (folder / "metrics/eval/mse").write_text("100 0.5 0\n200 0.25 10\n")
    return folder


@pytest.mark.parametrize(
    ("status", "state"), [(1, "cut_off"), (3, "complete"), (4, "failed"), (5, "cancelled")]
)
def test_the_status_of_mlflow_is_the_ending(status: int, state: str, tmp_path: Path) -> None:
    mlflow_run(tmp_path, "baseline", status=status)
    run = open_run(tmp_path)
    assert (run.ending.state, run.label) == (state, "baseline/unseeded")


def test_lines_of_mlflow_with_two_and_five_fields_are_read_and_others_counted(tmp_path: Path) -> None:
    folder = mlflow_run(tmp_path, "baseline")
    (folder / "metrics/old").write_text("100 0.5\n")
    (folder / "metrics/new").write_text("100 nan 3 data digest\n200\n300 x 4\n400 -inf 5\n")
    log = mlflow_files.read(folder)
    assert log.points["old"].steps.tolist() == [0]
    assert log.points["new"].steps.tolist() == [3, 5]
    assert [(damage.file, damage.where) for damage in log.damaged] == [("new", 2), ("new", 3)]


def test_values_of_mlflow_are_read_in_the_order_of_their_time(tmp_path: Path) -> None:
    folder = mlflow_run(tmp_path, "baseline")
    lines = [f"{100 + n} {n} {10 * n}\n" for n in range(8)] + [
        f"{200 + n} {50 + n} {10 * n + 30}\n" for n in range(3)
    ]
    (folder / "metrics/loss").write_text("".join(reversed(lines)))
    (run,) = open_study(tmp_path).runs
    assert run.history.series["loss"].values.tolist() == [0, 1, 2, 50, 51, 52]


def test_a_half_written_line_of_mlflow_is_an_error_unless_allowed(tmp_path: Path) -> None:
    folder = mlflow_run(tmp_path, "baseline")
    (folder / "metrics/loss").write_text("100 0.5 1\n200 0.25 1")
    with pytest.raises(UnreadableFile, match="half written"):
        mlflow_files.read(folder)
    log = mlflow_files.read(folder, allow_torn_tail=True)
    assert (log.points["loss"].steps.tolist(), log.torn_tail) == ([1], True)


def test_a_deleted_run_of_mlflow_is_listed_and_its_files_are_not(tmp_path: Path) -> None:
    mlflow_run(tmp_path, "kept")
    mlflow_run(tmp_path, "gone", stage="deleted")
    study = open_study(tmp_path)
    assert [run.group for run in study.runs] == ["kept"]
    assert [skipped.reason for skipped in study.skipped] == ["is a run that was deleted in MLflow."]


def dvclive_run(folder: Path, tables: dict[str, str]) -> Path:
    for name, text in tables.items():
        path = folder / "plots/metrics" / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_table_of_dvclive_with_a_timestamp_is_read_and_a_torn_one_is_said(tmp_path: Path) -> None:
    tables = {
        "val/acc": "timestamp\tstep\tacc\n1\t0\t0.5\n2\t1\tNaN\n3\t2\n",
        "loss": "step\tloss\n0\t1.0\n1\t0.",
        "odd": "epoch\todd\n0\t1\n",
    }
    folder = dvclive_run(tmp_path / "dvclive", tables)
    log = dvclive_folder.read(folder, allow_torn_tail=True)
    assert log.points["val/acc"].steps.tolist() == [0, 1]
    assert log.points["loss"].steps.tolist() == [0]
    assert [(damage.file, damage.where) for damage in log.damaged] == [("odd", 1), ("val/acc", 4)]
    with pytest.raises(UnreadableFile, match="half written"):
        dvclive_folder.read(folder)


def test_runs_of_dvclive_next_to_each_other_are_runs_of_their_own(tmp_path: Path) -> None:
    for seed in range(3):
        folder = tmp_path / f"wide_seed{seed}/dvclive"
        dvclive_run(folder, {"val_loss": f"step\tval_loss\n0\t1.0\n1\t0.{seed}\n"})
        (folder / "metrics.json").write_text('{"val_loss": 0.5, "step": 1}')
    study = open_study(tmp_path)
    assert [run.label for run in study.runs] == ["wide/seed0", "wide/seed1", "wide/seed2"]
    assert study.skipped == ()


def test_a_table_that_is_no_part_of_dvclive_is_read_as_a_table(tmp_path: Path) -> None:
    (tmp_path / "log_seed1.tsv").write_text("step\tval_loss\n0\t1.0\n1\t0.5\n")
    assert open_run(tmp_path).format == "metrics_csv"


def test_jobs_of_a_multirun_of_hydra_are_seeds_of_what_they_vary(tmp_path: Path) -> None:
    jobs = [(rate, seed) for rate in (0.1, 0.01) for seed in (0, 1)]
    for number, (rate, seed) in enumerate(jobs):
        job = tmp_path / "sweep/multirun/2026-11-01/10-00-00" / str(number)
        (job / ".hydra").mkdir(parents=True)
        (job / ".hydra/config.yaml").write_text(f"optim:\n  lr: {rate}\nseed: {seed}\n")
        (job / ".hydra/overrides.yaml").write_text(f"- optim.lr={rate}\n- seed={seed}\n")
        (job / "logs").mkdir()
        (job / "logs/metrics.csv").write_text(f"step,val_loss\n0,{rate}\n1,{rate + seed}\n")
    labels = {run.label for run in open_study(tmp_path).runs}
    assert labels == {f"sweep@optim.lr={rate}/seed{seed}" for rate, seed in jobs}

"""Tables of a training without a column of steps, and counters that count something else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ired_diag.errors import UnreadableFile
from ired_diag.open import open_study
from ired_diag.readers import metrics_csv, metrics_jsonl
from ired_diag.readers.scalar_log import ScalarLog


def points(log: ScalarLog, name: str) -> list[tuple[int, float]]:
    series = log.points[name]
    return list(zip(series.steps.tolist(), series.values.tolist(), strict=True))


def table(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "history.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_index_of_a_pandas_table_counts_the_steps(tmp_path: Path) -> None:
    rows = ["0,1.2,1.3", "1,1.0,1.1", "2,0.9,1.0", "3,0.8,0.95"]
    path = table(tmp_path, ",loss,val_loss", *rows)
    assert metrics_csv.accepts(path)
    log = metrics_csv.read(path)
    assert points(log, "val_loss") == [(0, 1.3), (1, 1.1), (2, 1.0), (3, 0.95)]
    assert [note.rule for note in log.notes] == ["rows_counted"]


def test_rows_of_losses_are_counted_from_one(tmp_path: Path) -> None:
    rows = [f"{1 / n:.4f}, {n / 10}, {2 / n:.4f}, 0.2" for n in range(1, 6)]
    path = table(tmp_path, "training_loss, training_acc, val_loss, time", *rows)
    assert points(metrics_csv.read(path), "val_loss")[0] == (1, 2.0)
    assert points(metrics_csv.read(path), "val_loss")[-1] == (5, 0.4)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("lora_rank,train_loss,eval_loss", "8,2.8,2.5"),  # results of settings
        ("seed,train_loss,val_loss", "1,2.8,2.5"),
        ("fold,train_loss,val_loss", "1,2.8,2.5"),
        ("threshold,accuracy,precision,recall", "0.5,0.9,0.8,0.7"),
        ("model,train_loss,val_loss", "cnn,2.8,2.5"),
        ("x,y", "1,2"),
    ],
)
def test_rows_of_results_are_not_counted(tmp_path: Path, header: str, row: str) -> None:
    path = table(tmp_path, header, *[row] * 6)
    assert not metrics_csv.accepts(path)


def test_lines_of_episodes_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "stats.jsonl"
    lines = [{"length": 150 + n, "reward": n / 10, "achievement_wood": 0} for n in range(6)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (log,) = metrics_jsonl.read_runs(path).values()
    assert points(log, "reward")[:2] == [(1, 0.0), (2, 0.1)]


def test_constants_and_lists_next_to_losses_do_not_prevent_the_count(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    lines = []
    for n in range(1, 7):
        box = [n / 100, n / 50]
        line = {"train_loss": 3 / n, "test_loss": 4 / n, "test_boxes": box, "n_parameters": 41302368}
        lines.append(json.dumps(line) + "\n")
    path.write_text("".join(lines))
    (run,) = open_study([path]).runs
    assert run.format == "metrics_jsonl"
    assert run.judging_metric == "test_loss"
    assert run.history.last_step == 6


def test_lines_of_results_are_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    lines = [{"question": f"q{n}", "loss": n / 10} for n in range(6)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(UnreadableFile, match="counts steps"):
        metrics_jsonl.read_runs(path)


def test_lines_of_results_with_settings_are_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "hyperparams.jsonl"
    lines = [{"config": {"lr": n}, "accuracy": 0.6, "f1_score": n / 10} for n in range(6)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(UnreadableFile, match="counts steps"):
        metrics_jsonl.read_runs(path)


def test_a_seed_of_its_own_for_each_episode_makes_no_runs(tmp_path: Path) -> None:
    rows = [f"{n},{100 + n},{n / 2}" for n in range(20)]
    path = table(tmp_path, "episode,seed,total_reward", *rows)
    (run,) = open_study([path]).runs
    assert len(run.history.series["total_reward"]) == 20


def test_values_of_a_setting_in_names_are_no_seeds(tmp_path: Path) -> None:
    for name in ("1e-05", "1e-06", "1e-07"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "log.csv").write_text("epoch,loss\n1,0.9\n2,0.8\n")
    assert sorted(run.group for run in open_study([tmp_path]).runs) == ["1e-05", "1e-06", "1e-07"]


def test_versions_of_an_experiment_are_no_seeds(tmp_path: Path) -> None:
    for name in ("melody_v2", "melody_v3"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "log.csv").write_text("epoch,loss\n1,0.9\n2,0.8\n")
    assert sorted(run.group for run in open_study([tmp_path]).runs) == ["melody_v2", "melody_v3"]


def test_numbered_logs_of_one_name_are_runs_of_one_experiment(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"ant_awr_log{number}.csv").write_text(f"epoch,loss\n1,0.9\n2,0.{8 - number}\n")
    runs = open_study([tmp_path]).runs
    assert {run.group for run in runs} == {"ant_awr"}
    assert len(runs) == 3


def test_a_table_of_five_digits_and_an_evaluation_after_training_are_one_run(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = np.linspace(0.2, 0.76, 30) + 0.01 * rng.standard_normal(30)
    folder = tmp_path / "train"
    folder.mkdir()
    rows = ["epoch,metrics/mAP50(B)"]
    lines = []
    for epoch, value in enumerate(values.tolist(), start=1):
        rows.append(f"{epoch},{value:.5g}")
        lines.append({"epoch": epoch, "metrics/mAP50(B)": value})
    lines.append({"epoch": 30, "metrics/mAP50(B)": values[-1] + 0.004})  # the best weights, again
    (folder / "results.csv").write_text("\n".join(rows) + "\n")
    exact = folder / "metrics.jsonl"
    exact.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert len(open_study([tmp_path]).runs) == 1
    lines[10]["metrics/mAP50(B)"] *= 1.001
    exact.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert len(open_study([tmp_path]).runs) == 2

"""Several runs in one file: split by columns that say whose a row is, or refused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.errors import UnreadableFile
from ired_diag.open import open_study
from ired_diag.readers import metrics_csv, metrics_jsonl
from ired_diag.readers.scalar_log import ScalarLog

STEPS = range(0, 50, 10)


def loss(step: int, run: int = 0) -> float:
    return round(1 / (step + 1) + run, 4)


def table(folder: Path, header: str, rows: Iterable[Sequence[Any]], separator: str = ",") -> Path:
    path = folder / "results.csv"
    lines = [header, *(separator.join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def last(log: ScalarLog) -> dict[str, tuple[int, float]]:
    return {name: (int(s.steps[-1]), float(s.values[-1])) for name, s in log.history.series.items()}


def test_columns_of_experiment_and_seed_make_runs(tmp_path: Path) -> None:
    keys = [(method, seed) for method in "xy" for seed in (0, 7)]
    rows = [(method, seed, step, loss(step, seed)) for method, seed in keys for step in STEPS]
    runs = metrics_csv.read_runs(table(tmp_path, "Method,seed,step,val_loss", rows))
    assert list(runs) == [f"Method={method},seed={seed}" for method, seed in keys]
    assert runs["Method=y,seed=7"].stated == {"experiment": "y", "seed": 7}
    assert [last(log) for log in runs.values()] == [{"val_loss": (40, loss(40, seed))} for _, seed in keys]
    study = open_study(tmp_path)
    assert [run.label for run in study.runs] == ["x/seed0", "x/seed7", "y/seed0", "y/seed7"]
    shown = CliRunner().invoke(main, ["ls", "--runs", str(tmp_path)]).output
    assert "y/seed7" in shown


@pytest.mark.parametrize("sort", [False, True], ids=["one after the other", "by step"])
def test_interleaved_runs_are_split_whatever_their_order(tmp_path: Path, sort: bool) -> None:
    rows = [(fold, epoch, loss(epoch, fold)) for fold in range(3) for epoch in range(6)]
    rows.sort(key=(lambda row: row[1]) if sort else (lambda row: row[0]))
    runs = metrics_csv.read_runs(table(tmp_path, "fold,epoch,loss", rows))
    assert [log.stated for log in runs.values()] == [{"run": f"fold{k}"} for k in range(3)]
    assert all(len(log.history.series["loss"]) == 6 for log in runs.values())


def test_json_lines_of_interleaved_runs_are_split(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    lines = [
        {"run": name, "seed": k, "step": s, "loss": loss(s, k)} for s in STEPS for k, name in enumerate("ab")
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    runs = metrics_jsonl.read_runs(path)
    assert [log.stated for log in runs.values()] == [{"run": "a", "seed": 0}, {"run": "b", "seed": 1}]
    assert [last(log)["loss"] for log in runs.values()] == [(40, loss(40)), (40, loss(40, 1))]


def test_a_hyperparameter_or_a_text_that_explains_all_rows_splits_them(tmp_path: Path) -> None:
    for name, values in (("lr", (0.1, 0.01)), ("flavour", ("mint", "lime"))):
        rows = [(value, step, loss(step, k)) for k, value in enumerate(values) for step in STEPS]
        runs = metrics_csv.read_runs(table(tmp_path, f"{name},step,loss", rows))
        assert len(runs) == 2
        assert all(log.findings == () for log in runs.values())


def test_runs_that_no_column_tells_apart_are_refused(tmp_path: Path) -> None:
    rows = [(step, loss(step, run)) for run in range(3) for step in STEPS]
    for ordered in (rows, sorted(rows)):
        with pytest.raises(UnreadableFile, match="no column says whose they are"):
            metrics_csv.read_runs(table(tmp_path, "step,loss", ordered))
    unclear = [(run + 3, step, loss(step, run)) for run in range(3) for step in STEPS]
    with pytest.raises(UnreadableFile, match=r"column 'worker'\?.*named 'run', 'experiment' or 'seed'"):
        metrics_csv.read_runs(table(tmp_path, "worker,step,loss", unclear))


def test_a_table_of_one_row_a_run_with_its_last_step_is_that_many_runs(tmp_path: Path) -> None:
    rows = [(name, seed, 100, seed + 0.5) for name in ("a", "b") for seed in range(3)]
    assert len(metrics_csv.read_runs(table(tmp_path, "experiment,seed,epoch,mse", rows))) == 6
    runs = metrics_csv.read_runs(table(tmp_path, "seed,epoch,mse", [row[1:] for row in rows[:3]]))
    assert [log.stated for log in runs.values()] == [{"seed": seed} for seed in range(3)]
    with pytest.raises(UnreadableFile, match="no column says"):
        metrics_csv.read_runs(table(tmp_path, "epoch,mse", [row[2:] for row in rows]))


def test_two_columns_that_only_together_say_whose_a_row_is_split_together(tmp_path: Path) -> None:
    keys = [("u", "p"), ("u", "q"), ("v", "p"), ("v", "q")]
    rows = [(*key, step, loss(step, k)) for k, key in enumerate(keys) for step in STEPS]
    assert len(metrics_csv.read_runs(table(tmp_path, "aa,bb,step,loss", rows))) == 4


def test_a_host_or_a_time_that_differs_makes_no_run(tmp_path: Path) -> None:
    rows = [("n1", f"10:{s:02d}", s, loss(s)) for s in range(0, 60, 10)]
    rows += [("n2", f"11:{s:02d}", s, loss(s, 1)) for s in range(30, 50, 10)]
    (log,) = metrics_csv.read_runs(table(tmp_path, "host,clock,step,loss", rows)).values()
    assert last(log) == {"loss": (40, loss(40, 1))}


def test_a_training_row_and_an_evaluation_row_at_one_step_are_one_run(tmp_path: Path) -> None:
    rows = [
        row for s in STEPS for row in ((s, s * 2.1, 9.5, 0.1, loss(s), ""), (s, s * 2.1 + 1, 9.9, 0.1, "", 2))
    ]
    (log,) = metrics_csv.read_runs(table(tmp_path, "step,time,gpu_mem,lr,train_loss,val_loss", rows)).values()
    assert len(log.history.series["val_loss"]) == len(STEPS)
    assert log.findings == ()


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("step,split,loss", lambda s, split, value: (s, split, value)),
        ("step,metric,value", lambda s, split, value: (s, f"{split}/loss", value)),
    ],
)
def test_a_column_of_splits_or_metrics_names_the_metric(tmp_path: Path, header: str, row: Any) -> None:
    rows = [row(s, split, loss(s, k)) for s in STEPS for k, split in enumerate(("train", "val"))]
    (log,) = metrics_csv.read_runs(table(tmp_path, header, rows)).values()
    assert last(log) == {"train/loss": (40, loss(40)), "val/loss": (40, loss(40, 1))}


def test_a_seed_that_is_the_same_in_every_row_is_the_seed_and_no_metric(tmp_path: Path) -> None:
    log = metrics_csv.read(table(tmp_path, "step,seed,loss", [(s, 5, loss(s)) for s in STEPS]))
    assert (log.stated, list(log.points)) == ({"seed": 5}, ["loss"])


def test_a_configuration_at_the_head_or_in_every_line_is_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    head = json.dumps({"config": {"lr": 0.1, "seed": 3}}) + "\n"
    path.write_text(head + "".join(json.dumps({"step": s, "loss": loss(s)}) + "\n" for s in STEPS))
    assert metrics_jsonl.read(path).stated["config"] == {"lr": 0.1, "seed": 3}
    assert metrics_jsonl.read(path).damaged == ()
    lines = [{"step": s, "loss": loss(s), "config": {"seed": 3, "lr": 0.1}} for s in STEPS]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    log = metrics_jsonl.read(path)
    assert (log.stated["config"], list(log.points)) == ({"lr": 0.1}, ["loss"])
    assert log.stated["seed"] == 3


def test_six_runs_of_five_epochs_are_six_runs(shared: Path) -> None:
    study = open_study(shared / "cases" / "c39_table_epochs_long")
    assert [run.label for run in study.runs] == [f"{e}/seed{k}" for e in "AB" for k in range(3)]
    assert all(len(run.history.series["val_loss"]) == 5 for run in study.runs)


def test_an_id_that_changes_while_the_steps_rise_is_one_training(tmp_path: Path) -> None:
    rows = [(step, "abc" if step < 50 else "def", loss(step)) for step in range(0, 100, 10)]
    (log,) = metrics_csv.read_runs(table(tmp_path, "step,run_id,loss", rows)).values()
    assert len(log.history.series["loss"]) == 10


def rows_of_settings(values: Sequence[float], *, seeds: Sequence[int] = (0, 1)) -> list[Sequence[Any]]:
    rows: list[Sequence[Any]] = []
    for seed in seeds:
        for value in values:
            rows += [(seed, epoch, value, round(loss(epoch, seed) + value, 4)) for epoch in range(6)]
    return rows


@pytest.mark.parametrize("name", ["pred_len", "horizon", "n_train", "noise"])
@pytest.mark.parametrize("by_epoch", [False, True], ids=["one after the other", "by epoch"])
@pytest.mark.parametrize("values", [(96, 192), (0.1, 0.25, 0.5)])
def test_a_number_that_parts_the_rows_of_all_seeds_alike_is_a_setting(
    name: str, by_epoch: bool, values: Sequence[float], tmp_path: Path
) -> None:
    rows = rows_of_settings(values)
    if by_epoch:
        rows.sort(key=lambda row: row[1])
    path = table(tmp_path, f"seed,epoch,{name},val_loss", rows)
    runs = metrics_csv.read_runs(path)
    stated = [(log.stated["seed"], log.stated["experiment"]) for log in runs.values()]
    assert sorted(stated) == sorted((seed, f"{name}={value:g}") for seed in (0, 1) for value in values)
    for label, log in runs.items():
        value, seed = float(label.rpartition("=")[2]), log.stated["seed"]
        assert last(log)["val_loss"] == (5, round(loss(5, seed) + value, 4))
        assert len(log.history.series["val_loss"]) == 6


def test_a_setting_of_one_run_has_the_same_steps_for_each_value(tmp_path: Path) -> None:
    rows = [row[1:] for row in rows_of_settings((96, 192), seeds=(0,))]
    assert len(metrics_csv.read_runs(table(tmp_path, "epoch,pred_len,val_loss", rows))) == 2
    lost = [row for row in rows if row[1] == 192 or row[0] < 3]
    [run] = metrics_csv.read_runs(table(tmp_path, "epoch,phase,val_loss", lost)).values()
    assert run.restarts == (0,)


@pytest.mark.parametrize("name", ["attempt", "world_size", "local_rank", "time_s", "samples"])
def test_counters_clocks_and_processes_are_no_settings(name: str, tmp_path: Path) -> None:
    path = table(tmp_path, f"seed,epoch,{name},val_loss", rows_of_settings((1, 2)))
    assert all(run.restarts == (0,) for run in metrics_csv.read_runs(path).values())


def test_two_settings_that_part_the_rows_differently_are_refused(tmp_path: Path) -> None:
    rows = [
        (seed, epoch, a, b, loss(epoch, a))
        for seed in (0, 1)
        for a, b in ((1, 3), (2, 4))
        for epoch in range(6)
    ]
    path = table(tmp_path, "seed,epoch,a_len,b_len,val_loss", rows)
    assert len(metrics_csv.read_runs(path)) == 4  # they part the rows alike
    odd = [(s, e, a, 7 - a if s else a + 2, v) for s, e, a, _, v in rows]
    with pytest.raises(UnreadableFile, match=r"unclear whose they are \(columns 'a_len', 'b_len'\?\)"):
        metrics_csv.read_runs(table(tmp_path, "seed,epoch,a_len,b_len,val_loss", odd))

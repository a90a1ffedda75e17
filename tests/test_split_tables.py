"""A table for each part of the data is one run, and its metrics say their part."""

from __future__ import annotations

from pathlib import Path

from ired_diag.open import open_study


def written(folder: Path, name: str, column: str = "loss", shift: float = 0.0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{step},{1 / step + shift}" for step in range(1, 6)]
    (folder / name).write_text(f"step,{column}\n" + "\n".join(rows) + "\n")


def test_train_and_validation_tables_in_one_folder_are_one_run(tmp_path: Path) -> None:
    for seed in range(2):
        written(tmp_path / "a" / f"seed{seed}", "train.csv")
        written(tmp_path / "a" / f"seed{seed}", "val.csv", shift=1.0)
    runs = open_study(tmp_path).runs
    assert [run.label for run in runs] == ["a/seed0", "a/seed1"]
    assert sorted(runs[0].history.series) == ["train/loss", "val/loss"]
    assert runs[0].evaluated is not None
    assert runs[0].evaluated[0] == "val/loss"


def test_a_metric_that_says_its_part_keeps_its_name(tmp_path: Path) -> None:
    written(tmp_path / "a" / "run0", "train_log.csv", "train_loss")
    written(tmp_path / "a" / "run0", "eval_log.csv", "val_loss")
    (run,) = open_study(tmp_path).runs
    assert sorted(run.history.series) == ["train_loss", "val_loss"]


def test_files_that_name_something_else_stay_apart(tmp_path: Path) -> None:
    written(tmp_path, "alpha_train.csv")
    written(tmp_path, "beta_val.csv")
    assert len(open_study(tmp_path).runs) == 2

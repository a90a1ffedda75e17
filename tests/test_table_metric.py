"""What a table measures, by the names of its columns and of its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ired_diag.comparison import compare
from ired_diag.errors import UnreadableFile
from ired_diag.grouping import group_runs
from ired_diag.readers.table_metric import metric_in_names


def compared(path: Path, text: str, metric: str | None = None) -> tuple[str, bool, str]:
    path.write_text(text, encoding="utf-8")
    comparison = compare(group_runs([str(path)], Path("runs"), metric=metric), metric=metric)
    return comparison.metric, comparison.lower_is_better, comparison.direction


def wide(a: str, b: str) -> str:
    return f"seed,{a},{b}\n0,0.89,0.91\n1,0.90,0.92\n2,0.91,0.90\n"


@pytest.mark.parametrize(
    ("a", "b", "metric", "lower"),
    [
        ("val_accuracy_ours", "val_accuracy_base", "val_accuracy", False),
        ("bleu ours", "bleu base", "bleu", False),
        ("acc_a", "acc_b", "acc", False),
        ("accA", "accB", "acc", False),
        ("ours/test_acc", "base/test_acc", "test_acc", False),
        ("val_ours_acc", "val_base_acc", "val_acc", False),
        ("x_acc_1", "y_acc_2", "acc", False),
        ("acc_lr0.1", "acc_lr0.01", "acc", False),
        ("ours val_loss", "base val_loss", "val_loss", True),
        ("mse (ours)", "mse (base)", "mse", True),
        ("1-acc_a", "1-acc_b", "complement_acc", True),
    ],
)
def test_words_that_all_columns_share_are_the_metric(
    a: str, b: str, metric: str, lower: bool, tmp_path: Path
) -> None:
    assert compared(tmp_path / "results.csv", wide(a, b)) == (metric, lower, "name")


@pytest.mark.parametrize(
    ("a", "b"), [("sgd", "adam"), ("reward_weight_1", "reward_weight_2"), ("ours", "mse_trained")]
)
def test_words_of_methods_are_no_metric(a: str, b: str, tmp_path: Path) -> None:
    assert compared(tmp_path / "results.csv", wide(a, b)) == ("value", True, "assumed")


def test_entries_of_json_name_the_metric_too(tmp_path: Path) -> None:
    text = '{"acc_a": [0.8, 0.9], "acc_b": [0.7, 0.8]}'
    assert compared(tmp_path / "x.json", text) == ("acc", False, "name")


def test_columns_of_two_directions_are_refused_until_the_metric_is_named(tmp_path: Path) -> None:
    path, text = tmp_path / "results.csv", wide("mse_trained", "reward_trained")
    with pytest.raises(UnreadableFile, match="'mse_trained' lower is better, of 'reward_trained' higher"):
        compared(path, text)
    assert compared(path, text, metric="accuracy") == ("accuracy", False, "name")


def test_a_file_that_contradicts_its_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"named after loss .lower is better., the file after accuracy"):
        compared(tmp_path / "accuracy.csv", wide("loss_a", "loss_b"))
    assert compared(tmp_path / "error_analysis.csv", wide("acc_a", "acc_b"))[0] == "acc"


def test_a_header_that_fits_any_number_leaves_the_metric_to_others(tmp_path: Path) -> None:
    rows = "a,0,accuracy,0.8\na,1,accuracy,0.9\nb,0,accuracy,0.7\nb,1,accuracy,0.8\n"
    assert compared(tmp_path / "x.csv", f"method,seed,metric,value\n{rows}")[:2] == ("accuracy", False)
    plain = "method,seed,value\na,0,0.8\na,1,0.9\nb,0,0.7\nb,1,0.8\n"
    assert compared(tmp_path / "val_acc.csv", plain)[:2] == ("val_acc", False)
    assert compared(tmp_path / "x.csv", plain) == ("value", True, "assumed")
    assert compared(tmp_path / "val_acc.csv", plain.replace("value", "gap"))[0] == "gap"


def test_one_column_is_named_after_its_metric() -> None:
    assert metric_in_names(["val_accuracy"]) == "val_accuracy"
    assert metric_in_names([]) is None

"""``ls --explain`` and folders: tables of seeds, of folds and of trials are tables, and no text logs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main

TRIALS = "number,value,params_lr,state\n0,0.3,0.1,COMPLETE\n1,0.4,0.2,COMPLETE\n2,,0.3,PRUNED\n"
FOLDS = "model,fold,accuracy\nsvm,0,0.8\nsvm,1,0.82\nrf,0,0.9\nrf,1,0.91\n"
SEEDS = "method,seed,val_loss\na,0,0.8\na,1,0.82\nb,0,0.9\nb,1,0.91\n"


def say(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


@pytest.mark.parametrize("content", [TRIALS, FOLDS, SEEDS], ids=["trials", "folds", "seeds"])
def test_a_table_of_results_is_explained_as_one_and_read_from_its_folder(
    content: str, tmp_path: Path
) -> None:
    (tmp_path / "table.csv").write_text(content)
    explained = say("ls", "--explain", str(tmp_path)).stdout
    assert "is a table with one number for each seed; stats, diagnose and figures read it" in explained
    assert "not understood" not in explained
    in_folder = say("stats", str(tmp_path), "--json")
    assert in_folder.exit_code == 0, in_folder.output
    by_path = json.loads(say("stats", str(tmp_path / "table.csv"), "--json").stdout)
    assert json.loads(in_folder.stdout)["groups"] == by_path["groups"]


def test_files_of_settings_are_not_explained_as_text_logs(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("seed: 3\nlr: 0.1\n")
    assert say("ls", "--explain", str(tmp_path)).stdout.strip().endswith("is no log of a known format")


def test_a_history_is_explained_with_its_metrics(tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text('{"loss": [3, 2, 1], "val_loss": [3, 2, 2]}')
    explained = say("ls", "--explain", str(tmp_path)).stdout
    assert "is read as history_json: 1 run, 2 metrics: loss (3), val_loss (3)" in explained


def test_a_group_of_one_seed_shows_its_number_without_empty_digits(tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text('{"loss": [3, 2, 1], "val_loss": [3, 2, 1.25]}')
    shown = say("stats", str(tmp_path)).stdout
    assert "last evaluation of val_loss, because the curves have no plateau in common, each seed" in shown
    assert "1.25 to 1.25" in shown and "1.2500" not in shown


@pytest.mark.parametrize(
    ("first", "words"), [("", "the 3 rows are counted"), (",", "the index of the 3 rows does")]
)
def test_it_is_said_whether_rows_are_counted_or_an_index_counts(
    first: str, words: str, tmp_path: Path
) -> None:
    rows = ["loss,val_loss", "3,4", "2,3", "1,2"]
    if first:
        rows = [f",{rows[0]}", *(f"{place},{row}" for place, row in enumerate(rows[1:]))]
    (tmp_path / "results.csv").write_text("\n".join(rows) + "\n")
    assert f"No column counts the steps: {words}." in say("ls", str(tmp_path)).stdout

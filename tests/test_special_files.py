"""Pipes and links to themselves among the files: named, never opened, because that may never end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ired_diag.errors import UnreadableFile
from ired_diag.open import open_study
from ired_diag.readers.seed_table_metrics import names_seeds
from ired_diag.runs.files import is_special

ROOT = Path(__file__).parents[1]
SPECIAL = ("config.json", "x.out", "x.err", "y.csv", "eval_results.json", "events.out.tfevents.1.a")


def say(*arguments: str | Path) -> str:
    """Return what a command prints; a command that waits for a pipe fails after a minute."""
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in SPECIAL:
        os.mkfifo(tmp_path / name)
    (tmp_path / "loop.log").symlink_to(tmp_path / "loop.log")
    (tmp_path / "good.csv").write_text("step,loss\n1,0.5\n2,0.4\n3,0.3\n")
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "config.json").write_text(json.dumps({"format": 1, "experiment": "q900", "seed": 0}))
    os.mkfifo(run / "metrics.jsonl")
    os.mkfifo(run / "checkpoints" / "step-1.safetensors")
    return tmp_path


def test_pipes_and_loops_are_named_and_the_other_files_are_read(folder: Path) -> None:
    content = json.loads(say("ls", "--json", folder))
    assert {run["experiment"] for run in content["runs"]} >= {"q900"}
    assert len(content["runs"]) == 2
    assert [run["checkpoints"] for run in content["runs"]] == [[], []]
    named = {Path(line["path"]).name: line["reason"] for line in content["skipped"]}
    assert named.keys() == {*SPECIAL, "loop.log"}
    assert all("was not opened" in reason for reason in named.values())


@pytest.mark.parametrize("name", ["x.out", "loop.log"])
def test_one_of_them_named_by_itself_is_an_error_that_says_what_it_is(folder: Path, name: str) -> None:
    with pytest.raises(UnreadableFile, match=rf"{name}: is a pipe, .* or a link to itself"):
        open_study(folder / name)


def test_diagnose_opens_none_of_them(folder: Path) -> None:
    assert "2 runs" in say("diagnose", folder)


def test_a_file_a_folder_and_a_missing_path_are_not_special(folder: Path) -> None:
    assert not any(map(is_special, (folder, folder / "good.csv", folder / "missing")))
    assert is_special(folder / "x.out")
    assert is_special(folder / "loop.log")


def test_a_link_to_a_device_named_like_a_table_is_not_read(tmp_path: Path) -> None:
    """A device has no end of line: the first line of a table is read of files alone."""
    link = tmp_path / "finals.csv"
    link.symlink_to("/dev/zero")
    assert not names_seeds(link)

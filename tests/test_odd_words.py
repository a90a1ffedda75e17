"""Words that a shell or click reads otherwise than was meant: folders named -x, quoted patterns, names."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-dash").mkdir()
    for seed in range(2):
        rows = [f"step {k}: val_loss={1 / k + seed / 100:.4f}\n" for k in range(1, 9)]
        (tmp_path / "-dash" / f"a_seed{seed}.log").write_text("".join(rows))
    return tmp_path


@pytest.mark.parametrize("command", ["ls", "diagnose", "stats", "figures"])
def test_a_path_that_looks_like_an_option_is_named_with_how_to_write_it(here: Path, command: str) -> None:
    said = CliRunner().invoke(main, [command, "-dash"])
    assert said.exit_code == 2
    assert "For the path of that name, write ./-dash" in said.output
    assert CliRunner().invoke(main, ["ls", "./-dash"]).exit_code == 0
    assert "No such option" in CliRunner().invoke(main, [command, "--nosuch"]).output


PATTERNS = [["stats"], ["ls"], ["diagnose"], ["figures"], ["stats", "--runs", "./-dash"]]


@pytest.mark.parametrize("words", PATTERNS)
def test_a_quoted_pattern_that_matches_nothing_is_called_one(here: Path, words: list[str]) -> None:
    said = CliRunner().invoke(main, [*words, "q10*"])
    assert said.exit_code == 1
    assert "'q10*' looks like a pattern; it was taken as a name" in said.output


def test_nothing_is_trained_where_one_of_several_experiments_is_unknown(here: Path) -> None:
    words = ["train", "q001", "nosuch", "--set", "train_steps=2", "--device", "cpu", "--runs", "out"]
    said = CliRunner().invoke(main, words)
    assert (said.exit_code, "No experiment is named 'nosuch'" in said.output) == (1, True)
    assert not (here / "out").exists()

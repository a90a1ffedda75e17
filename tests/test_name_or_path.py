"""A word that is both a run name and a path is refused, and never silently one of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.errors import AmbiguousName, NotFound
from ired_diag.grouping import group_runs


def _log(path: Path, level: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"step {100 * step}: val_loss={level + 1 / step:.6f}" for step in range(1, 9)]
    path.write_text("\n".join([*rows, "Training complete"]) + "\n")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current directory with folders old and new, and runs of the same names elsewhere."""
    for name, level in (("old", 0.5), ("new", 0.4)):
        for seed in range(2):
            _log(tmp_path / "here" / name / f"{name}_seed{seed}.log", level + seed / 100)
            _log(tmp_path / "archive" / f"{name}_seed{seed}.log", 2 * level + seed / 100)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def test_a_word_that_is_both_is_refused_and_a_path_with_a_dot_is_not(here: Path) -> None:
    archive = here / "archive"
    with pytest.raises(AmbiguousName, match=r"'old' is both a run name in .*archive and a path"):
        group_runs(["old", "new"], archive)
    by_path = group_runs(["./old", "./new"], archive)
    assert float(by_path["old"][0].history.series["val_loss"].values[-1]) == 0.625


def test_a_runs_folder_that_does_not_exist_is_an_error_and_not_left_aside(here: Path) -> None:
    with pytest.raises(NotFound, match="no runs folder /nonexistent"):
        group_runs(["old"], Path("/nonexistent"))
    said = CliRunner().invoke(main, ["stats", "old", "new", "--runs", "/nonexistent"])
    assert said.exit_code == 1
    assert "pass ./old" in said.output


def test_paths_without_any_runs_folder_or_without_that_name_in_it_are_paths(here: Path) -> None:
    assert set(group_runs(["old", "new"], Path("runs"))) == {"old", "new"}
    other = here / "other"
    _log(other / "third_seed0.log", 1.0)
    assert set(group_runs(["old", "new"], other)) == {"old", "new"}


def test_a_folder_within_the_runs_folder_has_one_meaning(here: Path) -> None:
    assert set(group_runs(["old"], Path())) == {"old"}


def test_a_folder_of_runs_whose_configuration_names_them_otherwise_counts_as_a_name(
    here: Path,
) -> None:
    for folder in (here / "archive" / "old", here / "here" / "runs" / "old"):
        _log(folder / "q7_seed0.log", 3.0)
    (here / "archive" / "old_seed0.log").unlink()
    (here / "archive" / "old_seed1.log").unlink()
    with pytest.raises(AmbiguousName, match=r"Pass \./old for the path, or .*archive/old for the folder"):
        group_runs(["old", "new"], here / "archive")
    with pytest.raises(AmbiguousName, match="or runs/old for the folder"):
        group_runs(["old", "./new"], Path("runs"))
    of_folder = group_runs([str(here / "archive" / "old"), "./new"], here / "archive")
    assert len(next(iter(of_folder.values()))) == 1
    assert set(group_runs(["./old", "./new"], Path("runs"))) == {"old", "new"}

"""Importing again: what moves, what goes, and what must never be touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.errors import CannotWrite
from ired_diag.importing import import_logs
from ired_diag.open import open_study
from ired_diag.runs.store import folder_name

LogWriter = Callable[..., Path]

A, B = "a" * 40, "b" * 40
CUT = ((1000, 1.0, 1.0),)


def labels(folder: Path) -> list[str]:
    return [run.label for run in open_study(folder).runs]


def attempts(folder: Path) -> dict[str, list[str | None]]:
    return {run.label: [a.job for a in run.attempts] for run in open_study(folder).runs}


def test_a_refused_import_has_moved_nothing(write_log: LogWriter, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    import_logs([write_log(1001, commit=A)], runs)
    trained = runs / "q901" / "seed0"
    trained.mkdir(parents=True)
    (trained / "config.json").write_text('{"format": 1, "experiment": "q901", "provenance": {}}')
    write_log(1002, commit=B)
    write_log(1003, config={"experiment_name": "q901_other"})
    with pytest.raises(CannotWrite, match="trained here"):
        import_logs([tmp_path / "logs"], runs)
    assert sorted(p.parent.relative_to(runs).as_posix() for p in runs.rglob("config.json")) == [
        "q900/seed0",
        "q901/seed0",
    ]


def test_a_variant_whose_name_changes_leaves_no_folder_behind(write_log: LogWriter, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    write_log(1001, commit=A, evaluations=CUT, complete=False, started="Sat Jan 24 01:00:00 EST 2026")
    write_log(1002, commit=B, started="Sat Jan 24 02:00:00 EST 2026")
    import_logs([tmp_path / "logs"], runs)
    assert labels(runs) == ["q900@1001/seed0", "q900@1002/seed0"]
    write_log(1003, commit=A, started="Sat Jan 24 03:00:00 EST 2026")
    import_logs([tmp_path / "logs"], runs)
    assert attempts(runs) == {"q900@1002/seed0": [], "q900@1003/seed0": ["1001"]}
    assert attempts(runs) == attempts(tmp_path / "logs")
    assert not (runs / "q900" / "job=1001").exists()


def test_an_attempt_that_grew_into_a_run_is_no_longer_an_attempt(
    write_log: LogWriter, tmp_path: Path
) -> None:
    runs, early = tmp_path / "runs", "Sat Jan 24 01:00:00 EST 2026"
    write_log(1001, commit=A, evaluations=(), complete=False, started=early)
    write_log(1002, commit=B, started="Sat Jan 24 02:00:00 EST 2026")
    import_logs([tmp_path / "logs"], runs)
    assert attempts(runs) == {"q900/seed0": ["1001"]}
    write_log(1001, commit=A, evaluations=CUT, complete=False, started=early)
    import_logs([tmp_path / "logs"], runs)
    assert attempts(runs) == attempts(tmp_path / "logs") == {"q900@1001/seed0": [], "q900@1002/seed0": []}


def test_importing_a_run_without_its_retry_keeps_the_retry(write_log: LogWriter, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    write_log(1001, evaluations=(), complete=False, started="Sat Jan 24 01:00:00 EST 2026")
    last = write_log(1002, started="Sat Jan 24 02:00:00 EST 2026")
    import_logs([tmp_path / "logs"], runs)
    import_logs([last], runs)
    assert attempts(runs) == {"q900/seed0": ["1001"]}


def test_results_that_cannot_be_told_apart_are_joined_to_nothing(
    write_log: LogWriter, tmp_path: Path
) -> None:
    results = tmp_path / "results" / "q900_seed0"
    results.mkdir(parents=True)
    (results / "model-1.pt").write_bytes(b"weights")
    (results / "experiment_config.json").write_text(json.dumps({"experiment_name": "q900_synthetic"}))
    write_log(1001, commit=A)
    write_log(1002, commit=B)
    imported = import_logs([tmp_path / "logs"], tmp_path / "runs", checkpoints=tmp_path / "results")
    assert [one.results for one in imported.runs] == [None, None]
    assert "2 runs and 1 results folders" in imported.notes[0]


@pytest.mark.parametrize("name", ["../../escaped", "/escaped", "..", "q900/../../escaped", "a\0b", ""])
def test_no_name_leads_out_of_the_runs_folder(write_log: LogWriter, tmp_path: Path, name: str) -> None:
    runs = tmp_path / "deep" / "runs"
    before = {p for p in tmp_path.rglob("*") if p.is_file()}
    log = write_log(1001, config={"experiment_name": name, "rank": 20})
    import_logs([log], runs)
    made = {p for p in tmp_path.rglob("*") if p.is_file()} - before - {log}
    assert made
    assert all(p.is_relative_to(runs) for p in made)


def test_folder_names_are_single_and_visible() -> None:
    for name in ("a/b", "..", ".hidden", "a\nb", "x" * 9):
        assert "/" not in folder_name(name)
        assert not folder_name(name).startswith(".")


def test_versions_of_one_job_that_differ_in_commit_and_knobs_get_different_folders(
    write_log: LogWriter, tmp_path: Path
) -> None:
    for task, (commit, rank) in enumerate([(A, 20), (B, 20), (A, 10)]):
        config = {"experiment_name": "q900_synthetic", "rank": rank}
        write_log(1001, task=task, seed=0, commit=commit, config=config)
    import_logs([tmp_path / "logs"], tmp_path / "runs")
    assert len(set(labels(tmp_path / "runs"))) == 3
    assert labels(tmp_path / "runs") == labels(tmp_path / "logs")


def _text_log(path: Path, level: float) -> Path:
    path.parent.mkdir(exist_ok=True)
    rows = [f"step {100 * step}: val_loss={level + 1 / step:.6f}" for step in range(1, 9)]
    path.write_text("\n".join([*rows, "Training complete"]) + "\n")
    return path


def test_runs_whose_log_is_gone_stay_and_are_named_until_removal_is_asked_for(tmp_path: Path) -> None:
    logs, runs = tmp_path / "logs", tmp_path / "runs"
    kept, removed, renamed = (_text_log(logs / f"{name}_seed0.log", 0.5) for name in ("a", "b", "c"))
    first = import_logs([logs], runs)
    assert first.gone == ()
    removed.unlink()
    renamed.rename(logs / "d_seed0.log")
    told = CliRunner().invoke(main, ["import", str(logs), "--runs", str(runs)]).output
    assert labels(runs) == ["a/seed0", "b/seed0", "c/seed0", "d/seed0"]
    assert "b_seed0.log was removed or renamed, so it stays as an earlier import left it" in told
    assert "2 runs without a log, counted like all others. --remove-gone removes" in told
    again = import_logs([logs], runs, remove_gone=True)
    assert sorted(each.log for each in again.gone) == [removed.resolve(), renamed.resolve()]
    assert labels(runs) == ["a/seed0", "d/seed0"]
    assert kept.exists()


def test_runs_from_other_places_and_trained_ones_are_not_called_gone(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    elsewhere = _text_log(tmp_path / "elsewhere" / "x_seed0.log", 0.5)
    import_logs([elsewhere.parent], runs)
    elsewhere.unlink()
    trained = runs / "y" / "seed0"
    trained.mkdir(parents=True)
    (trained / "config.json").write_text('{"format": 1, "experiment": "y", "provenance": {}}')
    _text_log(tmp_path / "logs" / "a_seed0.log", 0.5)
    assert import_logs([tmp_path / "logs"], runs, remove_gone=True).gone == ()
    assert (runs / "x" / "seed0" / "metrics.jsonl").exists()

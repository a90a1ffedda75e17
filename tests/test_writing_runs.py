"""Runs that several processes write are those that one writes; a process that dies costs none."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ired_diag import writing_runs
from ired_diag.errors import CannotWrite
from ired_diag.importing import import_logs
from tests.conftest import THREE, configuration, log_text
from tests.test_import_full_disk import LONG, disk_of

SEEDS = 40


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Seeds of an experiment, each first tried in a job that was cancelled; the last history is long."""
    folder = tmp_path / "logs"
    folder.mkdir()
    for seed in range(SEEDS):
        evaluations = LONG if seed == SEEDS - 1 else THREE
        for job, logged in ((100 + seed, THREE[:1]), (500 + seed, evaluations)):
            text = log_text(seed=seed, config=configuration("q900_x"), evaluations=logged)
            (folder / f"ired_q900_x_{job}.out").write_text(text)
    return folder


@pytest.fixture
def two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing_runs, "FEWEST_RUNS", 2)
    monkeypatch.setattr(writing_runs, "RUNS_OF_PART", 3)
    monkeypatch.setattr(writing_runs, "processes_allowed", lambda: 2)


def contents(runs: Path) -> dict[str, str]:
    files = [path for path in runs.rglob("*") if path.is_file()]
    return {str(path.relative_to(runs)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def imported(logs: Path, runs: Path) -> tuple[dict[str, str], list[int]]:
    counts: list[int] = []
    import_logs([logs], runs, progress=lambda whole, total: counts.append(whole))
    return contents(runs), counts


@pytest.mark.parametrize("most_numbers", [1, 1000, 1 << 19])
def test_several_processes_write_what_one_writes(
    logs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    most_numbers: int,
) -> None:
    alone, _ = imported(logs, tmp_path / "alone")
    request.getfixturevalue("two_processes")
    monkeypatch.setattr(writing_runs, "MOST_NUMBERS", most_numbers)
    by_others: list[int] = []
    finish = writing_runs._Shared.write

    def write(shared: writing_runs._Shared, helpers_wanted: int) -> None:
        finish(shared, helpers_wanted)
        by_others.extend(shared.by_others)

    monkeypatch.setattr(writing_runs._Shared, "write", write)
    together, counts = imported(logs, tmp_path / "together")
    assert together == alone
    assert counts == sorted(counts)
    assert counts[-1] == SEEDS
    assert len(set(by_others)) == len(by_others) <= SEEDS
    assert bool(by_others) == (most_numbers > 1)


@pytest.mark.usefixtures("two_processes")
def test_a_process_that_is_killed_costs_no_run(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, _ = imported(logs, tmp_path / "together")
    monkeypatch.setattr(writing_runs, "PROGRAM", "import os; os.kill(os.getpid(), 9)")
    assert imported(logs, tmp_path / "killed")[0] == together


@pytest.mark.usefixtures("two_processes")
def test_a_full_disk_is_reported_with_the_number_of_whole_runs(logs: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    with disk_of(8000), pytest.raises(CannotWrite) as error:
        import_logs([logs], runs)
    whole = [path for path in runs.glob("q900/seed*/config.json")]
    assert f"seed{SEEDS - 1}/metrics.jsonl: cannot be written: File too large." in str(error.value)
    assert f"{len(whole)} of {SEEDS} runs are imported and whole." in str(error.value)
    assert not [path for path in runs.rglob(".*")]

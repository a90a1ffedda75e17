"""An import that the disk cuts short: what is whole is counted, and the same command goes on."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag import importing
from ired_diag.errors import CannotWrite
from ired_diag.importing import import_logs
from ired_diag.open import open_study
from ired_diag.runs import several_writers
from ired_diag.runs.evaluation_store import write_evaluations
from ired_diag.runs.store import write_run
from tests.conftest import THREE, configuration, log_text

LONG = [(n, 0.5, 1.0 / n) for n in range(1, 400)]


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Four seeds; the history of the third is longer than what still fits."""
    for seed in range(4):
        path = tmp_path / "logs" / f"ired_q900_x_{seed + 1}.out"
        path.parent.mkdir(exist_ok=True)
        evaluations = LONG if seed == 2 else THREE
        path.write_text(log_text(seed=seed, config=configuration("q900_x"), evaluations=evaluations))
    return path.parent


def test_the_message_counts_the_whole_runs_and_the_import_can_be_repeated(logs: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    with disk_of(8000), pytest.raises(CannotWrite) as error:
        import_logs([logs], runs)
    assert "seed2/metrics.jsonl: cannot be written: File too large." in str(error.value)
    assert "2 of 4 runs are imported and whole." in str(error.value)
    assert "repeat the import" in str(error.value)
    whole = open_study(runs)
    assert [run.label for run in whole.runs] == ["q900/seed0", "q900/seed1"]
    assert (whole.skipped, [run.history.last_step for run in whole.runs]) == ((), [3000, 3000])
    assert not [path for path in runs.rglob(".*")]
    import_logs([logs], runs)
    assert [run.history.last_step for run in open_study(runs).runs] == [3000, 3000, 399, 3000]


def test_a_disk_that_is_full_at_the_first_run_or_at_the_evaluations_says_so(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with disk_of(10), pytest.raises(CannotWrite, match="0 of 4 runs are imported and whole"):
        import_logs([logs], tmp_path / "first")

    def on_a_full_disk(*arguments: object, **keywords: object) -> object:
        with disk_of(0):
            return write_evaluations(*arguments, **keywords)  # type: ignore[arg-type]

    evaluation = {"evaluation_mode": True, **configuration("q901_evaluation")}
    text = log_text(config=evaluation, evaluations=()).replace("Training for 3000 steps...\n", "")
    (logs / "ired_q901_evaluation_9.out").write_text(text)
    monkeypatch.setattr(importing, "write_evaluations", on_a_full_disk)
    with pytest.raises(CannotWrite, match="4 of 4 runs are imported and whole, and not all evaluations"):
        import_logs([logs], tmp_path / "last")


def test_the_command_says_it_in_one_line(logs: Path, tmp_path: Path) -> None:
    with disk_of(8000):
        result = CliRunner().invoke(main, ["import", str(logs), "--runs", str(tmp_path / "runs")])
    (line,) = result.stderr.splitlines()
    assert result.exit_code == 1
    assert "2 of 4 runs are imported and whole." in line


def test_a_log_that_goes_away_during_the_import_counts_the_whole_runs(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_a_log(*arguments: object, **keywords: object) -> None:
        (logs / "ired_q900_x_4.out").unlink(missing_ok=True)
        write_run(*arguments, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(importing, "write_run", lose_a_log)
    with pytest.raises(CannotWrite, match=r"3 of 4 runs are imported and whole\."):
        import_logs([logs], tmp_path / "runs")
    json.loads((tmp_path / "runs" / "q900" / "seed1" / "config.json").read_text())


def test_several_writers_count_the_whole_runs(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(several_writers, "FEWEST", 2)
    runs = tmp_path / "runs"
    with disk_of(8000), pytest.raises(CannotWrite) as error:
        import_logs([logs], runs)
    whole = open_study(runs)
    assert "seed2/metrics.jsonl: cannot be written: File too large." in str(error.value)
    assert f"{len(whole.runs)} of 4 runs are imported and whole." in str(error.value)
    assert all(run.history.last_step == 3000 for run in whole.runs)
    assert not [path for path in runs.rglob(".*")]

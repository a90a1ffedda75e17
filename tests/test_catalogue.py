"""The catalogue: what has not changed is not read again, and never anything else is given."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ired_diag import catalogue as module
from ired_diag.catalogue import open_catalogue
from ired_diag.errors import NotReadable, UnreadableFile
from ired_diag.open import open_study
from ired_diag.readers.death import DiedWithoutMetrics
from ired_diag.readers.logs import read_log
from ired_diag.runs.run import Run
from ired_diag.runs.store import read_run
from ired_diag.user_cache import caches_in_use

SAMPLES = Path(__file__).parents[1] / "sample_runs"
LOG = "Job ID: 7\nSetting random seed: 3\n" + "".join(
    f"Validation Result @ Iteration {step}; Milestone = {step // 1000} (ID: Validation)\n"
    f"---  -------\nmse  0.{step}\n---  -------\n"
    for step in (1000, 2000)
)


@pytest.fixture(autouse=True)
def _fresh_files_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a test are a moment old."""
    monkeypatch.setattr(module, "UNSETTLED", -60.0)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "q1_7.out"
    path.write_text(LOG)
    return path


def ask(file: Path, path: Path) -> tuple[Sequence[Run], int]:
    """Return the runs in a log, and how often it was read."""
    with open_catalogue(file) as catalogue:
        runs = catalogue.log(path, read_log)
    return runs, catalogue.read


def test_an_unchanged_log_is_read_once(tmp_path: Path, log: Path) -> None:
    file = tmp_path / "catalogue.sqlite"
    first, read = ask(file, log)
    assert read == 1
    again, read = ask(file, log)
    assert read == 0
    assert again == first
    assert again[0].history.series["validation/mse"].values.tolist() == [0.1, 0.2]


def _grow(log: Path) -> None:
    log.write_text(LOG.replace("0.2000", "0.2001"))


def _replace(log: Path) -> None:
    """A file of the same size and time of writing takes its place."""
    before = log.stat()
    other = log.with_name("other")
    other.write_text(LOG.replace("0.2000", "0.2009"))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(log)


def _add_errors(log: Path) -> None:
    log.with_suffix(".err").write_text(
        "slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-01-01T00:00:00 ***\n"
    )


@pytest.mark.parametrize("change", [_grow, _replace, _add_errors], ids=lambda change: change.__name__)
def test_a_changed_log_is_read_again(tmp_path: Path, log: Path, change: Callable[[Path], None]) -> None:
    file = tmp_path / "catalogue.sqlite"
    before, _ = ask(file, log)
    change(log)
    after, read = ask(file, log)
    assert read == 1
    assert after != before
    assert list(after) == read_log(log)


def test_why_a_log_holds_no_run_is_kept_too(tmp_path: Path) -> None:
    file, path = tmp_path / "catalogue.sqlite", tmp_path / "x_9.out"
    traceback = "Traceback (most recent call last):\n  File 'a.py', line 1\n"
    path.write_text(f"{traceback}ModuleNotFoundError: No module named 'a'\n")
    errors = []
    for _ in range(2):
        with open_catalogue(file) as catalogue, pytest.raises(UnreadableFile) as error:
            catalogue.log(path, read_log)
        errors.append((type(error.value), str(error.value)))
    assert catalogue.read == 0
    assert errors[0] == errors[1]
    assert errors[0][0] is DiedWithoutMetrics


def test_other_errors_are_not_kept(tmp_path: Path, log: Path) -> None:
    def fail(path: Path) -> list[Run]:
        raise NotReadable(f"{path}: not readable: for now.")

    file = tmp_path / "catalogue.sqlite"
    for _ in range(2):
        with open_catalogue(file) as catalogue, pytest.raises(NotReadable):
            catalogue.log(log, fail)
    assert ask(file, log)[1] == 1


def test_a_run_folder_is_read_again_where_anything_in_it_changed(tmp_path: Path) -> None:
    file, folder = tmp_path / "catalogue.sqlite", tmp_path / "q103" / "seed0"
    shutil.copytree(SAMPLES / "q103" / "seed0", folder)

    def read() -> tuple[Run, int]:
        with open_catalogue(file) as catalogue:
            run = catalogue.folder(folder, read_run)
        return run, catalogue.read

    first, count = read()
    assert count == 1
    again, count = read()
    assert (again, count) == (first, 0)
    (folder / "checkpoints" / "step-000009999.safetensors").write_bytes(b"")
    third, count = read()
    assert count == 1
    assert len(third.checkpoints) == len(first.checkpoints) + 1


def test_formats_that_look_at_other_files_are_read_each_time(tmp_path: Path) -> None:
    table = tmp_path / "metrics.csv"
    table.write_text("step,val_loss\n1,0.5\n2,0.4\n")
    for _ in range(2):
        assert ask(tmp_path / "catalogue.sqlite", table)[1] == 1


def test_names_are_those_that_a_user_gave(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "catalogue.sqlite"
    monkeypatch.chdir(tmp_path)
    for path in (log, Path(log.name), Path("..") / tmp_path.name / log.name):
        for _ in range(2):
            (run,), _ = ask(file, path)
            assert run.path == path


def test_other_code_reads_again(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "catalogue.sqlite"
    ask(file, log)
    monkeypatch.setattr(module, "state_of_code", lambda: "another version")
    assert ask(file, log)[1] == 1


def test_a_damaged_or_foreign_file_is_made_anew(tmp_path: Path, log: Path) -> None:
    file = tmp_path / "catalogue.sqlite"
    ask(file, log)
    content = file.read_bytes()
    middle = len(content) // 2
    for damaged in (
        b"no database at all",
        content[:middle],
        content[:middle] + os.urandom(len(content) - middle),
    ):
        file.write_bytes(damaged)
        runs, _ = ask(file, log)
        assert list(runs) == read_log(log)
        ask(file, log)
        assert ask(file, log)[1] == 0
    file.unlink()
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE sources (place TEXT)")  # somebody else's
    connection.close()
    assert list(ask(file, log)[0]) == read_log(log)


def test_bytes_that_are_no_runs_are_read_again(tmp_path: Path, log: Path) -> None:
    file = tmp_path / "catalogue.sqlite"
    ask(file, log)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE sources SET runs = ?", (b"\x80\x05]\x94.",))
    connection.close()
    assert list(ask(file, log)[0]) == read_log(log)


def test_a_place_that_cannot_be_written_is_no_obstacle(tmp_path: Path, log: Path) -> None:
    (tmp_path / "taken").write_text("")
    for _ in range(2):
        runs, read = ask(tmp_path / "taken" / "catalogue.sqlite", log)
        assert (len(runs), read) == (1, 1)


def test_it_is_kept_within_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "catalogue.sqlite"
    monkeypatch.setattr(module, "MOST_BYTES", 60_000)
    with open_catalogue(file) as catalogue:
        for number in range(60):
            path = tmp_path / f"q1_{number}.out"
            path.write_text(LOG)
            catalogue.log(path, read_log)
    assert file.stat().st_size <= 60_000


def test_studies_are_the_same_with_and_without_it(
    tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for place in (shared / "ired_logs", SAMPLES):
        plain = open_study(place)
        for _ in range(2):
            with caches_in_use():
                kept = open_study(place)
            assert list(map(repr, kept.runs)) == list(map(repr, plain.runs))
            assert kept.runs == plain.runs
            assert kept.skipped == plain.skipped
            assert kept.evaluations == plain.evaluations
    assert (tmp_path / "ired-diag" / "catalogue" / "catalogue.sqlite").is_file()


def test_a_library_call_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    open_study(SAMPLES)
    monkeypatch.setenv("IRED_DIAG_NO_CACHE", "1")
    with caches_in_use():
        open_study(SAMPLES)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_two_processes_may_use_it_at_once(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"q1_{number}.out").write_text(LOG)
    code = (
        "import sys; from pathlib import Path; from ired_diag import catalogue; "
        "from ired_diag.readers.logs import read_log; catalogue.UNSETTLED = -60.0\n"
        "folder = Path(sys.argv[1])\n"
        "for _ in range(5):\n"
        "    with catalogue.open_catalogue(folder / 'c.sqlite') as kept:\n"
        "        for path in sorted(folder.glob('*.out')):\n"
        "            assert kept.log(path, read_log)[0].seed == 3\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    later = (  # not here: this process noted the state of the code when its first test asked for it
        "import sys; from pathlib import Path; from ired_diag.catalogue import Catalogue\n"
        "kept = Catalogue(Path(sys.argv[1]) / 'c.sqlite')\n"
        "missing = [path.name for path in Path(sys.argv[1]).glob('*.out') if not kept.kept_log(path)]\n"
        "assert not missing, missing\n"
    )
    subprocess.run([sys.executable, "-c", later, str(tmp_path)], check=True)

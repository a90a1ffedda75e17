"""Answers of commands: given again while nothing that was read has changed, and never otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from app.cli import answers, what_was_read
from ired_diag import catalogue
from ired_diag.catalogue import open_catalogue
from ired_diag.readers import reading_ahead
from ired_diag.readers.logs import read_log
from ired_diag.runs import completion

SAMPLE_LOGS = Path(__file__).parents[1] / "sample_runs" / "slurm_logs"


class Asked:
    """A command that reads a folder and another file, and how often it ran."""

    def __init__(self, folder: Path, elsewhere: Path) -> None:
        self.folder, self.elsewhere = folder, elsewhere
        self.times = 0
        self.status: object = 3
        self.also: Callable[[], object] = lambda: None

    def run(self) -> None:
        """Print what the files hold, to both streams, and end with a status."""
        self.times += 1
        self.also()
        for path in sorted(self.folder.iterdir()):
            click.echo(f"{path.name}: {path.read_text()}")
        click.echo(self.elsewhere.read_text(), err=True)
        raise SystemExit(self.status)

    def run_without_paths(self) -> None:
        """Ask with words that name no path."""
        with pytest.raises(SystemExit):
            answers.answer(["ls"], self.run)

    def ask(self, *more: str) -> object:
        """Ask, and return the exit status."""
        with pytest.raises(SystemExit) as end:
            answers.answer(["ls", str(self.folder), *more], self.run)
        return end.value.code


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """A command over a folder of two files; everything is worth keeping, however fresh or quick."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(answers, "SHORTEST", 0.0)
    monkeypatch.setattr(answers, "UNSETTLED", -60.0)
    monkeypatch.setattr(what_was_read, "UNSETTLED", -60.0)
    monkeypatch.setattr(catalogue, "UNSETTLED", -60.0)
    folder = tmp_path / "runs"
    folder.mkdir()
    (folder / "a.log").write_text("1")
    (folder / "b.log").write_text("2")
    elsewhere = tmp_path / "settings.txt"
    elsewhere.write_text("x")
    return Asked(folder, elsewhere)


def test_an_unchanged_folder_is_not_read_again(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked.ask() == 3
    first = capsys.readouterr()
    assert asked.ask() == 3
    assert asked.times == 1
    assert capsys.readouterr() == first
    assert first.out == "a.log: 1\nb.log: 2\n"
    assert first.err == "x\n"


def _overwrite(asked: Asked) -> None:
    (asked.folder / "a.log").write_text("9")


def _add(asked: Asked) -> None:
    (asked.folder / "c.log").write_text("3")


def _remove(asked: Asked) -> None:
    (asked.folder / "b.log").unlink()


def _replace_keeping_times(asked: Asked) -> None:
    """Another file of the same size and time of writing takes the place of the first."""
    path = asked.folder / "a.log"
    before = path.stat()
    other = asked.folder.with_name("other")
    other.write_text("7")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def _change_elsewhere(asked: Asked) -> None:
    asked.elsewhere.write_text("yy")


@pytest.mark.parametrize(
    "change", [_overwrite, _add, _remove, _replace_keeping_times, _change_elsewhere], ids=lambda f: f.__name__
)
def test_what_has_changed_is_read_again(
    asked: Asked, change: Callable[[Asked], None], capsys: pytest.CaptureFixture[str]
) -> None:
    asked.ask()
    before = capsys.readouterr()
    change(asked)
    asked.ask()
    assert asked.times == 2
    assert capsys.readouterr() != before


def test_other_words_settings_and_code_have_other_answers(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked.ask()
    asked.ask("--json")
    assert asked.times == 2
    monkeypatch.setenv("COLUMNS", "60")
    asked.ask()
    assert asked.times == 3
    monkeypatch.setattr(answers, "state_of_code", lambda: "changed")
    asked.ask()
    assert asked.times == 4


def test_the_runs_folder_of_the_environment_is_looked_at(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IRED_DIAG_RUNS", str(asked.folder))
    asked.run_without_paths()
    asked.run_without_paths()
    assert asked.times == 1
    _overwrite(asked)
    asked.run_without_paths()
    assert asked.times == 2


def test_what_the_catalogue_gives_counts_as_read(asked: Asked, tmp_path: Path) -> None:
    """A log elsewhere is not opened where it is kept; an answer rests on it all the same."""
    log = tmp_path / "far" / "q1_7.out"
    log.parent.mkdir()
    log.write_text("Setting random seed: 3\n[CD-DIAG step=1] E_pos=1.0\n")
    file = tmp_path / "cache" / "catalogue.sqlite"

    def look() -> None:
        with open_catalogue(file) as kept:
            kept.log(log, read_log)

    look()
    asked.also = look
    asked.ask()
    asked.ask()
    assert asked.times == 1
    log.write_text("Setting random seed: 4\n[CD-DIAG step=1] E_pos=2.0\n")
    asked.ask()
    assert asked.times == 2


@pytest.mark.parametrize("status", [1, 2, "wrong"])
def test_errors_are_not_kept(asked: Asked, status: object) -> None:
    asked.status = status
    assert asked.ask() == asked.ask() == status
    assert asked.times == 2


def test_what_writes_or_starts_something_runs_each_time(asked: Asked, tmp_path: Path) -> None:
    for also in (
        lambda: (tmp_path / "table.csv").write_text("n"),
        lambda: subprocess.run([sys.executable, "-c", ""], check=True),
    ):
        asked.times = 0
        asked.also = also
        asked.ask()
        asked.ask()
        assert asked.times == 2


def test_a_file_that_changes_while_it_is_read_is_read_again(asked: Asked) -> None:
    counts = iter(range(9))
    asked.also = lambda: os.utime(asked.folder / "a.log", (next(counts), 0))
    asked.ask()
    asked.ask()
    assert asked.times == 2


def test_a_fault_is_raised_and_not_kept(asked: Asked) -> None:
    def fail() -> None:
        raise KeyError("a fault of the program")

    asked.also = fail
    for _ in range(2):
        with pytest.raises(KeyError):
            answers.answer(["ls", str(asked.folder)], asked.run)
    assert asked.times == 2


def test_damaged_answers_are_made_again(asked: Asked, tmp_path: Path) -> None:
    asked.ask()
    (kept,) = (tmp_path / "cache" / "ired-diag" / "answers").iterdir()
    content = kept.read_bytes()
    for damaged in (b"", content[:-3], content.replace(b"a.log", b"z.log"), b"{}", os.urandom(300)):
        kept.write_bytes(damaged)
        times = asked.times
        assert asked.ask() == 3
        assert asked.times == times + 1
    kept.write_bytes(content)
    asked.ask()
    assert asked.times == times + 1


def test_an_answer_on_young_logs_ends_when_they_are_old(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a log that stopped in the middle is that of a running job depends on the clock."""
    asked.ask()
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + what_was_read.YOUNG - 60)
    asked.ask()
    assert asked.times == 1
    monkeypatch.setattr("time.time", lambda: now + what_was_read.YOUNG + 60)
    asked.ask()
    assert asked.times == 2
    assert what_was_read.YOUNG == completion.YOUNG


def test_quick_commands_and_fresh_files_leave_nothing(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(what_was_read, "UNSETTLED", 2.0)
    asked.ask()
    monkeypatch.setattr(what_was_read, "UNSETTLED", -60.0)
    monkeypatch.setattr(answers, "SHORTEST", 60.0)
    asked.ask()
    assert asked.times == 2
    assert not (tmp_path / "cache").exists()


def test_it_can_be_switched_off(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    asked.ask()
    monkeypatch.setenv("IRED_DIAG_NO_CACHE", "1")
    asked.ask()
    assert asked.times == 2


def test_commands_that_train_or_draw_are_never_answered_from_memory(asked: Asked) -> None:
    for command in ("train", "probe", "figures", "import", "verify", "dashboard"):
        asked.times = 0
        for _ in range(2):
            with pytest.raises(SystemExit):
                answers.answer([command, str(asked.folder)], asked.run)
        assert asked.times == 2


def test_a_cache_that_cannot_be_written_is_none(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    assert asked.ask() == asked.ask() == 3
    assert asked.times == 2


def test_a_pattern_that_matches_another_file_has_another_answer(asked: Asked) -> None:
    def ask() -> None:
        with pytest.raises(SystemExit):
            answers.answer(["stats", f"new={asked.folder}/*.log"], asked.run)

    ask()
    ask()
    assert asked.times == 1
    _add(asked)
    ask()
    assert asked.times == 2


def test_too_many_files_are_not_looked_at(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(what_was_read, "MOST_ENTRIES", 2)
    asked.ask()
    asked.ask()
    assert asked.times == 2


@pytest.mark.slow
def test_the_program_answers_twice_alike(tmp_path: Path) -> None:
    """The real program, its second call included, and one that reads only the first lines."""
    code = (
        "import sys; from app.cli import answers, what_was_read; answers.SHORTEST = 0.0; "
        "answers.UNSETTLED = what_was_read.UNSETTLED = -60.0; from app.cli import main; main()"
    )
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, "diagnose", str(SAMPLE_LOGS)],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )

    results: list[subprocess.CompletedProcess[str]] = []
    threads = [threading.Thread(target=lambda: results.append(run())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.append(run())
    assert len({(result.stdout, result.stderr, result.returncode) for result in results}) == 1
    assert results[0].returncode == 0
    assert len(list((tmp_path / "cache" / "ired-diag" / "answers").iterdir())) == 1


@pytest.mark.slow
def test_processes_that_read_logs_for_us_change_nothing(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr(reading_ahead, "FEWEST_FILES", 2)
    monkeypatch.setattr(reading_ahead, "FEWEST_BYTES", 1)
    monkeypatch.setattr(reading_ahead, "processes_allowed", lambda: 2)
    asked.also = lambda: reading_ahead.read_ahead(sorted(asked.folder.iterdir()), read_log)
    asked.ask()
    asked.ask()
    assert asked.times == 1

"""What makes reading fast changes nothing: each quick way against the plain one."""

from __future__ import annotations

import itertools
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ired_diag.curves.remembered import remembered
from ired_diag.readers import reading_ahead
from ired_diag.readers.line_search import first_at_line_start, places_at_line_starts, spans_of_lines
from ired_diag.readers.logs import Logs, read_log
from ired_diag.readers.number_columns import numbers_of
from ired_diag.readers.slurm_events import read_events
from ired_diag.readers.wording import Wording
from ired_diag.runs.history import History, Row

PIECES = (b"loss 12", b"Seed: 7", b"Seed: x", b"", b"training complete", b"a Seed: 3", b"exit code 137")


def _texts(rng: np.random.Generator, count: int) -> list[bytes]:
    """Return made texts of lines that end in all the ways that lines end."""
    texts = []
    for _ in range(count):
        lines = rng.choice(np.array(PIECES), size=rng.integers(0, 9))
        ends = rng.choice(np.array([b"\n", b"\r\n", b"\r"]), size=len(lines))
        pairs = zip(lines.tolist(), ends.tolist(), strict=True)
        texts.append(b"".join(itertools.chain.from_iterable(pairs)))
    return texts


@pytest.mark.parametrize("word", [b"complete", b" 137", b"Seed: ", b"absent", b"12"])
def test_words_of_a_log_are_those_of_its_lines(word: bytes) -> None:
    for text in _texts(np.random.default_rng(0), 200):
        may_hold = Wording(text).may_hold(word)
        if re.search(rb"\d", word):
            assert may_hold or word not in text
        else:
            assert may_hold == (word in text)


def test_lines_are_found_as_a_pattern_finds_them() -> None:
    anchored = re.compile(rb"^Seed: (\d+)", re.MULTILINE)
    for text in _texts(np.random.default_rng(1), 200):
        found = first_at_line_start(re.compile(rb"Seed: (\d+)"), text, b"Seed: ")
        expected = anchored.search(text)
        assert (found and found.span()) == (expected and expected.span())
        starts = [match.start() for match in re.finditer(rb"^Seed", text, re.MULTILINE)]
        assert list(places_at_line_starts(text, b"Seed")) == starts
        holding = [match.span() for match in re.finditer(rb"^[^\n]*Seed[^\n]*", text, re.MULTILINE)]
        assert spans_of_lines(text, b"Seed") == holding


def test_columns_of_numbers_are_equal_to_float_to_the_bit() -> None:
    rng = np.random.default_rng(2)
    texts = [f"{value:.{digits}g}".encode() for value in rng.normal(size=300) for digits in (3, 9, 17)]
    texts += [b"1e308", b"5e-324", b"-0.0", b"1E5", b".5", b"5."]
    expected = np.array(list(map(float, texts)))
    assert numbers_of(texts).tobytes() == expected.tobytes()
    odd = [b"nan", b"+1", b"inf", *texts]
    assert np.array_equal(numbers_of(odd), list(map(float, odd)), equal_nan=True)
    for wrong in (b"nan(1)", b"1-2", b"-", b""):
        with pytest.raises(ValueError, match="could not convert"):
            numbers_of([wrong, *texts])


def _plain_history(content: bytes) -> History:
    """Return the history of diagnostics by the rules in words: a row for each, attempt by attempt."""
    rows: list[Row] = []
    last: dict[str, int] = {}
    merged: dict[int, dict[str, float]] = {}
    attempt = 1
    for match in re.finditer(rb"^\[(\w+-DIAG) step=(\d+)\] (.*)$", content, re.MULTILINE):
        step = int(match[2])
        pairs = re.findall(rb"(\S+?)=(\S+)", match[3])
        values = {f"{match[1].decode()}/{key.decode()}": float(text) for key, text in pairs}
        if any(step < last.get(name, step) for name in values):
            rows += [Row(at, of_row, attempt) for at, of_row in merged.items()]
            attempt, merged, last = attempt + 1, {}, {}
        merged.setdefault(step, {}).update(values)
        last |= dict.fromkeys(values, step)
    rows += [Row(at, of_row, attempt) for at, of_row in merged.items()]
    return History.of(rows)


def test_diagnostics_by_columns_are_those_read_line_by_line() -> None:
    rng = np.random.default_rng(3)
    names = (("A", ("x", "y")), ("A", ("x",)), ("B", ("y", "z")), ("A", ("y", "x", "w")))
    for _ in range(150):
        lines = []
        step = 100
        for _ in range(rng.integers(1, 40)):
            step = max(0, step + int(rng.choice([0, 100, 100, 100, -300])))
            tag, keys = names[rng.integers(len(names))]
            values = " ".join(f"{key}={rng.normal():.4f}" for key in keys)
            lines.append(f"[{tag}-DIAG step={step}] {values}\n")
        content = "".join(lines).encode()
        history, unreadable = read_events(content)
        expected = _plain_history(content)
        assert unreadable == 0
        assert list(history.series) == list(expected.series)
        assert history == expected
        assert dict(history.starts) == dict(expected.starts)
        assert history.replaced == expected.replaced


def test_values_that_are_no_numbers_are_left_out_and_counted() -> None:
    content = b"[A-DIAG step=1] x=1 y=2\n[A-DIAG step=2] x=1_0 y=3\n[A-DIAG step=3] x=? y=_\n"
    history, unreadable = read_events(content)
    assert unreadable == 3
    assert history.series["A-DIAG/x"].steps.tolist() == [1]
    assert history.series["A-DIAG/y"].values.tolist() == [2.0, 3.0]


def _logs(folder: Path, count: int) -> list[Path]:
    paths = []
    for number in range(count):
        path = folder / f"ired_q{100 + number % 7}_{50000000 + number}_{number}.out"
        lines = ["Job started at Wed Jan 21 02:18:57 EST 2026"]
        lines += [f"[CD-DIAG step={step}] E_pos={number + step / 7:.4f} margin=-1.5" for step in range(1, 30)]
        path.write_text("\n".join(lines) + "\n")
        paths.append(path)
    (folder / "notes.txt").write_text("nothing of a training\n")
    (folder / "empty.log").write_text("")
    return sorted(folder.iterdir())


def test_several_processes_read_what_one_reads(tmp_path: Path) -> None:
    files = _logs(tmp_path, reading_ahead.FEWEST_FILES)
    ahead = reading_ahead.read_ahead(files, read_log, processes=2)
    alone = Logs(read=lambda path: read_log(path))  # another function than read_log is asked here
    alone.add_files(files)
    assert len(ahead) == len(alone.attempts) == reading_ahead.FEWEST_FILES
    for run in alone.attempts:
        assert ahead[run.path] == [run]
    together = Logs()
    together.add_files(files)
    assert together.attempts == alone.attempts
    assert together.skipped == alone.skipped


def test_a_process_that_is_killed_costs_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = _logs(tmp_path, reading_ahead.FEWEST_FILES)
    monkeypatch.setattr(reading_ahead, "PROGRAM", "import os; os.kill(os.getpid(), 9)")
    monkeypatch.setattr(reading_ahead, "processes_allowed", lambda: 3)
    logs = Logs()
    logs.add_files(files)
    assert len(logs.attempts) == reading_ahead.FEWEST_FILES


def test_few_small_logs_start_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    files = _logs(tmp_path, 20)
    assert reading_ahead.read_ahead(files, read_log, processes=4) == {}


def test_the_user_limits_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert reading_ahead.processes_allowed() == 1


def test_a_curve_is_judged_once_and_by_its_numbers() -> None:
    asked: list[int] = []

    @remembered
    def count(steps: NDArray[Any], values: NDArray[Any], *, among: int = 1) -> int:
        asked.append(among)
        return len(asked)

    steps, values = np.arange(3), np.array([1.0, 2.0, 3.0])
    assert count(steps, values) == count(steps.copy(), values.copy()) == 1
    assert count(steps, values, among=2) == 2
    assert count(steps, values + 1) == 3
    assert count(steps.astype(float), values) == 1

"""Closed terminals, SLURM's warning and nohup: what is saved, and what goes on."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.runs.store import read_run
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.interrupt import signals
from ired_diag.training.trainer import Interrupted, train

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
TINY = {
    "experiment_name": "q900_tiny",
    "rank": 2,
    "width": 4,
    "diffusion_steps": 4,
    "batch_size": 4,
    "train_steps": 60,
    "validate_every": 30,
    "validation_batches": 1,
    "validation_batch_size": 4,
    "checkpoint_every": 20,
    "log_every": 5,
}
# Steps take their time, so that a signal finds the command training.
SLOW = """
import time
from ired_diag.training.ensemble import Ensemble
step = Ensemble.advance
def slow_step(ensemble):
    time.sleep({seconds})
    return step(ensemble)
Ensemble.advance = slow_step
from app.cli import main
main(prog_name="ired-diag")
"""


def config() -> InverseConfig:
    return parse_inverse(TINY)


@contextmanager
def handler_of(number: signal.Signals, handler: signal.Handlers) -> Iterator[None]:
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


@pytest.fixture(autouse=True)
def _hangup_is_not_ignored() -> Iterator[None]:
    """The tests themselves may run under ``nohup``, whose ignored hangup they and their processes inherit."""
    with handler_of(signal.SIGHUP, signal.SIG_DFL):
        yield


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
def test_a_second_hangup_or_warning_does_not_cut_the_save_short(
    number: signal.Signals, tmp_path: Path
) -> None:
    """Their default is to end the process: this test would not return."""

    def ask(at: int, steps: int, values: dict[str, float]) -> None:
        for _ in range(3):
            signal.raise_signal(number)

    with pytest.raises(Interrupted, match="after step 5 of 60; all is saved"):
        train(INVERSE, config(), tmp_path / "run", progress=ask)
    assert torch.load(tmp_path / "run" / "checkpoints" / "last.pt", weights_only=True)["step"] == 5


def test_a_signal_of_each_kind_is_heard_once() -> None:
    heard: list[int] = []
    with signals(lambda: heard.append(1)) as stop:
        for number in (signal.SIGUSR1, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1):
            signal.raise_signal(number)
        assert stop.is_wished
    assert heard == [1]


def test_under_nohup_a_hangup_stops_nothing(tmp_path: Path) -> None:
    def hang_up(at: int, steps: int, values: dict[str, float]) -> None:
        signal.raise_signal(signal.SIGHUP)

    with handler_of(signal.SIGHUP, signal.SIG_IGN):
        folder = train(INVERSE, config(), tmp_path / "run", progress=hang_up)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert read_run(folder).ending.complete


def command(tmp_path: Path, *, seconds: float = 0.05) -> list[str]:
    """Return a command that trains ``runs/q900/seed0`` slowly."""
    path = tmp_path / "tiny.json"
    path.write_text(config().model_dump_json())
    script = SLOW.format(seconds=seconds)
    runs = str(tmp_path / "runs")
    return [sys.executable, "-c", script, "train", str(path), "--runs", runs, "--device", "cpu"]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TERM": "xterm"}


def wait_until(due: Callable[[], bool], *, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not due():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def assert_saved(folder: Path) -> None:
    """Assert that a run was stopped between two steps and goes on to its end."""
    saved = torch.load(folder / "checkpoints" / "last.pt", weights_only=True)["step"]
    assert 5 <= saved < 60
    ending = read_run(folder).ending
    assert (ending.label, ending.detail) == ("cancelled", f"interrupted after step {saved}")
    train(INVERSE, config(), folder, resume=True)
    assert read_run(folder).ending.complete


def test_a_terminal_that_is_closed_saves(tmp_path: Path) -> None:
    """As when an ssh session ends: the progress bar, and what is said of the end, have nowhere to go."""
    arguments, folder = command(tmp_path), tmp_path / "runs" / "q900" / "seed0"
    child, terminal = pty.fork()
    if child == 0:
        os.execve(arguments[0], arguments, environment())
    metrics = folder / "metrics.jsonl"
    os.set_blocking(terminal, False)

    def logs_and_shows() -> bool:
        try:
            os.read(terminal, 65536)
        except BlockingIOError:
            pass
        return metrics.is_file() and metrics.stat().st_size > 0

    wait_until(logs_and_shows)
    os.close(terminal)
    ended: list[int] = []

    def is_over() -> bool:
        process, status = os.waitpid(child, os.WNOHANG)
        ended.extend([status] if process else [])
        return bool(process)

    wait_until(is_over)
    assert os.waitstatus_to_exitcode(ended[0]) == 1
    assert_saved(folder)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
def test_a_reader_of_the_output_that_died_first_does_not_keep_it_from_saving(
    number: signal.Signals, tmp_path: Path
) -> None:
    """As with ``2>&1 | tee``, which the same signal ends."""
    folder = tmp_path / "runs" / "q900" / "seed0"
    reader, writer = os.pipe()
    process = subprocess.Popen(command(tmp_path), stdout=writer, stderr=writer, env=environment())
    os.close(writer)
    wait_until(lambda: (folder / "metrics.jsonl").is_file() and (folder / "metrics.jsonl").stat().st_size > 0)
    os.close(reader)
    process.send_signal(number)
    assert process.wait(timeout=120) == 1
    assert_saved(folder)

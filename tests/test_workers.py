"""Workers measure and draw in processes what one process would, in the same order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import probes
from app.cli import main
from ired_diag.errors import WorkerLost
from ired_diag.open import open_run
from ired_diag.probing.driver import Answer, Request, put_probes
from ired_diag.probing.targets import of_run
from ired_diag.probing.workers import Workers, processes_for
from ired_diag.table import read_table

SMALL = (
    *("--set", "rank=3", "--set", "width=8", "--set", "time_embedding=8", "--set", "time_width=8"),
    *("--set", "batch_size=8", "--set", "train_steps=6", "--set", "validate_every=2"),
    *("--set", "validation_batches=1", "--set", "validation_batch_size=4", "--set", "checkpoint_every=2"),
)
ASKED = ("conditioning", "diversity", "floor")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run with checkpoints of steps 2, 4 and 6."""
    runs = tmp_path_factory.mktemp("runs")
    main(["train", "q103", "--runs", str(runs), "--device", "cpu", *SMALL], standalone_mode=False)
    return runs / "q103" / "seed0"


def answers(run: Path, out: Path, processes: int) -> list[Answer]:
    targets = of_run(open_run(run), "all", out=out)
    request = Request([probes.load(name) for name in ASKED], samples=40)
    with Workers(processes) as workers:
        found = list(put_probes(targets, request, workers=workers))
    assert all(isinstance(one, Answer) for one in found)
    return [one for one in found if isinstance(one, Answer)]


def test_processes_find_what_one_finds_and_draw_it(run: Path, tmp_path: Path) -> None:
    alone, shared = answers(run, tmp_path / "one", 1), answers(run, tmp_path / "two", 2)
    assert [(one.step, one.probe) for one in alone] == [(one.step, one.probe) for one in shared]
    for one, other in zip(alone, shared, strict=True):
        assert [file.name for file in one.figures] == [file.name for file in other.figures]
        assert all(file.is_file() for file in other.figures)
        a, b = (read_table(answer.table, step=one.step)[0] for answer in (one, other))
        for name, values in a.items():
            if values.dtype.kind == "f":
                np.testing.assert_allclose(values, b[name], rtol=2e-4, atol=1e-5)
            else:
                assert (values == b[name]).all()
    again = answers(run, tmp_path / "two", 2)
    assert all(answer.known for answer in again)


def test_a_gpu_is_not_shared_and_no_process_idles() -> None:
    assert processes_for(20, torch.device("cuda")) == 1
    assert processes_for(1, torch.device("cpu")) == 1
    assert 1 <= processes_for(20, torch.device("cpu")) <= 8


def test_what_follows_comes_after_the_work_and_in_this_process(tmp_path: Path) -> None:
    file, seen = tmp_path / "x", []
    with Workers(2) as workers:
        workers.do(_write_process, file, then=lambda: seen.append((file.read_text(), os.getpid())))
    ((there, here),) = seen
    assert int(there) != here == os.getpid()


def test_an_error_of_the_work_is_raised(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), Workers(2) as workers:
        workers.do(_write_process, tmp_path / "no" / "folder", then=lambda: None)


def test_a_killed_worker_is_said() -> None:
    with pytest.raises(WorkerLost, match="killed"), Workers(2) as workers:
        workers.do(_die, then=lambda: None)


def test_an_interrupted_command_keeps_what_is_measured_and_leaves_no_process(
    run: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", "from app.cli import main; main()", "probe", "all", str(run)]
    command += ["--checkpoint", "all", "--samples", "6000", "--out", str(tmp_path), "--device", "cpu"]
    begun = subprocess.Popen(
        command,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored in a shell's background
    )
    wait_for(partial(any_table, tmp_path))
    os.killpg(begun.pid, signal.SIGINT)
    _, told = begun.communicate(timeout=60)
    assert begun.returncode != 0
    assert "goes on from there" in told
    assert "Traceback" not in told
    wait_for(partial(all_gone, begun.pid))


def any_table(folder: Path) -> bool:
    return any(folder.rglob("*.parquet"))


def all_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def wait_for(true: partial[bool]) -> None:
    for _ in range(1200):
        if true():
            return
        time.sleep(0.05)
    raise TimeoutError(f"{true.func.__name__}: not in a minute")


def _write_process(file: Path) -> None:
    file.write_text(str(os.getpid()))


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)

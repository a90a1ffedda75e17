"""Ends that ask for no leave: SIGKILL at any moment, also while a file is written, and a disk that is full.

A process killed twenty times ends as one that was never touched: every tensor has the same SHA-256, every
logged step is told once. The attempts are forked from one process that has loaded PyTorch already.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from ired_diag.errors import CannotWrite
from ired_diag.inverse.config import InverseConfig, parse_inverse
from ired_diag.runs.history import read_history
from ired_diag.runs.store import read_run
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.trainer import train

pytestmark = pytest.mark.slow

TINY = {
    "experiment_name": "q900_killed",
    "rank": 3,
    "width": 16,
    "time_embedding": 8,
    "time_width": 8,
    "diffusion_steps": 4,
    "batch_size": 8,
    "train_steps": 600,
    "learning_rate": 0.001,
    "mining_strategy": "mixed",
    "validate_every": 30,
    "validation_batches": 1,
    "validation_batch_size": 8,
    "checkpoint_every": 5,
    "log_every": 3,
}
KILLS, IN_A_SAVE = 20, 8
TIMED = "time/seconds_per_step"

# Trains what each line of its input asks for in a fork of itself, and says who trains and how that ended.
SERVER = """
import json, os, sys, tempfile
from pathlib import Path
import torch
torch.set_num_threads(1)
from ired_diag.inverse.config import parse_inverse
from ired_diag.tasks.inverse import TASK as INVERSE
from ired_diag.training.trainer import train

def run(order):
    train(INVERSE, parse_inverse(order["config"]), Path(order["folder"]), resume=order["resume"])

with tempfile.TemporaryDirectory() as scratch:
    first = json.loads(sys.stdin.readline())
    run({**first, "folder": str(Path(scratch) / "run")})  # loads what is loaded at a first step
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        run(json.loads(line))
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


def config_of(**knobs: Any) -> InverseConfig:
    return parse_inverse({**TINY, **knobs})


class Server:
    """The process that forks the attempts."""

    def __init__(self) -> None:
        alone = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=alone,
        )
        self.ask(config_of(train_steps=2), Path("ignored"), resume=False)
        assert self.answer() == "ready"

    def ask(self, config: InverseConfig, folder: Path, *, resume: bool) -> None:
        assert self.process.stdin is not None
        order = {"config": config.model_dump(mode="json"), "folder": str(folder), "resume": resume}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def attempt(self, config: InverseConfig, folder: Path, kill_when: Callable[[], bool]) -> bool:
        """Train in a fork, kill it as soon as that is due, and return whether it was killed."""
        self.ask(config, folder, resume=(folder / "config.json").is_file())
        child = int(self.answer())
        while not kill_when():
            time.sleep(0.0002)
            if (Path("/proc") / str(child) / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                break
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            pass
        status = int(self.answer())
        assert status in (0, signal.SIGKILL), f"the attempt ended with status {status}"
        return status == signal.SIGKILL


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    one = Server()
    yield one
    assert one.process.stdin is not None
    one.process.stdin.close()
    assert one.process.wait(timeout=60) == 0
    assert one.process.stdout is not None
    one.process.stdout.close()


def tensors_of(content: object, name: str = "") -> dict[str, Tensor]:
    """Return every tensor in nested containers, by its path."""
    if isinstance(content, Tensor):
        return {name: content}
    items = content.items() if isinstance(content, dict) else ()
    return {n: t for key, value in items for n, t in tensors_of(value, f"{name}/{key}").items()}


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every tensor of every checkpoint: weights, average, optimiser, streams."""
    found = {}
    for path in sorted((folder / "checkpoints").iterdir()):
        content = load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)
        for name, tensor in tensors_of(content).items():
            found[f"{path.name}{name}"] = hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest()
    return found


def logged(folder: Path) -> dict[str, dict[int, float]]:
    history = read_history(folder / "metrics.jsonl")
    assert (history.bad_lines, history.torn_tail) == ((), False)
    return {
        name: dict(zip(series.steps.tolist(), series.values.tolist(), strict=True))
        for name, series in history.series.items()
        if name != TIMED
    }


def hidden(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.name.startswith("."))


def assert_as_if_never_stopped(folder: Path, whole: Path) -> None:
    assert digests(folder) == digests(whole)
    assert logged(folder) == logged(whole)
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    steps = [(row["attempt"], row["step"]) for row in rows]
    assert len(set(steps)) == len(steps)
    assert steps == sorted(steps)
    assert read_run(folder).ending.complete
    assert hidden(folder) == []


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="looks at processes where Linux has them")
def test_a_run_that_is_killed_twenty_times_ends_as_one_that_never_was(server: Server, tmp_path: Path) -> None:
    config, rng = config_of(), random.Random(20261121)
    whole = train(INVERSE, config, tmp_path / "whole")
    folder, folders = tmp_path / "run0", 1
    kills = in_a_save = 0

    def at_a_moment(delay: float) -> Callable[[], bool]:
        end = time.monotonic() + delay
        return lambda: time.monotonic() > end

    def in_the_nth_save(count: int) -> Callable[[], bool]:
        names: set[str] = set()

        def now() -> bool:
            names.update(hidden(folder / "checkpoints"))
            return len(names) >= count

        return now

    for number in range(4 * KILLS):
        wanted = in_the_nth_save(rng.randint(1, 6)) if number % 2 else at_a_moment(rng.uniform(0.02, 0.4))
        before = hidden(folder / "checkpoints")
        if server.attempt(config, folder, wanted):
            kills += 1
            in_a_save += hidden(folder / "checkpoints") not in ([], before)
        else:  # it was faster: it is compared, and another is begun
            assert_as_if_never_stopped(folder, whole)
            folder, folders = tmp_path / f"run{folders}", folders + 1
        if kills >= KILLS and in_a_save >= IN_A_SAVE:
            break
    assert kills >= KILLS
    assert in_a_save >= IN_A_SAVE
    assert not server.attempt(config, folder, lambda: False)
    assert_as_if_never_stopped(folder, whole)
    attempts = [attempt["attempt"] for attempt in read_run(folder).provenance["attempts"]]
    assert attempts == list(range(1, len(attempts) + 1))


SHORT = {"train_steps": 40, "checkpoint_every": 10, "validate_every": 20, "log_every": 5}


class Killed(BaseException):
    """What stops a run between two steps here, in place of a signal."""


def stop_at(step: int) -> Callable[[int, int, dict[str, float]], None]:
    def progress(at: int, steps: int, values: dict[str, float]) -> None:
        if at == step:
            raise Killed

    return progress


@pytest.mark.parametrize(
    "knobs",
    [
        {"optimizer": "sgd", "momentum": 0.9},
        {"optimizer": "adamw", "weight_decay": 0.1},
        {"lr_schedule": "cosine", "lr_warmup_steps": 12},
        {"mining_strategy": "ascent", "warm_start_steps": 17, "use_scalar_energy": True},
        {"precision": "bf16"},
        {"validation_matrices": "frozen"},
    ],
    ids=lambda k: "-".join(map(str, k.values())),
)
def test_whatever_is_trained_goes_on_as_if_never_stopped(knobs: dict[str, Any], tmp_path: Path) -> None:
    config = config_of(**{**SHORT, **knobs})
    whole = train(INVERSE, config, tmp_path / "whole")
    for step in (5, 15, 30):
        with pytest.raises(Killed):
            train(INVERSE, config, tmp_path / "cut", resume=step > 5, progress=stop_at(step))
    train(INVERSE, config, tmp_path / "cut", resume=True)
    assert_as_if_never_stopped(tmp_path / "cut", whole)


def test_what_a_start_that_was_killed_left_is_cleared_away_by_the_next(tmp_path: Path) -> None:
    """One killed before its configuration stood there is no run yet: it is started, not resumed."""
    folder = tmp_path / "run"
    folder.mkdir()
    for name in (".metrics.jsonl.a1b2c3", ".config.json.d4e5f6"):
        (folder / name).write_bytes(b"half a fi")
    train(INVERSE, config_of(**{**SHORT, "train_steps": 2}), folder)
    assert hidden(folder) == []


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill_at(step: int, size: int) -> Callable[[int, int, dict[str, float]], None]:
    def progress(at: int, steps: int, values: dict[str, float]) -> None:
        if at == step:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    return progress


@pytest.mark.parametrize(
    ("step", "full_at", "saved"),
    [(15, "step-000000020.safetensors", 10), (15, "last.pt", 10), (5, "step-000000010.safetensors", None)],
)
def test_a_disk_that_is_full_leaves_the_checkpoint_before_whole_and_says_so(
    step: int, full_at: str, saved: int | None, tmp_path: Path
) -> None:
    config = config_of(**{**SHORT, "validate_every": 40})
    whole = train(INVERSE, config, tmp_path / "whole")
    files = ("config.json", "checkpoints/step-000000010.safetensors", "checkpoints/last.pt")
    sizes = [(whole / name).stat().st_size for name in files]
    assert sizes == sorted(sizes)  # the disk is full at the last of them, or the last two
    size = sizes[2] if full_at == "last.pt" else sizes[1]
    folder = tmp_path / "full"
    with pytest.raises(CannotWrite) as told, disk_of(10**9):
        train(INVERSE, config, folder, progress=fill_at(step, size - 100))
    message = str(told.value)
    assert full_at in message
    assert f"Step {math.ceil((step + 1) / 10) * 10} was not saved." in message
    assert ("The checkpoint before it is whole" in message) is (saved is not None)
    assert "make room, then go on with --resume" in message
    last = folder / "checkpoints" / "last.pt"
    assert last.exists() is (saved is not None)
    if saved is not None:
        assert torch.load(last, weights_only=True)["step"] == saved
    assert hidden(folder) == []
    train(INVERSE, config, folder, resume=True)
    assert_as_if_never_stopped(folder, whole)


def test_a_disk_that_is_full_at_the_best_state_says_what_is_whole_and_how_to_go_on(tmp_path: Path) -> None:
    config = config_of(**{**SHORT, "validate_every": 15, "log_every": 1})
    whole = train(INVERSE, config, tmp_path / "whole")
    folder = tmp_path / "full"
    with pytest.raises(CannotWrite) as told, disk_of(10**9):
        train(INVERSE, config, folder, progress=fill_at(11, 10_000))
    assert "best.pt" in str(told.value)
    assert "--resume" in str(told.value)
    assert "--runs DIR" not in str(told.value)  # a run that has begun goes on where it is
    train(INVERSE, config, folder, resume=True)
    assert_as_if_never_stopped(folder, whole)


def test_a_disk_that_is_full_in_the_middle_of_a_row_loses_no_step(tmp_path: Path) -> None:
    config = config_of(**{**SHORT, "log_every": 1})
    whole = train(INVERSE, config, tmp_path / "whole")
    folder = tmp_path / "full"
    metrics = folder / "metrics.jsonl"

    def fill(at: int, steps: int, values: dict[str, float]) -> None:
        if at == 13:
            fill_at(13, metrics.stat().st_size + 50)(at, steps, values)

    with pytest.raises(CannotWrite) as told, disk_of(10**9):
        train(INVERSE, config, folder, progress=fill)
    assert re.search(r"metrics\.jsonl: cannot be written.*checkpoint is whole.*--resume", str(told.value))
    assert read_history(metrics).torn_tail
    assert read_history(metrics).last_step == 13
    train(INVERSE, config, folder, resume=True)
    assert_as_if_never_stopped(folder, whole)

"""A real SLURM on this machine: an array of ten seeds, killed, cancelled, out of time, and whole in the end.

They take some ten minutes each way, most of it spent in waiting for SLURM, so that they run where they are
asked for: ``make test-slurm``. One is short, two seeds of which one is killed and resumed, and installs
nothing; asked for alone, it is

    IRED_DIAG_SLURM=1 python -m pytest tests/test_slurm_training.py -k killed_seed
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ired_diag.launching.launch import read_launch
from tests.slurm_cluster import (
    ACCOUNTING,
    Cluster,
    running_cluster,
    skip_unless_asked_for,
    wait_until,
)

pytestmark = pytest.mark.slow

# Matrix inversion, in which the tasks of an array that are named take their time for each step.
SLOW_TASK = """
import os
import time
from dataclasses import replace
from ired_diag.tasks.inverse import TASK

SECONDS = {"2": 0.5, "4": 0.5, "7": 1.2}.get(os.environ.get("SLURM_ARRAY_TASK_ID", ""), 0.0)

def build():
    def loss(*args, **kwargs):
        time.sleep(SECONDS)
        return TASK.loss(*args, **kwargs)
    return replace(TASK, name="slow_inverse", loss=loss)
"""
SETTINGS = {
    "train_steps": 60,
    "rank": 2,
    "width": 4,
    "batch_size": 4,
    "validation_batches": 1,
    "validation_batch_size": 4,
    "validate_every": 20,
    "log_every": 5,
    "checkpoint_every": 10,
}

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")
# The same, standing still after 15 steps while a file says so: after its first checkpoint, before its second.
HELD_TASK = """
import itertools
import time
from dataclasses import replace
from pathlib import Path
from ired_diag.tasks.inverse import TASK

HOLD = Path(__file__).with_name("hold")

def build():
    steps = itertools.count(1)

    def loss(*args, **kwargs):
        is_late = next(steps) > 15
        while is_late and HOLD.exists():
            time.sleep(0.1)
        return TASK.loss(*args, **kwargs)

    return replace(TASK, name="held_inverse", loss=loss)
"""


@pytest.fixture(scope="module", params=list(ACCOUNTING), ids=list(ACCOUNTING.values()))
def cluster(request: pytest.FixtureRequest, shared: Path) -> Iterator[Cluster]:
    with running_cluster(shared, request.param) as running:
        yield running


@pytest.fixture
def installed_cluster(shared: Path) -> Iterator[Cluster]:
    """A SLURM of what is installed: nothing is added to the machine."""
    skip_unless_asked_for()
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    missing = [name for name in PROGRAMS if shutil.which(name, path=places) is None]
    if missing:
        pytest.skip(f"SLURM is not installed here: no {', '.join(missing)}")
    with running_cluster(shared, "0") as running:
        yield running


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A folder whose name has blanks and quotes, with a task in it."""
    folder = tmp_path / "o'brien's \"study\" $HOME é"
    folder.mkdir()
    (folder / "task.py").write_text(SLOW_TASK)
    return folder


def training(seeds: str, runs: str) -> list[str]:
    words = ["train", "q103", "--task", "task.py:build", "--seeds", seeds, "--runs", runs, "--device", "cpu"]
    for key, value in SETTINGS.items():
        words += ["--set", f"{key}={value}"]
    return words


def events(folder: Path, index: int) -> list[dict[str, Any]]:
    path = folder / "runs" / "q103" / "slurm" / "tasks" / f"{index}.events.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def logs_a_step(folder: Path, seed: int) -> bool:
    path = folder / "runs" / "q103" / f"seed{seed}" / "metrics.jsonl"
    return path.exists() and path.stat().st_size > 0


def trainer_of(folder: Path, seed: int) -> int:
    """Return the id of the process that trains a seed, as its lock says."""
    words = (folder / "runs" / "q103" / f"seed{seed}" / "lock").read_text().split()
    return int(words[1])


def test_a_killed_seed_ends_as_if_nothing_had_happened(installed_cluster: Cluster, study: Path) -> None:
    """Two seeds as an array; one is killed after its first checkpoint, and resumed."""
    (study / "task.py").write_text(HELD_TASK)
    installed_cluster.diag(*training("0-1", "local"), folder=study)
    (study / "hold").touch()
    slurm = ["--launcher", "slurm", "--slurm", "time=10,parallel=2"]
    submitted = installed_cluster.diag(*training("0-1", "runs"), *slurm, folder=study)
    assert "Submitted 2 runs as job" in submitted
    wait_until(lambda: last_state(study, "runs", 1).exists())
    os.kill(trainer_of(study, 1), signal.SIGKILL)
    (study / "hold").unlink()
    wait_until(lambda: not _is_any_active(installed_cluster.states(study)))
    states = installed_cluster.states(study)
    assert (states[0]["state"], states[1]["state"]) == ("complete", "failed")

    answer = installed_cluster.diag("launch", "resume", "runs/q103", "--wait", folder=study)
    assert "Submitted 1 run as job" in answer
    assert len([event for event in events(study, 1) if event["kind"] == "start"]) == 2
    for seed in (0, 1):
        trained = last_state(study, "runs", seed).read_bytes()
        assert trained == last_state(study, "local", seed).read_bytes(), seed


def last_state(folder: Path, runs: str, seed: int) -> Path:
    """Return where the newest training state of a seed is."""
    return folder / runs / "q103" / f"seed{seed}" / "checkpoints" / "last.pt"


def test_ten_seeds_end_as_if_nothing_had_happened(cluster: Cluster, study: Path) -> None:
    """One is killed, one is cancelled, one runs out of time and is requeued; then resume finishes all."""
    cluster.diag(*training("0-9", "local"), folder=study)
    slurm = ["--launcher", "slurm", "--slurm", "time=1,warning=10,parallel=4"]
    assert "Submitted 10 runs as job" in cluster.diag(*training("0-9", "runs"), *slurm, folder=study)
    again = cluster.diag(*training("0-9", "runs"), *slurm, folder=study, status=1)
    assert "submitted already" in again or "hold" in again

    wait_until(lambda: logs_a_step(study, 2) and logs_a_step(study, 4))
    os.kill(trainer_of(study, 2), signal.SIGKILL)
    assert "cancelled job" in cluster.diag("launch", "cancel", "runs/q103", "--index", "4", folder=study)
    wait_until(lambda: any(event["is_requeued"] for event in events(study, 7)))
    wait_until(lambda: not _is_any_active(cluster.states(study)))

    states = cluster.states(study)
    assert states[2]["state"] == "failed"
    assert states[4]["state"] == "cancelled"
    assert "saved at step" in states[4]["detail"]
    assert {states[index]["state"] for index in (0, 1, 3, 5, 6, 7, 8, 9)} == {"complete"}
    assert len([event for event in events(study, 7) if event["kind"] == "start"]) > 1

    words = ["launch", "resume", "runs/q103", "--slurm", "time=10,warning=60", "--wait"]
    assert "Submitted 2 runs as job" in cluster.diag(*words, folder=study)
    assert "Nothing to submit" in cluster.diag("launch", "resume", "runs/q103", folder=study)
    for seed in range(10):
        on_slurm = last_state(study, "runs", seed).read_bytes()
        assert on_slurm == last_state(study, "local", seed).read_bytes(), seed
    listed = json.loads(cluster.diag("ls", "--runs", "runs", "--json", folder=study))
    assert len(listed["runs"]) == 10


def _is_any_active(states: dict[int, dict[str, Any]]) -> bool:
    return any(state["state"] in ("running", "waiting") for state in states.values())


def test_from_inside_a_job_an_array_is_its_own(cluster: Cluster, study: Path) -> None:
    """What the job around it, and a user's variables, would make of the options is left out."""
    words = [sys.executable, "-m", "ired_diag_command", *training("0-1", "runs")]
    words += ["--launcher", "slurm", "--slurm", "time=5", "--wait"]
    inner = study / "inner.sh"
    lines = [
        "#!/bin/bash",
        "export SBATCH_ARRAY_INX=0-99 SBATCH_SIGNAL=KILL@1 SBATCH_TIMELIMIT=1 SBATCH_OUTPUT=/dev/null",
        f"exec {' '.join(map(_quoted, words))}",
    ]
    inner.write_text("\n".join(lines) + "\n")
    result = cluster.run(["sbatch", "--wait", "-c2", "--mem=1000", "-o", "inner.out", "inner.sh"], study)
    assert result.returncode == 0, (study / "inner.out").read_text()
    launch = read_launch(study / "runs" / "q103" / "slurm")
    assert launch.submissions[0].indices == (0, 1)
    assert {state["state"] for state in cluster.states(study).values()} == {"complete"}


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def test_waiting_runs_are_cancelled_and_forgotten_ones_are_lost(cluster: Cluster, study: Path) -> None:
    slurm = ["--launcher", "slurm", "--slurm", "time=5,parallel=1"]
    cluster.diag(*training("2,4", "runs"), *slurm, folder=study)
    wait_until(lambda: logs_a_step(study, 2))
    states = cluster.states(study)
    assert (states[2]["state"], states[4]["state"]) == ("running", "waiting")
    assert "JobArrayTaskLimit" in states[4]["detail"]
    cluster.diag("launch", "cancel", "runs/q103", folder=study)
    wait_until(lambda: not _is_any_active(cluster.states(study)))
    states = cluster.states(study)
    assert (states[2]["state"], states[4]["state"]) == ("cancelled", "cancelled")
    # SLURM forgets a job after some minutes: here is one that it never knew.
    path = study / "runs" / "q103" / "slurm" / "launch.json"
    content = json.loads(path.read_text())
    content["submissions"][0] |= {"job": "999999", "cancelled": []}
    path.write_text(json.dumps(content))
    states = cluster.states(study)
    assert (states[2]["state"], states[4]["state"]) == ("lost", "lost")
    assert "SLURM does not know it any more" in states[4]["detail"]


def test_what_slurm_refuses_leaves_nothing_behind(cluster: Cluster, study: Path) -> None:
    slurm = ["--launcher", "slurm", "--slurm", "partition=nowhere"]
    answer = cluster.diag(*training("0-1", "runs"), *slurm, folder=study, status=1)
    assert "sbatch refused it" in answer
    assert "nowhere" in answer
    assert not (study / "runs" / "q103" / "slurm" / "launch.json").exists()


def test_an_array_that_was_submitted_and_not_noted_is_found(cluster: Cluster, study: Path) -> None:
    """The submitting command may be killed between SLURM's answer and the note of it."""
    slurm = ["--launcher", "slurm", "--slurm", "time=5"]
    cluster.diag(*training("4", "runs"), *slurm, folder=study)
    path = study / "runs" / "q103" / "slurm" / "launch.json"
    content = json.loads(path.read_text())
    job = content["submissions"][0]["job"]
    content["submissions"][0]["job"] = ""
    path.write_text(json.dumps(content, indent=2))
    assert cluster.states(study)[4]["state"] == "unknown"
    assert "Nothing to submit" in cluster.diag("launch", "resume", "runs/q103", folder=study)
    assert json.loads(path.read_text())["submissions"][0]["job"] == job
    cluster.diag("launch", "cancel", "runs/q103", folder=study)
    wait_until(lambda: not _is_any_active(cluster.states(study)))

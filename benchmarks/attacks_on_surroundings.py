"""Attacks by what surrounds a process: a clock that goes back, foreign packages on Python's path.

These are processes of their own, because Python reads its path when it starts, and because the clock is set
back in one of them alone, for all of the product that asks for the time.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.attack import Attack, Outcome, failed, survived
from benchmarks.command_server import CPU_ALONE, PATIENCE, ROOT
from benchmarks.process_bed import NEVER_SEEN, RUN, TRAIN, Bed, judged, train_or_resume
from benchmarks.small_runs import differences, whole_files, write_experiment

DAY = 86_400
MEMORIES = (60, 150, 300, 450, 600, 1000)  # MB
# The command line, in a process where time.time and the product's datetime.now tell another time.
CLOCK = """
import datetime, os, time
from app.cli import main
from ired_diag.training import run_files

shift, now = float(os.environ["CLOCK_SHIFT"]), time.time
time.time = lambda: now() + shift

class Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)

run_files.datetime = Shifted
main(prog_name="ired-diag")
"""
COMMAND = ("-m", "ired_diag_command")
FOREIGN: Mapping[str, tuple[str, ...]] = {
    "app.py and probes.py": ("app.py", "probes.py"),
    "packages": ("app/__init__.py", "app/cli/__init__.py", "probes/__init__.py"),
    "a file and a package": ("app.py", "probes/__init__.py"),
    "folders without __init__": ("app/cli.py", "probes/conditioning.py"),
    "benchmarks and tests": ("benchmarks/__init__.py", "tests/__init__.py", "app.py"),
    "one probe": ("probes/__init__.py", "probes/conditioning.py"),
}
WRONG = "raise SystemExit('this is a foreign file')\n"


def attacks_on_surroundings(bed: Bed, rng: np.random.Generator) -> Iterator[Attack]:
    """Yield the attacks.

    Args:
        bed: What commands make undisturbed.
        rng: Draws how far the clock goes back.
    """
    for number, days in enumerate(rng.uniform(0.001, 5000, 4).tolist()):
        name = f"by {days:.3g} days between parts {number}"
        yield Attack("clock goes back", name, partial(_clock_goes_back, bed, days * DAY))
    for size in MEMORIES:
        for words in (TRAIN, ("stats", "q700", "--runs", "study")):
            name = f"ulimit -v of {size} MB, {words[0]}"
            yield Attack("memory limit", name, partial(_little_memory, bed, size, words))
    for name, files in FOREIGN.items():
        yield Attack("foreign packages", name, partial(_foreign, bed, files))


def _clock_goes_back(bed: Bed, shift: float, folder: Path) -> Outcome:
    """Train in parts, each at an earlier time than the one before it, and set the files' times back too."""
    write_experiment(folder)
    run = folder / "runs" / RUN
    for part in range(2):
        shifted = {"CLOCK_SHIFT": str(-part * shift)}
        training = _started(*train_or_resume(TRAIN, folder), folder=folder, environment=shifted, code=CLOCK)
        if part == 0:
            _wait_for(run / "checkpoints" / "last.pt")
            training.terminate()
        _, said = training.communicate(timeout=PATIENCE)
        if training.returncode not in (0, 1) or any(words in said for words in NEVER_SEEN):
            return failed(f"exit status {training.returncode} in part {part}", output=said)
        for path in run.rglob("*"):
            os.utime(path, (time.time() + shift, time.time() + shift))
    if wrong := differences(run, bed.trained / RUN):
        return failed(f"not as undisturbed: {', '.join(wrong)}")
    attempts = json.loads((run / "config.json").read_text())["provenance"]["attempts"]
    if [attempt["attempt"] for attempt in attempts] != list(range(1, len(attempts) + 1)):
        return failed("the attempts are not numbered one by one")
    for words in (("ls",), ("diagnose",), ("stats", "q700")):
        ended = _started(*words, folder=folder, environment={"CLOCK_SHIFT": str(-3 * shift)}, code=CLOCK)
        _, said = ended.communicate(timeout=PATIENCE)
        if ended.returncode != 0 or any(word in said for word in NEVER_SEEN):
            return failed(f"exit status {ended.returncode}", command=" ".join(words), output=said)
    return survived()


def _little_memory(bed: Bed, size: int, words: Sequence[object], folder: Path) -> Outcome:
    """Run a command from its first import on with little memory, then without the limit."""
    write_experiment(folder)
    shutil.copytree(bed.ensemble, folder / "study")
    before = whole_files(folder / "study")
    limited = _started(*words, folder=folder, environment={}, memory=size * 2**20)
    _, said = limited.communicate(timeout=PATIENCE)
    if limited.returncode not in (0, 1) or any(word in said for word in NEVER_SEEN):
        return failed(f"exit status {limited.returncode}", command=f"{words}", output=said)
    if limited.returncode == 1 and not said.startswith("ired-diag: "):
        return failed("it does not say what was lacking", command=f"{words}", output=said)
    last = bed.server.run(*(train_or_resume(words, folder) if words is TRAIN else words), folder=folder)
    if words is not TRAIN:
        return judged(last, check=lambda: [] if whole_files(folder / "study") == before else ["study"])
    return judged(last, check=lambda: differences(folder / "runs" / RUN, bed.trained / RUN))


def _foreign(bed: Bed, files: tuple[str, ...], folder: Path) -> Outcome:
    """Put probes to checkpoints from a folder with another project's packages, in workers."""
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(WRONG)
    words = ("probe", "conditioning", bed.trained / RUN, "--samples", 4, "--checkpoint", "all")
    several = {"OMP_NUM_THREADS": "2"}  # a worker process for each
    probing = _started(*words, "--figures", "none", "--out", "out", folder=folder, environment=several)
    _, said = probing.communicate(timeout=PATIENCE)
    if probing.returncode != 0 or "foreign" in said or any(word in said for word in NEVER_SEEN):
        return failed(f"exit status {probing.returncode}", command="ired-diag probe", output=said)
    if not (folder / "out" / "conditioning.parquet").is_file():
        return failed("no table was written", output=said)
    return survived()


def _started(
    *words: object,
    folder: Path,
    environment: Mapping[str, str],
    code: str = "",
    memory: int = resource.RLIM_INFINITY,
) -> subprocess.Popen[str]:
    """Start a command in a folder that stands first on Python's path."""
    path = {"PYTHONPATH": f".{os.pathsep}{ROOT}", "XDG_CACHE_HOME": str(folder / "cache")}
    return subprocess.Popen(
        [sys.executable, *(("-c", code) if code else COMMAND), *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_AS, (memory, memory)),
        env={**os.environ, **CPU_ALONE, **path, **environment},
    )


def _wait_for(path: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not path.is_file() and time.monotonic() < end:
        time.sleep(0.01)

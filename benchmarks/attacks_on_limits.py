"""Attacks by limits: memory, disk and open files run out, the loss is never a number.

Each command ends with status 0, or with status 1 and one line that says what was lacking; it prints no
traceback. What was there stays, and without the limit the same command makes what it makes undisturbed.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.attack import Attack, Outcome, failed
from benchmarks.command_server import Command
from benchmarks.process_bed import RUN, TRAIN, Bed, judged, odd_words, train_or_resume
from benchmarks.small_runs import differences, differing_files, write_experiment

MEGABYTE, KILOBYTE = 2**20, 2**10
MEMORIES = (0, 1, 4, 16, 64)  # MB beyond what the process has
FILE_SIZES = (2_000, 5_000, 10_000, 20_000, 40_000)  # bytes; what a command says fits
OPEN_FILES = (6, 8, 12, 16, 24)
DISKS = (16, 64, 128, 256, 512)  # kB
LEARNING_RATES = (1e20, 1e30, 1e38)
READERS = (("stats", "q700"), ("diagnose",), ("ls",), ("stats", "q700", "--json"))


def attacks_on_limits(bed: Bed, rng: np.random.Generator) -> Iterator[Attack]:
    """Yield the attacks.

    Args:
        bed: Commands, and what they make undisturbed.
        rng: Draws the moments at which a limit begins.
    """
    for size in MEMORIES:
        for number, moment in enumerate(rng.uniform(0.0, 1.0, 2).tolist()):
            name = f"{size} MB more, in training {number}"
            yield Attack("memory limit", name, partial(_memory_in_training, bed, size, moment))
    for name in bed.WRITERS:
        for size in MEMORIES[::2]:
            yield Attack("memory limit", f"{size} MB more, {name}", partial(_memory, bed, name, size))
    for size in FILE_SIZES:
        yield Attack("disk full", f"{size} B a file, train", partial(_files_in_training, bed, size))
        for name in bed.WRITERS:
            limit = (resource.RLIMIT_FSIZE, size)
            yield Attack("disk full", f"{size} B a file, {name}", partial(_limited, bed, name, limit))
    for size in DISKS:
        yield Attack("disk full", f"a disk of {size} kB, train", partial(_small_disk, bed, size, None))
        for name in bed.WRITERS:
            yield Attack("disk full", f"a disk of {size} kB, {name}", partial(_small_disk, bed, size, name))
    for count in OPEN_FILES:
        for name in bed.WRITERS:
            limit = (resource.RLIMIT_NOFILE, count)
            yield Attack("open files", f"{count}, {name}", partial(_limited, bed, name, limit))
        for words in READERS:
            name = f"{count}, {' '.join(words)}"
            yield Attack("open files", name, partial(_reader, bed, words, count))
    for rate in LEARNING_RATES:
        for stop in (False, True):
            name = f"learning rate {rate:g}{', stopped on trouble' if stop else ''}"
            yield Attack("never a number", name, partial(_never_a_number, bed, rate, stop=stop))


def _memory_in_training(bed: Bed, size: int, moment: float, folder: Path) -> Outcome:
    """Let a training have only so much more memory, from a moment on."""
    write_experiment(folder, **bed.BIG)
    training = bed.server.start(*TRAIN, folder=folder)
    time.sleep(moment)
    _limit_memory(training, size)
    training.wait()
    return _resumed(bed, training, folder, bed.trained_big)


def _files_in_training(bed: Bed, size: int, folder: Path) -> Outcome:
    write_experiment(folder)
    limits = [(resource.RLIMIT_FSIZE, size)]
    return _resumed(bed, bed.server.run(*TRAIN, folder=folder, limits=limits), folder, bed.trained)


def _resumed(bed: Bed, training: Command, folder: Path, whole: Path) -> Outcome:
    """Go on without the limit, and compare."""
    if reason := _ill_ended(training):
        return failed(reason, command=" ".join(training.words), output=training.text)
    last = bed.server.run(*train_or_resume(TRAIN, folder), folder=folder)
    run = folder / "runs" / RUN
    if "holds a run already" not in last.text:
        last = last if last.status == 0 else bed.server.run(*TRAIN, "--resume", folder=folder)
    return judged(last, check=lambda: differences(run, whole / RUN))


def _memory(bed: Bed, name: str, size: int, folder: Path) -> Outcome:
    """Let a command have only so much more memory, from its first moment on."""
    written = bed.written(name)
    command = bed.server.start(*bed.writers[name], folder=folder)
    _limit_memory(command, size)
    command.wait()
    return _repeated(bed, command, folder, written.folder)


def _limited(bed: Bed, name: str, limit: tuple[int, int], folder: Path) -> Outcome:
    """Run a command with a limit, and again without."""
    written = bed.written(name)
    command = bed.server.run(*bed.writers[name], folder=folder, limits=[limit])
    return _repeated(bed, command, folder, written.folder)


def _repeated(bed: Bed, command: Command, folder: Path, whole: Path) -> Outcome:
    if reason := _ill_ended(command):
        return failed(reason, command=" ".join(command.words), output=command.text)
    last = bed.server.run(*command.words, folder=folder)
    return judged(last, check=lambda: differing_files(folder / "out", whole))


def _small_disk(bed: Bed, size: int, name: str | None, folder: Path) -> Outcome:
    """Run a command on a small disk, then make room and repeat it."""
    words = TRAIN if name is None else bed.writers[name]
    whole = bed.trained if name is None else bed.written(name).folder
    place = folder / ("runs" if name is None else "out")
    write_experiment(folder)
    with _disk(place, size * KILOBYTE) as limits:
        command = bed.server.run(*words, folder=folder, limits=limits)
        shutil.copytree(place, folder / "kept") if place.is_dir() else None
    if (folder / "kept").is_dir():
        shutil.rmtree(place, ignore_errors=True)
        (folder / "kept").rename(place)
    if name is None:
        return _resumed(bed, command, folder, whole)
    return _repeated(bed, command, folder, whole)


@contextmanager
def _disk(place: Path, size: int) -> Iterator[Sequence[tuple[int, int]]]:
    """Mount a disk of a size at a place; who may not gets files of at most that size instead."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        yield [(resource.RLIMIT_FSIZE, size)]
        return
    try:
        yield []
    finally:
        subprocess.run(["umount", str(place)], capture_output=True, check=True)


def _reader(bed: Bed, words: Sequence[str], count: int, folder: Path) -> Outcome:
    """Read a study with few files open; what cannot be opened is said."""
    runs = ("--runs", bed.ensemble)
    limited = bed.server.run(*words, *runs, folder=folder, limits=[(resource.RLIMIT_NOFILE, count)])
    if reason := _ill_ended(limited):
        return failed(reason, command=" ".join(limited.words), output=limited.text)
    whole = bed.server.run(*words, *runs, folder=folder)
    if limited.status == 0 and limited.text != whole.text:
        return failed("says something else, and no error", output=limited.text)
    return judged(whole, check=list)


def _never_a_number(bed: Bed, rate: float, folder: Path, *, stop: bool) -> Outcome:
    """Train with a learning rate after whose first step nothing is a number."""
    write_experiment(folder, learning_rate=rate, gradient_clip=None)
    words = (*TRAIN, "--stop-on-trouble") if stop else TRAIN
    training = bed.server.run(*words, folder=folder)

    def check() -> list[str]:
        config = json.loads((folder / "runs" / RUN / "config.json").read_text())
        rules = {finding["rule"] for finding in config["findings"]}
        lacking = [] if "not_a_number" in rules else ["no finding says it"]
        lacking += [] if "DIVERGED" in training.text or stop else ["the last line does not say it"]
        listed = bed.server.run("ls", "--runs", "runs", folder=folder)
        lacking += [] if listed.status == 0 and not odd_words(listed) else ["ls fails"]
        return lacking

    return judged(training, allowed=(3,) if stop else (0,), check=check)


def _limit_memory(command: Command, size: int) -> None:
    """Let a process have only so many megabytes more than it has."""
    try:
        pages = int((Path("/proc") / str(command.process) / "statm").read_text().split()[0])
    except (OSError, IndexError):
        return  # it has ended
    command.limit(resource.RLIMIT_AS, pages * resource.getpagesize() + size * MEGABYTE)


def _ill_ended(command: Command) -> str | None:
    """Return what is wrong with how a limited command ended."""
    if reason := odd_words(command):
        return reason
    if command.status not in (0, 1):
        return f"exit status {command.status}"
    if command.status == 1 and "ired-diag: " not in command.text:
        return "it ended with 1 and says no reason"
    return None

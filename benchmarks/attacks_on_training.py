"""Attacks on the trainer: signals at any moment, once and again, alone, in an ensemble, by two at once.

Whatever ended it, the run that is resumed must be bit-equal to one that nothing has disturbed: each file of
``checkpoints/`` (weights, average, optimiser, random streams) by its SHA-256, and each logged value.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.attack import Attack, Outcome, failed
from benchmarks.process_bed import RUN, SEEDS, TRAIN, Bed, judged, odd_words, train_or_resume
from benchmarks.small_runs import differences, write_experiment

GROUP = "signals in training"
ENDS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGINT)
TIMES = {signal.SIGKILL: 24, signal.SIGTERM: 8, signal.SIGHUP: 8, signal.SIGUSR1: 8, signal.SIGINT: 8}
LONGEST = 0.6  # s until the signal comes; some runs end before
IN_A_ROW = 3
REFUSED = ("is being trained by", "holds a run already", "hold runs already")
SAID = ("--resume", "Aborted!")  # the latter where Ctrl-C comes before training has begun
TOGETHER = (*TRAIN, "--seeds", f"0-{SEEDS - 1}", "--together", SEEDS)


def attacks_on_training(bed: Bed, rng: np.random.Generator) -> Iterator[Attack]:
    """Yield the attacks on the trainer.

    Args:
        bed: Commands, and what they make undisturbed.
        rng: Draws the moments.
    """
    for end in ENDS:
        for number in range(TIMES[end]):
            moments = rng.uniform(0.01, LONGEST, IN_A_ROW).tolist()
            yield Attack(GROUP, f"{end.name} {number}", partial(_ended, bed, end, moments, TRAIN))
    for number in range(8):
        end, moments = ENDS[number % 2], rng.uniform(0.01, LONGEST, IN_A_ROW).tolist()
        name = f"{end.name} to an ensemble {number}"
        yield Attack(GROUP, name, partial(_ended, bed, end, moments, TOGETHER))
    for number in range(6):
        moments = rng.uniform(0.0, LONGEST / 2, 2).tolist()
        yield Attack("two trainers", f"of one ensemble {number}", partial(_two, bed, moments, killed=False))
        yield Attack("two trainers", f"one is killed {number}", partial(_two, bed, moments, killed=True))


def _ended(
    bed: Bed, end: signal.Signals, moments: Sequence[float], words: Sequence[object], folder: Path
) -> Outcome:
    """End a training several times, resume it, and compare it."""
    write_experiment(folder)
    for moment in moments:
        training = bed.server.start(*train_or_resume(words, folder), folder=folder)
        time.sleep(moment)
        training.send(end)
        status = training.wait()
        if status not in (0, 1, -end) or odd_words(training):
            reason = odd_words(training) or f"exit status {status} after {end.name}"
            return failed(reason, command=" ".join(training.words), output=training.text)
        if status == 1 and not any(words in training.text for words in SAID):
            return failed("it does not say how to go on", output=training.text)
    last = bed.server.run(*train_or_resume(words, folder), folder=folder)
    return judged(last, check=lambda: _compared(bed, folder, words))


def _two(bed: Bed, moments: Sequence[float], folder: Path, *, killed: bool) -> Outcome:
    """Train one ensemble twice at once; the second is refused, or goes on where the first was killed."""
    write_experiment(folder)
    first = bed.server.start(*TOGETHER, folder=folder)
    time.sleep(moments[0])
    second = bed.server.start(*train_or_resume(TOGETHER, folder), folder=folder)
    if killed:
        time.sleep(moments[1])
        first.send(signal.SIGKILL)
    for training in (first, second):
        refused = training.wait() == 1 and any(words in training.text for words in REFUSED)
        if not (refused or training.status in (0, -signal.SIGKILL)) or odd_words(training):
            return failed(f"exit status {training.status} beside another", output=training.text)
    last = bed.server.run(*train_or_resume(TOGETHER, folder), folder=folder)
    return judged(last, check=lambda: _compared(bed, folder, TOGETHER))


def _compared(bed: Bed, folder: Path, words: Sequence[object]) -> list[str]:
    """Return what differs from what nothing has disturbed; attempts are numbered one by one."""
    seeds = [RUN.with_name(f"seed{seed}") for seed in range(SEEDS if words is TOGETHER else 1)]
    whole = bed.ensemble if words is TOGETHER else bed.trained
    wrong = [f"{run}: {what}" for run in seeds for what in differences(folder / "runs" / run, whole / run)]
    for run in seeds:
        attempts = json.loads((folder / "runs" / run / "config.json").read_text())["provenance"]["attempts"]
        numbers = [attempt["attempt"] for attempt in attempts]
        if numbers != list(range(1, len(numbers) + 1)):
            wrong.append(f"attempts {numbers}")
    return wrong

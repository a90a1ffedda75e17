"""Attacks by many hands at once: trainer, dashboard, probe and import in one folder, and two of a kind.

Nobody may spoil another's work: what was trained is bit-equal to what nothing has disturbed, no row of a
probe table is lost, and the dashboard answers throughout.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.attack import Attack, Outcome, failed
from benchmarks.attacks_on_writing import differing_at_once, rows_of
from benchmarks.command_server import Command
from benchmarks.dashboard_reader import opened
from benchmarks.process_bed import RUN, SEEDS, TRAIN, Bed, judged, odd_words
from benchmarks.small_runs import differences, write_experiment

GROUP = "many at once"
TOGETHER = (*TRAIN, "--seeds", f"0-{SEEDS - 1}", "--together", SEEDS)
PROBE = ("--runs", "runs", "--samples", 4)
STEPS = (5, 20, 35, 50)  # of checkpoints


def attacks_at_once(bed: Bed, rng: np.random.Generator) -> Iterator[Attack]:
    """Yield the attacks.

    Args:
        bed: Commands, and what they make undisturbed.
        rng: Draws who comes when.
    """
    for number in range(6):
        moments = rng.uniform(0.0, 0.3, 4).tolist()
        killed = number % 2 == 1
        name = f"trainer, dashboard, probe and import {number}{', probe killed' if killed else ''}"
        yield Attack(GROUP, name, partial(_all, bed, moments, killed=killed))
    for number in range(6):
        moment = float(rng.uniform(0.0, 0.5))
        name = f"two probes of other checkpoints {number}"
        yield Attack(GROUP, name, partial(_two_probes, bed, "conditioning", moment, figures="last"))
    for number in range(2):
        moment = float(rng.uniform(0.0, 2.0))
        yield Attack(
            GROUP, f"two probe all {number}", partial(_two_probes, bed, "all", moment, figures="none")
        )
    for number in range(6):
        moment = float(rng.uniform(0.0, 0.3))
        yield Attack(GROUP, f"two imports, one killed {number}", partial(_two_imports, bed, moment))


def _all(bed: Bed, moments: Sequence[float], folder: Path, *, killed: bool) -> Outcome:
    """Train an ensemble, and meanwhile import logs, probe what is there, and look at it."""
    write_experiment(folder)
    runs = folder / "runs"
    shutil.copytree(bed.trained / "q700", runs / "q800")  # what is there to be probed
    training = bed.server.start(*TOGETHER, folder=folder)
    with opened(bed.server, runs, folder) as (reader, dashboard):
        callbacks = reader.calls()
        time.sleep(moments[0])
        logs = bed.writers["import"][1]
        importing = bed.server.start("import", logs, "--runs", "runs", folder=folder)
        time.sleep(moments[1])
        probing = bed.server.start("probe", "conditioning", "runs/q800/seed0", *PROBE, folder=folder)
        reader.read(callbacks, ("study", "run", "curves"))
        if killed:
            probing.send(signal.SIGKILL)
        ended = [(process, process.wait()) for process in (training, importing, probing)]
        reader.read(callbacks, ("study", "negatives", "findings"))
    for command, status in (*ended, (dashboard, dashboard.wait())):
        if status not in (0, -signal.SIGKILL) or odd_words(command):
            return failed(odd_words(command) or f"exit status {status}", output=command.text)
    if reader.wrong:
        return failed(f"the dashboard answered {reader.wrong[0]}")
    seeds = [RUN.with_name(f"seed{seed}") for seed in range(SEEDS)]
    again = bed.server.run("probe", "conditioning", "runs/q800/seed0", *PROBE, folder=folder)

    def check() -> list[str]:
        wrong = [what for run in seeds for what in differences(runs / run, bed.ensemble / run)]
        return wrong + _imported(bed, folder)

    return judged(again, check=check)


def _imported(bed: Bed, folder: Path) -> list[str]:
    """Return the runs that an undisturbed import makes and that are not whole here."""
    whole = bed.written("import").folder
    files = [path.relative_to(whole) for path in whole.rglob("*") if path.is_file()]
    there = [path for path in files if (folder / "runs" / path).is_file()]
    lacking = [str(path) for path in files if path not in there]
    same = [path for path in there if (folder / "runs" / path).read_bytes() == (whole / path).read_bytes()]
    return lacking + [str(path) for path in there if path not in same]


def _two_probes(bed: Bed, probe: str, moment: float, folder: Path, *, figures: str) -> Outcome:
    """Put probes to different checkpoints of one run at once; the tables hold the rows of both."""
    run = bed.study(folder) / RUN
    words = ("probe", probe, run, *PROBE, "--figures", figures, "--checkpoint")
    one_by_one = folder / "one-by-one"
    for step in STEPS[:2] if probe == "all" else STEPS:
        serial = bed.server.run(*words, step, "--out", one_by_one, folder=folder)
        if serial.status != 0:
            return failed("a probe alone fails", output=serial.text)
    pairs = [STEPS[:2]] if probe == "all" else [STEPS[:2], STEPS[2:]]
    for pair in pairs:
        probing: list[Command] = []
        for step in pair:
            probing.append(bed.server.start(*words, step, "--out", folder / "at-once", folder=folder))
            time.sleep(moment)
        for process in probing:
            if process.wait() != 0 or odd_words(process):
                return failed(f"exit status {process.status} beside another", output=process.text)

    def check() -> list[str]:
        tables = sorted(one_by_one.glob("*.parquet"))
        return [t.name for t in tables if rows_of(t) != rows_of(folder / "at-once" / t.name)]

    return judged(probing[-1], check=check)


def _two_imports(bed: Bed, moment: float, folder: Path) -> Outcome:
    """Import the same logs twice at once, kill one, and import them again."""
    words, whole = bed.writers["import"], bed.written("import").folder
    first, second = (bed.server.start(*words, folder=folder) for _ in range(2))
    time.sleep(moment)
    first.send(signal.SIGKILL)
    first.wait()
    if second.wait() != 0 or odd_words(second):
        return failed(f"exit status {second.status} beside one that was killed", output=second.text)
    last = bed.server.run(*words, folder=folder)
    return judged(last, check=lambda: differing_at_once(folder / "out", whole))

"""How often a watch is wrong about healthy runs, and how late it is about failures.

    python -m benchmarks.watch_alarms [--runs 200] [--planted 20] [--study LOGS LABELS] [--more DIR …]

Runs are replayed as files that grow, in four formats by turns, some with a half-written last line, and looked
at by the same ``Watcher`` as ``ired-diag watch``. Printed are the alarms on healthy runs by kind (bound: 1 of
200), and of planted failures and of a study's diverged curves how many were announced, with the delay in
evaluations: 0 is the evaluation at which the failure begins.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.dashboard.catalog import Catalog
from app.watching.event import Event
from app.watching.memory import Memory
from app.watching.watcher import Watcher
from benchmarks.detector_curves import labelled
from benchmarks.watch_runs import HEALTHY, PLANTED, MadeRun, healthy
from ired_diag.curves.judged_curve import judge
from ired_diag.live.live_rise import ALPHA
from ired_diag.open import open_study

START = 1_700_000_000.0  # s
PAUSE = 60.0  # s between two evaluations
SILENT_LOOKS = 12  # after the last evaluation
FORMATS = ("csv", "jsonl", "log", "out")
TEXT = (".csv", ".jsonl", ".log", ".out", ".txt")  # what can be cut after any line
BOUND = 1  # alarm on 200 healthy runs
LONGEST_DELAY = 3  # evaluations


@dataclass
class Growing:
    """A file that grows.

    Attributes:
        path: The file.
        lines: All of its lines.
        heads: Number of lines that are there before the first evaluation.
        events: What was announced of it.
    """

    path: Path
    lines: Sequence[str]
    heads: int = 0
    events: list[Event] = field(default_factory=list)

    def grow(self, count: int, now: float, *, torn: bool = False) -> None:
        """Make the file hold its first ``count`` evaluations, and perhaps half a line more."""
        end = self.heads + count
        if end - len(self.lines) > 0 and self.path.exists():
            return  # nothing comes any more, and its time of writing stays
        text = "".join(self.lines[:end])
        if torn and end < len(self.lines):
            following = self.lines[end]
            text += following[: len(following) // 2]
        self.path.write_text(text)
        os.utime(self.path, (now, now))


def written(run: MadeRun, path: Path, form: str) -> Growing:
    """Return a run as a file of a format."""
    head: list[str] = []
    lines = []
    if form == "csv":
        head = [f"epoch,{run.metric},lr\n"]
    for epoch, value in enumerate(run.values.tolist(), start=1):
        lines.append(_line(form, run.metric, epoch, value))
    return Growing(path.with_suffix(f".{form}"), [*head, *lines], heads=len(head))


def _line(form: str, metric: str, epoch: int, value: float) -> str:
    if form == "csv":
        return f"{epoch},{value!r},0.001\n"
    if form == "jsonl":
        number = {"nan": "NaN", "inf": "Infinity"}.get(repr(value), repr(value))
        return f'{{"epoch": {epoch}, "{metric}": {number}}}\n'
    if form == "log":
        return f"2026-01-01 10:00:00 INFO epoch {epoch} {metric}={value:.8g}\n"
    return f"Epoch {epoch}: {metric} {value:.8g}, lr 0.001\n"


def replay(files: Sequence[Growing], folder: Path, *, per_look: int, alpha: float, looks: int) -> None:
    """Let files grow and look at them, until all have ended.

    Args:
        files: The files; their ``events`` are filled.
        folder: Where they are.
        per_look: Evaluations between two looks.
        alpha: Chance of a false alarm.
        looks: How often to look.
    """
    watcher = Watcher(
        catalog=Catalog(folder),
        memory=Memory(),
        alpha=alpha,
        every=PAUSE,
    )
    by_path = {str(file.path): file for file in files}
    for place in range(looks):
        now = START + PAUSE * per_look * (place + 1)
        for number, file in enumerate(files):
            file.grow(per_look * (place + 1), now, torn=(number + place) % 3 == 0)
        for event in watcher.look(now):
            by_path[event.path].events.append(event)


def false_alarms(count: int, *, seed: int, alpha: float) -> tuple[Counter[str], Counter[str]]:
    """Return the number of healthy runs, and of those with an alarm about their curve, by kind."""
    rng = np.random.default_rng(seed)
    kinds = [kind for _, kind in zip(range(count), _endless(HEALTHY), strict=False)]
    runs = [healthy(kind, rng) for kind in kinds]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = _files(runs, folder)
        longest = max(len(run.values) for run in runs)
        per_look = 8  # the test is asked after each of them all the same
        replay(files, folder, per_look=per_look, alpha=alpha, looks=-(-longest // per_look))
    alarms: Counter[str] = Counter()
    for run, file in zip(runs, files, strict=True):
        alarms[run.kind] += any(event.kind in ("diverged", "not_finite") for event in file.events)
    return Counter(kinds), alarms


def _endless(kinds: Iterable[str]) -> Iterator[str]:
    names = list(kinds)
    while True:
        yield from names


def _files(runs: Sequence[MadeRun], folder: Path) -> list[Growing]:
    files = []
    for number, run in enumerate(runs):
        path = folder / f"run{number:04d}"
        files.append(written(run, path, FORMATS[number % len(FORMATS)]))
    return files


def delays_of_planted(count: int, *, seed: int, alpha: float) -> dict[str, list[float]]:
    """Return the delays of planted failures by kind; infinite where one is not announced."""
    rng = np.random.default_rng([seed, 1])
    runs = []
    for plant in PLANTED:
        runs += [plant(rng) for _ in range(count)]
    delays: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = _files(runs, folder)
        longest = max(len(run.values) for run in runs)
        replay(files, folder, per_look=1, alpha=alpha, looks=longest + SILENT_LOOKS)
    for run, file in zip(runs, files, strict=True):
        delays[run.kind].append(_delay(run, file))
    return delays


def _delay(run: MadeRun, file: Growing) -> float:
    """Return how many evaluations after its onset a failure was announced while the run went on."""
    assert run.onset is not None
    for event in file.events:
        if event.kind != run.expected:
            continue
        if run.expected == "stalled":
            return (event.time - START) / PAUSE - len(run.values)
        if event.kind == "diverged" and event.evidence["is_finished"]:
            continue
        assert event.seen_at is not None
        return event.seen_at - 1 - run.onset
    return float("inf")


def delays_of_study(logs: Path, labels: Path, *, alpha: float) -> dict[str, float]:
    """Return the delay of each curve that both readings of a table of labels call diverged."""
    onsets = {}
    for path, onset in _labelled_divergences(logs, labels):
        onsets[path] = onset
    return {path.name: _delay_of_log(path, onset, alpha=alpha) for path, onset in onsets.items()}


def _labelled_divergences(logs: Path, labels: Path) -> Iterator[tuple[Path, int]]:
    import csv

    examples = labelled(logs, labels)
    with labels.open() as file:
        for row in csv.DictReader(file):
            if row["reading1_label"] != row["reading2_label"]:
                continue
            example = next(examples)
            if row["reading1_label"] == "diverged" and example.onset is not None:
                yield logs / row["file"], example.onset


def delays_of_folder(folder: Path, *, alpha: float) -> dict[str, float]:
    """Return the delay of each curve under a folder that is judged diverged when it is finished."""
    delays = {}
    for run in open_study(folder).runs:
        judged = judge(run, {})
        if judged is None or judged.kind != "diverged" or judged.shape.onset is None:
            continue
        if run.path.suffix in TEXT and not run.path.with_suffix(".err").exists():
            name = "/".join(run.path.parts[-2:])
            delays[name] = _delay_of_log(run.path, judged.shape.onset.index, alpha=alpha)
    return delays


def _delay_of_log(path: Path, onset: int, *, alpha: float) -> float:
    """Return how many evaluations after its onset a real log's divergence is announced, as it grows."""
    run = open_study(path).runs[0]
    assert run.evaluated is not None
    steps = run.evaluated[1].steps
    lines = path.read_text(errors="replace").splitlines(keepends=True)
    stride = max(1, len(lines) // (2 * len(steps)))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file = Growing(folder / path.name, lines)
        looks = -(-len(lines) // stride) + SILENT_LOOKS
        replay([file], folder, per_look=stride, alpha=alpha, looks=looks)
    for event in file.events:
        if event.kind in ("diverged", "not_finite") and event.seen_at is not None:
            return float(np.searchsorted(steps, event.seen_at) - onset)
    return float("inf")


def _quantiles(delays: Sequence[float]) -> str:
    announced = [delay for delay in delays if np.isfinite(delay)]
    if not announced:
        return "| - | - |"
    return f"| {np.median(announced):.0f} | {np.quantile(announced, 0.9):.0f} |"


def main(arguments: list[str] | None = None) -> int:
    """Replay, print the tables, and return 1 where a bound does not hold."""
    parser = argparse.ArgumentParser(description="False alarms and delays of a watch.")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--planted", type=int, default=10, help="of each kind")
    parser.add_argument("--alpha", type=float, default=ALPHA)
    parser.add_argument("--study", nargs=2, type=Path, metavar=("LOGS", "LABELS"))
    parser.add_argument("--more", nargs="*", type=Path, default=[], help="folders with other real logs")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    kinds, alarms = false_alarms(options.runs, seed=options.seed, alpha=options.alpha)
    say = sys.stdout.write
    say("| healthy runs | runs | with an alarm |\n|---|---|---|\n")
    for kind in kinds:
        say(f"| {kind} | {kinds[kind]} | {alarms[kind]} |\n")
    total = alarms.total()
    say(f"| all | {kinds.total()} | {total} |\n\n")
    is_held = total <= BOUND * max(1, options.runs / 200)
    say("| planted | announced live | median delay | 90% |\n|---|---|---|---|\n")
    for kind, delays in delays_of_planted(options.planted, seed=options.seed, alpha=options.alpha).items():
        count = sum(np.isfinite(delays))
        say(f"| {kind} | {count} of {len(delays)} {_quantiles(delays)}\n")
    real: dict[str, float] = {}
    if options.study:
        real |= delays_of_study(*options.study, alpha=options.alpha)
        is_held &= max(real.values()) <= LONGEST_DELAY
    for folder in options.more:
        real |= delays_of_folder(folder, alpha=options.alpha)
    if real:
        say("\n| real log | delay |\n|---|---|\n")
    for name, delay in real.items():
        say(f"| {name} | {delay:.0f} |\n")
    say(f"\nBounds: {'held' if is_held else 'NOT held'}.\n")
    return 0 if is_held else 1


if __name__ == "__main__":
    sys.exit(main())

"""Numbers at the edge of what a computer holds, in values, steps and clocks, in each format of logs."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

from benchmarks.attack import Attack
from benchmarks.attack_bed import FORMATS, ROWS, Curve, Format, run_folder, whole, write
from benchmarks.attack_commands import command_attack, spread

LAST = 2**63 - 1
Values = Callable[[int], float]  # of the k-th evaluation

VALUES: dict[str, Values] = {
    "near 1e308": lambda k: 1.6e308 * (1 - 0.01 * k),
    "1e308 of both signs next to NaN": lambda k: (1e308, -1e308, math.nan)[k % 3],
    "infinity of both signs": lambda k: math.inf if k % 2 else -math.inf,
    "at last 1e308": lambda k: 1 / (k + 1) if k < ROWS - 1 else 1e308,
    "at first 1e308": lambda k: 1 / (k + 1) if k else 1e308,
    "at last NaN": lambda k: 1 / (k + 1) if k < ROWS - 1 else math.nan,
    "smallest": lambda k: 5e-324 * (k + 1),
    "tiny": lambda k: 1e-300 * (2 + math.sin(k)),
    "large and tiny": lambda k: 1e308 if k % 2 else 1e-308,
    "near 1e75": lambda k: 9e74 * (1 - 0.02 * k),
    "near 1e38": lambda k: 3e38 * (1 - 0.02 * k),
    "zero": lambda k: 0.0,
    "minus zero": lambda k: -0.0,
    "NaN": lambda k: math.nan,
    "one bit apart": lambda k: 1 + k % 2 * 2**-52,
    "alternating signs": lambda k: (-1.0) ** k,
}
STEPS: dict[str, Sequence[int]] = {
    "near 2**63": [LAST - ROWS + k for k in range(ROWS)],
    "near -2**63": [-LAST - 1 + k for k in range(ROWS)],
    "from end to end": [-LAST - 1, *range(1, ROWS - 1), LAST],
    "near 2**53": [2**53 + k for k in range(ROWS)],
    "near 2**31": [2**31 - 3 + k for k in range(ROWS)],
    "beyond 2**63": [2**63 + k for k in range(ROWS)],
    "nanoseconds": [1_770_000_000_000_000_000 + 10**9 * k for k in range(ROWS)],
    "all the same": [100] * ROWS,
    "backwards": [100 * (ROWS - k) for k in range(ROWS)],
    "to and fro": [100 * (k if k % 2 else ROWS - k) for k in range(ROWS)],
    "negative": [-100 * (ROWS - k) for k in range(ROWS)],
    "zero first and a gap": [0, *(10**12 + k for k in range(ROWS - 1))],
}
TIMES: dict[str, Sequence[float]] = {
    "before 1970": [-1e9] * 3,
    "backwards": [1.7e9, 1.6e9, 1.5e9],
    "in the future": [1e11] * 3,
    "all zero": [0.0] * 3,
    "beyond the calendar": [3e11] * 3,
}
DRAWS = 1


def attacks(seed: int) -> Iterator[Attack]:
    """Yield the attacks; nothing is drawn."""
    index = count()
    for format in FORMATS:
        if format.name in ("config.json", "YAML", "standard error", "accounts"):
            continue
        logs = format.files is not run_folder
        for draw in range(DRAWS):
            for name, value in VALUES.items():
                make = _replaced(format, [(100 * k + 100, value(k)) for k in range(ROWS)])
                label = f"{format.name}: {name} {draw}"
                yield command_attack(
                    "numbers at the edge", label, spread(next(index) + draw, logs=logs), make
                )
            for name, steps in STEPS.items():
                make = _replaced(format, [(step, 0.1 + 1 / (k + 1)) for k, step in enumerate(steps)])
                label = f"{format.name}: {name} {draw}"
                yield command_attack("steps at the edge", label, spread(next(index) + draw, logs=logs), make)
            for name, times in TIMES.items():
                make = _dated(format, times)
                label = f"{format.name}: {name} {draw}"
                yield command_attack("clocks", label, spread(next(index) + draw, logs=logs), make)


def _replaced(format: Format, curve: Curve) -> Callable[[Path], None]:
    """Return what writes a study in which one run of q900 has another curve."""

    def make(study: Path) -> None:
        write(study, whole(format))
        write(study, format.files("q900", 1, curve))

    return make


def _dated(format: Format, times: Sequence[float]) -> Callable[[Path], None]:
    """Return what writes a study whose files changed at other times."""

    def make(study: Path) -> None:
        write(study, whole(format))
        paths = sorted(path for path in study.rglob("*") if path.is_file())
        for number, path in enumerate(paths):
            os.utime(path, (times[number % 3], times[number % 3]))

    return make

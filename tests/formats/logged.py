"""What every script here logs: 20 steps of two metrics, with NaN and both infinities."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

SEEDS = (0, 1)
STEPS = range(0, 200, 10)
ODD = {50: math.nan, 60: math.inf, 70: -math.inf}

Points = Mapping[str, list[tuple[int, float]]]  # by metric: step, value


def settings(seed: int) -> dict[str, float]:
    """Return the configuration of a run."""
    return {"seed": seed, "lr": 0.001}


def rows(seed: int) -> Iterator[tuple[int, float, float]]:
    """Yield step, loss and validation error of a run."""
    for step in STEPS:
        loss = ODD.get(step, 1.0 / (step + 7 + seed))
        yield step, loss, 0.5 / (step + 3 + seed)


def write_points(path: Path, runs: Mapping[str, Points]) -> None:
    """Write the points of each run, as the library's own reader returned them."""
    path.write_text(json.dumps(runs, sort_keys=True, separators=(",", ":")) + "\n")

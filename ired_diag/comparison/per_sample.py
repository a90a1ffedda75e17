"""Two groups compared on the same frozen matrices, where the probe ``accuracy`` has looked at their runs.

Each run then has an error for each of many matrices, the same for all runs. The difference of the groups is
uncertain by seeds and by matrices at once (``stats.two_level_bootstrap``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.seeds import Members, Seed
from ired_diag.errors import UnreadableFile
from ired_diag.stats.two_level_bootstrap import TwoLevel, two_level_bootstrap
from ired_diag.table import read_table

TABLE = Path("probes") / "accuracy.parquet"
ERRORS = ("mse", "residual")
DATA, FINAL, WEIGHTS = "id", -1, "ema"
FROZEN = ("samples", "seed", "dataset", "rank")  # what decides which matrices are looked at

Errors = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class PerSample:
    """The difference a - b of one error on the same matrices.

    Attributes:
        error: ``mse`` or ``residual``, ‖A Ŷ - I‖_F.
        result: With its interval over seeds and matrices.
        reason: Why it is not known.
    """

    error: str
    result: TwoLevel | None
    reason: str = ""


def per_sample(a: Members, b: Members, shared: Sequence[str], *, draw: int) -> list[PerSample]:
    """Return the differences of two groups on the same matrices, one for each kind of error.

    Args:
        a: A group.
        b: Another.
        shared: Seeds that are paired; empty where the seeds are not pairs.
        draw: Seed of the resampling.
    """
    found: dict[str, tuple[Any, Errors]] = {}
    for members in (a, b):
        for seed in members.seeds:
            if (told := _errors_of(seed)) is not None:
                found[f"{members.name}/{seed.label}"] = told
    chosen = [[s for s in m.seeds if f"{m.name}/{s.label}" in found] for m in (a, b)]
    if shared:
        both = [s for s in shared if all(any(one.label == s for one in some) for some in chosen)]
        chosen = [[next(one for one in some if one.label == s) for s in both] for some in chosen]
    if not all(chosen):
        return [PerSample(error, None, "no table of accuracy of both groups") for error in ERRORS]
    tables = [[found[f"{m.name}/{s.label}"] for s in some] for m, some in zip((a, b), chosen, strict=True)]
    if len({key for some in tables for key, _ in some}) > 1:
        return [PerSample(error, None, "their tables of accuracy are of other matrices") for error in ERRORS]
    return [
        PerSample(error, _compared([[e[error] for _, e in some] for some in tables], bool(shared), draw))
        for error in ERRORS
    ]


def _compared(errors: list[list[NDArray[np.float64]]], paired: bool, draw: int) -> TwoLevel:
    x, y = (np.array(group) for group in errors)
    return two_level_bootstrap(x, y, paired=paired, seed=draw)


def _errors_of(seed: Seed) -> tuple[tuple[Any, ...], Errors] | None:
    """Return which matrices a run was looked at on, at its last checkpoint, and its errors on each."""
    path = (seed.folder or Path()) / TABLE
    if seed.folder is None or not path.is_file():
        return None
    rows, metadata = read_table(path, data=DATA, level=FINAL, count=1, weights=WEIGHTS)
    if not len(rows["step"]):
        return None
    rows = _where(rows, rows["step"] == rows["step"].max())
    settings = metadata.get("settings", {})
    digests = [digest for digest in np.unique(rows["settings"]).tolist() if digest in settings]
    if not digests:
        raise UnreadableFile(f"{path}: does not tell the settings of its rows. Remove it, and probe again.")
    largest = max(digests, key=lambda digest: (settings[digest]["samples"], digest))
    rows = _where(rows, rows["settings"] == largest)
    rows = _where(rows, rows["inner_steps"] == rows["inner_steps"].max())
    order = np.argsort(rows["sample"])
    told = {**settings[largest].get("config", {}), **settings[largest]}
    key = (*(told.get(name) for name in FROZEN), len(order))
    return key, {error: rows[error][order].astype(np.float64) for error in ERRORS}


def _where(rows: dict[str, NDArray[Any]], keep: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    return {name: column[keep] for name, column in rows.items()}


def interval_of(found: Sequence[PerSample], error: str) -> tuple[float, float]:
    """Return the interval of one error's difference; NaN where it is not known."""
    result = next((one.result for one in found if one.error == error), None)
    return (math.nan, math.nan) if result is None else (result.low, result.high)

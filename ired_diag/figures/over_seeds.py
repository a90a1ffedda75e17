"""Mean and band over seeds at each step, from the curves of single seeds.

The mean is taken at each step that more than half of the seeds in training then have a value for (a seed is
in training from its first to its last value), over those of its values that are finite. N is how many those
are. Where seeds end early, or turn into NaN, N falls and the mean is that of the seeds that are left: so N is
drawn beneath wherever it is not the same at all steps. Nothing is interpolated.

The band is, at each step by itself,

    t interval    mean ± t_{N-1, 0.975} sd / √N, of the mean over seeds
    sd            mean ± sd, with N - 1 in the denominator: how seeds differ
    range         from the lowest seed to the highest

and is not there where N = 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ired_diag.errors import DiagError
from ired_diag.runs.history import Series
from ired_diag.stats.finite import quotient
from ired_diag.stats.summary import CONFIDENCE

Band = Literal["t interval", "sd", "range"]
BANDS: dict[Band, str] = {
    "t interval": "95% t interval of the mean over seeds",
    "sd": "mean ± sd over seeds (n - 1)",
    "range": "range of the seeds",
}
MEANT = "Means are at steps for which more than half of the seeds then in training have a value"

Array = NDArray[np.float64]


@dataclass(frozen=True)
class OverSeeds:
    """A group's curve; all of shape (n,).

    Attributes:
        steps: Of training.
        mean: Over the seeds with a finite value.
        low: Lower end of the band; NaN for one seed.
        high: Upper end.
        n: How many seeds those are.
    """

    steps: NDArray[np.int64]
    mean: Array
    low: Array
    high: Array
    n: NDArray[np.int64]


def over_seeds(curves: Sequence[Series], band: Band = "t interval") -> OverSeeds:
    """Return mean, band and N over seeds at each step.

    Args:
        curves: One a seed, at least one.
        band: What is drawn around the mean.

    Raises:
        DiagError: There is no such band.
    """
    if band not in BANDS:
        raise DiagError(f"A band is one of {', '.join(BANDS)}, found {band!r}.")
    steps, table = _table(curves)
    known = np.isfinite(table)
    n = known.sum(axis=0)
    unit = _unit(table[known])
    scaled = np.where(known, table / unit, 0.0)
    mean = quotient(scaled.sum(axis=0), n)
    if band == "range":
        low = np.where(known, scaled, np.inf).min(axis=0)
        high = np.where(known, scaled, -np.inf).max(axis=0)
    else:
        sd = np.sqrt(quotient((np.where(known, scaled - mean, 0.0) ** 2).sum(axis=0), n - (n > 1)))
        half = sd if band == "sd" else sd * quotient(_critical(n), np.sqrt(n))
        low, high = mean - half, mean + half
    low, high = (np.where(n > 1, end * unit, np.nan) for end in (low, high))
    return OverSeeds(steps, mean * unit, low, high, n)


def _table(curves: Sequence[Series]) -> tuple[NDArray[np.int64], Array]:
    """Return the steps that are drawn, and the values of shape (seeds, steps), NaN where there is none."""
    curves = [curve for curve in curves if len(curve)]
    if not curves:
        return np.array([], dtype=np.int64), np.empty((0, 0))
    steps = np.unique(np.concatenate([curve.steps for curve in curves]))
    table, told = np.full((len(curves), len(steps)), np.nan), np.zeros(len(steps), dtype=np.int64)
    training = np.zeros(len(steps), dtype=np.int64)
    for row, curve in zip(table, curves, strict=True):
        places = np.searchsorted(steps, curve.steps)
        row[places] = curve.values
        told[places] += 1
        training[places[0] : places[-1] + 1] += 1
    common = 2 * told > training
    return steps[common], table[:, common]


def _unit(values: Array) -> float:
    """Return a power of two near the largest value: divided by it, sums and squares do not overflow."""
    return float(np.ldexp(0.5, np.frexp(np.abs(values).max(initial=0.0))[1]))


def _critical(n: NDArray[np.int64]) -> Array:
    """Return Student's t for an interval of the mean of n values; of one it is not known."""
    degrees, places = np.unique(np.maximum(n - 1, 1), return_inverse=True)
    critical: Array = np.asarray(stats.t.ppf((1 + CONFIDENCE) / 2, degrees))
    return critical[places]

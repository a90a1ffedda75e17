"""Mean and band over seeds at each step, from the curves of single seeds.

The mean is taken at each step that more than half of the seeds in training then have a value for (a seed is
in training from its first to its last value), over those of its values that are finite. N is how many those
are. Where seeds end early, or turn into NaN, N falls and the mean is that of the seeds that are left: so N is
drawn beneath wherever it is not the same at all steps. Nothing is interpolated.

The band is, at each step by itself,

    t interval    mean ± t_{N-1, 0.975} sd / √N, of the mean over seeds
    sd            mean ± sd, with N - 1 in the denominator: how seeds differ
    range         from the lowest seed to the highest

and is not there where N = 1; nor is the t interval where N = 2: it would be 12.7 standard errors wide to each
side, and hide every other curve. Of k of the K folds of a cross-validation, which share training data, its
standard error is sd √(1/k + 1/(K - 1)) (``stats.resampled_t``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy  # its parts are imported when they are first used
from numpy.typing import NDArray

from ired_diag.errors import DiagError
from ired_diag.runs.cross_validation import CrossValidation
from ired_diag.runs.history import Series
from ired_diag.stats.finite import quotient
from ired_diag.stats.summary import CONFIDENCE

Band = Literal["t interval", "sd", "range"]
BANDS: dict[Band, str] = {  # as captions describe them
    "t interval": "95% t interval of the mean over seeds",
    "sd": "mean ± sd over seeds (n - 1)",
    "range": "range of the seeds",
}
BANDS_IN_BRIEF: dict[Band, str] = {
    "t interval": "95% t interval",
    "sd": "sd",
    "range": "range",
}
FEWEST: dict[Band, int] = {"t interval": 3, "sd": 2, "range": 2}  # seeds, for a band
MEANT = "Means are at steps for which more than half of the seeds then in training have a value"

Array = NDArray[np.float64]


@dataclass(frozen=True)
class OverSeeds:
    """A group's curve; all of shape (n,).

    Attributes:
        steps: Training steps.
        mean: Mean over the seeds with a finite value.
        low: Lower end of the band; NaN where there are too few seeds for one.
        high: Upper end of the band.
        n: Number of seeds with a finite value.
    """

    steps: NDArray[np.int64]
    mean: Array
    low: Array
    high: Array
    n: NDArray[np.int64]


def over_seeds(
    curves: Sequence[Series], band: Band = "t interval", *, folds: CrossValidation | None = None
) -> OverSeeds:
    """Return mean, band and N over seeds at each step.

    Args:
        curves: One curve for each seed, at least one.
        band: What is drawn around the mean.
        folds: The cross-validation whose folds the curves are, for its t interval. Default: seeds.

    Raises:
        DiagError: There is no such band.
    """
    if band not in BANDS:
        raise DiagError(f"A band is one of {', '.join(BANDS)}, found {band!r}.")
    steps, table = _table(curves)
    is_finite = np.isfinite(table)
    n = is_finite.sum(axis=0)
    unit = _unit(table[is_finite])
    scaled = np.where(is_finite, table / unit, 0.0)
    mean = quotient(scaled.sum(axis=0), n)
    if band == "range":
        low = np.where(is_finite, scaled, np.inf).min(axis=0)
        high = np.where(is_finite, scaled, -np.inf).max(axis=0)
    else:
        deviations = np.where(is_finite, scaled - mean, 0.0)
        half = _sd(deviations, n)
        if band == "t interval":
            half = half * _standard_errors(n, folds)
        low = mean - half
        high = mean + half
    return OverSeeds(
        steps=steps,
        mean=mean * unit,
        low=np.where(n >= FEWEST[band], low * unit, np.nan),
        high=np.where(n >= FEWEST[band], high * unit, np.nan),
        n=n,
    )


def _standard_errors(n: NDArray[np.int64], folds: CrossValidation | None) -> Array:
    """Return half of the width of a t interval of n values, in standard deviations."""
    if folds is None or folds.is_alone:
        return quotient(_critical(n), np.sqrt(n))
    different = np.minimum(n, len(set(folds.folds.values())))
    variance = quotient(np.ones(len(n)), different) + 1 / (folds.count - 1)
    # The sd is that of n runs. Of k folds with several runs this bounds both errors of ``stats.resampled_t``.
    variance = variance * quotient((n - 1) * different, n * (different - 1))
    errors: Array = _critical(different) * np.sqrt(variance)
    return errors


def has_several_seeds(groups: Mapping[str, OverSeeds]) -> bool:
    """Say whether any group has more than one seed at any step."""
    return any(curve.n.max(initial=0) > 1 for curve in groups.values())


def last_finite(curve: OverSeeds) -> int | None:
    """Return the place of the last finite mean; None without one."""
    finite = np.flatnonzero(np.isfinite(curve.mean))
    return int(finite[-1]) if len(finite) else None


def _sd(deviations: Array, n: NDArray[np.int64]) -> Array:
    """Return the standard deviation over seeds at each step, 0 for one seed."""
    squares = (deviations**2).sum(axis=0)
    degrees = n - (n > 1)
    sd: Array = np.sqrt(quotient(squares, degrees))
    return sd


def _table(curves: Sequence[Series]) -> tuple[NDArray[np.int64], Array]:
    """Return the steps that are drawn, and the values of shape (seeds, steps), NaN where there is none."""
    curves = [curve for curve in curves if len(curve)]
    if not curves:
        return np.array([], dtype=np.int64), np.empty((0, 0))
    steps = np.unique(np.concatenate([curve.steps for curve in curves]))
    table = np.full((len(curves), len(steps)), np.nan)
    with_value = np.zeros(len(steps), dtype=np.int64)
    in_training = np.zeros(len(steps), dtype=np.int64)
    for row, curve in zip(table, curves, strict=True):
        places = np.searchsorted(steps, curve.steps)
        first = places[0]
        last = places[-1]
        row[places] = curve.values
        with_value[places] += 1
        in_training[first : last + 1] += 1
    is_common = 2 * with_value > in_training
    return steps[is_common], table[:, is_common]


def _unit(values: Array) -> float:
    """Return a power of two near the largest value: divided by it, sums and squares do not overflow."""
    largest = np.abs(values).max(initial=0.0)
    _, exponent = np.frexp(largest)
    return float(np.ldexp(0.5, exponent))


def _critical(n: NDArray[np.int64]) -> Array:
    """Return Student's t for an interval of the mean of n values; it means nothing for one."""
    degrees = np.maximum(n - 1, 1)
    unique, places = np.unique(degrees, return_inverse=True)
    level = (1 + CONFIDENCE) / 2
    critical: Array = np.asarray(scipy.special.stdtrit(unique, level))
    return critical[places]

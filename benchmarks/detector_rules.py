"""Rules that say of a curve so far whether it has begun a lasting rise: our verdicts, and five in use.

Each takes the curve in nats (logarithms: lower is better, units drop out), which is already more than most of
them are usually given, and answers for its end. The first setting of each is its usual one.

    any rise        ours: diverged or regressed (a rise of 5%, or of a tenth of what was won)
    diverged        ours: 1.5 times or more
    patience        no evaluation of the last k is better than the best before them (early stopping);
                    k = 10 is the study's
    z-score         the last is more than z standard deviations above the mean of the w before it
    minimum ratio   the last is more than r times the least so far
    slope           a straight line through the last w rises: one-sided t-test at level p
    ruptures        PELT, cost l2, penalty c σ² ln n (c = 2: the BIC), σ from first differences: the mean of
                    the last segment is at least r times that of the lowest one before

Patience asks another question (is it worth going on?), so a curve at rest is a false alarm of it by design.

References: Prechelt (1998), Early stopping - but when?; Killick, Fearnhead & Eckley (2012), Optimal detection
of changepoints with a linear computational cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ired_diag.curves.shape import shape_of

Array = NDArray[np.float64]
Settings = Mapping[str, float]

NORMAL_MAD = 0.6745  # median absolute deviation of a standard normal


@dataclass(frozen=True)
class Rule:
    """A rule and its settings.

    Attributes:
        name: As the table says it.
        rises: Of a curve in nats, of shape (n,), and a setting: whether it has begun a lasting rise.
        settings: The usual one first; one alone where there is nothing to set.
    """

    name: str
    rises: Callable[..., bool]
    settings: tuple[Settings, ...]


def diverged(y: Array) -> bool:
    """Say whether ``ired_diag.curves.shape`` calls it diverged."""
    return shape_of(np.arange(len(y)), np.exp(y)).word == "diverged"


def diverged_or_regressed(y: Array) -> bool:
    """Say whether ``ired_diag.curves.shape`` sees any lasting rise, from 5% on or less."""
    return shape_of(np.arange(len(y)), np.exp(y)).word in ("diverged", "regressed")


def patience(y: Array, *, k: float) -> bool:
    """Say whether the last ``k`` evaluations have brought nothing."""
    return len(y) > k and bool(y[-int(k) :].min() >= y[: -int(k)].min())


def z_score(y: Array, *, z: float, w: float) -> bool:
    """Say whether the last evaluation is far above the ``w`` before it."""
    before = y[-int(w) - 1 : -1]
    return len(before) == w and bool(y[-1] > before.mean() + z * before.std(ddof=1))


def minimum_ratio(y: Array, *, r: float) -> bool:
    """Say whether the last evaluation is ``r`` times the least."""
    return bool(y[-1] > y.min() + np.log(r))


def slope(y: Array, *, w: float, p: float) -> bool:
    """Say whether the last ``w`` evaluations rise, by the t-test of their least-squares line."""
    size = int(w)
    if len(y) < size:
        return False
    t, x = np.arange(size) - (size - 1) / 2, y[-size:] - y[-size:].mean()
    squares, rise = float(t @ t), float(t @ x)
    left = float(x @ x) - rise**2 / squares
    error = np.sqrt(max(left, 0.0) / (size - 2) / squares)
    return bool(rise / squares > stats.t.isf(p, size - 2) * error)


def ruptures_pelt(y: Array, *, c: float, r: float) -> bool:
    """Say whether the last segment that PELT finds is higher than one before."""
    import ruptures

    if len(y) < 4:
        return False
    sigma = float(np.median(np.abs(np.diff(y)))) / (NORMAL_MAD * np.sqrt(2))
    if sigma == 0:
        return False
    search: Any = ruptures.KernelCPD(kernel="linear", min_size=2).fit(y[:, None])
    ends = search.predict(pen=c * sigma**2 * np.log(len(y)))
    means = [y[a:b].mean() for a, b in zip([0, *ends[:-1]], ends, strict=True)]
    return len(means) > 1 and bool(means[-1] > min(means[:-1]) + np.log(r))


def settings_of(usual: Settings, **choices: tuple[float, ...]) -> tuple[Settings, ...]:
    """Return the usual setting, then all others that the choices make.

    >>> [s["k"] for s in settings_of({"k": 2}, k=(1, 2))]
    [2, 1]
    """
    grid = [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]
    return (usual, *(setting for setting in grid if setting != usual))


RULES = (
    Rule("any rise", diverged_or_regressed, ({},)),
    Rule("diverged", diverged, ({},)),
    Rule("patience", patience, settings_of({"k": 10}, k=(3, 5, 10, 20, 30, 40, 60, 80))),
    Rule(
        "z-score", z_score, settings_of({"z": 3, "w": 20}, z=(2, 3, 4, 5, 6, 8, 12, 20), w=(4, 6, 10, 20, 40))
    ),
    Rule(
        "minimum ratio",
        minimum_ratio,
        settings_of({"r": 1.5}, r=(1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.5, 1.75, 2, 2.5, 3, 5)),
    ),
    Rule(
        "slope",
        slope,
        settings_of(
            {"w": 10, "p": 0.01}, w=(4, 6, 8, 10, 15, 20, 30), p=(0.05, 0.01, 1e-3, 1e-4, 1e-5, 1e-7)
        ),
    ),
    Rule(
        "ruptures",
        ruptures_pelt,
        settings_of({"c": 2, "r": 1}, c=(2, 5, 10, 20, 50, 100), r=(1, 1.05, 1.2, 1.5)),
    ),
)

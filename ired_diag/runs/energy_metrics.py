"""Which logged metrics are the mean energies of right answers and of negatives.

Logs name them as they like: ``train/energy_positive`` and ``train/energy_negative``, ``CD-DIAG/E_pos`` and
``CD-DIAG/E_neg``, ``energy/positive`` and ``energy/negative``. The two differ in nothing but that word. Other
names are mapped to these (``runs.mapped_metrics``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.runs.history import History, Series

POSITIVE = re.compile(r"(?i)(?P<energy>.*\b(?:e|energy)[_/.-])(?P<sign>pos)(?P<ending>itive)?$")

Array = NDArray[np.float64]


@dataclass(frozen=True)
class EnergyMetrics:
    """A logged mean energy of positives, and the metric that is its negatives' where that is logged too."""

    positive: str
    negative: str | None


def energy_metrics(names: Iterable[str]) -> Iterator[EnergyMetrics]:
    """Yield each metric that is an energy of positives, in the order given.

    >>> list(energy_metrics(["E_neg", "E_pos", "train/energy_positive"]))
    ... # doctest: +NORMALIZE_WHITESPACE
    [EnergyMetrics(positive='E_pos', negative='E_neg'),
     EnergyMetrics(positive='train/energy_positive', negative=None)]
    """
    logged = list(names)
    for name in logged:
        match = POSITIVE.match(name)
        if match is None:
            continue
        negative = _name_of_negative(match)
        if negative in logged:
            yield EnergyMetrics(name, negative)
        else:
            yield EnergyMetrics(name, None)


def _name_of_negative(positive: re.Match[str]) -> str:
    word = "NEG" if positive["sign"].isupper() else "neg"
    ending = "ative" if positive["ending"] else ""
    return f"{positive['energy']}{word}{ending}"


def positive_energy(history: History) -> tuple[str, Series] | None:
    """Return the first metric that is an energy of positives, and its values; None where none is logged."""
    for metrics in energy_metrics(history.series):
        return metrics.positive, history.series[metrics.positive]
    return None


def energy_gap(history: History) -> tuple[EnergyMetrics, Series] | None:
    """Return E⁻ - E⁺ at the steps where both are logged, and of which metrics; None without such a pair."""
    for metrics in energy_metrics(history.series):
        if metrics.negative is None:
            continue
        positive = history.series[metrics.positive]
        negative = history.series[metrics.negative]
        steps, below, above = together(positive, negative)
        with np.errstate(invalid="ignore"):  # infinite less infinite is NaN, and is shown as such
            return metrics, Series(steps, above - below)
    return None


def together(a: Series, b: Series) -> tuple[NDArray[np.int64], Array, Array]:
    """Return the steps that two metrics share, and the values of each there."""
    steps, i, j = np.intersect1d(a.steps, b.steps, return_indices=True)
    values_of_a = np.asarray(a.values, dtype=np.float64)
    values_of_b = np.asarray(b.values, dtype=np.float64)
    return steps, values_of_a[i], values_of_b[j]

"""Which logged metrics are the mean energies of right answers and of negatives.

Logs name them as they like: ``train/energy_positive`` and ``train/energy_negative``, ``CD-DIAG/E_pos`` and
``CD-DIAG/E_neg``. The two differ in nothing but that word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.runs.history import History, Series

POSITIVE = re.compile(r"(?i)(.*\b(?:e|energy)_)(pos)(itive)?$")

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
    known = list(names)
    for name in known:
        if found := POSITIVE.match(name):
            word = "NEG" if found[2].isupper() else "neg"
            negative = f"{found[1]}{word}{'ative' if found[3] else ''}"
            yield EnergyMetrics(name, negative if negative in known else None)


def positive_energy(history: History) -> tuple[str, Series] | None:
    """Return the first metric that is an energy of positives, and its values; None where none is logged."""
    found = next(energy_metrics(history.series), None)
    return None if found is None else (found.positive, history.series[found.positive])


def energy_gap(history: History) -> tuple[EnergyMetrics, Series] | None:
    """Return E⁻ - E⁺ at the steps where both are logged, and of which metrics; None without such a pair."""
    for found in energy_metrics(history.series):
        if found.negative is not None:
            steps, below, above = together(history.series[found.positive], history.series[found.negative])
            with np.errstate(invalid="ignore"):  # infinite less infinite: it is NaN, and told as such
                return found, Series(steps, above - below)
    return None


def together(a: Series, b: Series) -> tuple[NDArray[np.int64], Array, Array]:
    """Return the steps that two metrics share, and the values of each there."""
    steps, i, j = np.intersect1d(a.steps, b.steps, return_indices=True)
    return steps, np.asarray(a.values, dtype=np.float64)[i], np.asarray(b.values, dtype=np.float64)[j]

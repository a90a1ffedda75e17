"""The energies that runs logged, by group and seed, and which runs logged none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import NotFound
from ired_diag.runs.energy_metrics import energy_gap
from ired_diag.runs.history import History, Series
from ired_diag.runs.run import Run

Groups = Mapping[str, Sequence[Run]]
Curves = dict[str, dict[str, Series]]  # by group and seed


@dataclass(frozen=True)
class Logged:
    """The energies that runs logged.

    Attributes:
        curves: Curves by group and seed.
        missing: Labels of the runs that logged none.
        metrics: Names of the metrics, run by run.
    """

    curves: Curves = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)


def read_energies(groups: Groups, read: Callable[[History], tuple[str, Series] | None]) -> Logged:
    """Return the energies that runs logged.

    Args:
        groups: Runs by the name of their group.
        read: Returns the metrics in words, and their curve.
    """
    logged = Logged()
    for name, runs in groups.items():
        for run in runs:
            energy = read(run.history)
            if energy is None or not len(energy[1]):
                logged.missing.append(run.label)
                continue
            metric, series = energy
            members = logged.curves.setdefault(name, {})
            members[run.seed_label] = series
            logged.metrics.append(metric)
    return logged


def gap_of(history: History) -> tuple[str, Series] | None:
    """Return the metrics of the energy gap in words, and its curve; None where it was not logged."""
    gap = energy_gap(history)
    if gap is None:
        return None
    pair, series = gap
    return f"{pair.negative} and {pair.positive}", series


def nothing_logged(energies: str) -> NotFound:
    """Return the error that no run logged energies."""
    return NotFound(
        f"No run logged {energies} (metrics named as train/energy_positive, E_pos). "
        "Other names: --map NAME=energy/positive --map NAME=energy/negative. "
        "On a checkpoint: ired-diag probe energy_gap NAME."
    )


def _all_series(curves: Curves) -> Iterator[Series]:
    for members in curves.values():
        yield from members.values()


def pooled_values(curves: Curves) -> NDArray[np.float64]:
    """Return the values of all curves together."""
    return np.concatenate([series.values for series in _all_series(curves)])


def sizes_of(curves: Curves) -> Curves:
    """Return curves of the absolute values."""
    sizes: Curves = {}
    for name, members in curves.items():
        sizes[name] = {}
        for seed, series in members.items():
            sizes[name][seed] = replace(series, values=np.abs(series.values))
    return sizes

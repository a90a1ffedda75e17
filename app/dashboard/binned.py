"""Distributions at every probed step, binned, for the browser: it shows those at the cursor by itself.

For each quantity, step and group there is the share of all values of each kind of candidate in each bin, over
the seeds that were probed at that step. Bins are the same for all kinds and groups. On a logarithmic axis
they are the same at all steps too; an energy may grow a thousandfold in training, so that its bins are those
of the step. Values that an axis cannot show are counted: N is of all values, and ``lost`` of those that have
no place on the axis (NaN, infinite, and on a logarithmic axis 0 or less).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.dashboard.tables import Tables
from ired_diag.drawing.palette import BLACK, style_of
from ired_diag.drawing.probe_tables import Found
from ired_diag.drawing.quantities import QUANTITIES, Quantity, values_of
from ired_diag.drawing.run_table import Measured
from ired_diag.runs.run import Run

NAMES = ("cond", "sigma_min", "energy")  # of the quantities
BINS = 36
MOST_STEPS = 60  # probed steps that are sent, spread over all
WIDE = 30.0  # of the largest value over the smallest: from here on positive values stand on a log axis
DIGITS = 4

Array = NDArray[np.float64]
Groups = Mapping[str, Sequence[Run]]
ByKind = dict[str, Array]
Values = dict[int, dict[str, ByKind]]  # by step, by group, by kind


@dataclass(frozen=True)
class At:
    """Where distributions are taken.

    Attributes:
        weights: Weights of the checkpoints; empty: those that most tables have.
        level: Noise level. None: the first one that was probed.
    """

    weights: str = ""
    level: int | None = None


def binned(groups: Groups, tables: Tables, at: At) -> dict[str, Any] | None:
    """Return the distributions of all quantities, as JSON holds them; None where no run has a table.

    Raises:
        UnreadableFile: A table is damaged.
    """
    by_quantity: dict[str, Any] = {}
    levels: set[int] = set()
    for name in NAMES:
        found = tables.find(groups, QUANTITIES[name].probe)
        if found.tables:
            levels.update(_levels(found))
            sent = _quantity(found, QUANTITIES[name], at)
            if sent is not None:
                by_quantity[name] = sent
    if not by_quantity:
        return None
    return {"quantities": by_quantity, "levels": sorted(levels)}


def _quantity(found: Found, quantity: Quantity, at: At) -> dict[str, Any] | None:
    """Return the distributions of one quantity; None where nothing was measured at the level."""
    weights = at.weights or _usual_weights(found)
    measured = [each for table in found.tables for each in table.read(weights=weights)]
    measured = [each for each in measured if each.step >= 0]
    levels = _levels(found)
    if not measured or not levels:
        return None
    level = levels[0] if at.level is None else at.level
    values = _values(measured, quantity, level)
    if not values:
        return None
    is_log = quantity.scale == "log" or _asks_for_log(_all_of(values.values()))
    shared = _edges(_all_of(values.values()), is_log=is_log) if is_log else None
    steps = {}
    for step, by_group in values.items():
        edges = shared
        if edges is None:
            edges = _edges(_all_of([by_group]), is_log=is_log)
        if edges is not None:
            steps[str(step)] = _step(by_group, edges, is_shared=shared is not None)
    return {
        "label": quantity.label,
        "log": is_log,
        "edges": None if shared is None else _rounded(shared),
        "level": level,
        "weights": weights,
        "colours": {kind: _colour(kind) for kind in quantity.kinds},
        "steps": steps,
    }


def _values(measured: Iterable[Measured], quantity: Quantity, level: int) -> Values:
    """Return the values of all seeds together, by step, group and kind."""
    parts: dict[int, dict[str, dict[str, list[Array]]]] = {}
    for each in measured:
        of_group = parts.setdefault(each.step, {}).setdefault(each.group, {})
        for kind in quantity.kinds:
            values = values_of(each.rows, quantity, kind, level)
            if len(values):
                of_group.setdefault(kind, []).append(values)
    pooled: Values = {}
    for step in spread(sorted(parts)):
        pooled[step] = {}
        for group, by_kind in parts[step].items():
            pooled[step][group] = {kind: np.concatenate(arrays) for kind, arrays in by_kind.items()}
    return pooled


def spread(steps: Sequence[int]) -> list[int]:
    """Return at most ``MOST_STEPS`` of the steps, the first and the last among them."""
    places = np.linspace(0, len(steps) - 1, min(len(steps), MOST_STEPS)).round().astype(int)
    return [steps[place] for place in places]


def _step(by_group: Mapping[str, ByKind], edges: Array, *, is_shared: bool) -> dict[str, Any]:
    groups = {}
    for group, by_kind in by_group.items():
        groups[group] = {kind: _shares(values, edges) for kind, values in by_kind.items()}
    return {"edges": None if is_shared else _rounded(edges), "groups": groups}


def _shares(values: Array, edges: Array) -> dict[str, Any]:
    """Return the share of all values in each bin, N, and how many values have no place in any."""
    counts, _ = np.histogram(values[np.isfinite(values)], edges)
    shares = np.round(counts / len(values), DIGITS)
    return {"shares": shares.tolist(), "n": len(values), "lost": int(len(values) - counts.sum())}


def _all_of(steps: Iterable[Mapping[str, ByKind]]) -> Array:
    """Return the finite values of all groups and kinds."""
    arrays = [values for by_group in steps for by_kind in by_group.values() for values in by_kind.values()]
    pooled = np.concatenate(arrays) if arrays else np.empty(0)
    return pooled[np.isfinite(pooled)]


def _asks_for_log(values: Array) -> bool:
    """Say whether values are all positive and differ much."""
    return bool(len(values) and values.min() > 0 and values.max() / WIDE > values.min())


def _edges(values: Array, *, is_log: bool) -> Array | None:
    """Return the edges of bins that hold all values; None without a value."""
    if is_log:
        values = values[values > 0]
    if not len(values):
        return None
    low, high = values.min(), values.max()
    if low == high:
        half = abs(low) / 2 or 0.5
        low, high = low - half, high + half
    if is_log:
        edges = np.geomspace(low, high, BINS + 1)
    else:
        edges = np.linspace(low, high, BINS + 1)
    edges[0], edges[-1] = low, high  # rounding must not leave out the extremes
    return edges


def _usual_weights(found: Found) -> str:
    """Return the weights with which most runs were probed."""
    weights = [name for table in found.tables for name in table.measured_at()]
    return max(reversed(weights), key=weights.count, default="")


def _levels(found: Found) -> list[int]:
    levels: set[int] = set()
    for table in found.tables:
        last = table.last()
        if last is not None:
            levels.update(np.unique(last.rows["level"]).astype(int).tolist())
    return sorted(level for level in levels if level >= 0)


def _colour(kind: str) -> str:
    """Return the colour of a kind; black becomes the ink of the theme in the browser."""
    colour = style_of(kind, 0).colour
    return "" if colour == BLACK else colour


def _rounded(values: Array) -> list[float]:
    return [float(f"{value:.6g}") for value in values]

"""What stands against the noise level for several groups of runs: energy against error, and mining.

    energy against error:  Spearman's rank correlation of energy and error, of y* and its perturbations
    mining:                share of steps accepted, energy change, distance to the right answer

A group's number is the mean over its seeds with its 95% t interval; of one seed, the mean over problems with
theirs. They are computed from the tables' rows, as the probes ``energy_judge`` and ``mining_dynamics`` do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ired_diag.figures.by_group import Array, Groups, counted, mean_over_seeds, spread
from ired_diag.figures.data import FigureData, Guide, Line, Panel
from ired_diag.figures.probe_tables import Measured
from ired_diag.stats.rank_correlation import spearman
from ired_diag.table import Table, select

Numbers = Callable[[Table], Array]  # of a run's rows at one level: a number a problem


def energy_against_error(groups: Groups, *, order: Sequence[str] = (), lacking: str = "") -> FigureData:
    """Return how well each group's energy ranks candidates by their error, by noise level.

    Args:
        groups: Of the probe ``energy_judge``, each run at one checkpoint.
        order: All groups of the study, which fixes their colours.
        lacking: What the caption says of runs without a table.
    """
    lines = _by_level(groups, rank_correlations)
    panel = Panel("rank correlation of energy and error", lines, guides=(Guide(0.0, ""),))
    return _figure(
        "energy-against-error",
        "Energy against error",
        (panel,),
        "Spearman's rank correlation of the energy and the error of the right answer and its perturbations, "
        "problem by problem: 1 where a lower energy is always the smaller error, 0 by chance.",
        groups,
        order,
        lacking,
    )


def mining_by_group(groups: Groups, *, order: Sequence[str] = (), lacking: str = "") -> FigureData:
    """Return what mining does in each group, by noise level.

    Args:
        groups: Of the probe ``mining_dynamics``, each run at one checkpoint.
        order: All groups of the study, which fixes their colours.
        lacking: What the caption says of runs without a table.
    """
    panels = (
        Panel("share of steps accepted", _by_level(groups, acceptance), y_range=(-0.03, 1.03)),
        Panel("energy change  (nat)", _by_level(groups, energy_change), guides=(Guide(0.0, ""),)),
        Panel("distance, after / before", _by_level(groups, approach), guides=(Guide(1.0, ""),)),
    )
    return _figure(
        "mining-by-group",
        "What mining does",
        panels,
        "Share of mining's steps that are accepted; energy change by all of them; distance to the right "
        "answer over that of the clamped start.",
        groups,
        order,
        lacking,
    )


def rank_correlations(rows: Table) -> Array:
    """Return rank correlation of energy and error over each problem's y* and its perturbations.

    Args:
        rows: Of ``energy_judge`` at one noise level.
    """
    kinds = ("right", "perturbed")
    energy, error = (np.hstack([_grid(rows, kind, name) for kind in kinds]) for name in ("energy", "error"))
    return spearman(energy, error)


def acceptance(rows: Table) -> Array:
    """Return each problem's share of accepted steps, of rows of ``mining_dynamics`` at one noise level."""
    share: Array = _walk(rows, "accepted")[:, 1:].mean(axis=1)
    return share


def energy_change(rows: Table) -> Array:
    """Return each problem's energy change by all steps of mining, without that by the clamp."""
    change: Array = _walk(rows, "energy_change")[:, 1:].sum(axis=1)
    return change


def approach(rows: Table) -> Array:
    """Return each problem's distance to the right answer after mining, over that of the clamped start."""
    distance = _walk(rows, "distance")
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Array = distance[:, -1] / distance[:, 0]
    return ratio


def _walk(rows: Table, name: str) -> Array:
    """Return a column of the mining, of shape (problems, moves): move 0 is the clamp of the start."""
    mining = {key: values[rows["walker"] != "noise"] for key, values in rows.items()}
    order = np.lexsort((mining["move"], mining["sample"]))
    grid: Array = mining[name][order].astype(np.float64).reshape(len(np.unique(mining["sample"])), -1)
    return grid


def _grid(rows: Table, kind: str, name: str) -> Array:
    """Return a column of one kind at one level, of shape (problems, candidates)."""
    part = select(rows, kind=kind)
    order = np.lexsort((part["number"], part["sample"]))
    grid: Array = part[name][order].astype(np.float64).reshape(len(np.unique(part["sample"])), -1)
    return grid


def _by_level(groups: Groups, numbers: Numbers) -> tuple[Line, ...]:
    """Return a line a group: at each noise level the mean over seeds, of one seed over problems."""
    lines = []
    for group, members in groups.items():
        levels = sorted({int(level) for m in members for level in np.unique(m.rows["level"]) if level >= 0})
        ends = np.array([_mean_at(members, level, numbers) for level in levels]).reshape(-1, 3)
        lines.append(Line(group, np.array(levels), ends[:, 0], ends[:, 1], ends[:, 2]))
    return tuple(lines)


def _mean_at(members: Sequence[Measured], level: int, numbers: Numbers) -> tuple[float, float, float]:
    parts = (select(m.rows, level=level) for m in members)
    return mean_over_seeds([numbers(part) for part in parts if len(part["level"])])


def _figure(
    name: str,
    title: str,
    panels: tuple[Panel, ...],
    what: str,
    groups: Groups,
    order: Sequence[str],
    lacking: str,
) -> FigureData:
    summary = " ".join(f"{panel.y_label} at the sharpest level: {_first(panel)}." for panel in panels)
    method = f"{what} {spread(groups)} {lacking}".strip()
    drawn_order = tuple(order or groups)
    return FigureData(
        name, title, "noise level", panels, method, counted(groups), summary, drawn_order, stacked=True
    )


def _first(panel: Panel) -> str:
    return ", ".join(f"{line.y[0]:.3g} ({line.name})" for line in panel.lines)

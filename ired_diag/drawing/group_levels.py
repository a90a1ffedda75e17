"""What stands against the noise level for several groups of runs: energy against error, and mining.

    energy against error:  Spearman's rank correlation of energy and error, of y* and its perturbations
    mining:                share of steps accepted, energy change, distance to the right answer

A group's number is the mean over its seeds with its 95% t interval; of one seed, the mean over problems with
theirs. They are computed from the tables' rows, as the probes ``energy_judge`` and ``mining_dynamics`` do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ired_diag.drawing.bounded_lines import Bounds, cut_at, cut_in_words_by_panel, within
from ired_diag.drawing.by_group import Array, Groups, counted, mean_over_seeds, spread
from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.drawing.dodge import dodge
from ired_diag.drawing.run_table import Measured, levels_of
from ired_diag.stats.rank_correlation import spearman
from ired_diag.table import Table, select

SHARE: Bounds = (0.0, 1.0)
CORRELATION: Bounds = (-1.0, 1.0)
DISTANCE: Bounds = (0.0, math.inf)
ACCEPTED, CHANGE = "share of steps accepted", "energy change (nat)"  # labels of the panels of mining
RATIO = "distance, after / before"
Cut = dict[str, set[float]]  # where intervals are cut, by panel
Numbers = Callable[[Table], Array]  # of a run's rows at one level: a number a problem


def energy_against_error(groups: Groups, *, order: Sequence[str] = (), lacking: str = "") -> FigureData:
    """Return how well each group's energy ranks candidates by their error, by noise level.

    Args:
        groups: Measurements of the probe ``energy_judge``, each run at one checkpoint.
        order: All groups of the study, which fixes their colours.
        lacking: What the caption says of runs without a table.
    """
    cut: Cut = {}
    label = "rank correlation of energy and error"
    lines = _by_level(groups, rank_correlations, CORRELATION, cut.setdefault(label, set()))
    panel = Panel(label, lines, guides=(Guide(0.0, ""),))
    method = (
        "Spearman's rank correlation of energy and error over the right answer and perturbations of it, "
        "problem by problem: 1 where a lower energy always means a smaller error, 0 by chance (dotted)."
    )
    return _figure(
        name="energy-against-error",
        title="How well the energy ranks answers by their error, by noise level",
        panels=(panel,),
        method=method,
        cut=cut,
        groups=groups,
        order=order,
        lacking=lacking,
    )


def mining_by_group(groups: Groups, *, order: Sequence[str] = (), lacking: str = "") -> FigureData:
    """Return what mining does in each group, by noise level.

    Args:
        groups: Measurements of the probe ``mining_dynamics``, each run at one checkpoint.
        order: All groups of the study, which fixes their colours.
        lacking: What the caption says of runs without a table.
    """
    cut: Cut = {label: set() for label in (ACCEPTED, CHANGE, RATIO)}
    accepted = Panel(
        y_label=ACCEPTED,
        lines=_by_level(groups, acceptance, SHARE, cut[ACCEPTED]),
        y_range=(-0.05, 1.05),
        height=0.85,
    )
    change = Panel(
        y_label=CHANGE,
        lines=_by_level(groups, energy_change, None, cut[CHANGE]),
        guides=(Guide(0.0, ""),),
        height=0.85,
    )
    distance = Panel(
        y_label=RATIO,
        lines=_by_level(groups, approach, DISTANCE, cut[RATIO]),
        guides=(Guide(1.0, ""),),
        height=0.85,
    )
    method = (
        "Mining searches each negative by a few steps along the energy's gradient. From above: the share of "
        "its steps that are accepted; the change of the energy by all steps; the distance to the right "
        "answer after the steps over that before (below 1: nearer). Dotted: no change."
    )
    return _figure(
        name="mining-by-group",
        title="What the mining of negatives does, by noise level",
        panels=(accepted, change, distance),
        method=method,
        cut=cut,
        groups=groups,
        order=order,
        lacking=lacking,
    )


def rank_correlations(rows: Table) -> Array:
    """Return rank correlation of energy and error over each problem's y* and its perturbations.

    Args:
        rows: Rows of ``energy_judge`` at one noise level.
    """
    right = select(rows, kind="right")
    perturbed = select(rows, kind="perturbed")
    energy = np.hstack([_grid(right, "energy"), _grid(perturbed, "energy")])
    error = np.hstack([_grid(right, "error"), _grid(perturbed, "error")])
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
    is_mining = rows["walker"] != "noise"
    mining = {key: values[is_mining] for key, values in rows.items()}
    return _grid(mining, name, within="move")


def _grid(rows: Table, name: str, *, within: str = "number") -> Array:
    """Return a column, of shape (problems, n), each problem's values in the order of another column."""
    problems = rows["sample"]
    order = np.lexsort((rows[within], problems))
    values = rows[name][order].astype(np.float64)
    grid: Array = values.reshape(len(np.unique(problems)), -1)
    return grid


def _by_level(groups: Groups, numbers: Numbers, bounds: Bounds | None, cut: set[float]) -> tuple[Line, ...]:
    """Return a line a group: at each noise level the mean over seeds, of one seed over problems.

    Args:
        groups: Measurements.
        numbers: What is drawn.
        bounds: Between which values it lies, at which intervals are cut.
        cut: The bounds at which any interval is cut are added to it.
    """
    lines = []
    for position, (group, members) in enumerate(groups.items()):
        levels = levels_of(members)
        intervals = [_mean_at(members, level, numbers) for level in levels]
        mean, low, high = np.array(intervals).reshape(-1, 3).T
        whole = Line(group, dodge(levels, position, len(groups)), mean, low, high)
        bounded = within(whole, bounds)
        cut |= cut_at(whole, bounded)
        lines.append(bounded)
    return tuple(lines)


def _mean_at(members: Sequence[Measured], level: int, numbers: Numbers) -> tuple[float, float, float]:
    seeds = []
    for run in members:
        rows = select(run.rows, level=level)
        if len(rows["level"]):
            seeds.append(numbers(rows))
    return mean_over_seeds(seeds)


def _figure(
    *,
    name: str,
    title: str,
    panels: tuple[Panel, ...],
    method: str,
    cut: Cut,
    groups: Groups,
    order: Sequence[str],
    lacking: str,
) -> FigureData:
    summary = [_sentence(panel) for panel in panels]
    apart = "Points of one level stand side by side." if len(groups) > 1 else ""
    caption = " ".join(filter(None, [method, spread(groups), apart, cut_in_words_by_panel(cut), lacking]))
    return FigureData(
        name=name,
        title=title,
        x_label="noise level (0: least noise)",
        panels=panels,
        method=caption,
        note=counted(groups),
        summary=" ".join(summary),
        order=tuple(order or groups),
        stacked=True,
    )


def _sentence(panel: Panel) -> str:
    first = [f"{line.y[0]:.3g} ({line.name})" for line in panel.lines]
    return f"{panel.y_label} at the sharpest level: {', '.join(first)}."

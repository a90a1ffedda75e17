"""Trajectories: where trainings of two weights went, on a map of their loss.

The grey lines are contours: along each the loss is the same. Their losses are quantiles of the losses on a
grid of the map, so that valleys have lines as well as slopes. One panel for each map; the first seed of a
group is its line, the others are thin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from contourpy import LineType, contour_generator
from numpy.typing import NDArray

from ired_diag import tasks
from ired_diag.config import TrainingConfig
from ired_diag.drawing.data import FigureData, Line, Mark, Panel
from ired_diag.drawing.ranges import range_in_words
from ired_diag.errors import DiagError, NotFound
from ired_diag.runs.name_list import counted
from ired_diag.runs.run import Run
from ired_diag.task import Plane, Task

SIDE = 201  # points of the grid along each axis
QUANTILES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
CLOSEST = 1 / 500  # of the map: points of a path that lie closer than that are one
MARGIN = 0.05  # of the range, around a path that leaves the usual map
HEIGHT = 1.6  # of the panel, as a multiple of the usual one
NARROWEST = 2.5  # times as long as the other, an axis of a map with equal units may be
BLACK = "positive"  # the name whose fixed style is black
FARTHEST = 1.0  # of the range: a path that goes farther out is cut at the map's end

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Path:
    """Where one run went: points of shape (steps, 2), before each step."""

    label: str
    points: Array


@dataclass(frozen=True)
class _Map:
    """A map, the points that are known on it, and the paths of each group."""

    plane: Plane
    marks: tuple[Mark, ...]
    paths: dict[str, list[_Path]]


def trajectories(groups: Mapping[str, Sequence[Run]], *, order: Sequence[str] = ()) -> FigureData:
    """Return the paths of trainings on the contours of their loss.

    Args:
        groups: Runs by the name of their group.
        order: All groups of the study, which fixes their colours. Default: the groups.

    Raises:
        NotFound: No run trains a loss of two weights, or none logged where it went.
    """
    maps = _maps(groups)
    if not maps:
        raise NotFound("no run here trains two weights of a task whose loss is a map.")
    panels = []
    ends = []
    for drawn in maps.values():
        of = f", {drawn.plane.name}" if len(maps) > 1 else ""
        panels.append(_panel(drawn, x_label=f"first weight{of}", named=len(groups) > 1))
        ends += _ends(drawn)
    names = ", ".join(maps)
    return FigureData(
        name="trajectories",
        title=f"Paths of training: {names}",
        x_label="first weight",
        panels=tuple(panels),
        method=_caption(list(maps.values())),
        note="grey: contours of the loss; squares: starts; circles: ends",
        summary=" ".join(ends),
        order=tuple(order or groups),
    )


def _caption(maps: Sequence[_Map]) -> str:
    """Return what lines and marks are, how many runs and steps, and what is cut off."""
    known = {mark.label for drawn in maps for mark in drawn.marks}
    marks = ["squares: starts", "circles: last logged weights"]
    if known:
        marks.append(f"diamonds: known critical points ({', '.join(sorted(known))})")
    runs: dict[str, list[_Path]] = {}
    for drawn in maps:
        for group, paths in drawn.paths.items():
            runs.setdefault(group, []).extend(paths)
    counts = []
    for group, paths in runs.items():
        steps = range_in_words([len(path.points) for path in paths])
        counts.append(f"{group}: {counted(len(paths), 'run')} of {steps} steps")
    sentences = [
        "Each coloured line is the path of one run in the plane of its two weights.",
        "Grey: contours of the loss, at quantiles of its values on this map.",
        f"{'; '.join(marks).capitalize()}.",
        f"{'; '.join(counts)}.",
    ]
    if any(len(paths) > 1 for drawn in maps for paths in drawn.paths.values()):
        sentences.append("Of several runs, the first is thick and has the marks, the others are thin.")
    if any(map(_leaves, maps)):
        sentences.append(
            "A path that goes far out is cut at the edge; values that are not numbers are left out."
        )
    return " ".join(sentences)


def _leaves(drawn: _Map) -> bool:
    """Say whether a path leaves the map, or is no number somewhere."""
    (left, right), (bottom, top) = _ranges(drawn)
    for paths in drawn.paths.values():
        for path in paths:
            across, up = path.points.T
            is_inside = (left <= across) & (across <= right) & (bottom <= up) & (up <= top)
            if not is_inside.all():
                return True
    return False


def has_map(run: Run) -> bool:
    """Say whether a run trains a loss of two weights that can be drawn as a map."""
    return _plane_of(run) is not None


def _maps(groups: Mapping[str, Sequence[Run]]) -> dict[str, _Map]:
    maps: dict[str, _Map] = {}
    for group, runs in groups.items():
        for run in runs:
            found = _plane_of(run)
            if found is None:
                continue
            task, config, plane = found
            points = _points(run, plane)
            if points is None:
                continue
            drawn = maps.setdefault(plane.name, _Map(plane, _marks(task, config), {}))
            drawn.paths.setdefault(group, []).append(_Path(run.label, points))
    return maps


def _plane_of(run: Run) -> tuple[Task, TrainingConfig, Plane] | None:
    """Return a run's task, settings and map; None where there is no map, or no task known here."""
    if not run.task or run.configuration is None:
        return None
    try:
        task = tasks.of_run(run)
        config = tasks.settings_of(task, run.configuration)
    except DiagError:  # a task whose file is not run unasked, or settings of another version
        return None
    plane = task.plane(config)
    if plane is None:
        return None
    return task, config, plane


def _points(run: Run, plane: Plane) -> Array | None:
    """Return where a run went, of shape (steps, 2); None where it did not log that."""
    across, up = (run.history.series.get(name) for name in plane.coordinates)
    if across is None or up is None or len(across) != len(up):
        return None
    return np.column_stack([across.values, up.values]).astype(float)


def _marks(task: Task, config: TrainingConfig) -> tuple[Mark, ...]:
    marks = []
    for point in task.critical_points(config):
        (place,) = point.weights.values()
        x, y = place
        marks.append(Mark(float(x), float(y), point.kind, of="contour", shape="diamond"))
    return tuple(marks)


def _panel(drawn: _Map, *, x_label: str, named: bool) -> Panel:
    x_range, y_range = _ranges(drawn)
    lines = [_contours(drawn.plane, x_range, y_range)]
    for group, paths in drawn.paths.items():
        for place, path in enumerate(paths):
            points = _apart(path.points, x_range, y_range)
            is_first = place == 0
            lines.append(
                Line(
                    name=group if is_first else path.label,
                    x=points[:, 0],
                    y=points[:, 1],
                    drawn="line",
                    of=group,
                    faint=not is_first,
                )
            )
    return Panel(
        y_label="second weight",
        lines=tuple(lines),
        x_label=x_label,
        marks=drawn.marks + _start_marks(drawn) + _end_marks(drawn, named=named),
        x_range=x_range,
        y_range=y_range,
        height=HEIGHT,
        square=_is_nearly_square(x_range, y_range),
    )


def _is_nearly_square(x_range: tuple[float, float], y_range: tuple[float, float]) -> bool:
    """Say whether a map with equal units on both axes is no narrow strip."""
    ratio = (y_range[1] - y_range[0]) / (x_range[1] - x_range[0])
    return 1 / NARROWEST <= ratio <= NARROWEST


def _start_marks(drawn: _Map) -> tuple[Mark, ...]:
    """Return a square where the first path of each group began: a black one where all began there."""
    starts = {group: paths[0].points[0] for group, paths in drawn.paths.items()}
    finite = {group: start for group, start in starts.items() if np.isfinite(start).all()}
    places = np.array(list(finite.values()))
    if len(finite) and (places == places[0]).all():
        x, y = places[0].tolist()
        return (Mark(x, y, "start", of=BLACK, shape="square"),)
    marks = []
    for group, (x, y) in finite.items():
        marks.append(Mark(float(x), float(y), f"start of {group}", of=group, quiet=True, shape="square"))
    return tuple(marks)


def _end_marks(drawn: _Map, *, named: bool) -> tuple[Mark, ...]:
    """Return a circle where the first path of each group ended."""
    marks = []
    for group, paths in drawn.paths.items():
        x, y = paths[0].points[-1].tolist()
        if math.isfinite(x) and math.isfinite(y):
            marks.append(Mark(x, y, f"end of {group}" if named else "end", of=group, quiet=True))
    return tuple(marks)


def _contours(plane: Plane, x_range: tuple[float, float], y_range: tuple[float, float]) -> Line:
    """Return all contours as one faint line, with gaps between them."""
    x = np.linspace(*x_range, SIDE)
    y = np.linspace(*y_range, SIDE)
    across, up = np.meshgrid(x, y)
    values = plane.value(np.column_stack([across.ravel(), up.ravel()])).reshape(SIDE, SIDE)
    generator = contour_generator(x, y, values, line_type=LineType.ChunkCombinedNan)
    pieces = []
    gap = np.full((1, 2), np.nan)
    for level in np.unique(np.quantile(values, QUANTILES)):
        points = generator.lines(float(level))[0][0]
        if points is not None:
            pieces += [points, gap]
    joined = np.concatenate(pieces) if pieces else gap
    return Line("contour", joined[:, 0], joined[:, 1], drawn="line", faint=True)


def _ranges(drawn: _Map) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ends of the map: the usual ones, wider where a path leaves them, up to a limit."""
    usual = (drawn.plane.x_range, drawn.plane.y_range)
    wide = []
    for axis, (low, high) in enumerate(usual):
        size = high - low
        least, most = low, high
        for paths in drawn.paths.values():
            for path in paths:
                values = path.points[:, axis]
                reached = values[np.isfinite(values)].clip(low - FARTHEST * size, high + FARTHEST * size)
                if len(reached) and reached.min() < low:
                    least = min(least, float(reached.min()) - MARGIN * size)
                if len(reached) and reached.max() > high:
                    most = max(most, float(reached.max()) + MARGIN * size)
        wide.append((least, most))
    return wide[0], wide[1]


def _apart(points: Array, x_range: tuple[float, float], y_range: tuple[float, float]) -> Array:
    """Return a path without the points that lie closer to the one before than can be seen."""
    size = np.array([x_range[1] - x_range[0], y_range[1] - y_range[0]])
    places = points[np.isfinite(points).all(axis=1)] / size
    kept: list[int] = []
    for index, place in enumerate(places):
        if not kept or np.abs(place - places[kept[-1]]).max() >= CLOSEST:
            kept.append(index)
    if len(places) and kept[-1] != len(places) - 1:
        kept.append(len(places) - 1)
    return np.asarray(places[kept] * size)


def _ends(drawn: _Map) -> list[str]:
    """Return where the first run of each group was before its last step, and at which loss."""
    sentences = []
    for group, paths in drawn.paths.items():
        last = paths[0].points[-1]
        loss = float(drawn.plane.value(last[None])[0])
        if not np.isfinite(last).all():
            sentences.append(f"{group} has diverged: its last point is not a number.")
            continue
        place = f"({last[0]:.4g}, {last[1]:.4g})"
        sentences.append(f"{group} is at {place} before its last logged step, with a loss of {loss:.3g}.")
    return sentences

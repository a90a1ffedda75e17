"""Basins of attraction: where does a descent end, from each point of a grid?

From each start the optimiser takes the same number of steps K. With w the width of the grid, a descent

    has left         where a coordinate is no number, or further than w outside of the grid, after K steps;
    has settled      where over its last ⌈K/2⌉ steps no coordinate spans more than 0.02 w, and Newton's step
                     from its last point is no longer than that: a slow descent along a valley is not at rest;
    is under way     otherwise.

Newton's step is that of the reported loss, without directions whose curvature is below 10⁻⁸ of the largest.
Where a descent settled is the point of its last step. The plane is cut into cells of 0.01 w by 0.01 w, and
settled points in cells that touch each other are one *end*, whose place is that of its lowest point. Whether
an end is a critical point that the task knows is said; others may be of any kind.

Reference: Nusse & Yorke (1996), Basins of attraction, Science 271:1376.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from torch import Tensor

from ired_diag.config import TrainingConfig
from ired_diag.errors import DiagError
from ired_diag.maps.descent import (
    LOOK_EVERY,
    Progress,
    descend,
    reported_at,
    weight_shapes,
    without_progress,
)
from ired_diag.runs.name_list import first_names
from ired_diag.task import CriticalPoint, Task
from ired_diag.training.nearest_critical_point import FLAT

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

SETTLED = 0.02  # of the grid's width
UNDER_WAY, LEFT = -1, -2
MOST_NAMED = 3  # weights, in a message


@dataclass(frozen=True, kw_only=True)
class End:
    """Where descents end.

    Attributes:
        x: Its first coordinate.
        y: Its second coordinate.
        value: The reported loss there.
        starts: How many starts of the grid end here.
        share: Their share of all starts.
        kind: Which critical point of the task it is: minimum, saddle or maximum; empty where it is not one.
    """

    x: float
    y: float
    value: float
    starts: int
    share: float
    kind: str


@dataclass(frozen=True, kw_only=True)
class BasinMap:
    """Where descents end, by their start.

    Attributes:
        x: First coordinates of the grid, of shape (columns,).
        y: Second coordinates, of shape (rows,).
        label: The end of each start, as its place in ``ends``, of shape (rows, columns); ``UNDER_WAY`` or
            ``LEFT`` where it has none.
        value: The reported loss after the last step, of the same shape.
        ends: The ends, that of most starts first.
        steps: Steps that each start took.
    """

    x: Array
    y: Array
    label: Indices
    value: Array
    ends: tuple[End, ...]
    steps: int

    @property
    def starts(self) -> int:
        """How many starts there are."""
        return self.label.size

    def share(self, label: int) -> float:
        """Return the share of starts with a label."""
        return float((self.label == label).mean())


def basins(
    task: Task,
    config: TrainingConfig,
    *,
    extent: tuple[float, float] | None = None,
    points: int = 101,
    steps: int = 2000,
    progress: Progress = without_progress,
) -> BasinMap:
    """Return where descents from a square grid end.

    Args:
        task: A stacked task whose weights are one tensor of two numbers.
        config: Its settings.
        extent: Smallest and largest coordinate of the grid. Default: that of the task's map.
        points: Points on each side of the grid.
        steps: Steps from each start.
        progress: Called now and then with the steps taken and to be taken.

    Raises:
        DiagError: The weights are not a point of the plane, or the task has no map and no extent is given.
    """
    name = _plane_weight(task, config)
    low, high = _extent_of(task, config, extent)
    width = high - low
    axis = np.linspace(low, high, points)
    columns, rows = np.meshgrid(axis, axis)
    starts = np.stack([columns.ravel(), rows.ravel()], axis=1)
    last, span = _last_and_span(task, config, name, torch.from_numpy(starts), steps, progress)
    value, newton = _value_and_newton_step(task, config, name, last)
    place = last.double().numpy()
    is_settled = (span <= SETTLED * width) & (newton <= SETTLED * width)
    has_left = ~_is_near(place, low=low, high=high)
    label = np.full(len(place), UNDER_WAY, dtype=np.int64)
    label[is_settled] = _joined(place[is_settled], SETTLED * width)
    label[has_left] = LEFT
    label, ends = _ends(label, place, value, task.critical_points(config), SETTLED * width)
    return BasinMap(
        x=axis,
        y=axis,
        label=label.reshape(points, points),
        value=value.reshape(points, points),
        ends=ends,
        steps=steps,
    )


def _last_and_span(
    task: Task, config: TrainingConfig, name: str, starts: Tensor, steps: int, progress: Progress
) -> tuple[Tensor, Array]:
    """Return the last point of each descent, and the widest span of a coordinate over its second half."""
    first_watched = steps - steps // 2
    smallest = largest = starts
    for number, weights in enumerate(descend(task, config, {name: starts}, steps), start=1):
        point = weights[name]
        if number == first_watched:
            smallest = point.clone()
            largest = point.clone()
        elif number > first_watched:
            torch.minimum(smallest, point, out=smallest)
            torch.maximum(largest, point, out=largest)
        if number % LOOK_EVERY == 0:
            progress(number, steps)
    span = (largest - smallest).amax(dim=1)
    return point, span.double().numpy()


def _plane_weight(task: Task, config: TrainingConfig) -> str:
    """Return the name of the one weight that is a point of the plane."""
    shapes = weight_shapes(task, config)
    if [tuple(shape) for shape in shapes.values()] != [(2,)]:
        weights = [f"{name} {tuple(shape)}" for name, shape in shapes.items()]
        listed = first_names(weights, most=MOST_NAMED)
        raise DiagError(
            f"The task {task.name} has the weights {listed}. A map of basins needs one weight of shape (2,), "
            "a point of the plane."
        )
    return next(iter(shapes))


def _extent_of(task: Task, config: TrainingConfig, extent: tuple[float, float] | None) -> tuple[float, float]:
    if extent is None and (plane := task.plane(config)) is not None:
        extent = min(plane.x_range[0], plane.y_range[0]), max(plane.x_range[1], plane.y_range[1])
    if extent is None:
        raise DiagError(
            f"The task {task.name} does not say which part of the plane to map. Choose it with --extent LOW "
            "HIGH (in Python: extent=)."
        )
    low, high = extent
    if not low < high:
        raise DiagError(
            f"--extent {low:g} {high:g} (in Python: extent=): expected the smaller coordinate first."
        )
    return low, high


def _is_near(points: Array, *, low: float, high: float) -> NDArray[np.bool_]:
    """Say of each point whether it is less than a width outside of the grid; NaN is not."""
    width = high - low
    is_above = points >= low - width
    is_below = points <= high + width
    is_near: NDArray[np.bool_] = np.all(is_above & is_below, axis=1)
    return is_near


def _value_and_newton_step(
    task: Task, config: TrainingConfig, name: str, points: Tensor
) -> tuple[Array, Array]:
    """Return the reported loss at points of shape (n, 2) and the length of Newton's step, of shape (n,)."""
    leaf = points.detach().double().requires_grad_()
    value = reported_at(task, config, {name: leaf})
    (gradient,) = torch.autograd.grad(value.sum(), leaf, create_graph=True)
    hessian = _hessian(gradient, leaf)
    is_number = hessian.isfinite().all(dim=(1, 2))
    is_number &= gradient.isfinite().all(dim=1)
    values, vectors = torch.linalg.eigh(hessian[is_number])
    slopes = gradient.detach()[is_number, :, None]
    along = (vectors.mT @ slopes).squeeze(-1)
    largest = values.abs().amax(dim=1, keepdim=True)
    is_curved = values.abs() > FLAT * largest
    newton = torch.full((len(points),), torch.nan, dtype=torch.float64)
    newton[is_number] = torch.where(is_curved, along / values, 0).norm(dim=1)
    return value.detach().numpy(), newton.numpy()


def _hessian(gradient: Tensor, points: Tensor) -> Tensor:
    """Return the Hessian at each point, of shape (n, 2, 2), from the gradient with its graph."""
    hessian = torch.zeros(len(points), 2, 2, dtype=torch.float64)
    if not gradient.requires_grad:  # of a linear loss
        return hessian
    for row in range(2):
        (derivative,) = torch.autograd.grad(
            gradient[:, row].sum(),
            points,
            retain_graph=True,
            materialize_grads=True,
        )
        hessian[:, row] = derivative
    return hessian


def _joined(points: Array, reach: float) -> Indices:
    """Return a number for each point, equal where a chain of points joins them, of shape (points,).

    Points are put into cells first: thousands that end at one place would else make millions of pairs.
    """
    if not len(points):
        return np.empty(0, dtype=np.int64)
    cells, cell_of_point = np.unique(
        np.floor(points / (reach / 2)),
        axis=0,
        return_inverse=True,
    )
    near = cKDTree(cells).query_pairs(1, p=np.inf, output_type="ndarray")
    graph = sparse.coo_array(
        (np.ones(len(near)), (near[:, 0], near[:, 1])),
        shape=(len(cells), len(cells)),
    )
    _, end_of_cell = connected_components(graph, directed=False)
    joined: Indices = end_of_cell[cell_of_point.ravel()].astype(np.int64)
    return joined


def _ends(
    label: Indices,
    place: Array,
    value: Array,
    critical_points: tuple[CriticalPoint, ...],
    reach: float,
) -> tuple[Indices, tuple[End, ...]]:
    """Return labels in the order of the ends, and the ends: that of most starts first, then the lowest."""
    groups = []
    for end in np.unique(label[label >= 0]):
        groups.append(np.flatnonzero(label == end))
    groups.sort(key=lambda members: (-len(members), value[members].min()))
    in_order = label.copy()
    ends = []
    for number, members in enumerate(groups):
        in_order[members] = number
        lowest = members[np.argmin(value[members])]
        x, y = place[lowest].tolist()
        end = End(
            x=x,
            y=y,
            value=float(value[lowest]),
            starts=len(members),
            share=len(members) / len(label),
            kind=_kind_of(place[members], critical_points, reach),
        )
        ends.append(end)
    return in_order, tuple(ends)


def _kind_of(points: Array, critical_points: tuple[CriticalPoint, ...], reach: float) -> str:
    """Return the kind of the critical point that lies among points; empty where none does."""
    for critical in critical_points:
        parts = [np.ravel(part) for part in critical.weights.values()]
        apart = np.abs(points - np.concatenate(parts)).max(axis=1)
        if apart.min() <= reach:
            return critical.kind
    return ""

"""Escape: how long does noise on the gradient take to carry a descent away from a saddle?

Many runs start exactly at a saddle of the task. At each step the gradient of each weight gets noise of its
own, N(0, σ²), before the clip and the optimiser. A run has escaped at the first step at which its distance
from the saddle, along the directions that curve down there, is at least R. For plain gradient descent with
one such direction half of the runs have escaped after the steps of ``median_escape``, where the formula and
its derivation stand; other optimisers have no formula here and are measured only.

The interval of a median is that of the order statistics: of n runs, the k-th and the (n + 1 - k)-th smallest,
k the 2.5% quantile of the binomial distribution of n fair coins.

Reference: ``ired_diag.training.nearest_critical_point``; David & Nagaraja (2003), Order Statistics, section
7.1 (the interval).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when they are first used
import torch
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.config import TrainingConfig
from ired_diag.errors import DiagError
from ired_diag.maps.descent import LOOK_EVERY, Progress, descend, weight_shapes, without_progress
from ired_diag.streams import generator_of, make_streams
from ired_diag.task import CriticalPoint, Task
from ired_diag.tensors import Tensors
from ired_diag.training.nearest_critical_point import FLAT, median_escape
from ired_diag.training.state import new_state
from ired_diag.training.weight_curvature import LossAt

Array = NDArray[np.float64]

NOISES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
ESCAPED = 0.95  # share of the runs of each noise after which no more steps are taken
CONFIDENCE = 0.95
NOISE = 90  # the stream of the noise, apart from those of ``ired_diag.streams``


@dataclass(frozen=True, kw_only=True)
class Escapes:
    """Steps to escape from a saddle, by the noise; each array of shape (noises,).

    Attributes:
        noise: Standard deviation of the noise on each coordinate of the gradient.
        median: Median of the steps; NaN where less than half of the runs escaped.
        low: Lower end of its 95% interval; NaN where it was not reached.
        high: Upper end of the interval.
        escaped: Share of the runs that escaped.
        formula: The median by the formula; NaN where there is none.
        no_formula: Why there is none; empty where there is.
        curvature: λ > 0, where -λ is the smallest eigenvalue of the Hessian at the saddle.
        radius: R.
        runs: Runs of each noise.
    """

    noise: Array
    median: Array
    low: Array
    high: Array
    escaped: Array
    formula: Array
    no_formula: str
    curvature: float
    radius: float
    runs: int


def escapes(
    task: Task,
    config: TrainingConfig,
    *,
    noises: Sequence[float] = NOISES,
    radius: float = 1.0,
    runs: int = 4000,
    most_steps: int = 20_000,
    progress: Progress = without_progress,
) -> Escapes:
    """Return how many steps runs need to escape from the first saddle that the task knows.

    Args:
        task: A stacked task.
        config: Its settings: the optimiser, its rate, and the seed of noise and batches.
        noises: Standard deviations of the noise.
        radius: R.
        runs: Runs of each noise.
        most_steps: Steps after which a run that has not escaped is given up.
        progress: Called now and then with the steps taken and at most to be taken.

    Raises:
        DiagError: The task knows no saddle, or the point is not one; a noise or the radius is not above 0.
    """
    for option, argument, number in [
        ("--noise", "noises=", min(noises)),
        ("--radius", "radius=", radius),
    ]:
        if not number > 0:
            raise DiagError(f"{option} (in Python: {argument}): expected numbers above 0, found {number:g}.")
    saddle = _saddle_of(task, config)
    values, down = _curved_down(task, config, saddle)
    level = torch.tensor(noises, dtype=torch.float64).repeat_interleave(runs)
    steps_of_runs = _first_steps_away(
        task,
        config,
        saddle,
        level=level,
        down=torch.from_numpy(down),
        radius=radius,
        most_steps=most_steps,
        progress=progress,
    )
    by_noise = steps_of_runs.reshape(len(noises), runs)
    no_formula = _no_formula(task, config, directions=len(values))
    curvature = -float(values[0])
    medians, formulas = [], []
    for noise, steps in zip(noises, by_noise, strict=True):
        medians.append(_median_and_interval(steps))
        if no_formula:
            formulas.append(math.nan)
        else:
            rate = config.learning_rate
            formulas.append(median_escape(radius, rate=rate, curvature=curvature, noise=noise))
    median, low, high = np.array(medians).T
    return Escapes(
        noise=np.array(noises),
        median=median,
        low=low,
        high=high,
        escaped=np.isfinite(by_noise).mean(axis=1),
        formula=np.array(formulas),
        no_formula=no_formula,
        curvature=curvature,
        radius=radius,
        runs=runs,
    )


def _saddle_of(task: Task, config: TrainingConfig) -> CriticalPoint:
    for critical in task.critical_points(config):
        if critical.kind == "saddle":
            return critical
    raise DiagError(
        f"The task {task.name} knows no saddle with these settings. Of the task functions, the function "
        "saddle has one: --set function=saddle. A task of your own names it in critical_points."
    )


def _curved_down(task: Task, config: TrainingConfig, saddle: CriticalPoint) -> tuple[Array, Array]:
    """Return the negative eigenvalues of the Hessian at a saddle, the lowest first, and their directions."""
    state = new_state(task, config, "cpu")
    for name, shape in weight_shapes(task, config).items():
        place = torch.tensor(saddle.weights[name], dtype=state.weights[name].dtype)
        state.weights[name] = place.reshape(shape)
    batch = task.draw_batch(config, make_streams(config.seeds, "cpu"), 0)
    loss = LossAt(state, batch)
    values, vectors = np.linalg.eigh(loss.hessian(loss.start).numpy())
    is_down = values < -FLAT * np.abs(values).max()
    if not is_down.any():
        raise DiagError(f"The task {task.name}: no direction curves down at the point it calls a saddle.")
    return values[is_down], vectors[:, is_down]


def _first_steps_away(
    task: Task,
    config: TrainingConfig,
    saddle: CriticalPoint,
    *,
    level: Tensor,
    down: Tensor,
    radius: float,
    most_steps: int,
    progress: Progress,
) -> Array:
    """Return the first step at which each run is away, of shape (runs,); infinite where none is."""
    starts = {}
    for name, shape in weight_shapes(task, config).items():
        place = torch.tensor(saddle.weights[name], dtype=torch.float64).reshape(shape)
        starts[name] = place.expand(len(level), *shape)
    generator = generator_of([config.seed, NOISE])

    def add_noise(gradient: Tensor) -> None:
        noise = torch.randn(gradient.shape, generator=generator, dtype=gradient.dtype)
        sizes = level.to(gradient.dtype).reshape(-1, *[1] * (gradient.dim() - 1))
        gradient.addcmul_(sizes, noise)

    origin = _flat_of_runs(starts)
    first = torch.full_like(level, math.inf)
    descents = descend(task, config, starts, most_steps, change_gradient=add_noise)
    for number, weights in enumerate(descents, start=1):
        distance = ((_flat_of_runs(weights) - origin) @ down).norm(dim=1)
        first[(distance >= radius) & first.isinf()] = number
        if number % LOOK_EVERY == 0:
            progress(number, most_steps)
            if _all_but_few(first, level):
                break
    return first.numpy()


def _flat_of_runs(weights: Tensors) -> Tensor:
    """Return the weights of each run as one vector, of shape (runs, weights)."""
    return torch.cat([weight.flatten(1) for weight in weights.values()], dim=1).double()


def _all_but_few(first: Tensor, level: Tensor) -> bool:
    """Say whether nearly all runs of every noise have escaped."""
    has_escaped = first.isfinite().double()
    return all(has_escaped[level == noise].mean() >= ESCAPED for noise in set(level.tolist()))


def _no_formula(task: Task, config: TrainingConfig, *, directions: int) -> str:
    """Return why the formula is not that of these descents; empty where it is."""
    if config.optimizer != "sgd":
        return f"the optimiser is {config.optimizer}, and the formula is that of plain gradient descent"
    if config.momentum or config.weight_decay or config.gradient_clip is not None:
        return "the formula is that of descent without momentum, weight decay and clip"
    if config.lr_schedule != "constant" or config.lr_warmup_steps:
        return "the formula is that of a constant learning rate"
    if directions > 1:
        return f"{directions} directions curve down, and the formula is that of one"
    streams = make_streams(config.seeds, "cpu")
    first, second = (task.draw_batch(config, streams, number) for number in (0, 1))
    if not all(torch.equal(first[name], second[name]) for name in first):
        return "the batches differ from step to step, which is noise too"
    return ""


def _median_and_interval(steps: Array) -> tuple[float, float, float]:
    """Return the median and the ends of its interval; NaN where too few runs escaped."""
    ordered = np.sort(steps)
    count = len(ordered)
    place = int(scipy.stats.binom.ppf((1 - CONFIDENCE) / 2, count, 0.5))
    ends = [math.nan, math.nan]
    if place > 0:
        ends = [ordered[place - 1], ordered[count - place]]
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    median, low, high = (number if np.isfinite(number) else math.nan for number in (middle, *ends))
    return float(median), float(low), float(high)

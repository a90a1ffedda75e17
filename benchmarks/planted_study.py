"""A tiny real study, trained here, for mistakes to be planted in: rank 2, three strategies, a few seeds.

Runs of a strategy are trained together, at a learning rate that falls in steps, so that they come to rest in
the last third. It is healthy where no rule finds an error or a warning in it. The evaluations are of fresh
matrices, as in the study that this project is about: equal seeds are evaluated on equal ones.

What a plant needs of a study besides is here too: changed copies of runs, and the plateau of a run as its
level and its relative scatter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.curves.plateau import plateau_start
from ired_diag.runs.evaluation_metric import USUAL as METRIC
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

STRATEGIES = ("q101", "q102", "q103")
SETTINGS = (
    "rank=2",
    "width=32",
    "time_embedding=16",
    "time_width=16",
    "diffusion_steps=5",
    "batch_size=256",
    "learning_rate=0.003",
    "lr_schedule=step",
    "lr_step_every=800",
    "ema_decay=0.9",
    "train_steps=3000",
    "log_every=25",
    "validate_every=40",
    "validation_batches=4",
    "checkpoint_every=1000",
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rest:
    """A run's plateau: its first evaluation, its level, and each evaluation's ln(value / level)."""

    start: int
    level: float
    scatter: Array


def train_study(
    folder: Path, seeds: Sequence[int], strategy: str, *, settings: Sequence[str] = SETTINGS
) -> None:
    """Train one strategy's runs into a folder, all seeds together.

    Args:
        folder: Where; ``<strategy>/seed<k>`` below it.
        seeds: Which.
        strategy: A named experiment.
        settings: ``key=value`` each; of a key told twice the last.
    """
    import torch

    from ired_diag.training.opening import Options
    from ired_diag.training.plan import plan
    from ired_diag.training.trainer import train_together

    torch.set_num_threads(1)  # small tensors: more would only wait for each other
    planned = plan(strategy, ",".join(map(str, seeds)), settings, runs=folder)
    train_together(planned, Options(compile="off"))


def rest_of(run: Run) -> Rest:
    """Return a run's plateau; the last third of its evaluations where none is found."""
    series = run.history.series[METRIC]
    index = plateau_start(series.steps, series.values).index
    start = 2 * len(series) // 3 if index is None else index
    level = float(np.exp(np.log(series.values[start:]).mean()))
    return Rest(start, level, np.log(series.values[start:] / level))


def with_series(run: Run, series: Mapping[str, Series]) -> Run:
    """Return a run whose history has these metrics, in place of its own of the same name."""
    return replace(run, history=replace(run.history, series={**run.history.series, **series}))


def with_settings(run: Run, **keys: Any) -> Run:
    """Return a run whose configuration has these keys, in place of its own of the same name."""
    return replace(run, configuration={**(run.configuration or {}), **keys})


def with_values(run: Run, metric: str, values: Array) -> Run:
    """Return a run with other values of a metric at the same steps."""
    return with_series(run, {metric: Series(run.history.series[metric].steps, values)})


def with_evaluations(run: Run, values: Array) -> Run:
    """Return a run with other evaluations, the first at its own steps, the rest as far apart as its last."""
    steps = run.history.series[METRIC].steps
    more = steps[-1] + (steps[-1] - steps[-2]) * np.arange(1, 1 + max(0, len(values) - len(steps)))
    return with_series(run, {METRIC: Series(np.concatenate([steps, more])[: len(values)], values)})


def changed(study: Study, change: Callable[[Run], Run], *, group: str = "") -> Study:
    """Return a study with each run changed, or each of one group."""
    runs = [change(run) if group in ("", run.group) else run for run in study.runs]
    return Study.of(runs, study.skipped, study.evaluations)


def any_group(study: Study, rng: np.random.Generator, *, mined: bool = False) -> str:
    """Return the name of a group at random; ``mined``: of one that has negatives."""
    names = [
        name
        for name, runs in study.groups().items()
        if not mined or (runs[0].configuration or {}).get("mining_strategy") != "none"
    ]
    return str(rng.choice(sorted(names)))

"""Runs made in memory, for tests of rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ired_diag.finding import Finding
from ired_diag.forensics import load
from ired_diag.runs.ending import Ending, State
from ired_diag.runs.history import History, Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study


def made_run(
    experiment: str,
    seed: int | None = 0,
    *,
    every: int = 100,
    config: Mapping[str, Any] | None = None,
    state: State = "complete",
    ending: Ending | None = None,
    name: str | None = None,
    variant: str | None = None,
    path: Path | None = None,
    run_name: str = "",
    provenance: Mapping[str, Any] | None = None,
    attempts: tuple[Run, ...] = (),
    checkpoints: tuple[Path, ...] = (),
    metrics: Mapping[str, ArrayLike | Series] | None = None,
    **more: ArrayLike,
) -> Run:
    """Return a run that logs metrics at steps ``every``, 2 ``every``, …; ``__`` in a keyword is ``/``.

    A metric that is a ``Series`` has steps of its own.
    """
    series = {}
    named = {metric.replace("__", "/"): values for metric, values in more.items()}
    for metric, values in {**(metrics or {}), **named}.items():
        series[metric] = values if isinstance(values, Series) else made_series(values, every=every)
    return Run(
        experiment=experiment,
        name=name,
        variant=variant,
        seed=seed,
        path=path or Path(experiment) / f"seed{seed}",
        configuration=config,
        history=History(series),
        ending=ending or Ending(state),
        provenance=provenance or {},
        run_name=run_name,
        attempts=attempts,
        checkpoints=checkpoints,
    )


def made_series(values: ArrayLike, *, every: int = 100) -> Series:
    """Return a curve with values at steps ``every``, 2 ``every``, …"""
    numbers = np.asarray(values, dtype=np.float64)
    return Series(every * np.arange(1, len(numbers) + 1, dtype=np.int64), numbers)


def made_study(
    samples: Mapping[str, Sequence[float] | NDArray[np.float64]],
    metric: str,
    *,
    curve: Callable[[float], Sequence[float]],
    every: int = 1000,
    key: str = "optimizer",
) -> Study:
    """Return a study whose runs end at given values.

    Args:
        samples: Last value of each seed, by the name of the group.
        metric: The metric.
        curve: Returns the values of a run that ends at a number.
        every: Steps between two evaluations.
        key: Key of the configuration in which the groups differ.
    """
    runs = []
    for group, finals in samples.items():
        for seed, final in enumerate(finals):
            values = curve(float(final))
            run = made_run(group, seed, every=every, config={key: group}, metrics={metric: values})
            runs.append(run)
    return Study.of(runs)


def findings_of(rule: str, runs: Sequence[Run]) -> list[Finding]:
    """Return what a rule finds in runs."""
    return list(load(rule).find(Study.of(runs)))


def falling(size: int, *, level: float = 0.1, noise: float = 0.05, seed: int = 0) -> np.ndarray[Any, Any]:
    """Return a curve that falls to a level, with noise: what a healthy loss looks like."""
    rng = np.random.default_rng(seed)
    fall = level * (1 + 20 * np.exp(-np.arange(size) / (size / 8)))
    return np.asarray(fall * np.exp(noise * rng.standard_normal(size)))

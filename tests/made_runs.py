"""Runs made in memory, for tests of rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

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
    name: str | None = None,
    run_name: str = "",
    provenance: Mapping[str, Any] | None = None,
    metrics: Mapping[str, ArrayLike] | None = None,
    **more: ArrayLike,
) -> Run:
    """Return a run that logs metrics at steps ``every``, 2 ``every``, …; ``__`` in a keyword is ``/``."""
    series = {}
    named = {metric.replace("__", "/"): given for metric, given in more.items()}
    for metric, given in {**(metrics or {}), **named}.items():
        values = np.asarray(given, dtype=np.float64)
        steps = every * np.arange(1, len(values) + 1, dtype=np.int64)
        series[metric] = Series(steps, values)
    return Run(
        experiment=experiment,
        name=name,
        variant=None,
        seed=seed,
        path=Path(experiment) / f"seed{seed}",
        configuration=config,
        history=History(series),
        ending=Ending(state),
        provenance=provenance or {},
        run_name=run_name,
    )


def findings_of(rule: str, runs: Sequence[Run]) -> list[Finding]:
    """Return what a rule finds in runs."""
    return list(load(rule).find(Study.of(runs)))


def falling(size: int, *, level: float = 0.1, noise: float = 0.05, seed: int = 0) -> np.ndarray[Any, Any]:
    """Return a curve that falls to a level, with noise: what a healthy loss looks like."""
    rng = np.random.default_rng(seed)
    fall = level * (1 + 20 * np.exp(-np.arange(size) / (size / 8)))
    return np.asarray(fall * np.exp(noise * rng.standard_normal(size)))

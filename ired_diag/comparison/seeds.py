"""The seeds that are compared: their curves, and what their configurations state."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.outcomes import Failure, failure_of
from ired_diag.comparison.stated_data import stated_data
from ired_diag.config_keys import METADATA
from ired_diag.errors import NotFound
from ired_diag.runs.attempt import is_seed_label
from ired_diag.runs.completion import note_on_unknown
from ired_diag.runs.run import Run

DATA_KEYS = ("dataset", "rank", "ood")
MOST_REASONS = 3
APART = (*METADATA, "experiment_name", "seed")  # what may differ without a word


@dataclass(frozen=True)
class Seed:
    """One seed's curve.

    Attributes:
        label: ``seed0``, or ``unseeded-<job>``.
        steps: Of its evaluations, of shape (n,).
        values: Of the metric, of the same shape.
        folder: Of the run, where it has one.
        seconds: How long it trained; NaN where start or end is not told.
        machine: What it trained on.
        knobs: Its configuration, as far as it is numbers.
    """

    label: str
    steps: NDArray[np.float64]
    values: NDArray[np.float64]
    folder: Path | None = None
    seconds: float = math.nan
    machine: str = ""
    knobs: Mapping[str, float] = field(default_factory=dict)

    @property
    def pairable(self) -> bool:
        """Whether its seed is known, and no other run of its group has the same."""
        return is_seed_label(self.label)


@dataclass(frozen=True)
class Members:
    """The seeds of a group.

    Attributes:
        name: Of the group.
        strategy: Its mining strategy, where the configuration tells one for all.
        seeds: In the order given.
        settings: What each run states of its data and evaluation: by seed, by key, the value as text.
        knobs: What all its runs tell alike, but for names, notes and seeds.
        failures: Seeds that failed, or were stopped, and are therefore not among ``seeds``.
    """

    name: str
    strategy: str | None
    seeds: Sequence[Seed]
    settings: Mapping[str, Mapping[str, str]]
    knobs: Mapping[str, Any] = field(default_factory=dict)
    failures: Sequence[Failure] = ()


def members_of(
    groups: Mapping[str, Sequence[Run]],
    metric: str,
    notes: list[str],
    *,
    lower_is_better: bool,
    include_incomplete: bool = False,
    judge_shape: bool = True,
) -> list[Members]:
    """Return the groups, each with the seeds that have a result and those that failed.

    A group all of whose seeds failed is one of them. A group that has nothing to do with the metric, or
    whose runs were all stopped, is left out, and a note says so.

    Args:
        groups: Runs by the name of their group.
        metric: Which logged metric.
        notes: Is extended by what else there is to say of the runs.
        lower_is_better: The direction of the metric.
        include_incomplete: Keep runs that did not reach the end of their training.
        judge_shape: Whether a seed that diverged to a finite value has failed.

    Raises:
        NotFound: No group has a seed with a result.
    """
    kept = []
    for name, runs in groups.items():
        failures = [
            failure_of(
                run,
                metric,
                lower_is_better=lower_is_better,
                include_incomplete=include_incomplete,
                judge_shape=judge_shape,
            )
            for run in runs
        ]
        members = _members(name, runs, metric, failures)
        if unknown := note_on_unknown(name, [r for r, f in zip(runs, failures, strict=True) if f is None]):
            notes.append(unknown)
        if members.seeds or _failed_altogether(runs, failures, metric):
            kept.append(members)
        elif len(groups) > 1:
            notes.append(f"{_nothing_in(members, runs, metric)} The group is left out.")
        else:
            raise NotFound(_nothing_in(members, runs, metric))
    if not any(members.seeds for members in kept):
        reasons = [_nothing_in(members, groups[members.name], metric) for members in kept] or notes[-1:]
        raise NotFound(f"No group has a run to compare by {metric}. {' '.join(reasons)}")
    return kept


def differing_knobs(a: Members, b: Members) -> list[str]:
    """Return what both groups tell and tell differently, with the values: ``mining_opt_steps (2, 10)``."""
    return [
        f"{key} ({a.knobs[key]}, {b.knobs[key]})"
        for key in a.knobs
        if key in b.knobs and a.knobs[key] != b.knobs[key]
    ]


def shared_seeds(*groups: Members) -> list[str]:
    """Return the labels of the seeds that all groups have, in the order of the first."""
    first, *others = ([seed.label for seed in members.seeds if seed.pairable] for members in groups)
    return [label for label in first if all(label in other for other in others)]


def settings_of(runs: Iterable[Run]) -> dict[str, Mapping[str, str]]:
    """Return what each run states of its data and evaluation, by seed."""
    return {run.seed_label: stated_data(run.settings) for run in runs}


def _members(name: str, runs: Sequence[Run], metric: str, failures: Sequence[Failure | None]) -> Members:
    finished = [run for run, failure in zip(runs, failures, strict=True) if failure is None]
    speaking = finished or runs  # of a group without a seed that finished, all
    strategies = {(run.configuration or {}).get("mining_strategy") for run in speaking}
    return Members(
        name,
        strategies.pop() if len(strategies) == 1 else None,
        [_seed(run, metric) for run in finished],
        settings_of(speaking),
        _told_alike(speaking),
        [failure for failure in failures if failure is not None],
    )


def _failed_altogether(runs: Sequence[Run], failures: Sequence[Failure | None], metric: str) -> bool:
    """Say whether a group without a result has one all the same: that its seeds fail.

    Where complete runs never log the metric, a group has nothing to do with it.
    """
    logged = any(metric in run.history.series for run in runs)
    wrong_metric = not logged and any(run.ending.may_be_complete for run in runs)
    return not wrong_metric and any(failure is not None and failure.kind != "stopped" for failure in failures)


def _nothing_in(members: Members, runs: Sequence[Run], metric: str) -> str:
    """Return why a group has no seed with a result."""
    logged = sorted({name for run in runs for name in run.history.series})
    start = f"{members.name}: has no run to compare by {metric}."
    if logged and metric not in logged:
        return f"{start} Its runs log: {', '.join(logged)}."
    reasons = [f"{failure.label}: {failure.reason}" for failure in members.failures[:MOST_REASONS]]
    more = len(members.failures) - MOST_REASONS
    return f"{start} {'; '.join(reasons)}{f'; and {more} more' if more > 0 else ''}."


def _told_alike(runs: Sequence[Run]) -> dict[str, Any]:
    first, *others = (run.settings for run in runs)
    return {
        key: value
        for key, value in first.items()
        if key not in APART and all(key in other and other[key] == value for other in others)
    }


def _seed(run: Run, metric: str) -> Seed:
    series, told = run.history.series[metric], run.provenance
    knobs = {
        name: float(value)
        for name, value in (run.configuration or {}).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return Seed(
        run.seed_label,
        np.asarray(series.steps, dtype=np.float64),
        np.asarray(series.values, dtype=np.float64),
        run.path if run.path.is_dir() else None,
        seconds_between(told.get("started"), told.get("ended")),
        str(told.get("gpu") or told.get("device") or ""),
        knobs,
    )


def seconds_between(started: object, ended: object) -> float:
    """Return the seconds from a start to an end as logs tell them; NaN where either is not told."""
    try:
        return (datetime.fromisoformat(str(ended)) - datetime.fromisoformat(str(started))).total_seconds()
    except (ValueError, TypeError):  # not told, or one with and one without a time zone
        return math.nan

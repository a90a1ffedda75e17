"""The seeds that are compared: their curves, which are left out, and whether two groups' seeds are pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.outcomes import Failure
from ired_diag.config_keys import METADATA
from ired_diag.errors import NotFound
from ired_diag.runs.attempt import is_seed_label
from ired_diag.runs.completion import note_on_unknown
from ired_diag.runs.run import Run

# Two runs are told apart by their own noise alone only where these agree.
DATA_KEYS = ("dataset", "rank", "ood")
APART = (*METADATA, "experiment_name", "seed")  # what may differ without a word
EVALUATION_KEYS = ("validation_batches", "validation_batch_size", "evaluation_mode", "evaluation")


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
        settings: What data and evaluation were, for each key the values told.
        knobs: What all its runs tell alike, but for names, notes and seeds.
        failures: Seeds that failed, or were stopped, and are therefore not among ``seeds``.
    """

    name: str
    strategy: str | None
    seeds: Sequence[Seed]
    settings: Mapping[str, frozenset[str]]
    knobs: Mapping[str, Any] = field(default_factory=dict)
    failures: Sequence[Failure] = ()


def members_of(
    groups: Mapping[str, Sequence[Run]], metric: str, notes: list[str], *, include_incomplete: bool
) -> list[Members]:
    """Return the groups that have seeds to compare.

    Args:
        groups: Runs by the name of their group.
        metric: Which logged metric.
        notes: Is told what was left out.
        include_incomplete: Keep runs that did not reach the end of their training.

    Raises:
        NotFound: No group has a seed with the metric; where others have, such a group is left out.
    """
    found = []
    for name, runs in groups.items():
        try:
            found.append(_members(name, runs, metric, notes, include_incomplete))
        except NotFound as nothing:
            if len(groups) == 1:
                raise
            notes.append(f"{nothing} The group is left out.")
    if not found:
        raise NotFound(f"No group has a run to compare by {metric}. {notes[-1]}")
    return found


def obstacle_to_pairing(a: Members, b: Members) -> str:
    """Return why seeds of two groups may not be paired, or nothing."""
    for key in (*DATA_KEYS, *EVALUATION_KEYS):
        if a.settings[key] != b.settings[key]:
            told = (sorted(members.settings[key]) for members in (a, b))
            return f"{key} is {' and '.join('/'.join(words) for words in told)}"
    return "" if shared_seeds(a, b) else "no seed in common"


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


def _members(
    name: str, runs: Sequence[Run], metric: str, notes: list[str], include_incomplete: bool
) -> Members:
    kept = [run for run in runs if not _left_out(run, metric, include_incomplete, notes)]
    if unknown := note_on_unknown(name, kept):
        notes.append(unknown)
    if not kept:
        logged = sorted({m for run in runs for m in run.history.series})
        has = f" Its runs log: {', '.join(logged)}." if logged and metric not in logged else ""
        why_not = f" {notes[-1]}" if notes and not has else ""
        raise NotFound(f"{name}: has no run to compare by {metric}.{has}{why_not}")
    strategies = {(run.configuration or {}).get("mining_strategy") for run in kept}
    settings = {
        key: frozenset(str((run.configuration or {}).get(key)) for run in kept)
        for key in (*DATA_KEYS, *EVALUATION_KEYS)
    }
    strategy = strategies.pop() if len(strategies) == 1 else None
    return Members(name, strategy, [_seed(run, metric) for run in kept], settings, _told_alike(kept))


def _told_alike(runs: Sequence[Run]) -> dict[str, Any]:
    first, *others = (run.settings for run in runs)
    return {
        key: value
        for key, value in first.items()
        if key not in APART and all(key in other and other[key] == value for other in others)
    }


def _left_out(run: Run, metric: str, include_incomplete: bool, notes: list[str]) -> bool:
    """Say, and note, whether a run has nothing to read out."""
    series = run.history.series.get(metric)
    if series is None:
        notes.append(f"{run.label}: never logged {metric} ({run.ending.label}); left out.")
    elif not run.ending.may_be_complete and not include_incomplete:
        last = int(series.steps[-1])
        notes.append(
            f"{run.label}: {run.ending.label}, last evaluation at step {last}; left out "
            "(--include-incomplete keeps it)."
        )
    elif not math.isfinite(series.values[-1]):
        notes.append(
            f"{run.label}: its last {metric} is {series.values[-1]}; left out, which flatters the group."
        )
    else:
        return False
    return True


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

"""Forks of one training side by side: which change mends it, and which changed nothing.

A fork goes on from a step of its parent with something changed. Let f be the parent's best evaluation up to
that step. A change *mends* the training where every seed of the fork ends better than f: better than the run
ever was before. It *holds* where no seed ends worse than the parent's value at the step by more than
``STILL``, as a training that no longer moves does. It *changed nothing* where every metric that the fork and
the parent both log is equal to the last digit at all steps that both have after it.

These are facts of the seeds that were run: with one seed they say nothing of another.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ired_diag.errors import DiagError
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.store import read_run
from ired_diag.verdict import verdict_of

STILL = 0.01  # relative change that counts as none
TIMED = "time/"  # metrics that no two runs have in common
NORM = "train/gradient_norm"

Effect = Literal["mends", "holds", "does not mend", "changed nothing"]


@dataclass(frozen=True, kw_only=True)
class ForkedSeed:
    """A fork of one seed.

    Attributes:
        run: Label of the fork.
        parent: Label of the run that it goes on from; None where that is not found any more.
        lower_is_better: In which direction the metric improves.
        step: The step that it goes on from.
        before: The parent's best evaluation up to that step; NaN without one.
        at_start: The parent's last evaluation up to that step; NaN without one.
        best: The fork's best evaluation.
        best_step: The step of it.
        last: The fork's last evaluation.
        last_step: The step of it.
        shape: What its curve did, in one word.
        is_unchanged: Whether it equals its parent in every digit; None where they share no step.
        clip: The limit of the gradient's norm, where that alone was changed.
        largest_norm: The largest norm of the gradient that was logged; NaN without one.
    """

    run: str
    parent: str | None
    lower_is_better: bool
    step: int
    before: float
    at_start: float
    best: float
    best_step: int
    last: float
    last_step: int
    shape: str
    is_unchanged: bool | None
    clip: float | None = None
    largest_norm: float = math.nan


@dataclass(frozen=True, kw_only=True)
class Change:
    """What one change did, over the seeds that were forked with it.

    Attributes:
        name: What was changed: ``learning_rate=0.0005``; "nothing" for the parents themselves.
        seeds: Each fork.
        effect: What came of it; None for the parents themselves.
        reason: Why it changed nothing, where the logs say so.
    """

    name: str
    seeds: tuple[ForkedSeed, ...]
    effect: Effect | None
    reason: str = ""

    @property
    def last(self) -> float:
        """Mean of the last evaluations."""
        return float(np.mean([seed.last for seed in self.seeds]))

    @property
    def best(self) -> float:
        """Mean of the best evaluations."""
        return float(np.mean([seed.best for seed in self.seeds]))


@dataclass(frozen=True, kw_only=True)
class Forks:
    """Forks of one experiment at one step.

    Attributes:
        step: The step that all of them go on from.
        metric: What they are judged by.
        before: Mean over the seeds of the parent's best evaluation up to the step.
        unchanged: The parents, followed beyond the step; None where none goes so far.
        changes: What each change did, the best end first.
    """

    step: int
    metric: str
    before: float
    unchanged: Change | None
    changes: tuple[Change, ...]

    @property
    def needs_no_mending(self) -> bool:
        """Whether the parents, unchanged, end better in the mean than they ever were up to the step."""
        if self.unchanged is None:
            return False
        if self.unchanged.seeds[0].lower_is_better:
            return self.unchanged.last < self.before
        return self.unchanged.last > self.before

    def named(self, effect: Effect) -> tuple[Change, ...]:
        """Return the changes that had an effect."""
        return tuple(change for change in self.changes if change.effect == effect)


def compare_forks(runs: Iterable[Run]) -> list[Forks]:
    """Return the forks among runs, those of each step together, the earliest step first.

    Args:
        runs: Runs of one experiment; those without a parent are passed over.

    Raises:
        DiagError: None of them is a fork that was evaluated.
    """
    by_step: dict[int, list[_Pair]] = {}
    for run in runs:
        record = run.provenance.get("parent")
        if isinstance(record, Mapping) and run.evaluated is not None:
            pair = _Pair(run, _parent_of(run, record), int(record["step"]), record)
            by_step.setdefault(pair.step, []).append(pair)
    if not by_step:
        raise DiagError(
            "None of these runs is a fork that was evaluated. Make some: ired-diag train --from RUN@STEP "
            "--each KEY=VALUE --each KEY=VALUE."
        )
    return [_at_step(step, by_step[step]) for step in sorted(by_step)]


@dataclass(frozen=True)
class _Pair:
    """A fork, its parent where that is found, the step between them, and what is recorded of it."""

    fork: Run
    parent: Run | None
    step: int
    record: Mapping[str, Any]


def _seed_of(pair: _Pair) -> ForkedSeed:
    """Return what became of a fork."""
    run, parent, step = pair.fork, pair.parent, pair.step
    before, at_start = _up_to(parent, step, run)
    is_unchanged = None
    if parent is not None:
        is_unchanged = equal_after(run, parent, step)
    followed = _followed(run, step)
    return replace(
        followed,
        parent=None if parent is None else parent.label,
        before=before,
        at_start=at_start,
        is_unchanged=is_unchanged,
        clip=_clip(pair.record),
    )


def _followed(run: Run, step: int) -> ForkedSeed:
    """Return where a run went after a step."""
    assert run.evaluated is not None
    series = _after(run.evaluated[1], step)
    best = _best_place(series, run)
    norms = run.history.series.get(NORM)
    return ForkedSeed(
        run=run.label,
        parent=None,
        lower_is_better=run.direction.lower_is_better,
        step=step,
        before=math.nan,
        at_start=math.nan,
        best=float(series.values[best]),
        best_step=int(series.steps[best]),
        last=float(series.values[-1]),
        last_step=int(series.steps[-1]),
        shape=(verdict_of(run).shape or "").replace("_", " "),
        is_unchanged=None,
        largest_norm=math.nan if norms is None else float(np.nanmax(norms.values)),
    )


def _parent_of(run: Run, record: Mapping[str, Any]) -> Run | None:
    """Return the parent of a fork, where it is still where it was."""
    stated = Path(str(record.get("run", "")))
    # A path is as it was typed; from elsewhere, the parent is beside the fork.
    beside = run.path.parents[1] / stated.name
    for folder in (stated, beside):
        try:
            return read_run(folder)
        except DiagError:
            continue
    return None


def _up_to(parent: Run | None, step: int, run: Run) -> tuple[float, float]:
    """Return the best and the last evaluation of a parent up to a step."""
    if parent is None or parent.evaluated is None:
        return math.nan, math.nan
    series = parent.evaluated[1]
    is_before = series.steps <= step
    if not is_before.any():
        return math.nan, math.nan
    early = Series(series.steps[is_before], series.values[is_before])
    return float(early.values[_best_place(early, run)]), float(early.values[-1])


def _after(series: Series, step: int) -> Series:
    is_after = series.steps > step
    return Series(series.steps[is_after], series.values[is_after])


def _best_place(series: Series, run: Run) -> int:
    """Return the place of the best value; a value that is no number is the worst."""
    sign = 1 if run.direction.lower_is_better else -1
    costs = np.where(np.isfinite(series.values), sign * series.values, np.inf)
    return int(costs.argmin())


def equal_after(run: Run, other: Run, step: int) -> bool | None:
    """Say whether all metrics that two runs share are equal to the last digit after a step.

    Times are left out. None where no metric has a step in common.
    """
    are_compared = False
    for name in run.history.series.keys() & other.history.series.keys():
        if name.startswith(TIMED):
            continue
        first, second = (_after(one.history.series[name], step) for one in (run, other))
        _, here, there = np.intersect1d(first.steps, second.steps, return_indices=True)
        if not len(here):
            continue
        are_compared = True
        if not np.array_equal(first.values[here], second.values[there], equal_nan=True):
            return False
    return True if are_compared else None


def _clip(record: Mapping[str, Any]) -> float | None:
    """Return the limit of the gradient's norm, where nothing else was changed."""
    changed = record.get("changed") or {}
    if set(changed) - {"train_steps"} != {"gradient_clip"}:
        return None
    limit: float | None = changed["gradient_clip"][1]
    return limit


def _at_step(step: int, pairs: Sequence[_Pair]) -> Forks:
    by_change: dict[str, list[ForkedSeed]] = {}
    for pair in pairs:
        by_change.setdefault(change_of(pair.fork), []).append(_seed_of(pair))
    changes = [_change(name, tuple(seeds)) for name, seeds in by_change.items()]
    changes.sort(key=_by_last)
    assert pairs[0].fork.evaluated is not None
    parents = {str(pair.parent.path): pair.parent for pair in pairs if pair.parent is not None}
    before = [_up_to(parent, step, parent)[0] for parent in parents.values()]
    return Forks(
        step=step,
        metric=pairs[0].fork.evaluated[0],
        before=float(np.mean(before or [math.nan])),
        unchanged=_unchanged(step, list(parents.values())),
        changes=tuple(changes),
    )


def _by_last(change: Change) -> float:
    """Return what changes are sorted by: the best end first, one that is no number last."""
    if not math.isfinite(change.last):
        return math.inf
    return change.last if change.seeds[0].lower_is_better else -change.last


def change_of(run: Run) -> str:
    """Return what a fork changed, as its variant says: ``learning_rate=0.0005``.

    A fork that goes on for longer than its parent says that too; it is no change of its own.
    """
    parts = [
        part for part in (run.variant or "").split(",") if not part.startswith(("from=", "train_steps="))
    ]
    return ",".join(parts) or "nothing"


def _unchanged(step: int, parents: Sequence[Run]) -> Change | None:
    """Return the parents themselves after the step, where they went on."""
    followed = []
    for parent in parents:
        if parent.evaluated is not None and len(_after(parent.evaluated[1], step)):
            followed.append(_followed(parent, step))
    if not followed:
        return None
    return Change(name="nothing", seeds=tuple(followed), effect=None)


def _change(name: str, seeds: tuple[ForkedSeed, ...]) -> Change:
    effect = _effect(seeds)
    reason = ""
    if effect == "changed nothing":
        reason = _why_nothing(seeds)
    return Change(name=name, seeds=seeds, effect=effect, reason=reason)


def _why_nothing(seeds: Sequence[ForkedSeed]) -> str:
    """Say why a change did nothing, where the logs know."""
    limit, largest = seeds[0].clip, max(seed.largest_norm for seed in seeds)
    if limit is None or not largest < limit:
        return ""
    return f"the clip at {limit:.12g} never clips: the largest logged gradient norm is {largest:.2g}"


def _effect(seeds: Sequence[ForkedSeed]) -> Effect | None:
    if all(seed.is_unchanged for seed in seeds):
        return "changed nothing"
    if any(math.isnan(seed.before) for seed in seeds):
        return None
    if all(_is_better(seed.last, seed.before, seed) for seed in seeds):
        return "mends"
    if all(_holds(seed) for seed in seeds):
        return "holds"
    return "does not mend"


def _is_better(value: float, than: float, seed: ForkedSeed) -> bool:
    if not math.isfinite(value):
        return False
    return value < than if seed.lower_is_better else value > than


def _holds(seed: ForkedSeed) -> bool:
    if _is_better(seed.last, seed.at_start, seed):
        return True
    return abs(seed.last - seed.at_start) <= STILL * abs(seed.at_start)

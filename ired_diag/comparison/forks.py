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
from dataclasses import dataclass
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
        run: The fork.
        parent: The run that it goes on from; None where that is not found any more.
        step: The step that it goes on from.
        before: The parent's best evaluation up to that step; NaN without one.
        at_start: The parent's last evaluation up to that step; NaN without one.
        best: The fork's best evaluation.
        best_step: The step of it.
        last: The fork's last evaluation.
        last_step: The step of it.
        shape: What its curve did, in one word.
        is_unchanged: Whether it equals its parent in every digit; None where they share no step.
        reason: Why it changed nothing, where the logs say so; else empty.
    """

    run: Run
    parent: Run | None
    step: int
    before: float
    at_start: float
    best: float
    best_step: int
    last: float
    last_step: int
    shape: str
    is_unchanged: bool | None
    reason: str = ""


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
    by_step: dict[int, list[ForkedSeed]] = {}
    for run in runs:
        seed = _forked(run)
        if seed is not None:
            by_step.setdefault(seed.step, []).append(seed)
    if not by_step:
        raise DiagError(
            "None of these runs is a fork that was evaluated. Make some: ired-diag train --from RUN@STEP "
            "--each KEY=VALUE --each KEY=VALUE."
        )
    return [_at_step(step, by_step[step]) for step in sorted(by_step)]


def _forked(run: Run) -> ForkedSeed | None:
    record = run.provenance.get("parent")
    if not isinstance(record, Mapping) or run.evaluated is None:
        return None
    parent, step = _parent_of(run, record), int(record["step"])
    before, at_start = _up_to(parent, step, run)
    is_unchanged = None
    if parent is not None:
        is_unchanged = equal_after(run, parent, step)
    return _seed_of(
        run,
        parent,
        step,
        before=before,
        at_start=at_start,
        is_unchanged=is_unchanged,
        reason=_reason(run, record) if is_unchanged else "",
    )


def _seed_of(
    run: Run,
    parent: Run | None,
    step: int,
    *,
    before: float,
    at_start: float,
    is_unchanged: bool | None,
    reason: str = "",
) -> ForkedSeed:
    assert run.evaluated is not None
    series = _after(run.evaluated[1], step)
    best = _best_place(series, run)
    return ForkedSeed(
        run=run,
        parent=parent,
        step=step,
        before=before,
        at_start=at_start,
        best=float(series.values[best]),
        best_step=int(series.steps[best]),
        last=float(series.values[-1]),
        last_step=int(series.steps[-1]),
        shape=verdict_of(run).shape or "",
        is_unchanged=is_unchanged,
        reason=reason,
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


def _reason(run: Run, record: Mapping[str, Any]) -> str:
    """Say why a change did nothing, where the logs know."""
    changed = record.get("changed") or {}
    norms = run.history.series.get(NORM)
    if set(changed) - {"train_steps"} != {"gradient_clip"} or norms is None:
        return ""
    limit, largest = changed["gradient_clip"][1], float(np.nanmax(norms.values))
    if limit is None or largest >= limit:
        return ""
    return f"the clip at {limit:g} never clips: the largest logged gradient norm is {largest:.2g}"


def _at_step(step: int, seeds: Sequence[ForkedSeed]) -> Forks:
    by_change: dict[str, list[ForkedSeed]] = {}
    for seed in seeds:
        by_change.setdefault(change_of(seed.run), []).append(seed)
    changes = [_change(name, tuple(of_change)) for name, of_change in by_change.items()]
    sign = 1 if seeds[0].run.direction.lower_is_better else -1
    changes.sort(key=lambda change: sign * change.last if math.isfinite(change.last) else math.inf)
    assert seeds[0].run.evaluated is not None
    parents = {str(seed.parent.path): seed for seed in seeds if seed.parent is not None}
    return Forks(
        step=step,
        metric=seeds[0].run.evaluated[0],
        before=float(np.mean([seed.before for seed in parents.values()] or [math.nan])),
        unchanged=_unchanged(step, list(parents.values())),
        changes=tuple(changes),
    )


def change_of(run: Run) -> str:
    """Return what a fork changed, as its variant says: ``learning_rate=0.0005``.

    A fork that goes on for longer than its parent says that too; it is no change of its own.
    """
    parts = [part for part in (run.variant or "").split(",") if not part.startswith(("from=", "train_steps="))]
    return ",".join(parts) or "nothing"


def _unchanged(step: int, seeds: Sequence[ForkedSeed]) -> Change | None:
    """Return the parents themselves after the step, where they went on."""
    followed = []
    for seed in seeds:
        parent = seed.parent
        if parent is None or parent.evaluated is None or not len(_after(parent.evaluated[1], step)):
            continue
        followed.append(
            _seed_of(
                parent,
                None,
                step,
                before=seed.before,
                at_start=seed.at_start,
                is_unchanged=True,
            )
        )
    if not followed:
        return None
    return Change(name="nothing", seeds=tuple(followed), effect=None)


def _change(name: str, seeds: tuple[ForkedSeed, ...]) -> Change:
    reasons = {seed.reason for seed in seeds}
    reason = reasons.pop() if len(reasons) == 1 else ""
    return Change(name=name, seeds=seeds, effect=_effect(seeds), reason=reason)


def _effect(seeds: Sequence[ForkedSeed]) -> Effect | None:
    if all(seed.is_unchanged for seed in seeds):
        return "changed nothing"
    if any(math.isnan(seed.before) for seed in seeds):
        return None
    if all(_is_better(seed.last, seed.before, seed.run) for seed in seeds):
        return "mends"
    if all(_holds(seed) for seed in seeds):
        return "holds"
    return "does not mend"


def _is_better(value: float, than: float, run: Run) -> bool:
    if not math.isfinite(value):
        return False
    return value < than if run.direction.lower_is_better else value > than


def _holds(seed: ForkedSeed) -> bool:
    if _is_better(seed.last, seed.at_start, seed.run):
        return True
    return abs(seed.last - seed.at_start) <= STILL * abs(seed.at_start)

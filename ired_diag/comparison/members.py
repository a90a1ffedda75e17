"""The groups of a comparison, made from runs: which seeds have a result, and what became of the others.

A group all of whose seeds failed is a result, and stays, even where no seed of any other group finished: that
0 of 5 seeds finished is what there is to say. A group whose complete runs never log the metric, or whose runs
were all stopped, is none, and is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ired_diag.comparison.outcomes import Failure, failure_of
from ired_diag.comparison.seeds import APART, Members, Seed, seconds_between
from ired_diag.comparison.stated_data import declared_data, is_of_evaluation, stated_data
from ired_diag.errors import NotFound
from ired_diag.runs.completion import note_on_unknown
from ired_diag.runs.run import Run

MOST_REASONS = 3  # of why seeds have no result, in an error

Failures = Sequence[Failure | None]  # by run


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

    Where no seed of any group finished, those that diverged to a finite value are kept, and say so: more
    often than not, it is the direction that is wrong.

    Args:
        groups: Runs by the name of their group.
        metric: Which logged metric.
        notes: Is extended by what else there is to say of the runs.
        lower_is_better: The direction of the metric.
        include_incomplete: Keep runs that did not reach the end of their training.
        judge_shape: Whether a seed that diverged to a finite value has failed.

    Raises:
        NotFound: No group has a seed with a result, or one that failed.
    """
    judged = partial(
        failure_of, metric=metric, lower_is_better=lower_is_better, include_incomplete=include_incomplete
    )
    failures = {name: [judged(run, judge_shape=judge_shape) for run in runs] for name, runs in groups.items()}
    finite: Mapping[str, Failures] = failures
    if all(failure is not None for group in failures.values() for failure in group):
        finite = {name: [judged(run, judge_shape=False) for run in runs] for name, runs in groups.items()}
    kept = []
    for name, runs in groups.items():
        members = _members(name, runs, metric, failures=failures[name], finite=finite[name])
        notes += filter(None, [note_on_unknown(name, _finished(runs, finite[name]))])
        if include_incomplete:
            notes += filter(None, [_note_on_kept(name, runs, members)])
        if members.seeds or _failed_altogether(runs, finite[name], metric):
            kept.append(members)
        elif len(groups) > 1:
            notes.append(f"{_nothing_in(members, runs, metric)} The group is left out.")
        else:
            raise NotFound(_nothing_in(members, runs, metric))
    if not kept:
        raise NotFound(f"No group has a run to compare by {metric}. {' '.join(notes[-1:])}")
    return kept


def settings_of(runs: Iterable[Run]) -> dict[str, Mapping[str, str]]:
    """Return what each run states of its data and evaluation, by seed."""
    return {run.seed_label: _stated_by(run) for run in runs}


def _stated_by(run: Run) -> dict[str, str]:
    declared = declared_data(run.configuration, run.paired_by)
    return declared | stated_data({**_seeds_of_data(run), **run.settings})


def _seeds_of_data(run: Run) -> dict[str, Any]:
    """Return what else a run states of its data by seeds, which say who a run is and are no settings."""
    return {key: value for key, value in (run.configuration or {}).items() if is_of_evaluation(key)}


def _members(name: str, runs: Sequence[Run], metric: str, *, failures: Failures, finite: Failures) -> Members:
    """Return a group; ``finite`` is why runs have no number, ``failures`` why no result."""
    finished = _finished(runs, finite)
    why = {run.seed_label: failure for run, failure in zip(runs, failures, strict=True)}
    speaking = finished or runs  # of a group without a seed that finished, all
    strategies = {_strategy(run) for run in speaking}
    return Members(
        name,
        strategies.pop() if len(strategies) == 1 else None,
        [
            replace(
                _seed(run, metric),
                failure=why[run.seed_label],
                unfinished=not run.ending.may_be_complete,
            )
            for run in finished
        ],
        settings_of(speaking),
        _stated_alike(speaking),
        [failure for failure in finite if failure is not None],
        of_table=all(run.of_table for run in runs),
    )


def _strategy(run: Run) -> str | None:
    strategy = (run.configuration or {}).get("mining_strategy")
    return strategy if isinstance(strategy, str) else None


def _finished(runs: Sequence[Run], failures: Failures) -> list[Run]:
    return [run for run, failure in zip(runs, failures, strict=True) if failure is None]


def _note_on_kept(name: str, runs: Sequence[Run], members: Members) -> str:
    """Return which seeds of a group count although their training did not finish."""
    labels = {seed.label for seed in members.seeds}
    kept = [run for run in runs if run.seed_label in labels and not run.ending.may_be_complete]
    if not kept:
        return ""
    which = ", ".join(f"{run.seed_label}: {run.ending.label}" for run in kept)
    return (
        f"{name}: {len(kept)} of {len(runs)} seeds did not finish ({which}). By --include-incomplete their "
        "last values count in means and tests; in the success rate they are neither successes nor failures."
    )


def _failed_altogether(runs: Sequence[Run], failures: Failures, metric: str) -> bool:
    """Say whether a group without a result has one all the same: that its seeds fail.

    Where complete runs never log the metric, a group has nothing to do with it.
    """
    logged = any(metric in run.history.series for run in runs)
    other_metric = not logged and any(run.ending.may_be_complete for run in runs)
    return not other_metric and any(failure is not None and failure.kind != "stopped" for failure in failures)


def _nothing_in(members: Members, runs: Sequence[Run], metric: str) -> str:
    """Return why a group has no seed with a result."""
    logged = sorted({name for run in runs for name in run.history.series})
    start = f"{members.name}: has no run to compare by {metric}."
    if logged and metric not in logged:
        return f"{start} Its runs log: {', '.join(logged)}."
    reasons = [f"{failure.label}: {failure.reason}" for failure in members.failures[:MOST_REASONS]]
    more = len(members.failures) - MOST_REASONS
    return f"{start} {'; '.join(reasons)}{f'; and {more} more' if more > 0 else ''}."


def _stated_alike(runs: Sequence[Run]) -> dict[str, Any]:
    first, *others = (run.settings for run in runs)
    return {
        key: value
        for key, value in first.items()
        if key not in APART and all(key in other and other[key] == value for other in others)
    }


def _seed(run: Run, metric: str) -> Seed:
    series, stated = run.history.series[metric], run.provenance
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
        seconds_between(stated.get("started"), stated.get("ended")),
        str(stated.get("gpu") or stated.get("device") or ""),
        knobs,
    )

"""The groups of a comparison, made from runs: which seeds have a result, and what became of the others.

A group all of whose seeds failed is a result, and stays, even where no seed of any other group finished: that
0 of 5 seeds finished is what there is to say. A group whose complete runs never log the metric, or whose runs
were all stopped, is not one, and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ired_diag.comparison.copies import Copies, copies_of
from ired_diag.comparison.cost import step_times
from ired_diag.comparison.seeds import Members, Seed, seconds_between, settings_alike
from ired_diag.comparison.stated_data import declared_data, is_of_evaluation, stated_data
from ired_diag.curves.failure import Failure, FailureKind, failure_of
from ired_diag.errors import NotFound
from ired_diag.runs.completion import note_on_unknown
from ired_diag.runs.cross_validation import cross_validation_of
from ired_diag.runs.name_list import counted
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
        metric: Name of the logged metric to compare by.
        notes: Notes on the runs; those on these groups are appended.
        lower_is_better: Whether a lower value of the metric is better.
        include_incomplete: Keep runs that did not reach the end of their training.
        judge_shape: Whether a seed that diverged to a finite value has failed.

    Raises:
        NotFound: No group has a seed with a result, or one that failed.
    """
    judged = partial(
        failure_of,
        metric=metric,
        lower_is_better=lower_is_better,
        include_incomplete=include_incomplete,
    )
    failures = _by_group(groups, partial(judged, judge_shape=judge_shape))
    without_number = failures
    if _every_run_failed(failures):
        # Curves that all diverge suggest a wrong direction: their last values are kept, and the seeds named.
        without_number = _by_group(groups, partial(judged, judge_shape=False))
    with_number = {name: _runs_with_number(runs, without_number[name]) for name, runs in groups.items()}
    copies = copies_of(groups, with_number, metric)
    failures = _with_copies(groups, failures, copies)
    without_number = _with_copies(groups, without_number, copies)
    notes += copies.notes
    kept = []
    for name, runs in groups.items():
        members = _members(
            name,
            runs,
            metric,
            failures=failures[name],
            without_number=without_number[name],
        )
        notes += _notes_on(members, runs, without_number[name], include_incomplete=include_incomplete)
        if members.seeds or _failed_altogether(runs, without_number[name], metric):
            kept.append(members)
        elif len(groups) > 1:
            notes.append(f"{_nothing_in(members, runs, metric)} The group is left out.")
        else:
            raise NotFound(_nothing_in(members, runs, metric))
    if not kept:
        raise NotFound(f"No group has a run to compare by {metric}. {' '.join(notes[-1:])}")
    return kept


def _by_group(
    groups: Mapping[str, Sequence[Run]], judged: Callable[[Run], Failure | None]
) -> dict[str, Failures]:
    return {name: list(map(judged, runs)) for name, runs in groups.items()}


def _with_copies(
    groups: Mapping[str, Sequence[Run]], failures: Mapping[str, Failures], copies: Copies
) -> dict[str, Failures]:
    """Return why runs have no number, copies of other runs among them."""
    with_copies: dict[str, Failures] = {}
    for name, runs in groups.items():
        changed = []
        for run, failure in zip(runs, failures[name], strict=True):
            cause = copies.causes.get(id(run))
            evaluation = copies.evaluations.get(id(run))
            if cause is not None:
                failure = _copied(run, "copied", cause, f"it is {cause}, digit by digit")
            elif evaluation is not None:
                reason = f"its evaluation is {evaluation}, digit by digit"
                failure = _copied(run, "evaluated as another", evaluation, reason)
            changed.append(failure)
        with_copies[name] = changed
    return with_copies


def _copied(run: Run, kind: FailureKind, cause: str, reason: str) -> Failure:
    step = run.history.last_step
    return Failure(
        label=run.seed_label,
        kind=kind,
        step=None if step is None else float(step),
        reason=reason,
        cause=cause,
    )


def _every_run_failed(failures: Mapping[str, Failures]) -> bool:
    return not any(None in of_group for of_group in failures.values())


def _notes_on(
    members: Members, runs: Sequence[Run], without_number: Failures, *, include_incomplete: bool
) -> list[str]:
    notes = [note_on_unknown(members.name, _runs_with_number(runs, without_number))]
    if include_incomplete:
        notes.append(_note_on_kept(runs, members))
    return list(filter(None, notes))


def settings_of(runs: Iterable[Run]) -> dict[str, Mapping[str, str]]:
    """Return what each run states of its data and evaluation, by seed."""
    return {run.seed_label: _stated_by(run) for run in runs}


def _stated_by(run: Run) -> dict[str, str]:
    declared = declared_data(run.configuration, run.paired_by)
    return declared | stated_data({**_seeds_of_data(run), **run.settings})


def _seeds_of_data(run: Run) -> dict[str, Any]:
    """Return what else a run states of its data by seeds, which say who a run is and are no settings."""
    configuration = run.configuration or {}
    return {key: value for key, value in configuration.items() if is_of_evaluation(key)}


def _members(
    name: str, runs: Sequence[Run], metric: str, *, failures: Failures, without_number: Failures
) -> Members:
    """Return a group; ``without_number`` is why runs have no number, ``failures`` why no result."""
    counted = _runs_with_number(runs, without_number)
    # A group without a seed that finished is described by all of its runs.
    described = counted or runs
    labels = [run.seed_label for run in runs]
    failure_by_seed = dict(zip(labels, failures, strict=True))
    seeds = []
    for run in counted:
        unfinished = not run.ending.may_be_complete
        seed = replace(_seed(run, metric), failure=failure_by_seed[run.seed_label], unfinished=unfinished)
        seeds.append(seed)
    return Members(
        name=name,
        strategy=_shared_strategy(described),
        seeds=seeds,
        settings=settings_of(described),
        knobs=settings_alike(described),
        failures=list(filter(None, without_number)),
        of_table=all(run.of_table for run in runs),
        cross_validation=cross_validation_of(runs),
    )


def _shared_strategy(runs: Sequence[Run]) -> str | None:
    """Return the mining strategy that all runs state; None where they state several or none."""
    strategies = set(map(_strategy, runs))
    if len(strategies) != 1:
        return None
    return strategies.pop()


def _strategy(run: Run) -> str | None:
    strategy = (run.configuration or {}).get("mining_strategy")
    return strategy if isinstance(strategy, str) else None


def _runs_with_number(runs: Sequence[Run], failures: Failures) -> list[Run]:
    return [run for run, failure in zip(runs, failures, strict=True) if failure is None]


def _note_on_kept(runs: Sequence[Run], members: Members) -> str:
    """Return which seeds of a group count although their training did not finish."""
    labels = {seed.label for seed in members.seeds}
    endings = []
    for run in runs:
        if run.seed_label in labels and not run.ending.may_be_complete:
            endings.append(f"{run.seed_label}: {run.ending.label}")
    if not endings:
        return ""
    count = f"{len(endings)} of {len(runs)} seeds"
    return (
        f"{members.name}: {count} did not finish ({', '.join(endings)}). By --include-incomplete their "
        "last values count in means and tests; in the success rate they are neither successes nor failures."
    )


def _failed_altogether(runs: Sequence[Run], failures: Failures, metric: str) -> bool:
    """Say whether a group without a result has one all the same: that its seeds fail.

    Where complete runs never log the metric, a group has nothing to do with it.
    """
    is_logged = any(metric in run.history.series for run in runs)
    if not is_logged and any(run.ending.may_be_complete for run in runs):
        return False
    return any(failure.is_of_method for failure in filter(None, failures))


def _nothing_in(members: Members, runs: Sequence[Run], metric: str) -> str:
    """Return why a group has no seed with a result."""
    logged: set[str] = set()
    for run in runs:
        logged.update(run.history.series)
    start = f"{members.name}: has no run to compare by {metric}."
    if logged and metric not in logged:
        return f"{start} Its runs log: {', '.join(sorted(logged))}."
    reasons = [f"{failure.label}: {failure.reason}" for failure in members.failures[:MOST_REASONS]]
    more = len(members.failures) - MOST_REASONS
    if more > 0:
        reasons.append(f"and {more} more")
    return f"{start} {'; '.join(reasons)}."


def _seed(run: Run, metric: str) -> Seed:
    series, provenance = run.history.series[metric], run.provenance
    return Seed(
        label=run.seed_label,
        steps=np.asarray(series.steps, dtype=np.float64),
        values=np.asarray(series.values, dtype=np.float64),
        folder=run.path if run.path.is_dir() else None,
        seconds=seconds_between(provenance.get("started"), provenance.get("ended")),
        machine=_machine_of(provenance),
        step_times=step_times(run.history.series),
        together=_together_of(provenance),
        knobs=_numbers_in(run.configuration or {}),
    )


def _machine_of(provenance: Mapping[str, Any]) -> str:
    """Return what a run trained on: a kind of GPU, or a processor of a certain host; empty where unknown."""
    if gpu := provenance.get("gpu"):
        return str(gpu)
    device, host = str(provenance.get("device") or ""), provenance.get("host")
    if device != "cpu":
        return device
    parts = [f"cpu of {host}" if host else device]  # processors differ, and all of them are called cpu
    if isinstance(threads := provenance.get("threads"), int):
        parts.append(counted(threads, "thread"))
    if provenance.get("compiled"):
        parts.append("compiled")
    return ", ".join(parts)


def _together_of(provenance: Mapping[str, Any]) -> int | None:
    together = provenance.get("together")
    return together if isinstance(together, int) else None


def _numbers_in(configuration: Mapping[str, Any]) -> dict[str, float]:
    """Return the settings of a configuration that are numbers."""
    numbers = {}
    for name, value in configuration.items():
        # Python takes True for 1.
        if isinstance(value, int | float) and not isinstance(value, bool):
            numbers[name] = float(value)
    return numbers

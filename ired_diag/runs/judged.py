"""By which metric runs are judged, in one place for every command: chosen, shared by groups, and said.

A run is judged by the user's metric, else by the one that its configuration says to watch
(``configured_metric``), else by the most telling one by its name (``evaluation_metric``). Groups that are
compared need one metric: the one by which all runs are judged, else, among those that every group logs, the
one that configurations name, else the most telling one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from ired_diag.errors import DiagError, NotFound
from ired_diag.runs.direction import Direction, direction_of
from ired_diag.runs.evaluation_metric import evaluation_metric, other_evaluation_sets
from ired_diag.runs.run import Run

MOST_NAMES = 8
BY_CONFIGURATION = "named by its configuration"
SURE = ("option", "configuration", "name", "assumed")  # the surest first

Groups = Mapping[str, Sequence[Run]]


def judge_runs(
    runs: Iterable[Run], *, metric: str | None = None, higher_is_better: bool | None = None
) -> tuple[Run, ...]:
    """Return runs that are judged by a metric and a direction.

    Args:
        runs: The runs.
        metric: The metric's name; None leaves it as it is.
        higher_is_better: Its direction; None leaves it to configuration and name.

    Raises:
        NotFound: No run logs the metric.
    """
    every = tuple(runs)
    if metric is not None and not any(metric in run.history.series for run in every):
        raise NotFound(f"--metric {metric}: no run logs it. Logged: {_names(_logged(every))}.")
    return tuple(
        replace(
            run,
            metric=metric or run.metric,
            higher_is_better=run.higher_is_better if higher_is_better is None else higher_is_better,
        )
        for run in every
    )


def judge_groups(
    groups: Groups, *, metric: str | None = None, higher_is_better: bool | None = None
) -> tuple[dict[str, list[Run]], str | None]:
    """Return groups of which all runs are judged by one metric, and that metric; None where none is logged.

    Args:
        groups: Runs by the name of their group.
        metric: The metric's name. Default: the shared one.
        higher_is_better: Its direction; None leaves it to configuration and name.

    Raises:
        NotFound: No run logs the metric; or several metrics are logged, and the groups share none.
    """
    logs = any(run.evaluated for runs in groups.values() for run in runs)
    chosen = metric or (shared_metric(groups) if logs else None)
    every = [run for runs in groups.values() for run in runs]
    judged = iter(judge_runs(every, metric=chosen, higher_is_better=higher_is_better))
    return {name: [next(judged) for _ in runs] for name, runs in groups.items()}, chosen


def usual_metric(runs: Iterable[Run]) -> str | None:
    """Return the metric by which most runs are judged; None where nothing is logged that tells."""
    counted = Counter(run.evaluated[0] for run in runs if run.evaluated).most_common(1)
    return counted[0][0] if counted else None


def shared_metric(groups: Groups) -> str:
    """Return the metric that groups are compared by.

    It is the one by which all runs are judged; else, among those that every group logs, the only one that
    configurations name, or the most telling one. A group that logs nothing has no say.

    Raises:
        NotFound: There is none; the message names the option that is missing, and what the groups log.
    """
    judged = Counter(run.evaluated[0] for runs in groups.values() for run in runs if run.evaluated)
    if len(judged) == 1:
        return next(iter(judged))
    logged = {name: _logged(runs) for name, runs in groups.items()}
    logged = {name: metrics for name, metrics in logged.items() if metrics}
    if not logged:
        raise NotFound(f"{', '.join(groups)}: nothing was logged, so there is nothing to compare.")
    common = set.intersection(*(set(metrics) for metrics in logged.values()))
    if metric := _configured(groups, common) or evaluation_metric(_lengths(groups, common)):
        return metric
    if common:
        raise NotFound(
            "No logged metric is known to measure how good a model is. Choose one with --metric NAME: "
            f"{_names(sorted(common))}."
        )
    has = "; ".join(f"{name} has {_names(metrics)}" for name, metrics in logged.items())
    raise NotFound(f"The groups log no metric in common, so --metric cannot be chosen: {has}.")


def shared_direction(groups: Groups, metric: str) -> Direction:
    """Return the direction of a metric for all groups.

    Raises:
        DiagError: The configurations contradict each other.
    """
    told = {run.direction_of(metric): run for runs in groups.values() for run in runs}
    if len({direction.lower_is_better for direction in told}) > 1:
        a, b = (
            next(run.label for d, run in told.items() if d.lower_is_better is lower)
            for lower in (True, False)
        )
        raise DiagError(
            f"{metric}: lower is better by {a}, higher is better by {b}. Set one: --higher-is-better or "
            "--lower-is-better."
        )
    return min(told, key=lambda d: SURE.index(d.source), default=direction_of(metric))


def metric_in_words(metric: str, direction: Direction, *, is_configured: bool = False) -> str:
    """Return the line that every command shows: ``metric: val_acc (higher is better, by its name)``.

    Args:
        metric: The metric's name.
        direction: Its direction.
        is_configured: Whether a configuration names it as the metric to watch.
    """
    source = f", {BY_CONFIGURATION}" if is_configured else ""
    return f"metric: {metric}{source} ({direction.words})"


def is_configured(metric: str, runs: Iterable[Run]) -> bool:
    """Say whether the configuration of any of the runs names a metric as the one to watch."""
    return any(run.configured_metric == metric for run in runs)


def other_sets_in_words(metric: str, runs: Iterable[Run]) -> str:
    """Return that a model was evaluated on other data too, with the names; nothing where it was not."""
    names = {name for run in runs for name in other_evaluation_sets(metric, run.history.series)}
    if not names:
        return ""
    return (
        f"several evaluation sets: {metric} decides; also logged: {_names(sorted(names))} (--metric chooses)"
    )


def judged_in_words(runs: Sequence[Run]) -> list[str]:
    """Return the lines that say by which metrics, in which directions, runs are judged."""
    judged = Counter((run.evaluated[0], run.direction) for run in runs if run.evaluated)
    total = sum(judged.values())
    lines = []
    for (metric, direction), count in judged.most_common():
        share = f", {count} of {total} runs" if len(judged) > 1 else ""
        of_metric = [run for run in runs if run.evaluated and run.evaluated[0] == metric]
        configured = is_configured(metric, of_metric)
        lines.append(metric_in_words(metric, direction, is_configured=configured) + share)
        lines += filter(None, [other_sets_in_words(metric, of_metric)])
    return lines


def unjudged_in_words(runs: Sequence[Run]) -> list[str]:
    """Return how many runs hold nothing that could be judged: silence about them is no sign of health."""
    silent = [run for run in runs if not run.results and not _logged([run])]
    unknown = [run for run in runs if run.evaluated is None and _logged([run])]
    lines = []
    if silent:
        holds, them = ("holds", "it") if len(silent) == 1 else ("hold", "them")
        share = f"{len(silent)} of {_counted(len(runs))}"
        lines.append(f"{share} {holds} no metric that was read: nothing was judged in {them}")
    if unknown:
        logs = "logs" if len(unknown) == 1 else "log"
        names = _names(_logged(unknown))
        lines.append(
            f"{len(unknown)} of {_counted(len(runs))} {logs} no metric that is known to say how good a model "
            f"is, so that no curve was judged; --metric NAME chooses one: {names}"
        )
    return lines


def _counted(runs: int) -> str:
    return "1 run" if runs == 1 else f"{runs} runs"


def _configured(groups: Groups, common: Collection[str]) -> str | None:
    """Return the only metric that configurations say to watch, where it is among the common ones."""
    named = {run.configured_metric for runs in groups.values() for run in runs} - {None}
    return next(iter(named)) if len(named) == 1 and named <= set(common) else None


def _logged(runs: Iterable[Run]) -> list[str]:
    return sorted({name for run in runs for name, series in run.history.series.items() if len(series)})


def _lengths(groups: Groups, names: Iterable[str]) -> dict[str, range]:
    """Return for each metric as many places as the longest of its series has."""
    runs = [run for members in groups.values() for run in members]
    return {n: range(max(len(run.history.series.get(n, ())) for run in runs)) for n in names}


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return (", ".join(names[:MOST_NAMES]) or "nothing") + more

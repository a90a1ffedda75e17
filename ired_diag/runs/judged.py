"""By which metric several runs are judged: the user's choice, the one that groups share, and its words.

A run is judged by the user's metric, else by the one that its configuration says to watch
(``configured_metric``), else by the most telling one by its name (``evaluation_metric``). Groups that are
compared need one metric: the one by which all runs are judged, else, among those that every group logs, the
one that configurations name, else the most telling one.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from ired_diag.errors import DiagError, NotFound
from ired_diag.runs.direction import Direction, direction_of
from ired_diag.runs.evaluation_metric import evaluation_metric, other_evaluation_sets
from ired_diag.runs.name_list import first_names
from ired_diag.runs.run import Run

MOST_NAMES = 8  # in a message
BY_CONFIGURATION = "named by its configuration"
SURE = ("option", "configuration", "name", "log", "assumed")  # the surest first

Groups = Mapping[str, Sequence[Run]]


def judge_runs(
    runs: Iterable[Run],
    *,
    metric: str | None = None,
    higher_is_better: bool | None = None,
) -> tuple[Run, ...]:
    """Return runs that are judged by a metric and a direction.

    Args:
        runs: The runs.
        metric: The metric's name; None leaves it as it is.
        higher_is_better: Its direction; None leaves it to configuration and name.

    Raises:
        NotFound: No run logs the metric.
    """
    runs = tuple(runs)
    if metric is not None:
        check_logged(metric, runs)
    changes: dict[str, Any] = {}
    if metric:
        changes["metric"] = metric
    if higher_is_better is not None:
        changes["higher_is_better"] = higher_is_better
    return tuple(replace(run, **changes) for run in runs)


def check_logged(metric: str, runs: Iterable[Run]) -> None:
    """Refuse a metric that no run logs.

    Raises:
        NotFound: No run does; the message names the one that was most likely meant.
    """
    logged = logged_metrics(runs)
    if metric in logged:
        return
    meant = ""
    for near in difflib.get_close_matches(metric, logged, n=1):
        meant = f" Did you mean {near}?"
    raise NotFound(f"--metric {metric}: no run logs it.{meant} Logged: {_names(logged)}.")


def judge_groups(
    groups: Groups,
    *,
    metric: str | None = None,
    higher_is_better: bool | None = None,
) -> tuple[dict[str, list[Run]], str | None]:
    """Return groups of which all runs are judged by one metric, and that metric; None where none is logged.

    Args:
        groups: Runs by the name of their group.
        metric: The metric's name. Default: the shared one.
        higher_is_better: Its direction; None leaves it to configuration and name.

    Raises:
        NotFound: No run logs the metric; or several metrics are logged, and the groups share none.
    """
    runs = _runs_of(groups)
    if not metric and any(run.evaluated for run in runs):
        metric = shared_metric(groups)
    judged = iter(judge_runs(runs, metric=metric or None, higher_is_better=higher_is_better))
    judged_groups: dict[str, list[Run]] = {}
    for name, members in groups.items():
        judged_groups[name] = list(islice(judged, len(members)))
    return judged_groups, metric or None


def usual_metric(runs: Iterable[Run]) -> str | None:
    """Return the metric by which most runs are judged; None where no run is judged."""
    most_common = _judging_metrics(runs).most_common(1)
    return most_common[0][0] if most_common else None


def shared_metric(groups: Groups) -> str:
    """Return the metric that groups are compared by.

    It is the one by which all runs are judged; else, among those that every group logs, the only one that
    configurations name, or the most telling one. A group that logs nothing has no say.

    Raises:
        NotFound: There is none; the message names the option that is missing, and what the groups log.
    """
    judging = _judging_metrics(_runs_of(groups))
    if len(judging) == 1:
        return next(iter(judging))
    logged: dict[str, list[str]] = {}
    for name, runs in groups.items():
        if metrics := logged_metrics(runs):
            logged[name] = metrics
    if not logged:
        raise NotFound(f"{', '.join(groups)}: nothing was logged, so there is nothing to compare.")
    common = set.intersection(*map(set, logged.values()))
    metric = _configured(groups, common) or evaluation_metric(_lengths(groups, common))
    if metric:
        return metric
    if common:
        raise NotFound(
            "No logged metric is known to measure how good a model is. Choose one with --metric NAME: "
            f"{_names(sorted(common))}."
        )
    has: list[str] = []
    for name, metrics in logged.items():
        has.append(f"{name} has {_names(metrics)}")
    listed = "; ".join(has)
    raise NotFound(f"The groups log no metric in common, so --metric cannot be chosen: {listed}.")


def shared_direction(groups: Groups, metric: str) -> Direction:
    """Return the direction of a metric for all groups.

    Raises:
        DiagError: The configurations contradict each other.
    """
    run_of: dict[Direction, Run] = {}
    example_of: dict[bool, Run] = {}
    for run in _runs_of(groups):
        direction = run.direction  # which is remembered
        if metric != run.judging_metric:
            direction = run.direction_of(metric)
        run_of[direction] = run
    for direction, run in run_of.items():
        if direction.source not in ("assumed", "log"):
            example_of.setdefault(direction.lower_is_better, run)
    by_log = {direction.lower_is_better for direction in run_of if direction.source == "log"}
    if len(by_log) > 1:  # noise: a log alone decides nothing where another says the opposite
        run_of = {direction: run for direction, run in run_of.items() if direction.source != "log"}
    if len(example_of) > 1:
        lower = f"lower is better by {example_of[True].label}"
        higher = f"higher is better by {example_of[False].label}"
        raise DiagError(f"{metric}: {lower}, {higher}. Set one: --higher-is-better or --lower-is-better.")
    return min(run_of, key=_sureness, default=direction_of(metric))


def _sureness(direction: Direction) -> int:
    return SURE.index(direction.source)


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
    for run in runs:
        is_shown_by_log = run.recorded_metric is not None and run.recorded_metric.source != "configuration"
        if run.configured_metric == metric and not is_shown_by_log:
            return True
    return False


def other_sets_in_words(metric: str, runs: Iterable[Run]) -> str:
    """Return that a model was evaluated on other data too, with the names; nothing where it was not."""
    # Most runs of a study log the same metrics: each list of them is looked at once.
    logged = {tuple(run.history.series) for run in runs}
    names: set[str] = set()
    for metrics in logged:
        names.update(other_evaluation_sets(metric, metrics))
    if not names:
        return ""
    also = _names(sorted(names))
    return f"several evaluation sets: {metric} decides; also logged: {also} (--metric chooses)"


def judged_in_words(runs: Sequence[Run]) -> list[str]:
    """Return the lines that say by which metrics, in which directions, runs are judged."""
    judged = [run for run in runs if run.is_judged]
    counts = Counter((run.judging_metric or "", run.direction) for run in judged)
    lines: list[str] = []
    for (metric, direction), count in counts.most_common():
        of_metric = [run for run in judged if run.judging_metric == metric]
        line = metric_in_words(
            metric,
            direction,
            is_configured=is_configured(metric, of_metric),
        )
        if len(counts) > 1:
            line = f"{line}, {count} of {len(judged)} runs"
        lines.append(line)
        if others := other_sets_in_words(metric, of_metric):
            lines.append(others)
    return lines


def unjudged_in_words(runs: Sequence[Run]) -> list[str]:
    """Return how many runs hold nothing that could be judged: no finding on them does not mean no problem."""
    silent: list[Run] = []
    unknown: list[Run] = []
    for run in runs:
        if logged_metrics([run]):
            if not run.is_judged:
                unknown.append(run)
        elif not run.results:
            silent.append(run)
    lines: list[str] = []
    if silent:
        is_single = len(silent) == 1
        holds, them = ("holds", "it") if is_single else ("hold", "them")
        share = f"{len(silent)} of {_counted(len(runs))}"
        lines.append(f"{share} {holds} no metric that was read: nothing was judged in {them}")
    if unknown:
        logs = "logs" if len(unknown) == 1 else "log"
        share = f"{len(unknown)} of {_counted(len(runs))}"
        names = _names(logged_metrics(unknown))
        lines.append(
            f"{share} {logs} no metric that is known to say how good a model is, so that no curve was "
            f"judged; --metric NAME chooses one: {names}"
        )
    return lines


def _counted(runs: int) -> str:
    return "1 run" if runs == 1 else f"{runs} runs"


def _runs_of(groups: Groups) -> list[Run]:
    return list(chain.from_iterable(groups.values()))


def _judging_metrics(runs: Iterable[Run]) -> Counter[str]:
    """Return by how many runs each metric is used as the one that judges them."""
    return Counter(str(run.judging_metric) for run in runs if run.is_judged)


def _configured(groups: Groups, common: Collection[str]) -> str | None:
    """Return the only metric that configurations say to watch, where it is among the common ones."""
    named = {run.configured_metric for run in _runs_of(groups)}
    named.discard(None)
    if len(named) != 1:
        return None
    metric = named.pop()
    return metric if metric in common else None


def logged_metrics(runs: Iterable[Run]) -> list[str]:
    """Return the metrics of which any run has a value, sorted."""
    logged: set[str] = set()
    for run in runs:
        for name, series in run.history.series.items():
            if len(series):
                logged.add(name)
    return sorted(logged)


def _lengths(groups: Groups, names: Iterable[str]) -> dict[str, range]:
    """Return for each metric as many places as the longest of its series has."""
    runs = _runs_of(groups)
    lengths: dict[str, range] = {}
    for name in names:
        series = [run.history.series.get(name, ()) for run in runs]
        longest = max(map(len, series))
        lengths[name] = range(longest)
    return lengths


def _names(names: Sequence[str]) -> str:
    return first_names(names, MOST_NAMES) or "nothing"

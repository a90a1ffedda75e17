"""Values that cannot be: outside the limits that their name sets, above 100%, or outside their own extremes.

- A metric leaves the limits of its kind (``runs.metric_limits``): an R² above 1, an accuracy above 100, a p
  value above 1. That is an error: the metric is not what its name says.
- A share lies between 1 and 1.5, and its sisters (other runs, other data sets, other shares of the run) are
  surely fractions: an error likewise. Without sisters it may be a few percent, and nothing is said.
- One metric is logged in percent by some runs and in fractions by others, 100 times apart: a warning, since a
  table of them mixes two scales. So it is where a single run changes over, and where the runs are the rows of
  a table with one number each (``runs.two_scales``).
- A mean lies outside the minimum and maximum of the same name at the same step: a warning where it does at
  half of the steps, else a note, since the three may be of different windows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import (
    Evidence,
    Rule,
    groups_of,
    labels_of,
    listed,
    runs_of,
    seeds_in_words,
)
from ired_diag.runs.energy_metrics import together
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.history import Series
from ired_diag.runs.metric_limits import (
    AREAS,
    PERCENT,
    are_fractions,
    in_fractions,
    in_percent,
    limits_of,
    outside,
    share_of,
)
from ired_diag.runs.metric_words import words_of
from ired_diag.runs.name_list import counted
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.runs.two_scales import two_scales
from ired_diag.stats.printed_numbers import allowed, printed
from ired_diag.stats.rank_correlation import spearman

MEAN = re.compile(r"(?i)(?<![a-z])(?:mean|avg|average)(?![a-z])")
FEWEST_MEANS = 5
FEWEST_OF_A_SCALE = 3  # values on each side of a change of scale
OFTEN = 0.5  # of the steps
FEWEST_IN_STEP, MOSTLY = 8, 0.9  # common steps, and at how many of them
TOGETHER = 0.8  # rank correlation
SMALL = 5e-4  # of 100 percent: 0.05, as a fraction 5%
CHANGE = (50.0, 200.0)  # times: from fractions to percent

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """Impossible values of a metric in a run.

    Attributes:
        run: The run.
        step: Step of the first impossible value, or of the worst.
        value: That value, or by how much it lies outside.
        count: Number of impossible values.
        of: Number of all values.
    """

    run: Run
    step: int
    value: float
    count: int
    of: int

    @property
    def share(self) -> float:
        """The share of the values that are impossible."""
        return self.count / self.of


@dataclass(frozen=True)
class Best:
    """The largest value of a share in a run that is surely on one scale.

    Attributes:
        run: The run.
        value: The largest value.
        is_percent: Whether it is in percent, and not a fraction.
    """

    run: Run
    value: float
    is_percent: bool


@dataclass(frozen=True)
class Change:
    """A share that changes its scale within a run: the run, its values, and the place of the change."""

    run: Run
    series: Series
    place: int


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each metric with impossible values, of two scales, or outside its own extremes."""
    yield from _outside_limits(study)
    yield from _printed(study)
    yield from _two_scales(study)
    yield from _changing_scale(study)
    yield from _means(study)


def _outside_limits(study: Study) -> Iterator[Finding]:
    """Yield a finding for each metric that leaves the limits of its kind."""
    of_study = _measures_in_fractions(study)
    cases: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for run in study.runs:
        of_run = _has_fractions(run)
        for metric, series in run.history.series.items():
            fractions = of_study
            if of_run and _starts_as_fraction(series.values):
                fractions = {*of_study, share_of(metric) or ""}
            limits = _limits(metric, series, fractions)
            if limits is None:
                continue
            is_impossible = outside(series.values, *limits)
            if is_impossible.any():
                cases[metric, _in_words(*limits)].append(_case(run, series, is_impossible))
    for (metric, words), of_metric in cases.items():
        yield _finding_on_limits(metric, words, of_metric)


def _printed(study: Study) -> Iterator[Finding]:
    """Yield a finding for each result of an evaluation that cannot be."""
    for result in study.results:
        limits = _limits_of_result(result)
        if result.value is None or limits is None:
            continue
        if outside(np.array([result.value]), *limits).any():
            yield _finding_on_result(result, _in_words(*limits))


def _limits_of_result(result: EvaluationResult) -> tuple[float, float] | None:
    """Return the limits of a result on its scale; None where its name or its scale is not clear."""
    limits = limits_of(result.metric)
    if limits is None or result.value is None:
        return None
    is_share = share_of(result.metric) is not None
    if result.unit == "%" or (is_share and in_percent(np.array([result.value]))):
        low, high = limits
        return PERCENT * low, PERCENT * high
    if is_share:
        return None  # up to 1.5: a few percent, or a share above 1
    return limits


def _finding_on_result(result: EvaluationResult, limits: str) -> Finding:
    owner = result.experiment or result.model or result.source.stem
    statement = f"{owner}: {result.words} ({result.where}) cannot be: a value of this name is {limits}."
    evidence: Evidence = {
        "metric": result.metric,
        "value": result.value,
        "file": result.source.name,
        "line": result.line,
        "limits": limits,
    }
    return Finding(
        rule="impossible_values",
        severity="error",
        statement=statement,
        evidence=evidence,
        advice=f"Look at where {result.metric} is computed, and evaluate again.",
    )


def _measures_in_fractions(study: Study) -> set[str]:
    """Return the measures of which at least one logged metric is surely a fraction."""
    measures = set()
    for run in study.runs:
        for name, series in run.history.series.items():
            measure = share_of(name)
            if measure and in_fractions(series.values):
                measures.add(measure)
    for name, runs in _runs_of_one_number(study).items():
        if are_fractions(_numbers(runs, name)):
            measures.add(share_of(name) or "")
    return measures


def _runs_of_one_number(study: Study) -> dict[str, list[Run]]:
    """Return the runs that hold a single number of a share, by its name: the rows of a table."""
    runs_of_share: dict[str, list[Run]] = defaultdict(list)
    for run in study.runs:
        for name, series in run.history.series.items():
            if len(series) == 1 and share_of(name):
                runs_of_share[name].append(run)
    return runs_of_share


def _numbers(runs: Sequence[Run], name: str) -> Array:
    return np.array([float(run.history.series[name].values[0]) for run in runs])


def _has_fractions(run: Run) -> bool:
    """Say whether any share that a run logs is surely a fraction."""
    for name, series in run.history.series.items():
        if share_of(name) and in_fractions(series.values):
            return True
    return False


def _starts_as_fraction(values: Array) -> bool:
    """Say whether a share that exceeds 1 was well below it before: of percent, these are all next to 0."""
    if len(values) < FEWEST_MEANS or not np.isfinite(values).all():
        return False
    return bool(in_percent(values) is False and values.min() >= 0 and np.median(values) >= 0.5)


def _limits(metric: str, series: Series, fractions: Collection[str]) -> tuple[float, float] | None:
    """Return the limits of a metric on the scale of its values; None where its name sets none.

    Args:
        metric: Its name.
        series: Its values.
        fractions: The measures that other metrics log as fractions.
    """
    limits = limits_of(metric)
    measure = share_of(metric)
    if limits is None:
        return None
    if measure is None:
        is_signed_percent = limits[0] == -1 and in_percent(np.abs(series.values))
        return (-PERCENT, PERCENT) if is_signed_percent else limits
    if in_percent(series.values):
        return limits[0], PERCENT
    if measure in fractions or measure in AREAS:
        return limits
    return limits[0], np.inf


def _case(run: Run, series: Series, is_impossible: NDArray[np.bool_]) -> Case:
    first = int(np.flatnonzero(is_impossible)[0])
    return Case(
        run=run,
        step=int(series.steps[first]),
        value=float(series.values[first]),
        count=int(is_impossible.sum()),
        of=len(is_impossible),
    )


def _in_words(low: float, high: float) -> str:
    if not np.isfinite(low):
        return f"at most {high:g}"
    if not np.isfinite(high):
        return f"{low:g} or more"
    return f"between {low:g} and {high:g}"


def _finding_on_limits(metric: str, limits: str, cases: list[Case]) -> Finding:
    worst = max(cases, key=lambda case: case.share)
    runs = runs_of(cases)
    groups = groups_of(runs)
    statement = (
        f"{listed(groups)}: {metric} is {worst.value:.4g} at step {worst.step} of {worst.run.label}, and a "
        f"value of this name is {limits}: {worst.count} of {worst.of} values there are impossible "
        f"({counted(len(runs), 'run')})."
    )
    if worst.of == 1:  # the row of a table
        statement = (
            f"{listed(groups)}: {metric} of {worst.run.label} is {worst.value:.4g}, and a value of this name "
            f"is {limits} ({counted(len(runs), 'run')})."
        )
    evidence: Evidence = {
        "group": groups[0],
        "metric": metric,
        "value": worst.value,
        "step": worst.step,
        "impossible": worst.count,
        "values": worst.of,
        "runs": len(runs),
        "limits": limits,
    }
    return Finding(
        rule="impossible_values",
        severity="error",
        statement=statement,
        evidence=evidence,
        advice=f"Look at where {metric} is computed and averaged before any of its values is reported.",
        runs=labels_of(runs),
    )


def _two_scales(study: Study) -> Iterator[Finding]:
    """Yield a finding for each share that is in percent in some runs, and in fractions in others."""
    bests: dict[str, list[Best]] = defaultdict(list)
    for run in study.runs:
        for name, series in run.history.series.items():
            changes_scale = _change_of_scale(np.asarray(series.values)) > 0  # which is a finding of its own
            if share_of(name) and len(series) > 1 and not changes_scale:
                is_percent = _is_in_percent(series.values)
                if is_percent is not None:
                    best = Best(run, value=float(np.nanmax(series.values)), is_percent=is_percent)
                    bests[name].append(best)
    for name, runs in _runs_of_one_number(study).items():
        bests[name] += _bests_of_table(runs, name)
    for name, of_name in bests.items():
        percents = [best for best in of_name if best.is_percent]
        fractions = [best for best in of_name if not best.is_percent]
        if percents and not fractions:
            fractions = _small_fractions(study, name, percents)
        if percents and fractions and _are_100_times_apart(percents, fractions):
            yield _finding_on_two_scales(name, percents, fractions)


def _small_fractions(study: Study, name: str, percents: Sequence[Best]) -> list[Best]:
    """Return the runs whose share stays below one half, and is a hundredth of one in percent all along.

    A run at chance has small percentages too, but does not rise with the others from the first evaluation on.
    """
    bests = []
    percent = percents[0].run.history.series[name]
    for run in study.runs:
        series = run.history.series.get(name)
        if series is None or in_percent(series.values):
            continue
        _, i, j = np.intersect1d(percent.steps, series.steps, return_indices=True)
        high, low = np.asarray(percent.values)[i], np.asarray(series.values)[j]
        usable = np.isfinite(high) & np.isfinite(low) & (low > 0)
        if not _rise_together(high[usable], low[usable]):
            continue
        ratio = high[usable] / low[usable]
        is_apart = (ratio >= CHANGE[0]) & (ratio <= CHANGE[1])
        if len(ratio) >= FEWEST_IN_STEP and np.mean(is_apart) >= MOSTLY and low.max() >= SMALL * PERCENT:
            bests.append(Best(run, value=float(np.nanmax(series.values)), is_percent=False))
    return bests


def _rise_together(high: Array, low: Array) -> bool:
    return len(high) >= FEWEST_IN_STEP and float(spearman([high], [low])[0]) >= TOGETHER


def _bests_of_table(runs: Sequence[Run], name: str) -> list[Best]:
    """Return the numbers of runs that hold one each, where they are on two scales."""
    numbers = _numbers(runs, name)
    scales = two_scales(numbers)
    if scales is None:
        return []
    bests = []
    for run, number, is_percent in zip(runs, numbers, scales.is_percent, strict=True):
        bests.append(Best(run, value=float(number), is_percent=bool(is_percent)))
    return bests


def _are_100_times_apart(percents: Sequence[Best], fractions: Sequence[Best]) -> bool:
    high = np.median([best.value for best in percents])
    low = np.median([best.value for best in fractions])
    return bool(CHANGE[0] <= high / low <= CHANGE[1])


def _changing_scale(study: Study) -> Iterator[Finding]:
    """Yield a finding for each share that changes once between percent and fractions within a run."""
    changes: dict[tuple[str, str], list[Change]] = defaultdict(list)
    for run in study.runs:
        for name, series in run.history.series.items():
            if not share_of(name):
                continue
            place = _change_of_scale(np.asarray(series.values))
            if place:
                changes[run.group, name].append(Change(run=run, series=series, place=place))
    for (_, name), of_group in changes.items():
        yield _finding_on_change(name, of_group)


def _finding_on_change(name: str, changes: Sequence[Change]) -> Finding:
    first = changes[0]
    runs = runs_of(changes)
    steps, values = first.series.steps, first.series.values
    before, after = first.place - 1, first.place
    statement = (
        f"{first.run.group}: {name} is {values[before]:.4g} at step {steps[before]} and "
        f"{values[after]:.4g} at step {steps[after]} of {first.run.seed_label}: it changes between "
        f"percent and fractions ({seeds_in_words(runs)})."
    )
    evidence: Evidence = {
        "group": first.run.group,
        "metric": name,
        "step": int(steps[after]),
        "runs": len(runs),
    }
    return Finding(
        rule="impossible_values",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice="Bring the values to one scale before any mean or best value of them is reported.",
        runs=labels_of(runs),
    )


def _change_of_scale(values: Array) -> int:
    """Return the place from which a share has the other scale for good; 0 where it keeps its scale.

    >>> _change_of_scale(np.array([80.0, 85.0, 90.0, 0.91, 0.92, 0.93]))
    3
    >>> _change_of_scale(np.array([0.5, 0.8, 1.5, 20.0, 30.0, 40.0]))
    0
    """
    if len(values) < 2 * FEWEST_OF_A_SCALE or not np.isfinite(values).all() or values.min() < 0:
        return 0
    is_percent = values > 1 + 1e-6
    changes = np.flatnonzero(is_percent[1:] != is_percent[:-1]) + 1
    if len(changes) != 1:
        return 0
    place = int(changes[0])
    if min(place, len(values) - place) < FEWEST_OF_A_SCALE:
        return 0
    before = float(np.median(values[place - FEWEST_OF_A_SCALE : place]))
    after = float(np.median(values[place : place + FEWEST_OF_A_SCALE]))
    low, high = sorted((before, after))
    if low > 0 and CHANGE[0] <= high / low <= CHANGE[1]:
        return place
    return 0


def _is_in_percent(values: Array) -> bool | None:
    """Return whether a share is in percent; None where that is not sure."""
    if in_percent(values) and float(np.nanmax(values)) <= PERCENT * 1.001:
        return True
    if in_fractions(values):
        return False
    return None


def _finding_on_two_scales(name: str, percents: Sequence[Best], fractions: Sequence[Best]) -> Finding:
    high, low = percents[0], fractions[0]
    statement = (
        f"{name} is logged in percent by {counted(len(percents), 'run')} ({high.run.label}: "
        f"{high.value:.4g}) and in fractions by {len(fractions)} ({low.run.label}: {low.value:.4g}): two "
        "scales under one name, which no table may mix."
    )
    evidence: Evidence = {
        "metric": name,
        "in_percent": len(percents),
        "in_fractions": len(fractions),
        "group": high.run.group,
        "other_group": low.run.group,
        "percent_value": high.value,
        "fraction_value": low.value,
    }
    return Finding(
        rule="impossible_values",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice="Divide the percentages by 100 before comparing these runs, and log one scale from now on.",
        runs=labels_of(runs_of([*percents, *fractions])),
    )


def _means(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and mean that lies outside its minimum and maximum."""
    cases: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for run in study.runs:
        for name in filter(MEAN.search, run.history.series):
            case = _case_of_mean(run, name)
            if case is not None:
                cases[run.group, name].append(case)
    for (_, name), of_group in cases.items():
        yield _finding_on_mean(name, of_group)


def _case_of_mean(run: Run, name: str) -> Case | None:
    steps, excess = _beyond_extremes(run.history.series, name)
    if len(excess) < FEWEST_MEANS or not (excess > 0).any():
        return None
    worst = int(np.argmax(excess))
    return Case(
        run=run,
        step=int(steps[worst]),
        value=float(excess[worst]),
        count=int((excess > 0).sum()),
        of=len(excess),
    )


def _beyond_extremes(series: Mapping[str, Series], name: str) -> tuple[NDArray[np.int64], Array]:
    """Return by how much a mean lies beyond its minimum or maximum, at the steps where all are logged."""
    nothing = np.zeros(0, dtype=np.int64), np.zeros(0)
    low = _extreme_of(series, name, "min")
    high = _extreme_of(series, name, "max")
    if low is None or high is None:
        return nothing
    steps, means, least = together(series[name], series[low])
    common, _, most = together(Series(steps, means), series[high])
    place = np.searchsorted(steps, common)
    columns = np.stack([means[place], least[place], most])
    finite = np.isfinite(columns).all(axis=0)
    if not finite.any():
        return nothing
    mean, minimum, maximum = (printed(column[finite]) for column in columns)
    below = minimum.values - mean.values - allowed(mean, minimum)
    above = mean.values - maximum.values - allowed(mean, maximum)
    return common[finite], np.maximum(below, above)


def _extreme_of(series: Mapping[str, Series], name: str, word: str) -> str | None:
    """Return the metric of the same name that is its minimum or maximum, if it is logged."""
    wanted = MEAN.sub(word, name).lower()
    for other in series:
        if other.lower() == wanted and other != name:
            return other
    return None


def _finding_on_mean(name: str, cases: list[Case]) -> Finding:
    worst = max(cases, key=lambda case: case.share)
    group = worst.run.group
    runs = runs_of(cases)
    is_plain = "mean" in words_of(name)  # an average may be one over all steps so far
    severity: Severity = "warning" if worst.share >= OFTEN and is_plain else "note"
    statement = (
        f"{group}: {name} lies outside the minimum and maximum of the same name at {worst.count} of "
        f"{worst.of} steps of {worst.run.seed_label}, by up to {worst.value:.3g} at step {worst.step}: they "
        f"are not of the same values, or of different windows ({seeds_in_words(runs)})."
    )
    evidence: Evidence = {
        "group": group,
        "metric": name,
        "share": worst.share,
        "steps": worst.of,
        "worst_step": worst.step,
        "worst_beyond": worst.value,
        "runs": len(runs),
    }
    return Finding(
        rule="impossible_values",
        severity=severity,
        statement=statement,
        evidence=evidence,
        advice="Find out over which values each of the three is taken, before the mean is reported.",
        runs=labels_of(runs),
    )


RULE = Rule(
    name="impossible_values",
    question="Do logged values lie within what their names allow?",
    find=find,
    refuted_by="The definition in the program: another quantity, scale or window than the name says.",
    near_miss=(
        "Accuracies of a few percent, R² far below 0, losses below 0, a mean equal to its maximum, an "
        "average precision of -1 (no objects), top_k as a setting, seeds of a table at 1% because they guess "
        "among 100 classes."
    ),
    example="val_acc 0.91, 0.97, 1.03 next to train_acc 0.92, 0.96, 0.99.",
)

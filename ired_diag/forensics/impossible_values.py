"""Values that cannot be: outside the limits that their name sets, above 100%, or outside their own extremes.

- A metric leaves the limits of its kind (``runs.metric_limits``): an R² above 1, an accuracy above 100, a p
  value above 1. That is an error: the metric is not what its name says.
- A share lies between 1 and 1.5, and its sisters (other runs, other data sets) are surely fractions: an error
  likewise. Without sisters it may be a few percent, and nothing is said.
- One metric is told in percent by some runs and in fractions by others, 100 times apart: a warning, since a
  table of them mixes two scales. So it is where a single run changes over.
- A mean lies outside the minimum and maximum of the same name at the same step: a warning where it does at
  half of the steps, else a note, since the three may be of different windows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import Evidence, Rule, counted, listed
from ired_diag.runs.energy_metrics import together
from ired_diag.runs.history import Series
from ired_diag.runs.metric_limits import PERCENT, in_fractions, in_percent, limits_of, outside, share_of
from ired_diag.runs.metric_words import words_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.stats.printed_numbers import allowed, printed

MEAN = re.compile(r"(?i)(?<![a-z])(?:mean|avg|average)(?![a-z])")
FEWEST_MEANS = 5
FEWEST_OF_A_SCALE = 3  # values on each side of a change of scale
OFTEN = 0.5  # of the steps
CHANGE = (50.0, 200.0)  # times: from fractions to percent

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A run with impossible values of a metric: the first of them, and how many of how many."""

    run: Run
    step: int
    value: float
    count: int
    of: int


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each metric with impossible values, of two scales, or outside its own extremes."""
    sisters = _surely_fractions(study)
    cases: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for run in study.runs:
        for metric, told in run.history.series.items():
            limits = _limits(metric, told, sisters)
            bad = outside(told.values, *limits) if limits else np.zeros(0, dtype=bool)
            if limits and bad.any():
                cases[metric, _in_words(*limits)].append(_case(run, told, bad))
    for (metric, words), found in cases.items():
        yield _beyond(metric, words, found)
    yield from _printed(study)
    yield from _two_scales(study)
    yield from _changing_scale(study)
    yield from _means(study)


def _printed(study: Study) -> Iterator[Finding]:
    """Yield a finding for each result of an evaluation that cannot be."""
    for result in study.results:
        if result.value is None or (limits := limits_of(result.metric)) is None:
            continue
        value = np.array([result.value])
        is_share = share_of(result.metric) is not None
        if result.unit == "%" or (is_share and in_percent(value)):
            limits = PERCENT * limits[0], PERCENT * limits[1]
        elif is_share:
            continue  # up to 1.5: a few percent, or a share above 1
        if outside(value, *limits).any():
            statement = (
                f"{result.experiment or result.model or result.source.stem}: {result.words} ({result.where}) "
                f"cannot be: a value of this name is {_in_words(*limits)}."
            )
            evidence: Evidence = {"metric": result.metric, "value": result.value, "file": result.source.name}
            evidence |= {"line": result.line, "limits": _in_words(*limits)}
            advice = f"Look at where {result.metric} is computed, and evaluate again."
            yield Finding("impossible_values", "error", statement, evidence, advice)


def _surely_fractions(study: Study) -> dict[str, list[tuple[int, str]]]:
    """Return, by measure, the series that are surely fractions: id of the run, and name of the metric."""
    sure: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for run in study.runs:
        for name, told in run.history.series.items():
            measure = share_of(name)
            if measure and in_fractions(told.values):
                sure[measure].append((id(run), name))
    return sure


def _limits(
    metric: str, told: Series, sisters: Mapping[str, list[tuple[int, str]]]
) -> tuple[float, float] | None:
    limits, measure = limits_of(metric), share_of(metric)
    if limits is None or measure is None:
        if limits and limits[0] == -1 and in_percent(np.abs(told.values)):
            return -PERCENT, PERCENT
        return limits
    if in_percent(told.values):
        return 0.0, PERCENT
    return limits if sisters.get(measure) else (0.0, np.inf)


def _case(run: Run, told: Series, bad: NDArray[np.bool_]) -> Case:
    first = int(np.flatnonzero(bad)[0])
    return Case(run, int(told.steps[first]), float(told.values[first]), int(bad.sum()), len(bad))


def _in_words(low: float, high: float) -> str:
    if not np.isfinite(low):
        return f"at most {high:g}"
    return f"{low:g} or more" if not np.isfinite(high) else f"between {low:g} and {high:g}"


def _beyond(metric: str, words: str, cases: list[Case]) -> Finding:
    worst = max(cases, key=lambda case: case.count / case.of)
    groups = list(dict.fromkeys(case.run.group for case in cases))
    statement = (
        f"{listed(groups)}: {metric} is {worst.value:.4g} at step {worst.step} of {worst.run.label}, and a "
        f"value of this name is {words}: {worst.count} of {worst.of} values there are impossible "
        f"({len(cases)} {'run' if len(cases) == 1 else 'runs'})."
    )
    evidence: Evidence = {"group": groups[0], "metric": metric, "value": worst.value, "step": worst.step}
    evidence |= {"impossible": worst.count, "values": worst.of, "runs": len(cases), "limits": words}
    advice = f"Look at where {metric} is computed and averaged before any of its values is reported."
    runs = tuple(dict.fromkeys(case.run.label for case in cases))
    return Finding("impossible_values", "error", statement, evidence, advice, runs=runs)


def _two_scales(study: Study) -> Iterator[Finding]:
    """Yield a finding for each share that is in percent in some runs, and in fractions in others."""
    ends: dict[str, list[tuple[Run, float, bool]]] = defaultdict(list)
    for run in study.runs:
        for name, told in run.history.series.items():
            if share_of(name) and len(told) and (percent := _scale(told.values)) is not None:
                ends[name].append((run, float(np.nanmax(told.values)), percent))
    for name, told_ends in ends.items():
        percents = [(run, best) for run, best, percent in told_ends if percent]
        fractions = [(run, best) for run, best, percent in told_ends if not percent]
        if percents and fractions:
            ratio = float(np.median([b for _, b in percents]) / np.median([b for _, b in fractions]))
            if CHANGE[0] <= ratio <= CHANGE[1]:
                yield _mixed(name, percents, fractions)


def _changing_scale(study: Study) -> Iterator[Finding]:
    """Yield a finding for each share that changes once between percent and fractions within a run."""
    cases: dict[tuple[str, str], list[tuple[Run, int, Series]]] = defaultdict(list)
    for run in study.runs:
        for name, told in run.history.series.items():
            if share_of(name) and (place := _change_of_scale(np.asarray(told.values))):
                cases[run.group, name].append((run, place, told))
    for (group, name), found in cases.items():
        run, place, told = found[0]
        statement = (
            f"{group}: {name} is {told.values[place - 1]:.4g} at step {told.steps[place - 1]} and "
            f"{told.values[place]:.4g} at step {told.steps[place]} of {run.seed_label}: it changes between "
            f"percent and fractions ({listed(case[0].seed_label for case in found)})."
        )
        evidence: Evidence = {"group": group, "metric": name, "step": int(told.steps[place])}
        evidence |= {"runs": len(found)}
        advice = "Bring the values to one scale before any mean or best value of them is reported."
        labels = tuple(case[0].label for case in found)
        yield Finding("impossible_values", "warning", statement, evidence, advice, runs=labels)


def _change_of_scale(values: Array) -> int:
    """Return the place from which a share has the other scale for good; 0 where it keeps its scale.

    >>> _change_of_scale(np.array([80.0, 85.0, 90.0, 0.91, 0.92, 0.93]))
    3
    >>> _change_of_scale(np.array([0.5, 0.8, 1.5, 20.0, 30.0, 40.0]))
    0
    """
    if len(values) < 2 * FEWEST_OF_A_SCALE or not np.isfinite(values).all() or values.min() < 0:
        return 0
    changes = np.flatnonzero(np.diff((values > 1 + 1e-6).astype(np.int64))) + 1
    if len(changes) != 1:
        return 0
    place = int(changes[0])
    sides = (values[:place][-FEWEST_OF_A_SCALE:], values[place:][:FEWEST_OF_A_SCALE])
    if min(map(len, sides)) < FEWEST_OF_A_SCALE:
        return 0
    low, high = sorted(float(np.median(side)) for side in sides)
    return place if low > 0 and CHANGE[0] <= high / low <= CHANGE[1] else 0


def _scale(values: Array) -> bool | None:
    """Return whether a share is in percent; None where that is not sure."""
    if in_percent(values) and float(np.nanmax(values)) <= PERCENT * 1.001:
        return True
    return False if in_fractions(values) else None


def _mixed(name: str, percents: list[tuple[Run, float]], fractions: list[tuple[Run, float]]) -> Finding:
    (a, high), (b, low) = percents[0], fractions[0]
    statement = (
        f"{name} is told in percent by {counted(len(percents), 'run')} ({a.label}: {high:.4g}) and in "
        f"fractions by {len(fractions)} ({b.label}: {low:.4g}): two scales under one name, "
        "which no table may mix."
    )
    evidence: Evidence = {"metric": name, "in_percent": len(percents), "in_fractions": len(fractions)}
    evidence |= {"group": a.group, "other_group": b.group, "percent_value": high, "fraction_value": low}
    advice = "Divide the percentages by 100 before comparing these runs, and log one scale from now on."
    runs = tuple(run.label for run, _ in [*percents, *fractions])
    return Finding("impossible_values", "warning", statement, evidence, advice, runs=runs)


def _means(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and mean that lies outside its minimum and maximum."""
    cases: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for run in study.runs:
        for name in run.history.series:
            if MEAN.search(name) and (case := _case_of_mean(run, name)) is not None:
                cases[run.group, name].append(case)
    for (group, name), found in cases.items():
        yield _mean(group, name, found)


def _case_of_mean(run: Run, name: str) -> Case | None:
    steps, off = _beyond_extremes(run.history.series, name)
    if len(off) < FEWEST_MEANS or not (off > 0).any():
        return None
    worst = int(np.argmax(off))
    return Case(run, int(steps[worst]), float(off[worst]), int((off > 0).sum()), len(off))


def _beyond_extremes(series: Mapping[str, Series], name: str) -> tuple[NDArray[np.int64], Array]:
    """Return by how much a mean lies beyond its minimum or maximum, at the steps where all are logged."""
    low, high = (_sister(series, name, word) for word in ("min", "max"))
    if low is None or high is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    steps, mean, least = together(series[name], series[low])
    common, _, most = together(Series(steps, mean), series[high])
    place = np.searchsorted(steps, common)
    columns = np.stack([mean[place], least[place], most])
    finite = np.isfinite(columns).all(axis=0)
    if not finite.any():
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    m, a, b = (printed(column[finite]) for column in columns)
    beyond = np.maximum(a.values - m.values - allowed(m, a), m.values - b.values - allowed(m, b))
    return common[finite], np.asarray(beyond)


def _sister(series: Mapping[str, Series], name: str, word: str) -> str | None:
    """Return the metric of the same name that is its minimum or maximum, if it is logged."""
    wanted = MEAN.sub(word, name).lower()
    return next((other for other in series if other.lower() == wanted and other != name), None)


def _mean(group: str, name: str, cases: list[Case]) -> Finding:
    worst = max(cases, key=lambda case: case.count / case.of)
    share = worst.count / worst.of
    is_plain = "mean" in words_of(name)  # an average may be one over all steps so far
    severity: Severity = "warning" if share >= OFTEN and is_plain else "note"
    statement = (
        f"{group}: {name} lies outside the minimum and maximum of the same name at {worst.count} of "
        f"{worst.of} steps of {worst.run.seed_label}, by up to {worst.value:.3g} at step {worst.step}: they "
        f"are not of the same values, or of different windows ({listed(c.run.seed_label for c in cases)})."
    )
    evidence: Evidence = {"group": group, "metric": name, "share": share, "steps": worst.of}
    evidence |= {"worst_step": worst.step, "worst_beyond": worst.value, "runs": len(cases)}
    advice = "Find out over which values each of the three is taken, before the mean is reported."
    runs = tuple(case.run.label for case in cases)
    return Finding("impossible_values", severity, statement, evidence, advice, runs=runs)


RULE = Rule(
    name="impossible_values",
    question="Do logged values lie within what their names allow?",
    find=find,
    refuted_by="The definition in the program: another quantity, scale or window than the name says.",
    near_miss="Accuracies of a few percent, R² far below 0, losses below 0, a mean equal to its maximum.",
    example="val_acc 0.91, 0.97, 1.03 next to train_acc 0.92, 0.96, 0.99.",
)

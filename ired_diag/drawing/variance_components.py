"""Variance components: what each source of randomness adds to the spread of results, with its interval.

Each column is a source. The first panel shows the standard deviation that it makes in the result of one run,
the second its share of the variance of one run; a group has a dot with a 95% interval in each (``stats.
variance_components``). An interval that is as wide as the panel says that the levels are too few to tell.

Reference: Bouthillier and others (2021), Accounting for Variance in Machine Learning Benchmarks, MLSys,
figure 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ired_diag.comparison.source_variance import SourceVariance
from ired_diag.comparison.source_words import ONE, runs_in_words, term_in_words
from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.drawing.named_places import ends_of_places, interval_at, named_places
from ired_diag.errors import DiagError
from ired_diag.stats.crossed_design import Term
from ired_diag.stats.variance_components import EVALUATIONS, REST, Component

SHORT = {"init": "init seed"}  # "initialisation" would have to be turned
APART = 0.14  # of the place between two columns, from one group to the next


def variance_components(results: Mapping[str, SourceVariance], *, metric: str, readout: str) -> FigureData:
    """Return what each source makes of the variance of groups of runs.

    Args:
        results: The variance by source, by the name of the group.
        metric: Name of the metric.
        readout: The result of a run, in words.

    Raises:
        DiagError: The variance of no group can be split.
    """
    split = {name: result for name, result in results.items() if not result.components.reason}
    if not split:
        reasons = []
        for name, result in results.items():
            reasons.append(f"{name}: {result.components.reason}")
        listed = "; ".join(reasons)
        raise DiagError(f"The variance of no group can be split ({listed}).")
    sources = _sources_of(list(split.values()))
    counts = "; ".join(f"{name}, {runs_in_words(result)}" for name, result in split.items())
    return FigureData(
        name="variance_components",
        title="Where the variance comes from",
        x_label="source of variance",
        panels=(_deviations(split, sources, metric), _shares(split, sources)),
        method=(
            f"What each source of randomness adds to the spread of {metric}, {readout}, between runs "
            f"({counts}). First panel: the standard deviation that a source makes in the result of one run. "
            f"Second panel: its share of the variance of one run.{_sources_in_words(split, sources)} "
            "Estimates below 0 count as 0. Bars: 95% intervals (generalized confidence intervals of variance "
            "components), which are wide where few seeds of a source were tried."
        ),
        note=f"{counts}; 95% intervals",
        summary=" ".join(_sentence(name, result) for name, result in split.items()),
        order=tuple(split),
    )


def _sources_in_words(results: Mapping[str, SourceVariance], sources: Sequence[str]) -> str:
    """Return what the columns are whose names do not say it."""
    words = []
    if "rest" in sources:
        meanings = {_rest_in_words(result) for result in results.values()}
        words.append(f"rest: {' or '.join(sorted(meanings))}")
    if "noise" in sources:
        words.append("noise: of evaluations within a run")
    joined = "; ".join(words)
    return f" {joined[0].upper()}{joined[1:]}." if joined else ""


def _rest_in_words(result: SourceVariance) -> str:
    """Return what the rest holds: ``interaction and what no seed explains``."""
    words = term_in_words(REST, result)
    return "what no seed explains" if words == "rest" else words.replace("the rest", "what no seed explains")


def _sources_of(results: Sequence[SourceVariance]) -> list[str]:
    names: dict[str, None] = {}
    for result in results:
        for component in result.components.components:
            names[_short_name(component.term)] = None
    return list(names)


def _short_name(term: Term) -> str:
    """Return a name of a component that fits below a column."""
    if term == REST:
        return "rest"
    if term == EVALUATIONS:
        return "noise"
    if len(term) == 1:
        return SHORT.get(term[0], ONE[term[0]])
    return " x ".join(term)


def _deviations(results: Mapping[str, SourceVariance], sources: Sequence[str], metric: str) -> Panel:
    lines = []
    for name, place, component in _placed(results, sources):
        line = interval_at(
            name,
            place,
            mean=component.sd,
            low=math.sqrt(component.low),
            high=math.sqrt(component.high),
        )
        lines.append(line)
    return _panel(f"standard deviation ({metric})", lines, sources)


def _shares(results: Mapping[str, SourceVariance], sources: Sequence[str]) -> Panel:
    lines = []
    for name, place, component in _placed(results, sources):
        line = interval_at(
            name,
            place,
            mean=100 * component.share,
            low=100 * component.share_low,
            high=100 * component.share_high,
        )
        lines.append(line)
    return _panel("share of variance (%)", lines, sources)


def _panel(y_label: str, lines: Sequence[Line], sources: Sequence[str]) -> Panel:
    return Panel(
        y_label=y_label,
        lines=tuple(lines),
        x_ticks=named_places(sources),
        x_range=ends_of_places(len(sources)),
        y_from_zero=True,
        height=1.2,
    )


def _placed(
    results: Mapping[str, SourceVariance], sources: Sequence[str]
) -> list[tuple[str, float, Component]]:
    """Return each component with its group and its place on the x axis."""
    middle = (len(results) - 1) / 2
    placed = []
    for number, (name, result) in enumerate(results.items()):
        for component in result.components.components:
            column = sources.index(_short_name(component.term))
            placed.append((name, column + APART * (number - middle), component))
    return placed


def _sentence(name: str, result: SourceVariance) -> str:
    parts = []
    for component in result.components.components:
        source = term_in_words(component.term, result)
        interval = f"{component.share_low:.0%} to {component.share_high:.0%}"
        parts.append(f"{source} {component.share:.0%} ({interval})")
    return f"{name}: of the variance of one run, {', '.join(parts)}."

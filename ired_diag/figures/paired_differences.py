"""Estimation plot: how far is each group from the first, and how sure is that?

At the left every seed's readout as a dot, lines joining the same seed of neighbouring groups where their
seeds are pairs, and the mean of each group with its 95% t interval. At the right the difference of each group
to the first one, the baseline, as

    100 (x̄_group - x̄_baseline) / |x̄_baseline|  percent,

with the 95% interval of the t test that the design asks for (``comparison.deciding``), the pairs' single
differences as dots, 0, and the margin below which a difference counts as too small to matter. The word next
to a group is the verdict on it, corrected for several pairs. Where a share of a mean says nothing
(``comparison.margin``) or the margin is absolute, differences are in the metric's own unit.

References: Gardner & Altman (1986), Confidence intervals rather than P values; Cumming (2012), Understanding
The New Statistics.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison import Comparison, Group
from ired_diag.comparison.verdict_words import TEST_NAMES, test_of
from ired_diag.errors import DiagError
from ired_diag.figures.baseline_differences import Difference, differences_of, shared_seeds
from ired_diag.figures.comparison_words import (
    axis_label,
    margin_in_words,
    names_of,
    readout_of,
    with_room_for_names,
)
from ired_diag.figures.data import FigureData, Guide, Line, Panel

BESIDE = 0.22  # of the place between groups: from the dots to their mean
GOLDEN = 0.6180339887498949  # its multiples, without the whole part, never lie close: a jitter without chance
JITTER = 0.3

Array = NDArray[np.float64]


def paired_differences(comparison: Comparison) -> FigureData:
    """Return the estimation plot of every group against the first.

    Args:
        comparison: Of at least two groups; the first is the baseline.

    Raises:
        DiagError: There is one group only, or no seed of any finished.
    """
    baseline, *others = comparison.groups
    if not others:
        raise DiagError(f"{baseline.name}: a difference needs 2 groups, found 1. Name another one.")
    if not any(group.values for group in comparison.groups):
        raise DiagError(f"{', '.join(names_of(comparison))}: no seed of any group finished.")
    found, unit = differences_of(comparison)
    told = readout_of(comparison)
    tests = "; ".join(f"{one.group}: {_test_told(one)}" for one in found)
    return FigureData(
        "paired_differences",
        f"Differences to {baseline.name}",
        "group",
        (_seeds_panel(comparison), _differences_panel(found, unit, comparison)),
        f"First panel: {told}, one dot a seed ({_counts(comparison)}), lines joining the same seed; beside "
        f"them the mean with its 95% t interval. Second: difference of each group to {baseline.name}"
        f"{', in percent of its mean,' if unit == '%' else ''} with its 95% interval, not corrected for "
        f"several groups, and single differences of the pairs as dots ({tests}). Dotted: "
        f"{margin_in_words(comparison)}. Word: the verdict, of the group in comparison with {baseline.name}"
        f"{_correction(comparison)}.",
        f"mean and 95% interval; {_counts(comparison)}; dots: seeds{_not_paired(found)}",
        " ".join(_sentence(one, unit, baseline.name) for one in found),
        names_of(comparison),
    )


def _seeds_panel(comparison: Comparison) -> Panel:
    groups = comparison.groups
    pairs = {(pair.a, pair.b) for pair in comparison.pairs if not pair.obstacle}
    names = [group.name for group in groups]
    joined = {place for place in range(1, len(names)) if (names[place - 1], names[place]) in pairs}
    lines = [_mean(group, place) for place, group in enumerate(groups)]
    for place, group in enumerate(groups):
        lines.append(_dots(group, place, jittered=not {place, place + 1} & joined))
        if place in joined:
            lines += _joins(groups[place - 1], group, place)
    ticks = tuple((float(place), group.name) for place, group in enumerate(groups))
    span = (-0.5, len(groups) - 0.5)
    panel = Panel(axis_label(comparison), tuple(lines), x_label="group", x_ticks=ticks, x_range=span)
    return with_room_for_names(panel)


def _mean(group: Group, place: int) -> Line:
    told = group.summary
    ends = np.array([told.low]), np.array([told.high])
    return Line(group.name, np.array([place + BESIDE]), np.array([told.mean]), *ends, "points")


def _dots(group: Group, place: int, *, jittered: bool) -> Line:
    y = np.array([group.values[seed] for seed in sorted(group.values)])
    x = place - BESIDE / 2 + (_jitter(len(y)) if jittered else np.zeros(len(y)))
    return Line(f"{group.name} seeds", x, y, drawn="points", of=group.name, faint=True)


def _joins(before: Group, group: Group, place: int) -> list[Line]:
    x = np.array([place - 1, place]) - BESIDE / 2
    return [
        Line(
            f"{before.name} to {group.name}, {seed}",
            x,
            np.array([before.values[seed], group.values[seed]]),
            drawn="line",
            of=group.name,
            faint=True,
        )
        for seed in shared_seeds(before, group)
    ]


def _jitter(n: int) -> Array:
    """Return n places around 0, the same each time, no two of them close."""
    places: Array = JITTER * (np.arange(1.0, n + 1.0, dtype=np.float64) * GOLDEN % 1 - 0.5)
    return places


def _differences_panel(found: tuple[Difference, ...], unit: str, comparison: Comparison) -> Panel:
    lines = []
    for place, one in enumerate(found):
        single = np.full(len(one.single), place - BESIDE / 2)
        ends = np.array([one.low]), np.array([one.high])
        lines += [
            Line(one.group, np.array([place + BESIDE]), np.array([one.mean]), *ends, "points"),
            Line(f"{one.group} seeds", single, one.single, drawn="points", of=one.group, faint=True),
        ]
    baseline = comparison.groups[0].name
    panel = Panel(
        f"difference ({unit})",
        (*lines, *_margins(found, comparison)),
        x_label=f"group minus {baseline}: verdict",
        x_ticks=tuple((float(place), f"{one.group}: {one.verdict}") for place, one in enumerate(found)),
        x_range=(-0.5, len(found) - 0.5),
        guides=(Guide(0.0, ""),),
    )
    return with_room_for_names(panel)


def _margins(found: tuple[Difference, ...], comparison: Comparison) -> list[Line]:
    """Return the margins of each group in one line with gaps: in percent of the baseline they may differ."""
    if all(np.isnan(one.margin) for one in found):
        return []
    x = [place + side for _ in (0, 1) for place in range(len(found)) for side in (-0.45, 0.45, 0.45)]
    y = [end for sign in (-1, 1) for one in found for end in (sign * one.margin, sign * one.margin, np.nan)]
    name = f"margin ±{comparison.margin.text.removesuffix('abs')}"
    return [Line(name, np.array(x), np.array(y), drawn="line")]


def _counts(comparison: Comparison) -> str:
    counts = {group.summary.n for group in comparison.groups}
    failed = [group for group in comparison.groups if group.outcomes.attempted > group.outcomes.finished]
    if len(counts) == 1 and not failed:
        return f"n = {counts.pop()} seeds each"
    return ", ".join(
        f"{group.name} n = {group.summary.n}{_failed(group) if group in failed else ''}"
        for group in comparison.groups
    )


def _failed(group: Group) -> str:
    lost = group.outcomes.attempted - group.outcomes.finished
    return f" ({lost} of {group.outcomes.attempted} failed)"


def _test_told(one: Difference) -> str:
    pair = one.pair
    if pair.test.reason:
        return f"no interval, {pair.test.reason}"
    decides = f", the {TEST_NAMES['worst_rank']} decides" if pair.worst_rank is not None else ""
    return f"{test_of(pair)}{decides}{f', not paired: {pair.obstacle}' if pair.obstacle else ''}"


def _not_paired(found: tuple[Difference, ...]) -> str:
    alone = [one.group for one in found if one.pair.obstacle]
    return f"; not paired: {', '.join(alone)}" if alone else ""


def _correction(comparison: Comparison) -> str:
    several = len(comparison.pairs)
    return f", corrected for {several} pairs (Holm)" if several > 1 else ""


def _sentence(one: Difference, unit: str, baseline: str) -> str:
    pair = one.pair
    of = f"% of {baseline}'s mean" if unit == "%" else f" {unit}"
    lead = f"{one.group} minus {baseline}: {one.mean:+.3g}{of}"
    if pair.identical:
        return f"{one.group} and {baseline} are {pair.identical}."
    if np.isnan(one.mean):
        return f"{one.group} minus {baseline}: not known ({pair.test.reason}): {one.verdict}."
    if pair.test.reason:
        return f"{lead}, without an interval ({pair.test.reason}): {one.verdict}."
    size = ", smaller than the margin" if pair.verdict.smaller_than_margin else ""
    size = size if one.verdict in ("better", "worse") else ""
    lost = one.verdict == "undecided" and pair.uncorrected.decision in ("better", "worse")
    after = f" after correction (Holm p = {pair.p_holm:.2g}, unadjusted p = {pair.p:.2g})" if lost else ""
    among = ""
    if pair.worst_rank is not None:
        among = " among the seeds that finished"
        after = f" by the {TEST_NAMES['worst_rank']}, failed seeds last (p = {pair.p_holm:.2g})"
    interval = "unadjusted 95% interval" if lost else "95% interval"
    return f"{lead} ({interval} {one.low:+.3g} to {one.high:+.3g}{among}): {one.verdict}{size}{after}."

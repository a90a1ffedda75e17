"""The picture of neighbouring settings: the change of the metric at 0.9 and 1.1 times a knob's value."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ired_diag.comparison import PairOfGroups
from ired_diag.drawing.data import FigureData, Guide, Line, Mark, Panel
from ired_diag.maps.neighbours import Neighbour, Neighbours
from ired_diag.runs.name_list import counted

NEXT_TO = 0.02  # of the way between both neighbours: so far from their mean single seeds stand


def neighbour_changes(mapped: Neighbours, *, title: str, method: str) -> FigureData:
    """Return the picture of what neighbouring settings change.

    Args:
        mapped: What was measured.
        title: What was trained, in a few words.
        method: Optimiser and settings, as a sentence.
    """
    values = np.array([neighbour.value for neighbour in mapped.neighbours])
    pairs = [pair_of(neighbour) for neighbour in mapped.neighbours]
    lines = [
        Line(
            "mean, 95% interval",
            values,
            np.array([pair.difference for pair in pairs]),
            low=np.array([pair.test.low for pair in pairs]),
            high=np.array([pair.test.high for pair in pairs]),
            drawn="points",
        ),
        *(_of_seeds(mapped.neighbours) if len(mapped.seeds) > 1 else []),
    ]
    panel = Panel(
        f"change of {mapped.metric_title}",
        tuple(lines),
        guides=(Guide(0.0, ""),),
        marks=(Mark(mapped.base, 0.0, "no change", anchor="center"),),
    )
    seeds = counted(len(mapped.seeds), "seed")
    knob = mapped.knob.replace("_", " ")
    note = seeds
    if not any(math.isfinite(pair.test.low) for pair in pairs):
        note = f"{seeds}, no interval"
    return FigureData(
        name="neighbours",
        title=f"Effect of a tenth more or less: {title}",
        x_label=knob,
        panels=(panel,),
        method=f"Change of the last {mapped.metric_title} when the {knob} is not {mapped.base:.12g} (circle; "
        f"dotted: no change) but about a tenth less or more. {_points_in_words(mapped, seeds)} {method}",
        note=f"{note}, against {mapped.knob} = {mapped.base:.12g}",
        summary=" ".join(in_words(mapped)),
    )


def _points_in_words(mapped: Neighbours, seeds: str) -> str:
    """Return what points and bars are, and why a point has no bar."""
    missing = {}
    for neighbour in mapped.neighbours:
        test = pair_of(neighbour).test
        if not math.isfinite(test.low):
            missing[f"{neighbour.value:.12g}"] = test.reason
    if len(mapped.seeds) == 1:
        return "Points: the only seed, of which there is no interval."
    bars = " with its 95% t interval (bars)" if len(missing) < len(mapped.neighbours) else ""
    dots = "; small dots next to it: single seeds" if _of_seeds(mapped.neighbours) else ""
    words = f"Points: mean over {seeds}{bars}{dots}."
    reasons = "; ".join(f"at {value}, {reason}" for value, reason in missing.items())
    if len(set(missing.values())) == 1:
        reasons = next(iter(missing.values()))
        if len(missing) < len(mapped.neighbours):
            reasons = f"at {next(iter(missing))}, {reasons}"
    return f"{words} No interval: {reasons}." if missing else words


def pair_of(neighbour: Neighbour) -> PairOfGroups:
    """Return the comparison of a neighbour with the base: the neighbour less the base."""
    (pair,) = neighbour.comparison.pairs
    return pair


def _of_seeds(neighbours: Sequence[Neighbour]) -> list[Line]:
    """Return the change of each seed that both settings have, as faint points."""
    lines = []
    values = [neighbour.value for neighbour in neighbours]
    span = max(values) - min(values)
    for neighbour in neighbours:
        if pair_of(neighbour).obstacle:  # equal seeds are not pairs
            continue
        changed, base = neighbour.comparison.groups
        shared = [seed for seed in changed.values if seed in base.values]
        changes = [changed.values[seed] - base.values[seed] for seed in shared]
        places = np.full(len(shared), neighbour.value + NEXT_TO * span)
        lines.append(Line("seed", places, np.array(changes), drawn="points", of="margin", faint=True))
    return lines


def in_words(mapped: Neighbours) -> list[str]:
    """Return a sentence for each neighbour: the measured change and its interval."""
    sentences = []
    for neighbour in mapped.neighbours:
        pair = pair_of(neighbour)
        change = 100 * (neighbour.factor - 1)
        sentence = (
            f"{mapped.knob} {change:+.3g}% ({neighbour.value:.12g}): {mapped.metric} changes by "
            f"{pair.difference:+.4g}"
        )
        if math.isfinite(pair.ratio):
            sentence += f" ({100 * pair.ratio:+.3g}%)"
        sentences.append(f"{sentence}, {_interval(pair)}.")
        sentences += neighbour.comparison.left_out
    return sentences


def _interval(pair: PairOfGroups) -> str:
    test = pair.test
    if not math.isfinite(test.low):
        return f"without an interval: {test.reason}"
    ends = f"95% interval {test.low:+.4g} to {test.high:+.4g}"
    if test.low <= 0 <= test.high:
        return f"{ends}, which includes 0"
    return ends

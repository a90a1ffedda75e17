"""What a picture of distributions says of itself: N, levels, what lies beyond the axis, medians, widths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ired_diag.drawing.data import Scale
from ired_diag.drawing.distribution_forms import Sample
from ired_diag.drawing.quantities import Quantity
from ired_diag.drawing.ranges import steps_in_words
from ired_diag.drawing.run_table import Measured

Samples = Mapping[int, Mapping[str, Sample]]  # by noise level, then by name


def levels_in_words(chosen: Sequence[int], of: int) -> str:
    """Return which noise levels are drawn, of how many."""
    *others, last = chosen
    if not others:
        return f"noise level {last} of {of}"
    first = ", ".join(map(str, others))
    return f"noise levels {first} and {last} of {of}"


def counted(samples: Samples, quantity: Quantity, measured: Sequence[Measured]) -> str:
    """Return how many values there are, and of what."""
    labels = {run.label for run in measured}
    steps = steps_in_words([run.step for run in measured])
    kinds_of_weights = {run.weights for run in measured}
    weights = " or ".join(sorted(kinds_of_weights))
    source = quantity.unit
    if len(labels) > 1:
        source += f", of {len(labels)} runs together"
    return f"{sizes(samples)} ({source}; {steps}, {weights} weights)."


def sizes(samples: Samples) -> str:
    """Return N of each kind: once where it is the same for all."""
    by_name: dict[str, set[int]] = {}
    for part in samples.values():
        for name, sample in part.items():
            by_name.setdefault(name, set()).add(sample.n)
    words = []
    counts = []
    for name, numbers in by_name.items():
        count = " or ".join(map(str, sorted(numbers)))
        counts.append(count)
        words.append(f"{count} {name}")
    if len(set(counts)) == 1:
        return f"n = {counts[0]} each"
    listed = ", ".join(words)
    return f"n = {listed}"


def beyond_the_axis(samples: Samples, scale: Scale) -> str:
    """Return what has no place on the axis, and what is not a number; empty where all is drawn."""
    words = []
    for level, part in samples.items():
        for name, sample in part.items():
            lost = _lost_in_words(sample, scale)
            if lost:
                total = sample.n + sample.lost
                words.append(f"{name} at level {level}: {lost} of {total}")
    if not words:
        return ""
    listed = "; ".join(words)
    return f"Not drawn but counted (NaN apart): {listed}."


def _lost_in_words(sample: Sample, scale: Scale) -> str:
    """Return how many values of a sample have no place on the axis, by kind."""
    words = []
    if sample.below:
        where = "at or below 0" if scale == "log" else "-∞"
        words.append(f"{sample.below} {where}")
    if sample.above:
        words.append(f"{sample.above} ∞")
    if sample.lost:
        words.append(f"{sample.lost} NaN")
    return ", ".join(words)


def medians(samples: Samples, quantity: Quantity, beyond: str) -> str:
    """Return the medians at the sharpest level that is drawn, and what lies beyond the axis."""
    level, part = next(iter(samples.items()))
    words = []
    for name, sample in part.items():
        if sample.n:
            median = sample.quantile(0.5)
            words.append(f"{median:.3g} ({name})")
    listed = ", ".join(words)
    sentence = f"At noise level {level} the median {plain_name(quantity)} is {listed}."
    return f"{sentence} {beyond}".strip()


def plain_name(quantity: Quantity) -> str:
    """Return a quantity's label without its unit."""
    return quantity.label.partition(" (")[0]


def capital(text: str) -> str:
    """Return words as a title begins."""
    initial = text[0].upper()
    return initial + text[1:]


def source_of(measured: Sequence[Measured]) -> str:
    """Return whose values they are: the run, or the group and how many seeds, and the step."""
    first = measured[0]
    labels = {run.label for run in measured}
    steps = {run.step for run in measured}
    source = first.label
    if len(labels) > 1:
        source = f"{first.group}, {len(labels)} seeds"
    if len(steps) == 1 and first.step >= 0:
        source += f", step {first.step}"
    return source


def widths_in_words(widths: Sequence[float], scale: Scale) -> str:
    """Return widths in words, in decades or in the unit of the axis."""
    if not widths:
        return "of no"
    low = f"{min(widths):.2g}"
    high = f"{max(widths):.2g}"
    unit = " decades" if scale == "log" else ""
    if low == high:
        return f"{low}{unit}"
    return f"{low} to {high}{unit}"

"""What a picture of distributions says of itself: N, levels, what lies beyond the axis, medians, widths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ired_diag.figures.data import Scale
from ired_diag.figures.distribution_forms import Sample
from ired_diag.figures.probe_tables import Measured
from ired_diag.figures.quantities import Quantity

Samples = Mapping[int, Mapping[str, Sample]]  # by noise level, then by name


def levels_in_words(chosen: Sequence[int], of: int) -> str:
    """Return which noise levels are drawn, of how many."""
    if len(chosen) == 1:
        return f"noise level {chosen[0]} of {of}"
    return f"noise levels {', '.join(map(str, chosen[:-1]))} and {chosen[-1]} of {of}"


def counted(samples: Samples, quantity: Quantity, measured: Sequence[Measured]) -> str:
    """Return how many values there are, and of what."""
    runs = len({m.label for m in measured})
    steps = sorted({m.step for m in measured})
    step = f"step {steps[0]}" if len(steps) == 1 else f"steps {steps[0]} to {steps[-1]}"
    weights = " or ".join(sorted({m.weights for m in measured}))
    seeds = f", of {runs} runs together" if runs > 1 else ""
    return f"{sizes(samples)} ({quantity.unit}{seeds}; {step}, {weights} weights)."


def sizes(samples: Samples) -> str:
    """Return N of each kind: once where it is the same for all."""
    by_name: dict[str, set[int]] = {}
    for part in samples.values():
        for name, sample in part.items():
            by_name.setdefault(name, set()).add(sample.n)
    told = {name: " or ".join(map(str, sorted(sizes))) for name, sizes in by_name.items()}
    if len(set(told.values())) == 1:
        return f"n = {next(iter(told.values()))} each"
    return f"n = {', '.join(f'{size} {name}' for name, size in told.items())}"


def beyond_the_axis(samples: Samples, scale: Scale) -> str:
    """Return what has no place on the axis, and what is no number; empty where all is drawn."""
    under = "at or below 0" if scale == "log" else "-∞"
    words = []
    for level, part in samples.items():
        for name, s in part.items():
            told = [
                f"{count} {what}"
                for count, what in ((s.below, under), (s.above, "∞"), (s.lost, "NaN"))
                if count
            ]
            words += [f"{name} at level {level}: {', '.join(told)} of {s.n + s.lost}"] if told else []
    return f"Not drawn but counted (NaN apart): {'; '.join(words)}." if words else ""


def medians(samples: Samples, quantity: Quantity, beyond: str) -> str:
    """Return the medians at the sharpest level that is drawn, and what lies beyond the axis."""
    level, part = next(iter(samples.items()))
    medians = ", ".join(f"{sample.quantile(0.5):.3g} ({name})" for name, sample in part.items() if sample.n)
    return f"At noise level {level} the median {plain_name(quantity)} is {medians}. {beyond}".strip()


def plain_name(quantity: Quantity) -> str:
    """Return a quantity's label without its unit."""
    return quantity.label.split("  (")[0]


def capital(text: str) -> str:
    """Return words as a title begins."""
    return text[0].upper() + text[1:]


def who(measured: Sequence[Measured]) -> str:
    """Return whose values they are: the run, or the group and how many seeds, and the step."""
    labels = list(dict.fromkeys(m.label for m in measured))
    steps = sorted({m.step for m in measured})
    who = labels[0] if len(labels) == 1 else f"{measured[0].group}, {len(labels)} seeds"
    return f"{who}, step {steps[0]}" if len(steps) == 1 and steps[0] >= 0 else who


def widths_in_words(widths: Sequence[float], scale: Scale) -> str:
    """Return widths in words, in decades or in the unit of the axis."""
    if not widths:
        return "of no"
    low, high = f"{min(widths):.2g}", f"{max(widths):.2g}"
    unit = " decades" if scale == "log" else ""
    return f"{low if low == high else f'{low} to {high}'}{unit}"

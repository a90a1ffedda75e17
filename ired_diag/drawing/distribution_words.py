"""What a picture of distributions says of itself: N, levels, what lies beyond the axis, medians, widths."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ired_diag.drawing.central_range import Samples
from ired_diag.drawing.data import Scale
from ired_diag.drawing.distribution_forms import Sample
from ired_diag.drawing.quantities import Quantity
from ired_diag.drawing.ranges import steps_in_words
from ired_diag.drawing.run_table import Measured

MOST_LISTED = 4  # counts by name and level
WEIGHTS = {"raw": "not averaged", "ema": "averaged over training"}


def levels_in_words(chosen: Sequence[int], of: int) -> str:
    """Return which noise levels are drawn, of how many."""
    *others, last = chosen
    if not others:
        return f"noise level {last} of {of} (0: least noise)"
    first = ", ".join(map(str, others))
    return f"noise levels {first} and {last} of {of} (0: least noise)"


def counted(samples: Samples, quantity: Quantity, measured: Sequence[Measured]) -> str:
    """Return how many values there are, and of what."""
    labels = {run.label for run in measured}
    steps = steps_in_words([run.step for run in measured])
    weights = weights_in_words({run.weights for run in measured})
    source = quantity.unit
    if len(labels) > 1:
        source += f" in {len(labels)} runs together"
    return f"{sizes(samples)} ({source}; {steps}, {weights})."


def weights_in_words(kinds: Collection[str]) -> str:
    """Return which weights were measured: the last ones of training, or their moving average.

    >>> weights_in_words({"raw"}), weights_in_words({"raw", "ema"})
    ('weights not averaged', 'weights averaged over training or not averaged')
    """
    words = []
    for kind in sorted(kinds):
        words.append(WEIGHTS.get(kind, kind))
    return f"weights {' or '.join(words)}"


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
    by_problem: dict[str, dict[tuple[str, int], int]] = {}
    totals = set()
    for level, part in samples.items():
        for name, sample in part.items():
            for problem, count in _without_place(sample, scale).items():
                by_problem.setdefault(problem, {})[name, level] = count
                totals.add(sample.n + sample.lost)
    each = f"{' or '.join(map(str, sorted(totals)))}"
    return " ".join(f"{problem}: {_listed(counts, each)}." for problem, counts in by_problem.items())


def _listed(counts: Mapping[tuple[str, int], int], each: str) -> str:
    """Return counts by name and level in words; of many, those of all levels together."""
    if len(counts) <= MOST_LISTED:
        words = [f"{count} {name} at level {level}" for (name, level), count in counts.items()]
        return f"{', '.join(words)} of {each}"
    by_name: dict[str, int] = {}
    for (name, _), count in counts.items():
        by_name[name] = by_name.get(name, 0) + count
    words = [f"{count} {name}" for name, count in by_name.items()]
    return f"{', '.join(words)}, all levels together, of {each} at each"


def _without_place(sample: Sample, scale: Scale) -> dict[str, int]:
    """Return how many values of a sample have no place on the axis, by what becomes of them."""
    where = "At or below 0" if scale == "log" else "Minus infinity"
    counts = {
        f"{where}, not drawn but counted": sample.below,
        "Infinite, not drawn but counted": sample.above,
        "Not a number, left out": sample.lost,
    }
    return {problem: count for problem, count in counts.items() if count}


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


def width_in_words(width: float, quantity: Quantity, scale: Scale) -> str:
    """Return a width in words: a factor on a logarithmic axis, else in its unit."""
    if scale == "log":
        return f"a factor of {10**width:.3g}"
    return f"{width:.2g} {quantity.measure}".rstrip()

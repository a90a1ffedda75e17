"""A pair's difference by one readout, and what a picture of such differences says of itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ired_diag.comparison import READOUTS, Comparison, PairOfGroups
from ired_diag.comparison.words import READOUT_NAMES
from ired_diag.drawing.data import Panel
from ired_diag.drawing.margin_line import margin_in_words
from ired_diag.drawing.minus import minus
from ired_diag.drawing.ranges import range_in_words

MEANINGS = {
    "equivalent": "equivalent: no difference is found, and any is smaller than the margin",
    "undecided": "undecided: too few data to tell",
    "identical": "identical values",
}
SIGNS = {"equivalent": "=", "undecided": "?", "identical": "≡"}
PARTLY = "seeds, partly paired"
COUNTED = {
    "paired": "pairs of seeds",
    "partial": PARTLY,
    "partial_unequal": PARTLY,
    "welch": "seeds of both groups",
}
TESTS = {
    "paired": "paired t test",
    "partial": "t test of partly paired seeds",
    "partial_unequal": "t test of partly paired seeds with unequal variances",
    "welch": "Welch's t test",
    "folds": "corrected resampled t test of folds",
}


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A pair's difference by one readout, in percent of the mean of b or in the metric's unit.

    Attributes:
        pair: Name of the pair.
        readout: Name of the readout.
        mean: The mean difference; NaN without one.
        low: Lower end of its 95% interval; NaN without one.
        high: Upper end of its 95% interval.
        margin: A smaller difference does not matter.
        decision: Better, worse, equivalent, undecided or identical.
        reason: Why something is NaN.
    """

    pair: str
    readout: str
    mean: float
    low: float
    high: float
    margin: float
    decision: str
    reason: str

    @property
    def sign(self) -> str:
        """What stands at its ring; empty without a ring, as where nothing could be tested."""
        if self.decision == "undecided" and math.isnan(self.low):
            return ""
        return SIGNS.get(self.decision, "")


def drawn_of(intervals: Sequence[Interval]) -> list[Interval]:
    """Return the differences that are drawn: those with an interval; where none has one, all."""
    finite = [interval for interval in intervals if math.isfinite(interval.mean)]
    bounded = [interval for interval in finite if math.isfinite(interval.low) or interval.sign]
    return bounded or finite


def has_interval(intervals: Sequence[Interval]) -> bool:
    """Say whether any difference has an interval."""
    return any(math.isfinite(interval.low) for interval in intervals)


def remarks_on(
    comparison: Comparison,
    pairs: Sequence[PairOfGroups],
    intervals: Sequence[Interval],
) -> list[str]:
    """Return what is not drawn."""
    remarks = []
    if len(pairs) < len(comparison.compared_pairs):
        (shared,) = set.intersection(*({pair.a, pair.b} for pair in pairs))
        remarks.append(f"only pairs with {shared} are drawn")
    return remarks + _left_out(intervals)


def method_of(
    comparison: Comparison,
    pairs: Sequence[PairOfGroups],
    intervals: Sequence[Interval],
    panels: Sequence[Panel],
) -> str:
    """Return the caption; ``pairs`` and ``intervals`` are those that are drawn."""
    better = "lower" if comparison.lower_is_better else "higher"
    drawn = {interval.readout for interval in intervals}
    readouts = "; ".join(_readout_in_words(name, comparison) for name in READOUTS if name in drawn)
    unit = " in percent of the second's mean" if comparison.in_percent else ""
    uncorrected = ", uncorrected" if len(comparison.compared_pairs) > 1 else ""
    margins = [interval.margin for interval in intervals]
    bars = f"Bars: 95% intervals ({_tests(pairs)}; {counts_in_words(pairs)}){uncorrected}."
    if not has_interval(intervals):
        bars = f"{counts_in_words(pairs)[0].upper()}{counts_in_words(pairs)[1:]}, without intervals."
    return (
        f"Difference of two groups' mean {comparison.shown_metric} ({better} is better), first minus "
        f"second{unit}, by what is read off each seed's curve ({readouts}). {bars} "
        f"{margin_in_words(comparison, panels, margins)} {_rings_in_words(comparison, intervals)}"
    )


def _readout_in_words(name: str, comparison: Comparison) -> str:
    """Return what a name on the axis stands for: ``last10: mean of the last 10 evaluations``."""
    words = READOUT_NAMES[name]
    if name == "plateau" and comparison.plateau_step is not None:
        return f"plateau: mean from step {comparison.plateau_step:.0f} on"
    return words if words.startswith(f"{name} ") else f"{name}: {words}"


def _rings_in_words(comparison: Comparison, intervals: Sequence[Interval]) -> str:
    """Return what rings mean, of those that are drawn."""
    drawn = {interval.sign for interval in intervals}
    count = len(comparison.compared_pairs)
    correction = f", after correction for {count} pairs" if count > 1 else ""
    rings = [f"{sign} {MEANINGS[word]}" for word, sign in SIGNS.items() if sign in drawn]
    unsigned = [interval for interval in intervals if not interval.sign]
    if any(math.isnan(interval.low) for interval in unsigned):
        return "No verdict: nothing can be tested."
    has_others = bool(unsigned)
    if not rings:
        return f"By every readout the verdict{correction} is better or worse."
    others = "; without a ring: better or worse" if has_others else ""
    return f"Rings: verdict{correction} ({'; '.join(rings)}{others})."


def name_of(pair: PairOfGroups) -> str:
    """Return the name of a pair."""
    return minus(pair.a, pair.b)


def signs_in_words(intervals: Sequence[Interval]) -> str:
    """Return what the drawn signs in rings mean, in a few words; empty where there is none."""
    drawn = {interval.sign for interval in intervals}
    words = [f"{sign} {word}" for word, sign in SIGNS.items() if sign in drawn]
    return f"; ringed: {', '.join(words)}" if words else ""


def counts_in_words(pairs: Sequence[PairOfGroups]) -> str:
    """Return N over all pairs, and what is counted."""
    n = range_in_words([pair.test.n for pair in pairs])
    estimators = {pair.estimator for pair in pairs}
    units = [words for estimator, words in COUNTED.items() if estimator in estimators]
    if all(pair.of_folds for pair in pairs):
        units = [words.replace("seeds", f"{pairs[0].run_noun}s") for words in units]
    return f"n = {n} {' or '.join(units)}"


def _tests(pairs: Sequence[PairOfGroups]) -> str:
    kinds: set[str] = set()
    for pair in pairs:
        kinds.update(["folds"] if pair.of_folds else [pair.estimator, pair.primary])
    tests = " or ".join(words for kind, words in TESTS.items() if kind in kinds)
    if "worst_rank" in kinds:
        tests += ", of the seeds that finished; where seeds failed, a rank test that puts them last decides"
    return tests


def _left_out(intervals: Sequence[Interval]) -> list[str]:
    """Return which differences are left out, or drawn without an interval, and why."""
    by_reason: dict[str, dict[str, list[Interval]]] = {}
    drawn = drawn_of(intervals)
    for interval in intervals:
        if interval.reason:
            loss = "drawn without an interval" if interval in drawn else "left out"
            by_reason.setdefault(loss, {}).setdefault(interval.reason, []).append(interval)
    words = []
    for loss, reasons in by_reason.items():
        parts = []
        for reason, members in reasons.items():
            because = f"[{reason}]" if "(" in reason else f"({reason})"
            parts.append(f"{_where(members)} {because}")
        words.append(f"{loss}: {'; '.join(parts)}")
    return words


def _where(intervals: Sequence[Interval]) -> str:
    """Return the readouts of intervals, and of how many pairs: ``plateau, last10 of 3 pairs``."""
    pairs = {interval.pair for interval in intervals}
    pair_words = f"{len(pairs)} pairs" if len(pairs) > 1 else intervals[0].pair
    readouts = dict.fromkeys(interval.readout for interval in intervals)
    return f"{', '.join(readouts)} of {pair_words}"


def sentence_of(pair: PairOfGroups, intervals: Sequence[Interval], *, in_percent: bool) -> str:
    """Return a pair's difference by every readout in a sentence."""
    unit = "%" if in_percent else ""
    name = name_of(pair)
    words = []
    for interval in intervals:
        if interval.pair == name and math.isfinite(interval.mean):
            words.append(f"{interval.readout} {interval.mean:+.3g}{unit} ({interval.decision})")
    changes = "changes with" if pair.flips else "is the same by"
    return f"{name}: {', '.join(words)}; the verdict {changes} the readouts of the curves' end."

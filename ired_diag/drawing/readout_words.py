"""A pair's difference by one readout, and what a picture of such differences says of itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ired_diag.comparison import READOUTS, Comparison, PairOfGroups
from ired_diag.comparison.words import READOUT_NAMES
from ired_diag.drawing.comparison_words import margin_in_words
from ired_diag.drawing.data import Line
from ired_diag.drawing.margin_line import margin_line_in_words
from ired_diag.drawing.ranges import range_in_words

SIGNS = {"equivalent": "=", "undecided": "?", "identical": "≡"}
PARTLY = "seeds, partly paired"
COUNTED = {
    "paired": "pairs of seeds",
    "partial": PARTLY,
    "partial_unequal": PARTLY,
    "welch": "seeds of both groups",
}
TESTS = {
    "paired": "paired t where seeds are pairs",
    "partial": "partially paired t where some are",
    "partial_unequal": "partially paired t with unequal variances where group sizes differ",
    "welch": "Welch's",
    "folds": "corrected resampled t where runs are folds",
    "worst_rank": "where seeds failed worst ranks decide, and intervals are among those that finished",
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


def remarks_on(
    comparison: Comparison,
    pairs: Sequence[PairOfGroups],
    intervals: Sequence[Interval],
) -> list[str]:
    """Return what is not drawn."""
    remarks = []
    if len(pairs) < len(comparison.compared_pairs):
        (shared,) = set.intersection(*({pair.a, pair.b} for pair in pairs))
        remarks.append(f"pairs with {shared} only")
    left_out = _left_out(intervals)
    if left_out:
        remarks.append(left_out)
    return remarks


def method_of(
    comparison: Comparison,
    pairs: Sequence[PairOfGroups],
    intervals: Sequence[Interval],
    lines: Sequence[Line],
) -> str:
    """Return the caption; ``lines`` are those of all panels."""
    margin = margin_line_in_words(lines, margin_in_words(comparison))
    better = "lower" if comparison.lower_is_better else "higher"
    readouts = "; ".join(f"{name}: {READOUT_NAMES[name]}" for name in READOUTS)
    return (
        f"Difference of {comparison.shown_metric} ({better} is better), first minus second, with the 95% "
        f"interval of the test that decides ({_tests(pairs)}), not corrected for several pairs as the "
        f"verdicts are; {counts_in_words(pairs)}. {readouts}. {margin} Ringed: "
        f"{signs_in_words(intervals)}; the others are better or worse."
    )


def name_of(pair: PairOfGroups) -> str:
    """Return the name of a pair."""
    return f"{pair.a} - {pair.b}"


def signs_in_words(intervals: Sequence[Interval]) -> str:
    """Return what the signs in rings mean; that of identical groups only where there are any."""
    decisions = {interval.decision for interval in intervals}
    words = []
    for word, sign in SIGNS.items():
        if word != "identical" or word in decisions:
            words.append(f"{sign} {word}")
    return ", ".join(words)


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
    return ", ".join(words for kind, words in TESTS.items() if kind in kinds)


def _left_out(intervals: Sequence[Interval]) -> str:
    """Return which differences have no interval, or are left out, and why."""
    by_reason: dict[str, list[Interval]] = {}
    for interval in intervals:
        if interval.reason:
            loss = "without interval" if math.isfinite(interval.mean) else "left out"
            members = by_reason.setdefault(f"{loss}, {interval.reason}", [])
            members.append(interval)
    words = []
    for reason, members in by_reason.items():
        words.append(f"{_where(members)} {reason}")
    return "; ".join(words)


def _where(intervals: Sequence[Interval]) -> str:
    """Return the readouts of intervals, and of how many pairs: ``plateau, last10 (of 3 pairs)``."""
    pairs = {interval.pair for interval in intervals}
    pair_words = f"{len(pairs)} pairs" if len(pairs) > 1 else intervals[0].pair
    readouts = dict.fromkeys(interval.readout for interval in intervals)
    return f"{', '.join(readouts)} (of {pair_words})"


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

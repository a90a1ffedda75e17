"""What an estimation plot says of itself: caption, N, and each difference in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ired_diag.comparison import Comparison, Group, PairOfGroups
from ired_diag.comparison.verdict_words import TEST_NAMES, test_of
from ired_diag.drawing.baseline_differences import Difference
from ired_diag.drawing.comparison_words import margin_in_words, readout_of
from ired_diag.drawing.data import Line
from ired_diag.drawing.margin_line import margin_line_in_words


def method_of(
    comparison: Comparison,
    differences: Sequence[Difference],
    unit: str,
    lines: Sequence[Line],
    *,
    baseline: str,
) -> str:
    """Return the caption; ``lines`` are those of the panel of differences."""
    of_baseline = all(difference.pair.b == baseline for difference in differences)
    reference = f"{baseline}'s mean" if of_baseline else "the group's mean"
    in_percent = f", in percent of {reference}," if unit == "%" else ""
    tests = "; ".join(f"{difference.group}: {_test_in_words(difference.pair)}" for difference in differences)
    counts = counts_in_words(comparison)
    margin = margin_line_in_words(lines, margin_in_words(comparison))
    noun = comparison.run_noun
    interval = "t interval, corrected where runs are folds" if comparison.has_folds else "t interval"
    correction = ""
    if len(comparison.compared_pairs) > 1:
        correction = f", corrected for {len(comparison.compared_pairs)} pairs (Holm)"
    return (
        f"First panel: {readout_of(comparison)}, one dot for each {noun} ({counts}), lines "
        f"joining the same {noun}; next to them the mean with its 95% {interval}. Second: difference of each "
        f"group to {baseline}{in_percent} with its 95% interval, not corrected for several groups, and "
        f"single differences of the pairs as dots ({tests}). {margin} Word: "
        f"the verdict, of the group in comparison with {baseline}{correction}."
    )


def counts_in_words(comparison: Comparison) -> str:
    """Return N of each group, and how many attempts failed."""
    groups = comparison.groups
    counts = {group.summary.n for group in groups}
    if len(counts) == 1 and not any(map(_failures, groups)):
        return f"n = {counts.pop()} {comparison.run_noun}s each"
    return ", ".join(map(_count, groups))


def _count(group: Group) -> str:
    count = f"{group.name} n = {group.summary.n}"
    failures = _failures(group)
    if failures:
        count += f" ({failures} of {group.outcomes.attempted} failed)"
    return count


def _failures(group: Group) -> int:
    """Return how many attempts did not finish."""
    return max(0, group.outcomes.attempted - group.outcomes.finished)


def _test_in_words(pair: PairOfGroups) -> str:
    if pair.test.reason:
        return f"no interval, {pair.test.reason}"
    test = test_of(pair)
    if pair.worst_rank is not None:
        test += f", the {TEST_NAMES['worst_rank']} decides"
    if pair.obstacle:
        test += f", not paired: {pair.obstacle}"
    return test


def not_paired_in_words(differences: Sequence[Difference]) -> str:
    """Return which groups have seeds that are no pairs with the baseline's; empty where none has."""
    names = [difference.group for difference in differences if difference.pair.obstacle]
    return f"; not paired: {', '.join(names)}" if names else ""


def sentence_of(difference: Difference, unit: str, baseline: str) -> str:
    """Return a difference, its interval and its verdict in a sentence."""
    pair = difference.pair
    group, verdict = difference.group, difference.verdict
    if pair.identical:
        return f"{group} and {baseline} are {pair.identical}."
    if np.isnan(difference.mean):
        return f"{group} minus {baseline}: not known ({pair.test.reason}): {verdict}."
    lead = f"{group} {_side(difference, unit, baseline)}"
    if pair.test.reason:
        return f"{lead}, without an interval ({pair.test.reason}): {verdict}."
    sign = "%" if unit == "%" else ""
    interval = f"95% interval {difference.low:+.3g}{sign} to {difference.high:+.3g}{sign}"
    if _is_lost_by_correction(difference):
        interval = f"unadjusted {interval}"
    if pair.worst_rank is not None:
        interval += " among the seeds that finished"
    return f"{lead} ({interval}): {verdict}{_grounds(difference)}."


def _side(difference: Difference, unit: str, baseline: str) -> str:
    """Return which side of the baseline a group is on, by how much of what."""
    if difference.mean == 0:
        return f"has the mean of {baseline}"
    side = "lower" if difference.mean < 0 else "higher"
    amount = f"{abs(difference.mean):.3g}"
    size = f"{amount}% of {difference.pair.b}'s mean" if unit == "%" else f"{amount} in {unit}"
    return f"is {side} than {baseline} by {size}"


def _is_lost_by_correction(difference: Difference) -> bool:
    uncorrected = difference.pair.uncorrected.decision
    return difference.verdict == "undecided" and uncorrected in ("better", "worse")


def _grounds(difference: Difference) -> str:
    """Return what is added to a verdict: its size, and the test or correction that decides it."""
    pair = difference.pair
    words = ""
    if difference.verdict in ("better", "worse") and pair.verdict.smaller_than_margin:
        words = ", smaller than the margin"
    if pair.worst_rank is not None:
        return f"{words} by the {TEST_NAMES['worst_rank']}, failed seeds last (p = {pair.p_holm:.2g})"
    if _is_lost_by_correction(difference):
        return f"{words} after correction (Holm p = {pair.p_holm:.2g}, unadjusted p = {pair.p:.2g})"
    return words

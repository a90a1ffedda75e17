"""What an estimation plot says of itself: caption, N, and each difference in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ired_diag.comparison import Comparison, Group, PairOfGroups
from ired_diag.comparison.verdict_words import TEST_NAMES, test_of
from ired_diag.drawing.baseline_differences import Difference, is_one_pair
from ired_diag.drawing.comparison_words import readout_of
from ired_diag.drawing.data import Panel
from ired_diag.drawing.margin_line import margin_in_words
from ired_diag.runs.name_list import counted


def method_of(
    comparison: Comparison,
    differences: Sequence[Difference],
    unit: str,
    panel: Panel,
    *,
    baseline: str,
) -> str:
    """Return the caption; ``panel`` is that of the differences."""
    of_baseline = all(difference.pair.b == baseline for difference in differences)
    reference = f"{baseline}'s mean" if of_baseline else "the group's mean"
    noun = comparison.run_noun
    interval = "t interval, corrected where runs are folds" if comparison.has_folds else "t interval"
    in_percent = f" in percent of {reference}" if unit == "%" else ""
    has_pairs = any(len(difference.single) for difference in differences)
    joined = f", lines joining equal {noun}s" if has_pairs else ""
    single = f"; dots: single pairs of {noun}s" if has_pairs else ""
    # A readout of which higher is better says so itself.
    better = "; lower is better" if comparison.lower_is_better else ""
    margins = [difference.margin for difference in differences]
    margin = margin_in_words(comparison, [panel], margins)
    return (
        f"First panel: {readout_of(comparison)}, one dot a {noun} ({counts_in_words(comparison)}{better})"
        f"{joined}, and their mean with its 95% {interval}{_without_interval(comparison)}. "
        f"Second panel: each group minus {baseline}{in_percent}{_tests_in_words(differences)}{single}."
        f"{_obstacles_in_words(differences)}{_one_pair_in_words(differences)} "
        f"{margin} {_verdicts_in_words(comparison, differences, baseline)}"
    )


def _tests_in_words(differences: Sequence[Difference]) -> str:
    """Return whose intervals are drawn: once where all have the same test."""
    tests = {difference.group: _test_in_words(difference.pair) for difference in differences}
    uncorrected = ", uncorrected" if len(differences) > 1 else ""
    first = differences[0].pair
    if len(set(tests.values())) == 1 and first.test.reason:
        return f", without an interval ({first.test.reason})"
    if len(set(tests.values())) == 1:
        test = tests[differences[0].group]
        article = "" if test.startswith("Welch") else "the "
        return f", with the 95% interval of {article}{test}{uncorrected}"
    listed = "; ".join(f"{group}: {test}" for group, test in tests.items())
    return f", with its 95% interval{uncorrected} ({listed})"


def _one_pair_in_words(differences: Sequence[Difference]) -> str:
    """Return of which groups one pair of seeds is drawn and no mean; empty where there is none."""
    names = [difference.group for difference in differences if is_one_pair(difference)]
    if not names:
        return ""
    whose = "" if len(names) == len(differences) else f" of {', '.join(names)}"
    each = " each" if len(names) > 1 else ""
    return f" Drawn{whose}: the only pair of seeds{each}, and no mean."


def _obstacles_in_words(differences: Sequence[Difference]) -> str:
    """Return why seeds are not pairs, each reason once; empty where all are."""
    by_reason: dict[str, list[str]] = {}
    for difference in differences:
        if difference.pair.obstacle:
            by_reason.setdefault(difference.pair.obstacle, []).append(difference.group)
    words = ""
    for reason, groups in by_reason.items():
        whose = "" if len(groups) == len(differences) else f" of {', '.join(groups)}"
        words += f" Seeds{whose} are not paired ({reason})."
    return words


def _verdicts_in_words(comparison: Comparison, differences: Sequence[Difference], baseline: str) -> str:
    """Return what the words at the groups are, and what they ask."""
    count = len(comparison.compared_pairs)
    correction = f", after Holm's correction for {count} pairs of groups" if count > 1 else ""
    words = f"Words: the verdict on the difference from {baseline}{correction}"
    if any(difference.pair.verdict.smaller_than_margin for difference in differences):
        size = comparison.margin.text.removesuffix("abs")
        words += f"; (<{size}): different, but by less than the margin"
    return f"{words}."


def verdict_on_axis(comparison: Comparison, difference: Difference) -> str:
    """Return the verdict in the few words that an axis has room for: ``worse (<1%)``."""
    is_small = difference.pair.verdict.smaller_than_margin and difference.verdict in ("better", "worse")
    size = comparison.margin.text.removesuffix("abs")
    return f"{difference.verdict} (<{size})" if is_small else difference.verdict


def _without_interval(comparison: Comparison) -> str:
    is_single = any(group.summary.n == 1 for group in comparison.groups)
    return ", which a single seed has not" if is_single else ""


def counts_in_words(comparison: Comparison) -> str:
    """Return N of each group, and how many attempts failed."""
    groups = comparison.groups
    counts = {group.summary.n for group in groups}
    if len(counts) == 1 and not any(map(_failures, groups)):
        return f"n = {counted(counts.pop(), comparison.run_noun)} each"
    return ", ".join(map(_count, groups))


def _count(group: Group) -> str:
    count = f"{group.name} n = {group.summary.n}"
    failures = _failures(group)
    if failures:
        count += f" as {failures} of {group.outcomes.attempted} failed"
    return count


def _failures(group: Group) -> int:
    """Return how many attempts did not finish."""
    return max(0, group.outcomes.attempted - group.outcomes.finished)


def _test_in_words(pair: PairOfGroups) -> str:
    if pair.test.reason:
        return f"no interval, {pair.test.reason}"
    test = test_of(pair)
    if pair.worst_rank is not None:
        test += "; of the seeds that finished, while a rank test that puts failed seeds last decides"
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

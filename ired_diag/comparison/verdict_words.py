"""The verdict on two groups in one sentence: which is better, by how much, by which test, and how sure.

A difference is in percent of the second group's mean, which the sentence says; where a share of a mean says
nothing (``comparison.margin``), or the margin is absolute, it is in the unit of the metric and has no "%".
With several pairs the p value that decides is Holm's, and the other one is called unadjusted. The interval is
the simultaneous one in every sentence. It contains 0 wherever a difference may be 0. Of a pair that differs
it may reach 0 too, because it is Bonferroni's and so stricter than Holm's test: then the sentence says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ired_diag.comparison import Comparison, Group
from ired_diag.comparison.pairs import ByReadout, PairOfGroups
from ired_diag.comparison.points import points_in_words
from ired_diag.runs.name_list import counted
from ired_diag.stats.defects import CONSTANT, ROUNDING, SAME_AMOUNT
from ired_diag.stats.worst_rank import WorstRank

ALPHA = 0.05
WITHOUT_SPREAD = {
    CONSTANT: "all seeds of a group have one value",
    SAME_AMOUNT: "it is the same in every pair of seeds",
}
TEST_NAMES = {
    "paired": "paired t test",
    "partial": "partially paired t test (REML)",
    "partial_unequal": "partially paired t test (unequal variances)",
    "welch": "Welch's t test",
    "worst_rank": "worst-rank test",
}


@dataclass(frozen=True)
class Unit:
    """The unit in which a difference is printed: ``scale`` times its value, then ``sign``."""

    scale: float
    sign: str

    def text(self, value: float, form: str = ".3g") -> str:
        """Return a difference in this unit: ``0.238%``, ``8,970%``."""
        scaled = self.scale * value
        if self.sign == "%" and abs(scaled) >= 1000:
            # Three significant digits of 8,970% would be written with an exponent.
            form = "+,.0f" if form.startswith("+") else ",.0f"
        return f"{scaled:{form}}{self.sign}"


def unit_of(pair: PairOfGroups | ByReadout, comparison: Comparison) -> Unit:
    """Return the unit of a difference: percent of b's mean, or the metric's own."""
    if comparison.in_percent:
        return Unit(100 / pair.reference, "%")
    return Unit(1.0, "")


def verdict_of(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return the verdict on a pair of groups, with its size and its evidence."""
    names = f"{pair.a} and {pair.b}"
    if pair.identical:
        return f"{names} are {pair.identical}: did they run the same?"
    if pair.mixed_scales:
        return f"{names}: undecided. {pair.mixed_scales}: bring both to one scale before comparing them."
    if pair.worst_rank is not None:
        return _with_failures(pair, pair.worst_rank, comparison)
    if pair.test.reason in WITHOUT_SPREAD:
        return f"{names}: undecided. {_without_spread(pair, comparison)}"
    if pair.test.reason:
        return f"{names}: undecided, {pair.test.reason}."
    decision = pair.verdict.decision
    if decision in ("better", "worse"):
        size = _size(pair, comparison, pair.difference)
        return f"{pair.a} is {decision} than {pair.b} by {size}{_next_to_margin(pair, comparison)}."
    if decision == "equivalent":
        return _equivalent(pair, comparison)
    return f"{names}: undecided{_lost(pair, comparison)}. {_may_be(pair, comparison)}"


def evidence_of(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return the test, the seeds and the p value: ``paired t test, 10 pairs of seeds, p = 0.008``."""
    return f"{test_of(pair)}, {p_of(pair, comparison)}"


def test_of(pair: PairOfGroups) -> str:
    """Return the t test of the difference of means and its seeds, in words."""
    return f"{TEST_NAMES[pair.estimator]}, {seeds_of(pair)}"


def seeds_of(pair: PairOfGroups) -> str:
    """Return the seeds that the t test looks at: ``10 + 10 seeds, 2 shared``."""
    n_a, n_b, shared = pair.seeds
    if pair.estimator == "paired":
        return f"{counted(shared, 'pair')} of seeds"
    if pair.obstacle:
        return f"{n_a} + {n_b} seeds"
    return f"{n_a} + {n_b} seeds, {shared} shared"


def p_of(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return the p value that decides; of several pairs the adjusted one first."""
    p, p_holm, count = number_of_p(pair.p), number_of_p(pair.p_holm), tested(comparison)
    if count == 1:
        return f"p = {p}"
    return f"Holm p = {p_holm} over {count} pairs, unadjusted p = {p}"


def tested(comparison: Comparison) -> int:
    """Return how many pairs have a p value, over which the others are adjusted."""
    return sum(not math.isnan(pair.p) for pair in comparison.pairs)


def number_of_p(p: float) -> str:
    """Return a p value with two significant digits, a dash where there is none."""
    return "-" if math.isnan(p) else f"{p:.2g}"


def failures_of(group: Group) -> str:
    """Return how many seeds of a group failed, with its success rate; of one without, that all finished."""
    outcomes = group.outcomes
    failed = outcomes.attempted - outcomes.finished
    unfinished = ""
    if outcomes.unfinished:
        unfinished = f", {outcomes.unfinished} unfinished not counted"
    if not failed:
        return f"all {outcomes.attempted} seeds of {group.name} finished{unfinished}"
    count = f"all {failed}"
    if outcomes.finished:
        count = f"{failed} of {outcomes.attempted}"
    rate = f"success rate {100 * outcomes.success_rate:.0f}%"
    interval = f"95% interval {100 * outcomes.low:.0f} to {100 * outcomes.high:.0f}%"
    return f"{count} seeds of {group.name} failed ({rate}, {interval}{unfinished})"


def _without_spread(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return the difference of groups that leave a test nothing to measure it by."""
    unit = unit_of(pair, comparison)
    # Of equal values a difference is seldom exactly 0: it is compared with the rounding of the mean.
    if math.isnan(pair.difference) or math.isnan(unit.scale):
        size = "has no size"
    elif _is_rounding_error(pair):
        size = "is 0"
    else:
        size = f"is {unit.text(pair.difference, '+.3g')}{_of_b(pair, unit)}"
    return (
        f"{pair.a} - {pair.b} {size}, and {WITHOUT_SPREAD[pair.test.reason]}: a t test needs spread, "
        "and can say nothing here."
    )


def _is_rounding_error(pair: PairOfGroups) -> bool:
    scale = abs(pair.reference) or 1.0
    return bool(abs(pair.difference) <= ROUNDING * scale)


def _with_failures(pair: PairOfGroups, worst_rank: WorstRank, comparison: Comparison) -> str:
    """Return the verdict by worst ranks; the means of the seeds that finished stand next to it."""
    groups = {group.name: group for group in comparison.groups}
    a, b = groups[pair.a], groups[pair.b]
    n_a, n_b, _ = pair.seeds
    if not (a.outcomes.finished or b.outcomes.finished or n_a or n_b):
        return _none_finished(a, b)
    verdict = f"{pair.a} and {pair.b}: undecided{_lost(pair, comparison)}"
    decision = pair.verdict.decision
    if decision in ("better", "worse"):
        verdict = f"{pair.a} is {decision} than {pair.b}, failed seeds ranked last"
    failures = f"{failures_of(a)}; {failures_of(b)}"
    failures = failures[0].upper() + failures[1:]
    test = f"worst-rank test {p_of(pair, comparison)}"
    if worst_rank.reason:
        test = f"no worst-rank test: {worst_rank.reason}"
    elif worst_rank.p > ALPHA:
        smallest = number_of_p(worst_rank.smallest_p)
        test += f" (the smallest p possible with these sizes and failures is {smallest})"
    return f"{verdict}. {failures}; {test}.{_among_finished(pair, comparison)}"


def _none_finished(a: Group, b: Group) -> str:
    """Return the success rates of two groups without a seed that finished."""
    rate_a = f"0%, 95% interval 0 to {100 * a.outcomes.high:.0f}%"
    rate_b = f"0%, 95% interval 0 to {100 * b.outcomes.high:.0f}%"
    return (
        f"{a.name} and {b.name}: 0 of {a.outcomes.attempted} seeds finished against 0 of "
        f"{b.outcomes.attempted} (success rates {rate_a} and {rate_b}). No seed has a number, so nothing "
        "else can be compared."
    )


def _among_finished(pair: PairOfGroups, comparison: Comparison) -> str:
    if pair.test.reason or math.isnan(pair.difference):
        return ""
    unit = unit_of(pair, comparison)
    low, high = _ends(pair, comparison)
    ends = f"{unit.text(low)} to {unit.text(high)}{_of_b(pair, unit)}"
    size = f"{unit.text(pair.difference)} ({_interval_name(comparison)} {ends}; {test_of(pair)})"
    return f" Among the seeds that finished {pair.a} - {pair.b} is {size}, which does not decide."


def _equivalent(pair: PairOfGroups, comparison: Comparison) -> str:
    p = number_of_p(pair.equivalence.p)
    if len(comparison.pairs) > 1:
        p = f"{number_of_p(pair.p_equivalence_holm)} after Holm, {p} unadjusted"
    size = _size(pair, comparison, pair.difference, signed=True)
    inside = f"lies inside {comparison.margin.words} (p of equivalence {p})"
    difference_lost = ""
    if pair.uncorrected.decision != "equivalent":
        difference_lost = f" (and not shown to differ: {p_of(pair, comparison)})"
    return f"{pair.a} and {pair.b} are equivalent{difference_lost}: the difference, {size}, {inside}."


def _lost(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return what the correction for several pairs took away; nothing where it took nothing."""
    if pair.uncorrected.decision == "undecided":
        return ""
    claim, p, adjusted = "to differ", pair.p, pair.p_holm
    if pair.uncorrected.decision == "equivalent":
        claim, p, adjusted = "to be equivalent", pair.equivalence.p, pair.p_equivalence_holm
    return (
        f", not shown {claim} after correction for {tested(comparison)} pairs "
        f"(Holm p = {number_of_p(adjusted)}); unadjusted p = {number_of_p(p)}"
    )


def _may_be(pair: PairOfGroups, comparison: Comparison) -> str:
    size = _size(pair, comparison, pair.difference, signed=True)
    if math.isnan(pair.margin):
        return f"The difference, {size}, may be 0."
    return f"The difference, {size}, may be 0 and may exceed {comparison.margin.words}."


def _next_to_margin(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return how a difference lies to the margin, where its interval reaches into it."""
    if pair.verdict.smaller_than_margin:
        return f", smaller than {comparison.margin.words}"
    # The end nearest to 0 says how small the difference may be.
    low, high = _ends(pair, comparison)
    nearest = min(abs(low), abs(high))
    if low <= 0 <= high:
        nearest = 0.0
    if math.isnan(pair.margin) or nearest >= pair.margin:
        return ""
    return f"; whether that exceeds {comparison.margin.words} is open"


def _size(pair: PairOfGroups, comparison: Comparison, difference: float, *, signed: bool = False) -> str:
    """Return a difference with its interval and the evidence; without a sign, as so much better or worse."""
    unit = unit_of(pair, comparison)
    low, high = _ends(pair, comparison)
    wider = ""
    if pair.verdict.decision in ("better", "worse") and low <= 0 <= high:
        wider = ", which reaches 0 because it is stricter than Holm's test"
    # "Better by" and "worse by" have the sign in the word.
    if difference < 0 and not signed:
        difference, low, high = -difference, -high, -low
    ends = f"{unit.text(low)} to {unit.text(high)}{_of_b(pair, unit)}"
    evidence = evidence_of(pair, comparison)
    if pair.verdict.decision != pair.uncorrected.decision:
        # The sentence has given the p values already, where the correction took the verdict away.
        evidence = test_of(pair)
    interval = f"{_interval_name(comparison)} {ends}{wider}"
    return f"{points_in_words(difference, comparison)}{unit.text(difference)} ({interval}; {evidence})"


def _interval_name(comparison: Comparison) -> str:
    if tested(comparison) > 1:
        return "simultaneous 95% interval"
    return "95% interval"


def _ends(pair: PairOfGroups, comparison: Comparison) -> tuple[float, float]:
    """Return the ends of the interval of a difference: of several pairs, of the simultaneous one."""
    if tested(comparison) > 1:
        return pair.simultaneous_low, pair.simultaneous_high
    return pair.test.low, pair.test.high


def _of_b(pair: PairOfGroups, unit: Unit) -> str:
    return f" of {pair.b}'s mean" if unit.sign else ""

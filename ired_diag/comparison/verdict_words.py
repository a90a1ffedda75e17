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
from ired_diag.comparison.identity_words import identity_in_words
from ired_diag.comparison.length_words import lengths_in_words
from ired_diag.comparison.pairs import ByReadout, PairOfGroups
from ired_diag.comparison.points import points_in_words
from ired_diag.runs.name_list import counted
from ired_diag.runs.run_nouns import called
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
RESAMPLED = "corrected resampled t test"
VARIANCE_COMPONENTS = "variance components of runs that share seeds"


@dataclass(frozen=True)
class Unit:
    """The unit in which a difference is printed: ``scale`` times its value, then ``sign``."""

    scale: float
    sign: str

    def text(self, value: float, form: str = ".3g") -> str:
        """Return a difference in this unit: ``0.238%``, ``8,970%``."""
        scaled = self.scale * value
        is_large = abs(scaled) >= 1000
        if self.sign == "%" and is_large:
            # Three significant digits of 8,970% would be written with an exponent.
            form = "+,.0f" if form.startswith("+") else ",.0f"
        return f"{scaled:{form}}{self.sign}"


def unit_of(pair: PairOfGroups | ByReadout, comparison: Comparison) -> Unit:
    """Return the unit of a difference: percent of b's mean, or the metric's own."""
    if comparison.in_percent:
        return Unit(scale=100 / pair.reference, sign="%")
    return Unit(scale=1.0, sign="")


def verdict_of(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return the verdict on a pair of groups, and that one was trained longer, where it was."""
    lengths = lengths_in_words(pair, comparison)
    return f"{decision_of(pair, comparison)} {lengths}".rstrip()


def decision_of(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return the verdict on a pair of groups by the readout, with its size and its evidence."""
    names = f"{pair.a} and {pair.b}"
    if pair.identical:
        return identity_in_words(pair, comparison)
    if pair.other_problems:
        return f"{names}: undecided. {pair.other_problems}."
    if pair.mixed_scales:
        return f"{names}: undecided. {pair.mixed_scales}: bring both to one scale before comparing them."
    if pair.worst_rank is not None:
        return called(_with_failures(pair, pair.worst_rank, comparison), pair.run_noun)
    if pair.test.reason in WITHOUT_SPREAD:
        without_spread = _without_spread(pair, comparison)
        return f"{names}: undecided. {without_spread}"
    if pair.test.reason:
        return f"{names}: undecided, {pair.test.reason}."
    decision = pair.verdict.decision
    if decision in ("better", "worse"):
        size = _size(pair, comparison, pair.difference)
        next_to_margin = _next_to_margin(pair, comparison)
        return f"{pair.a} is {decision} than {pair.b} by {size}{next_to_margin}."
    if decision == "equivalent":
        return _equivalent(pair, comparison)
    lost = _lost(pair, comparison)
    may_be = _may_be(pair, comparison)
    return f"{names}: undecided{lost}. {may_be}"


def evidence_of(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return the test, the seeds and the p value: ``paired t test, 10 pairs of seeds, p = 0.008``."""
    test = test_of(pair)
    p = p_of(pair, comparison)
    return f"{test}, {p}"


def test_of(pair: PairOfGroups) -> str:
    """Return the t test of the difference of means and its seeds, in words."""
    name = TEST_NAMES[pair.estimator]
    if pair.shares_seeds:
        name = VARIANCE_COMPONENTS
    if pair.of_folds:
        name = RESAMPLED
    seeds = seeds_of(pair)
    return f"{name}, {seeds}"


def seeds_of(pair: PairOfGroups) -> str:
    """Return the seeds that the t test looks at: ``10 + 10 seeds, 2 shared``."""
    n_a, n_b, shared = pair.seeds
    if pair.estimator == "paired":
        pairs = counted(shared, "pair")
        return f"{pairs} of {pair.run_noun}s"
    seeds = f"{n_a} + {n_b} {pair.run_noun}s"
    if pair.obstacle:
        return seeds
    return f"{seeds}, {shared} shared"


def p_of(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return the p value that decides; of several pairs the adjusted one first."""
    p = number_of_p(pair.p)
    p_holm = number_of_p(pair.p_holm)
    count = tested(comparison)
    if count == 1:
        return f"p = {p}"
    return f"Holm p = {p_holm} over {count} pairs, unadjusted p = {p}"


def tested(comparison: Comparison) -> int:
    """Return how many pairs have a p value, over which the others are adjusted."""
    with_p = [pair for pair in comparison.compared_pairs if not math.isnan(pair.p)]
    return len(with_p)


def number_of_p(p: float) -> str:
    """Return a p value with two significant digits, a dash where there is none."""
    if math.isnan(p):
        return "-"
    return f"{p:.2g}"


def failures_of(group: Group) -> str:
    """Return how many seeds of a group failed, with its success rate; of one without, that all finished."""
    outcomes = group.outcomes
    attempted = outcomes.attempted
    failed = attempted - outcomes.finished
    unfinished = ""
    if outcomes.unfinished:
        unfinished = f", {outcomes.unfinished} unfinished not counted"
    if not failed:
        return f"all {attempted} {group.run_noun}s of {group.name} finished{unfinished}"
    count = f"all {failed}"
    if outcomes.finished:
        count = f"{failed} of {attempted}"
    percent = 100 * outcomes.success_rate
    low = 100 * outcomes.low
    high = 100 * outcomes.high
    rate = f"success rate {percent:.0f}%, 95% interval {low:.0f} to {high:.0f}%"
    noun = f"{group.run_noun}s"
    return f"{count} {noun} of {group.name} {_how_they_failed(group)} ({rate}{unfinished})"


def _how_they_failed(group: Group) -> str:
    """Return ``diverged`` where all failed seeds did, the word of every other page; else ``failed``."""
    kinds = {failure.kind for failure in group.outcomes.failures if failure.is_of_method}
    return "diverged" if kinds == {"diverged"} else "failed"


def _without_spread(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return the difference of groups that leave a test nothing to measure it by."""
    size = _size_without_spread(pair, unit_of(pair, comparison))
    cause = WITHOUT_SPREAD[pair.test.reason].replace("seed", pair.run_noun)
    return f"{pair.a} - {pair.b} {size}, and {cause}: a t test needs spread, and can say nothing here."


def _size_without_spread(pair: PairOfGroups, unit: Unit) -> str:
    if math.isnan(pair.difference) or math.isnan(unit.scale):
        return "has no size"
    # Of equal values a difference is seldom exactly 0: it is compared with the rounding of the mean.
    if _is_rounding_error(pair):
        return "is 0"
    difference = unit.text(pair.difference, "+.3g")
    return f"is {difference}{_of_b(pair, unit)}"


def _is_rounding_error(pair: PairOfGroups) -> bool:
    scale = abs(pair.reference) or 1.0
    size = abs(pair.difference)
    return bool(size <= ROUNDING * scale)


def _with_failures(pair: PairOfGroups, worst_rank: WorstRank, comparison: Comparison) -> str:
    """Return the verdict by worst ranks; the means of the seeds that finished stand next to it."""
    groups = {group.name: group for group in comparison.groups}
    a = groups[pair.a]
    b = groups[pair.b]
    n_a, n_b, _ = pair.seeds
    finished = a.outcomes.finished or b.outcomes.finished
    has_numbers = n_a or n_b
    if not finished and not has_numbers:
        return _none_finished(a, b)
    verdict = f"{pair.a} and {pair.b}: undecided{_lost(pair, comparison)}"
    decision = pair.verdict.decision
    if decision in ("better", "worse"):
        verdict = f"{pair.a} is {decision} than {pair.b}, failed seeds ranked last"
    failures = f"{failures_of(a)}; {failures_of(b)}"
    initial = failures[0].upper()
    failures = initial + failures[1:]
    test = f"worst-rank test {p_of(pair, comparison)}"
    if worst_rank.reason:
        test = f"no worst-rank test: {worst_rank.reason}"
    elif worst_rank.p > ALPHA:
        smallest = number_of_p(worst_rank.smallest_p)
        test += f" (the smallest p possible with these sizes and failures is {smallest})"
    among_finished = _among_finished(pair, comparison)
    return f"{verdict}. {failures}; {test}.{among_finished}"


def lone_seeds_in_words(pair: PairOfGroups) -> str:
    """Return which mean is the number of one seed, because the others failed; empty where none is."""
    names = (pair.a, pair.b)
    lone = []
    for name, n, failed in zip(names, pair.seeds, pair.failed, strict=False):
        if n == 1 and failed:
            lone.append(f"one {pair.run_noun} of {name}")
    if not lone:
        return ""
    lone_seeds = " and ".join(lone)
    return f"The difference of means rests on {lone_seeds}."


def _none_finished(a: Group, b: Group) -> str:
    """Return the success rates of two groups without a seed that finished."""
    attempted_a = a.outcomes.attempted
    attempted_b = b.outcomes.attempted
    high_a = 100 * a.outcomes.high
    high_b = 100 * b.outcomes.high
    rate_a = f"0%, 95% interval 0 to {high_a:.0f}%"
    rate_b = f"0%, 95% interval 0 to {high_b:.0f}%"
    return (
        f"{a.name} and {b.name}: 0 of {attempted_a} seeds finished against 0 of "
        f"{attempted_b} (success rates {rate_a} and {rate_b}). No seed has a number, so nothing "
        "else can be compared."
    )


def _among_finished(pair: PairOfGroups, comparison: Comparison) -> str:
    if pair.test.reason or math.isnan(pair.difference):
        return ""
    unit = unit_of(pair, comparison)
    low, high = _ends(pair, comparison)
    interval = _interval(low, high, pair, comparison)
    difference = unit.text(pair.difference)
    size = f"{difference} ({interval}; {test_of(pair)})"
    return f" Among the seeds that finished {pair.a} - {pair.b} is {size}, which does not decide."


def _equivalent(pair: PairOfGroups, comparison: Comparison) -> str:
    p = number_of_p(pair.equivalence.p)
    if len(comparison.compared_pairs) > 1:
        p_holm = number_of_p(pair.p_equivalence_holm)
        p = f"{p_holm} after Holm, {p} unadjusted"
    size = _size(pair, comparison, pair.difference, signed=True)
    margin = comparison.margin.words
    inside = f"lies inside {margin} (p of equivalence {p})".replace(") (", "; ")
    difference_lost = ""
    if pair.uncorrected.decision != "equivalent":
        p_of_difference = p_of(pair, comparison)
        difference_lost = f" (and not shown to differ: {p_of_difference})"
    return f"{pair.a} and {pair.b} are equivalent{difference_lost}: the {_minus(pair)}, {size}, {inside}."


def _lost(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return what the correction for several pairs took away; nothing where it took nothing."""
    if pair.uncorrected.decision == "undecided":
        return ""
    claim = "to differ"
    p = number_of_p(pair.p)
    p_holm = number_of_p(pair.p_holm)
    if pair.uncorrected.decision == "equivalent":
        claim = "to be equivalent"
        p = number_of_p(pair.equivalence.p)
        p_holm = number_of_p(pair.p_equivalence_holm)
    count = tested(comparison)
    return f", not shown {claim} after correction for {count} pairs (Holm p = {p_holm}); unadjusted p = {p}"


def _may_be(pair: PairOfGroups, comparison: Comparison) -> str:
    size = _size(pair, comparison, pair.difference, signed=True)
    if math.isnan(pair.margin):
        return f"The {_minus(pair)}, {size}, may be 0."
    margin = comparison.margin.words
    return f"The {_minus(pair)}, {size}, may be 0 and may exceed {margin}."


def _minus(pair: PairOfGroups) -> str:
    """Return the name of a difference, which says what its sign means: ``difference q102 - q101``."""
    return f"difference {pair.a} - {pair.b}"


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
    margin = comparison.margin.words
    return f"; whether that exceeds {margin} is open"


def _size(
    pair: PairOfGroups,
    comparison: Comparison,
    difference: float,
    *,
    signed: bool = False,
) -> str:
    """Return a difference with its interval and the evidence; without a sign, as so much better or worse."""
    low, high = _ends(pair, comparison)
    wider = ""
    reaches_zero = low <= 0 <= high
    if pair.verdict.decision in ("better", "worse") and reaches_zero:
        wider = ", which reaches 0 because it is stricter than Holm's test"
    # "Better by" and "worse by" have the sign in the word.
    if difference < 0 and not signed:
        difference = -difference
        low, high = -high, -low
    interval = _interval(low, high, pair, comparison)
    evidence = evidence_of(pair, comparison)
    if pair.verdict.decision != pair.uncorrected.decision:
        # The sentence has given the p values already, where the correction took the verdict away.
        evidence = test_of(pair)
    points = points_in_words(difference, comparison)
    unit = unit_of(pair, comparison)
    size = unit.text(difference)
    return f"{points}{size} ({interval}{wider}; {evidence})"


def _interval(low: float, high: float, pair: PairOfGroups, comparison: Comparison) -> str:
    """Return the interval of a difference in words: ``95% interval 0.1% to 0.3% of b's mean``."""
    unit = unit_of(pair, comparison)
    name = _interval_name(comparison)
    low_end = unit.text(low)
    high_end = unit.text(high)
    return f"{name} {low_end} to {high_end}{_of_b(pair, unit)}"


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
    if not unit.sign:
        return ""
    return f" of {pair.b}'s mean"

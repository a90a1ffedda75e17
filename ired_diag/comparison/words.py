"""A comparison in plain sentences: what is real, how large, how sure, and what would settle the rest."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ired_diag.comparison import Comparison, Group
from ired_diag.comparison.pairs import FINAL, PairOfGroups
from ired_diag.comparison.sweeps import Sweep

ALPHA = 0.05
SEED_NOISE = 0.2  # of the ICC's upper end: below it the seeds' spread is evaluation noise
TEST_NAMES = {"paired": "paired t test", "welch": "Welch's t test"}
READOUT_NAMES = {
    "plateau": "mean over the plateau",
    "last": "last evaluation",
    "best": "best evaluation",
    "last10": "mean of the last 10 evaluations",
    "area": "area under the curve",
}


def verdict_of(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return what a pair of groups comes to."""
    names, decision = f"{pair.a} and {pair.b}", pair.verdict.decision
    margin, several = f"{100 * comparison.margin:g}% margin", len(comparison.pairs)
    if pair.test.reason:
        return f"{names}: undecided, {pair.test.reason}."
    evidence = f"{TEST_NAMES[pair.primary]}, n = {pair.test.n}, p = {_p(pair.test.p)}"
    if several > 1:
        evidence += f", Holm over {several} pairs {_p(pair.p_holm)}"
    if decision in ("better", "worse"):
        size = "smaller than" if pair.verdict.smaller_than_margin else "not shown to be smaller than"
        told = f"{pair.a} is {decision} than {pair.b} by {_size(pair, abs(pair.difference), evidence)}"
        lost = ": not significant after correction" if pair.p_holm > ALPHA >= pair.test.p else ""
        return f"{told}, {size} the {margin}{lost}."
    size = _size(pair, pair.difference, evidence)
    if decision == "equivalent":
        return f"{names} are equivalent: the difference, {size}, lies inside the {margin}."
    return f"{names}: undecided. The difference, {size}, may be 0 and may exceed the {margin}."


def caveats_of(pair: PairOfGroups, comparison: Comparison) -> Iterator[str]:
    """Yield what a reader of that verdict should know: flips, confounds, pairing, power."""
    if pair.flips:
        told = "; ".join(
            f"{line.readout} {line.decision} ({100 * line.ratio:+.3g}%, p = {_p(line.p)})"
            for line in pair.by_readout
            if line.readout in FINAL and not line.reason
        )
        yield f"The verdict on {pair.a} and {pair.b} changes with the readout: {told}."
    if len(pair.differing) > 1:
        yield (
            f"{pair.a} and {pair.b} differ in more than one thing: {', '.join(pair.differing)}. The "
            "difference cannot be put down to one of them."
        )
    yield _pairing(pair, comparison)
    yield _power(pair, comparison)


def noise_of(group: Group) -> str:
    """Return how much of a group's spread is evaluation noise."""
    split = group.noise.split
    if split.reason:
        return f"{group.name}: the spread cannot be split ({split.reason})."
    told = (
        f"{group.name}: one evaluation scatters by {split.evaluation_sd:.3g}, seeds by {split.seed_sd:.3g} "
        f"(ICC {split.icc:.2f}, {split.low:.2f} to {split.high:.2f})"
    )
    if split.high < SEED_NOISE:
        told += ": at a single evaluation the spread between seeds is evaluation noise"
    elif split.low > 0:
        told += ": seeds differ beyond evaluation noise"
    noise = group.noise
    return (
        f"{told}. Standard error of the mean {noise.error_last:.3g} at one evaluation, "
        f"{noise.error_plateau:.3g} over the plateau; {noise.error_twice_the_evaluations:.3g} with "
        f"twice the evaluations, {noise.error_twice_the_seeds:.3g} with twice the seeds."
    )


def coverage_of(group: Group) -> str:
    """Return how often the t interval of a group's mean holds."""
    normal, indicated = group.coverage, group.coverage_indicated
    if math.isnan(normal.coverage):
        return f"{group.name}: not known ({normal.reason})"
    told = f"{group.name} {100 * normal.coverage:.1f}% of normal data"
    if math.isnan(indicated.coverage):
        return told
    return f"{told}, {100 * indicated.coverage:.1f}% at its own skewness ({indicated.skewness:.1f})"


def coverage_of_pair(pair: PairOfGroups) -> str:
    """Return how often the interval of the test that decides holds."""
    normal, indicated = pair.coverage, pair.coverage_indicated
    if math.isnan(normal.coverage):
        return "coverage not known"
    told = f"covers {100 * normal.coverage:.1f}%"
    if math.isnan(indicated.coverage):
        return told
    return f"{told}, at this skewness {100 * indicated.coverage:.1f}%"


def sweep_of(sweep: Sweep) -> str:
    """Return what a sweep comes to: the best setting, its luck, the trend."""
    found = sweep.response
    if found.best < 0:
        return f"No setting of {sweep.knob} can be called the best: {found.reason}."
    told = f"Best is {sweep.knob} = {found.knob[found.best]:g} with a mean of {found.apparent:.4g}"
    if not math.isnan(found.honest):
        share = 100 * found.times_best[found.best]
        told += (
            f", best in {share:.0f}% of resampled studies; judged by seeds that did not choose it "
            f"{found.honest:.4g} (selection bias {found.optimism:.2g})"
        )
    trend = found.trend
    if trend.reason and math.isnan(trend.p):
        told += f". No trend test: {trend.reason}"
    else:
        told += f". Trend with {sweep.knob}: mean rank correlation {trend.rho:+.2f}, "
        told += f"Page's L {trend.statistic:g}, p = {_p(trend.p)}"
    return f"{told}. {found.n} complete seeds{'; ' + found.reason if found.reason else ''}."


def methods_of(comparison: Comparison) -> str:
    """Return how it was compared, ready for a paper's methods section."""
    counts = sorted({group.outcomes.attempted for group in comparison.groups})
    seeds = f"{counts[0]} seeds" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"
    paired = {pair.primary for pair in comparison.pairs}
    tests = " or ".join(TEST_NAMES[name] for name in ("paired", "welch") if name in paired)
    where = ""
    if comparison.readout == "plateau" and comparison.plateau_step is not None:
        where = (
            f", which starts at step {comparison.plateau_step:g} by the marginal standard error rule on ranks"
        )
    better = "lower" if comparison.lower_is_better else "higher"
    correction = " P values are corrected by Holm's method." if len(comparison.pairs) > 1 else ""
    return (
        f"Each experiment was trained with {seeds} and read out as the {READOUT_NAMES[comparison.readout]} "
        f"of {comparison.metric}{where} ({better} is better). Means are given with 95% t intervals, standard "
        f"deviations with n - 1. Differences were tested two-sided by the {tests or 't test'}; seeds are "
        f"paired where both configurations state the same data.{correction} Differences inside "
        f"{100 * comparison.margin:g}% of the mean (90% interval) count as too small to matter."
    )


def results_of(comparison: Comparison) -> str:
    """Return what was found, ready for a paper's results section."""
    means = "; ".join(
        f"{group.name} {s.mean:.6g} (95% interval {s.low:.6g} to {s.high:.6g}, n = {s.n})"
        for group in comparison.groups
        for s in (group.summary,)
        if s.n
    )
    return " ".join(
        [
            *comparison.left_out,
            f"Means: {means}.",
            *(verdict_of(pair, comparison) for pair in comparison.pairs),
        ]
    )


def _pairing(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return whether seeds are pairs, and the check."""
    names, noise = f"{pair.a} and {pair.b}", pair.shared_noise
    if pair.obstacle:
        return f"Seeds of {names} are not paired: {pair.obstacle}."
    told = f"Seeds of {names} are paired: {pair.pairing or 'data and evaluation agree'}"
    counts = {group.name: group.summary.n for group in comparison.groups}
    if alone := counts[pair.a] + counts[pair.b] - 2 * pair.test.n:
        told += f"; {alone} that only one of them has {'is' if alone == 1 else 'are'} left out of the pairs"
    if math.isnan(noise.same):
        return f"{told}; not checked ({noise.reason})."
    others = "" if math.isnan(noise.different) else f", of unequal ones {noise.different:.2f}"
    check = f"correlation of equal seeds' fluctuations {noise.same:.2f}{others}"
    if math.isnan(noise.p):
        return f"{told}; {check}."
    shared = (
        "they share evaluation noise" if noise.p < ALPHA else "no shared noise is seen: pairing gains little"
    )
    return f"{told}; {check} (p = {_p(noise.p)}): {shared}."


def _power(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return what these seeds can show."""
    power, names = pair.power, f"{pair.a} and {pair.b}"
    if power.reason:
        return f"Power of {names}: not known ({power.reason})."
    shown = 100 * comparison.margin * power.detectable / pair.margin
    exact = pair.tests.sign_flip if pair.primary == "paired" else pair.tests.permutation
    return (
        f"With 80% power these seeds show a difference of {shown:.3g}% between {names}; the margin of "
        f"{100 * comparison.margin:g}% needs {power.at_margin:g} seeds ({power.at_margin_low:g} to "
        f"{power.at_margin_high:g}). Smallest p of an exact test: {_p(exact.smallest_p)}."
    )


def _size(pair: PairOfGroups, difference: float, evidence: str) -> str:
    """Return a difference with its interval, in percent of b's mean where there is one, and the evidence."""
    sign = -1.0 if difference * pair.difference < 0 else 1.0
    unit, form = (100 * pair.ratio / pair.difference, "%") if pair.difference else (1.0, "")
    unit = abs(unit) if math.isfinite(unit) else 1.0
    low, high = sorted(sign * unit * end for end in (pair.test.low, pair.test.high))
    return f"{unit * difference:.3g}{form} (95% interval {low:.3g}{form} to {high:.3g}{form}; {evidence})"


def _p(p: float) -> str:
    return "-" if math.isnan(p) else f"{p:.2g}"

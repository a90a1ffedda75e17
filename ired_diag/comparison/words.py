"""A comparison in plain sentences: what is real, how large, how sure, and what would settle the rest."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ired_diag.comparison import Comparison, Group
from ired_diag.comparison.level_words import level_in_words
from ired_diag.comparison.pairing import is_unknown
from ired_diag.comparison.pairs import FINAL, ByReadout, PairOfGroups
from ired_diag.comparison.sweeps import Sweep
from ired_diag.comparison.verdict_words import (
    ALPHA,
    TEST_NAMES,
    number_of_p,
    unit_of,
    verdict_of,
)

__all__ = ["READOUT_NAMES", "TEST_NAMES", "verdict_of"]

FEWEST_TO_TELL = 4  # seeds: of three, the smallest p of an assignment is 1/6
SEED_NOISE = 0.2  # of the ICC's upper end: below it the seeds' spread is evaluation noise
READOUT_NAMES = {
    "plateau": "mean over the plateau",
    "last": "last evaluation",
    "best": "best evaluation",
    "last10": "mean of the last 10 evaluations",
    "area": "area under the curve",
}
VALUE_OF_TABLE = "value of the table"


def readout_name(comparison: Comparison) -> str:
    """Return which number of each seed is compared; a table has no evaluations to choose from."""
    return VALUE_OF_TABLE if comparison.of_tables else READOUT_NAMES[comparison.readout]


def readout_of_metric(comparison: Comparison, readout: str = "") -> str:
    """Return the readout with its metric: ``last evaluation of val_acc``, ``val_acc, value of the table``.

    Args:
        comparison: The comparison.
        readout: Its readout in other words. Default: its name.
    """
    if comparison.of_tables:
        return f"{comparison.metric}, {VALUE_OF_TABLE}"
    return f"{readout or READOUT_NAMES[comparison.readout]} of {comparison.metric}"


def count_of_different(comparison: Comparison) -> str:
    """Return how many of many pairs are shown to differ."""
    different = [pair for pair in comparison.pairs if pair.verdict.decision in ("better", "worse")]
    total = len(comparison.pairs)
    return f"{len(different)} of {total} pairs are shown to differ (Holm p at most {ALPHA:g})."


def caveats_of(pair: PairOfGroups, comparison: Comparison) -> Iterator[str]:
    """Yield what a reader of that verdict should know: flips, confounds, pairing, power."""
    if pair.flips:
        lines = [line for line in pair.by_readout if line.readout in FINAL and not line.reason]
        told = "; ".join(_line(line, pair, comparison) for line in lines)
        yield f"The verdict on {pair.a} and {pair.b} changes with the readout: {told}."
    if len(pair.differing) > 1:
        yield (
            f"{pair.a} and {pair.b} differ in more than one thing: {', '.join(pair.differing)}. The "
            "difference cannot be put down to one of them."
        )
    if pair.identical:
        return
    if min(pair.seeds[:2]):
        yield _pairing(pair)
    if words := level_in_words(pair):
        yield words
    if not any(pair.failed):
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
        told += f"Page's L {trend.statistic:g}, p = {number_of_p(trend.p)}"
    return f"{told}. {found.n} complete seeds{'; ' + found.reason if found.reason else ''}."


def methods_of(comparison: Comparison) -> str:
    """Return how it was compared, ready for a paper's methods section."""
    outcomes = [group.outcomes for group in comparison.groups]
    counts = sorted({each.attempted + each.unfinished for each in outcomes})
    seeds = f"{counts[0]} seeds" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"
    where = ""
    if comparison.readout == "plateau" and comparison.plateau_step is not None:
        where = f", which starts at step {comparison.plateau_step:g}"
    better = "lower" if comparison.lower_is_better else "higher"
    sentences = [
        f"Each experiment was trained with {seeds} and {_read_out(comparison)}{where} ({better} is better).",
        f"Means{_over_what(comparison)} are given with 95% t intervals, standard deviations with n - 1.",
    ]
    if comparison.pairs:
        sentences += _tests(comparison)
    if any(pair.worst_rank is None for pair in comparison.pairs):
        sentences.append(_margin(comparison))
    return " ".join(sentence for sentence in sentences if sentence)


def _read_out(comparison: Comparison) -> str:
    if comparison.of_tables:
        return f"compared by one value of {comparison.metric} for each seed"
    return f"read out as the {readout_of_metric(comparison)}"


def results_of(comparison: Comparison) -> str:
    """Return what was found, ready for a paper's results section."""
    means = "; ".join(
        f"{group.name} {s.mean:.6g} (95% interval {s.low:.6g} to {s.high:.6g}, n = {s.n})"
        for group in comparison.groups
        for s in (group.summary,)
        if s.n
    )
    over = [f"Means{_over_what(comparison)}: {means}."] if means else []
    verdicts = [verdict_of(pair, comparison) for pair in comparison.pairs]
    return " ".join([*comparison.left_out, *over, *verdicts])


def _over_what(comparison: Comparison) -> str:
    return " of the seeds that finished" if among_finished(comparison) else ""


def among_finished(comparison: Comparison) -> bool:
    """Say whether means are of the seeds that finished alone: others have no number."""
    return any(
        group.summary.n < group.outcomes.attempted + group.outcomes.unfinished for group in comparison.groups
    )


def _tests(comparison: Comparison) -> Iterator[str]:
    """Yield how differences were tested, how failed seeds count, who is paired, and the correction."""
    primaries = {pair.primary for pair in comparison.pairs}
    names = [TEST_NAMES[name] for name in TEST_NAMES if name != "worst_rank" and name in primaries]
    if names:
        yield f"Differences of means were tested two-sided by {' or '.join(map(_with_article, names))}."
    if "worst_rank" in primaries:
        yield (
            "Where seeds failed, groups were compared two-sided by Lachin's worst-rank test, which ranks a "
            "failed seed below every other."
        )
    yield _pairs_of_seeds(comparison)
    if (several := len(comparison.pairs)) > 1:
        yield (
            f"P values are corrected for {several} pairs of groups by Holm's method, those of equivalence "
            "likewise; intervals called simultaneous hold together (Bonferroni), all others are unadjusted."
        )


def _pairs_of_seeds(comparison: Comparison) -> str:
    reasons = {pair.pairing for pair in comparison.pairs if not pair.obstacle}
    if not reasons:
        return "Seeds were not paired."
    by_hand = "equal seeds were paired by our choice"
    stated = "equal seeds are paired where both configurations state the same data"
    told = by_hand if any(reason.startswith("--paired") for reason in reasons) else stated
    return f"{told[0].upper()}{told[1:]}."


def _margin(comparison: Comparison) -> str:
    margin = comparison.margin
    if all(math.isnan(pair.margin) for pair in comparison.pairs):
        return "No margin was set below which a difference is too small to matter."
    size = f"of {margin.size:g} or less" if margin.absolute else f"inside {100 * margin.size:g}% of the mean"
    return f"Differences {size} (90% interval) count as too small to matter."


def _line(line: ByReadout, pair: PairOfGroups, comparison: Comparison) -> str:
    """Return what one readout says: ``plateau better (-0.24%, p = 0.008)``."""
    several = len(comparison.pairs) > 1
    p = f"Holm p = {number_of_p(line.p_holm)}" if several else f"p = {number_of_p(line.p)}"
    return f"{line.readout} {line.decision} ({unit_of(line, comparison).text(line.difference, '+.3g')}, {p})"


def _pairing(pair: PairOfGroups) -> str:
    """Return whether seeds are pairs, and the check."""
    names, noise = f"{pair.a} and {pair.b}", pair.shared_noise
    n_a, n_b, shared = pair.seeds
    if pair.obstacle:
        hint = " If equal seeds do, --paired pairs them." if is_unknown(pair.obstacle) else ""
        return f"Seeds of {names} are not paired: {pair.obstacle}.{hint}"
    told = f"Seeds of {names} are paired: {pair.pairing or 'data and evaluation agree'}"
    if pair.estimator == "welch":
        few = (
            f"{shared} seed{' is' if shared == 1 else 's are'} shared by {names}, too few to gain from pairs"
        )
        return f"{few}: Welch's t test on all seeds gives the difference."
    if alone := n_a + n_b - 2 * shared:
        told += f"; {alone} that only one of them has {'is' if alone == 1 else 'are'} kept"
    if math.isnan(noise.same):
        return f"{told}; not checked ({noise.reason})."
    others = "" if math.isnan(noise.different) else f", of unequal ones {noise.different:.2f}"
    check = f"correlation of equal seeds' fluctuations {noise.same:.2f}{others}"
    if math.isnan(noise.p):
        return f"{told}; {check}."
    if noise.p < ALPHA:
        gain = "they share evaluation noise"
    elif noise.n < FEWEST_TO_TELL:
        gain = "too few seeds to tell whether they share noise"
    else:
        gain = "no shared noise is seen: pairing gains little"
    return f"{told}; {check} (p = {number_of_p(noise.p)}): {gain}."


def _power(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return what these seeds can show."""
    power, names = pair.power, f"{pair.a} and {pair.b}"
    if math.isnan(power.detectable):
        return f"Power of {names}: not known ({power.reason})."
    unit = unit_of(pair, comparison)
    of_mean = f" of {pair.b}'s mean" if unit.sign else ""
    shown = f"With 80% power these seeds show a difference of {unit.text(power.detectable)}{of_mean}"
    exact = pair.tests.sign_flip if pair.estimator == "paired" else pair.tests.permutation
    smallest = f"Smallest p of an exact test: {number_of_p(exact.smallest_p)}."
    if math.isnan(power.at_margin):
        return f"{shown} between {names}. {smallest}"
    return (
        f"{shown} between {names}; one as large as {comparison.margin.words} takes {power.at_margin:g} seeds "
        f"({power.at_margin_low:g} to {power.at_margin_high:g}). {smallest}"
    )


def _with_article(test: str) -> str:
    return test if test.startswith("Welch") else f"the {test}"

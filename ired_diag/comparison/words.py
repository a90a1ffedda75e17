"""A comparison in plain sentences: what is real, how large, how sure, and what would settle the rest."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ired_diag.comparison import Comparison, Group
from ired_diag.comparison.flip_words import flips_in_words
from ired_diag.comparison.fold_runs import SHARE_DATA
from ired_diag.comparison.level_words import level_in_words
from ired_diag.comparison.names_in_words import is_or_are
from ired_diag.comparison.pairing import is_unknown
from ired_diag.comparison.pairs import FINAL, ByReadout, PairOfGroups
from ired_diag.comparison.sweeps import Sweep
from ired_diag.comparison.verdict_words import (
    ALPHA,
    TEST_NAMES,
    lone_seeds_in_words,
    number_of_p,
    unit_of,
    verdict_of,
)
from ired_diag.runs.name_list import counted
from ired_diag.stats.shared_noise import SharedNoise

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
    if comparison.of_tables:
        return VALUE_OF_TABLE
    return f"{READOUT_NAMES[comparison.readout]}{_up_to(comparison)}"


def _up_to(comparison: Comparison) -> str:
    """Return where all curves were cut: `` up to step 3225``; empty where they are whole."""
    return "" if comparison.until is None else f" up to step {comparison.until:g}"


def readout_of_metric(comparison: Comparison, readout: str = "") -> str:
    """Return the readout with its metric: ``last evaluation of val_acc``, ``val_acc, value of the table``.

    Args:
        comparison: The comparison.
        readout: Its readout in other words. Default: its name.
    """
    if comparison.of_tables:
        return f"{comparison.shown_metric}, {VALUE_OF_TABLE}"
    words, comma, reason = (readout or READOUT_NAMES[comparison.readout]).partition(", ")
    up_to = "" if readout else _up_to(comparison)
    return f"{words} of {comparison.shown_metric}{up_to}{comma}{reason}"


def count_of_different(comparison: Comparison) -> str:
    """Return how many of many pairs are shown to differ."""
    different = sum(pair.verdict.decision in ("better", "worse") for pair in comparison.pairs)
    total = len(comparison.compared_pairs)
    return f"{different} of {total} pairs are shown to differ (Holm p at most {ALPHA:g})."


def caveats_of(pair: PairOfGroups, comparison: Comparison) -> Iterator[str]:
    """Yield what a reader of that verdict should know: flips, confounds, pairing, power."""
    if pair.flips:
        yield flips_in_words(pair, comparison, _verdicts_by_readout(pair, comparison))
    if pair.identical and pair.differing:
        if not pair.curves_differ:
            differing = ", ".join(pair.differing)
            yield (
                f"{pair.a} and {pair.b} differ in {differing}: none of it changed {comparison.metric} at a "
                "common step."
            )
    elif len(pair.differing) > 1:
        yield (
            f"{pair.a} and {pair.b} differ in more than one thing: {', '.join(pair.differing)}. The "
            "difference cannot be put down to one of them."
        )
    if pair.identical or pair.mixed_scales:
        return
    n_a, n_b, _ = pair.seeds
    if lone := lone_seeds_in_words(pair):
        yield lone
    if n_a and n_b:
        yield _pairing(pair)
    level = level_in_words(pair)
    if level:
        yield level
    if not any(pair.failed):
        yield _power(pair, comparison)


def noise_of(group: Group) -> str:
    """Return how much of a group's spread is evaluation noise."""
    noise, split = group.noise, group.noise.split
    if split.reason:
        return f"{group.name}: the spread cannot be split ({split.reason})."
    icc = f"ICC {split.icc:.2f}, {split.low:.2f} to {split.high:.2f}"
    spread = (
        f"{group.name}: one evaluation scatters by {split.evaluation_sd:.3g}, "
        f"seeds by {split.seed_sd:.3g} ({icc})"
    )
    if split.high < SEED_NOISE:
        spread += ": at a single evaluation the spread between seeds is evaluation noise"
    elif split.low > 0:
        spread += ": seeds differ beyond evaluation noise"
    return (
        f"{spread}. Standard error of the mean {noise.error_last:.3g} at one evaluation, "
        f"{noise.error_plateau:.3g} over the plateau; {noise.error_twice_the_evaluations:.3g} with "
        f"twice the evaluations, {noise.error_twice_the_seeds:.3g} with twice the seeds."
    )


def coverage_of(group: Group) -> str:
    """Return how often the t interval of a group's mean holds."""
    normal, indicated = group.coverage, group.coverage_indicated
    if math.isnan(normal.coverage):
        return f"{group.name}: unknown ({normal.reason})"
    of_normal = f"{group.name} {100 * normal.coverage:.1f}% of normal data"
    if math.isnan(indicated.coverage):
        return of_normal
    return f"{of_normal}, {100 * indicated.coverage:.1f}% at its own skewness ({indicated.skewness:.1f})"


def coverage_of_pair(pair: PairOfGroups) -> str:
    """Return how often the interval of the test that decides holds."""
    normal, indicated = pair.coverage, pair.coverage_indicated
    if math.isnan(normal.coverage):
        return "coverage unknown"
    of_normal = f"covers {100 * normal.coverage:.1f}%"
    if math.isnan(indicated.coverage):
        return of_normal
    return f"{of_normal}, at this skewness {100 * indicated.coverage:.1f}%"


def sweep_of(sweep: Sweep) -> str:
    """Return what a sweep comes to: the best setting, its luck, the trend."""
    response = sweep.response
    # No complete seed: there is no setting to name.
    if response.best < 0:
        return f"No setting of {sweep.knob} can be called the best: {response.reason}."
    seeds = f"{response.n} complete seeds"
    if response.reason:
        seeds += f"; {response.reason}"
    return f"{_best_setting(sweep)}. {_trend(sweep)}. {seeds}."


def _best_setting(sweep: Sweep) -> str:
    """Return the best setting, and how much of its lead is the luck of having been chosen."""
    response = sweep.response
    setting = response.knob[response.best]
    best = f"Best is {sweep.knob} = {setting:g} with a mean of {response.apparent:.4g}"
    if math.isnan(response.honest):
        return best
    share = 100 * response.times_best[response.best]
    return (
        f"{best}, best in {share:.0f}% of resampled studies; judged by seeds that did not choose it "
        f"{response.honest:.4g} (selection bias {response.optimism:.2g})"
    )


def _trend(sweep: Sweep) -> str:
    trend = sweep.response.trend
    if trend.reason and math.isnan(trend.p):
        return f"No trend test: {trend.reason}"
    test = f"Page's L {trend.statistic:g}, p = {number_of_p(trend.p)}"
    return f"Trend with {sweep.knob}: mean rank correlation {trend.rho:+.2f}, {test}"


def methods_of(comparison: Comparison) -> str:
    """Return how it was compared, ready for a paper's methods section."""
    better = "lower" if comparison.lower_is_better else "higher"
    trained = f"Each experiment was trained with {_counts_of_seeds(comparison)}"
    corrected = ", those of folds corrected for shared training data" if comparison.has_folds else ""
    sentences = [
        f"{trained} and {_read_out(comparison)} ({better} is better).",
        f"Means{_over_what(comparison)} are given with 95% t intervals{corrected}, standard deviations with "
        "n - 1.",
    ]
    if comparison.pairs:
        sentences += _tests(comparison)
    if any(pair.worst_rank is None for pair in comparison.pairs):
        sentences.append(_margin(comparison))
    return " ".join(filter(None, sentences))


def _counts_of_seeds(comparison: Comparison) -> str:
    counts = []
    for group in comparison.groups:
        counts.append(group.outcomes.attempted + group.outcomes.unfinished)
    fewest, most = min(counts), max(counts)
    noun = comparison.run_noun
    if fewest == most:
        return f"{fewest} {noun}s"
    return f"{fewest} to {most} {noun}s"


def _read_out(comparison: Comparison) -> str:
    start = ""
    if comparison.readout == "plateau" and comparison.plateau_step is not None:
        start = f", which starts at step {comparison.plateau_step:g}"
    if comparison.of_tables:
        return f"compared by one value of {comparison.shown_metric} for each {comparison.run_noun}{start}"
    return f"read out as the {readout_of_metric(comparison)}{start}"


def results_of(comparison: Comparison) -> str:
    """Return the results, ready for a paper's results section."""
    sentences = list(comparison.left_out)
    means = [_mean_with_interval(group) for group in comparison.groups if group.summary.n]
    if means:
        sentences.append(f"Means{_over_what(comparison)}: {'; '.join(means)}.")
    for pair in comparison.pairs:
        sentences.append(verdict_of(pair, comparison))
    return " ".join(sentences)


def _mean_with_interval(group: Group) -> str:
    summary = group.summary
    interval = "no interval"
    if math.isfinite(summary.low):
        interval = f"95% interval {summary.low:.6g} to {summary.high:.6g}"
    return f"{group.name} {summary.mean:.6g} ({interval}, n = {summary.n})"


def _over_what(comparison: Comparison) -> str:
    return f" of the {comparison.run_noun}s that finished" if among_finished(comparison) else ""


def among_finished(comparison: Comparison) -> bool:
    """Say whether means are of the seeds that finished alone: others have no number."""
    for group in comparison.groups:
        if group.summary.n < group.outcomes.attempted + group.outcomes.unfinished:
            return True
    return False


def _tests(comparison: Comparison) -> Iterator[str]:
    """Yield how differences were tested, how failed seeds count, who is paired, and the correction."""
    # Each test once, in a fixed order, however many pairs it decides on.
    primaries = {pair.primary for pair in comparison.pairs if not (pair.shares_seeds or pair.of_folds)}
    tests = []
    for name, test in TEST_NAMES.items():
        if name != "worst_rank" and name in primaries:
            tests.append(_with_article(test))
    if tests:
        yield f"Differences of means were tested two-sided by {' or '.join(tests)}."
    if any(pair.shares_seeds for pair in comparison.pairs):
        yield (
            "Where runs share seeds of single sources of randomness, differences were tested two-sided by "
            "generalized intervals from crossed variance components (Weerahandi, 1993)."
        )
    if any(pair.of_folds for pair in comparison.pairs):
        yield (
            "Folds share training data: differences were tested two-sided by the corrected resampled t test, "
            "with a standard error of s·sqrt(1/k + 1/(K - 1)) for k of K folds and k - 1 degrees of freedom "
            "(Nadeau & Bengio, 2003)."
        )
    if "worst_rank" in primaries:
        yield (
            "Where seeds failed, groups were compared two-sided by Lachin's worst-rank test, which ranks a "
            "failed seed below every other."
        )
    yield _pairs_of_seeds(comparison)
    count = len(comparison.compared_pairs)
    if count > 1:
        yield (
            f"P values are corrected for {count} pairs of groups by Holm's method, those of equivalence "
            "likewise; intervals called simultaneous hold together (Bonferroni), all others are unadjusted."
        )


def _pairs_of_seeds(comparison: Comparison) -> str:
    reasons = [pair.pairing for pair in comparison.pairs if not pair.obstacle]
    noun = comparison.run_noun
    if not reasons:
        return f"{noun.capitalize()}s were not paired."
    if any(reason.startswith("--paired") for reason in reasons):
        return f"Equal {noun}s were paired by our choice."
    if all(pair.of_folds for pair in comparison.pairs):
        return "Folds of equal numbers are paired, because they hold out the same data."
    return "Equal seeds are paired where both configurations state the same data."


def _margin(comparison: Comparison) -> str:
    margin = comparison.margin
    if all(math.isnan(pair.margin) for pair in comparison.pairs):
        return "No margin was set below which a difference is too small to matter."
    size = f"inside {100 * margin.size:g}% of the mean"
    if margin.absolute:
        size = f"of {margin.size:g} or less"
    return f"Differences {size} (90% interval) count as too small to matter."


def _verdicts_by_readout(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return what the readouts of the end of the curves say, one after another."""
    verdicts = []
    for line in pair.by_readout:
        if line.readout in FINAL and not line.reason:
            verdicts.append(_verdict_of_readout(line, comparison))
    return "; ".join(verdicts)


def _verdict_of_readout(line: ByReadout, comparison: Comparison) -> str:
    """Return what one readout says: ``plateau better (-0.24%, p = 0.008)``."""
    p = f"p = {number_of_p(line.p)}"
    if len(comparison.compared_pairs) > 1:
        p = f"Holm p = {number_of_p(line.p_holm)}"
    difference = unit_of(line, comparison).text(line.difference, "+.3g")
    return f"{line.readout} {line.decision} ({difference}, {p})"


def _pairing(pair: PairOfGroups) -> str:
    """Return whether seeds are pairs, and the check."""
    names = f"{pair.a} and {pair.b}"
    n_a, n_b, shared = pair.seeds
    if pair.obstacle:
        sentence = f"{pair.run_noun.capitalize()}s of {names} are not paired: {pair.obstacle}."
        if is_unknown(pair.obstacle):
            sentence += " If equal seeds do, --paired pairs them."
        return sentence
    if pair.estimator == "welch":
        count = f"{counted(shared, pair.run_noun)} {is_or_are(shared)}"
        few = f"{count} shared by {names}, too few to gain from pairs"
        if pair.of_folds:
            return f"{count} shared by {names}, and two are the least that tell a difference from chance."
        if pair.primary == "worst_rank":
            return f"{few}: the worst-rank test ranks all seeds, those that failed last."
        return f"{few}: Welch's t test on all seeds gives the difference."
    sentence = (
        f"{pair.run_noun.capitalize()}s of {names} are paired: {pair.pairing or 'data and evaluation agree'}"
    )
    alone = n_a + n_b - 2 * shared
    if alone:
        sentence += f"; {alone} that only one of them has {is_or_are(alone)} kept"
    return f"{sentence}; {_check(pair)}."


def _check(pair: PairOfGroups) -> str:
    """Return the check on pairs: of folds, which are pairs by their data, the correlation of results."""
    if not pair.of_folds:
        return _check_of_pairing(pair.shared_noise)
    if math.isnan(pair.correlation):
        return "too few pairs to correlate them"
    return f"correlation of the results of pairs {pair.correlation:.2f}"


def _check_of_pairing(noise: SharedNoise) -> str:
    """Return whether equal seeds fluctuate together, as pairs should."""
    if math.isnan(noise.same):
        return f"not checked ({noise.reason})"
    check = f"correlation of equal seeds' fluctuations {noise.same:.2f}"
    if not math.isnan(noise.different):
        check += f", of unequal ones {noise.different:.2f}"
    if math.isnan(noise.p):
        return check
    if noise.p < ALPHA:
        gain = "they share evaluation noise"
    elif noise.n < FEWEST_TO_TELL:
        gain = "too few seeds to tell whether they share noise"
    else:
        gain = "no shared noise is seen: pairing gains little"
    return f"{check} (p = {number_of_p(noise.p)}): {gain}"


def _power(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return what these seeds can show."""
    power, names = pair.power, f"{pair.a} and {pair.b}"
    if pair.of_folds:
        return f"Power of {names} is withheld: {SHARE_DATA}. What would tell more: {pair.further_runs}."
    if math.isnan(power.detectable):
        return f"Power of {names}: unknown ({power.reason})."
    unit = unit_of(pair, comparison)
    difference = unit.text(power.detectable)
    if unit.sign:
        difference += f" of {pair.b}'s mean"
    shown = f"With 80% power these seeds show a difference of {difference} between {names}"
    if not math.isnan(power.at_margin):
        seeds = f"{power.at_margin:g} seeds"
        if power.at_margin_low != power.at_margin_high:
            seeds += f" ({power.at_margin_low:g} to {power.at_margin_high:g})"
        shown += f"; one as large as {comparison.margin.words} takes {seeds}"
    # With few seeds no exact test can be below 5%, whatever the data.
    exact = pair.tests.permutation
    if pair.estimator == "paired":
        exact = pair.tests.sign_flip
    smallest = number_of_p(exact.smallest_p)
    if exact.method == "Monte Carlo":
        return f"{shown}. Smallest p of a test with {exact.arrangements:,} random arrangements: {smallest}."
    return f"{shown}. Smallest p of an exact test: {smallest}."


def _with_article(test: str) -> str:
    if test.startswith("Welch"):
        return test
    return f"the {test}"

"""The answer to a comparison in a few lines: what a reader must know besides the verdict itself.

A verdict is one sentence (``verdict_words``). Next to it stand only facts that can turn it around: that it
changes with the readout, that the groups differ in more than one thing, whether seeds are pairs or that this
is unknown, that an interval covers too little, and what would decide what is still open. All other numbers
wait behind ``--full``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ired_diag.comparison import NO_PLATEAU, Comparison, Group
from ired_diag.comparison.by_readout import FINAL
from ired_diag.comparison.flip_words import all_inside, flips_in_words
from ired_diag.comparison.level_words import level_in_words, level_of_many
from ired_diag.comparison.pairing import SILENT_TABLE, is_unknown
from ired_diag.comparison.pairs import PairOfGroups
from ired_diag.comparison.verdict_words import WITHOUT_SPREAD, lone_seeds_in_words, unit_of
from ired_diag.comparison.words import readout_name
from ired_diag.runs.name_list import counted, first_names

LEAST_COVERAGE = 0.90  # of a 95% interval at the skewness of its data: below it, the line says so
MOST_NAMED = 4  # pairs
RANKED = "the worst-rank test ranks all seeds, those that failed last"


def readout_in_words(comparison: Comparison) -> str:
    """Return which number of a curve is compared: ``mean over the plateau from step 23000``."""
    name = readout_name(comparison)
    if any(note.startswith(NO_PLATEAU) for note in comparison.notes):
        return f"{name}, because the curves have no plateau in common"
    start = comparison.plateau_step
    if comparison.readout == "plateau" and start is not None:
        return f"{name} from step {start:g}"
    return name


def means_in_words(comparison: Comparison) -> str:
    """Return the mean of each group with its spread and its seeds."""
    return "; ".join(map(_mean_in_words, comparison.groups))


def _mean_in_words(group: Group) -> str:
    summary, outcomes = group.summary, group.outcomes
    mean = "no mean"
    if not math.isnan(summary.mean):
        mean = f"mean {summary.mean:.6g}"
        if not math.isnan(summary.sd):
            mean += f", sd {summary.sd:.2g}"
    seeds = counted(summary.n, group.run_noun)
    if outcomes.finished < outcomes.attempted:
        seeds = f"of {outcomes.finished} of {outcomes.attempted} {group.run_noun}s"
    return f"{group.name}: {mean}, {seeds}"


def cautions_of(pair: PairOfGroups, comparison: Comparison) -> Iterator[str]:
    """Yield what can turn the verdict on a pair around, one line each."""
    if pair.flips:
        yield flips_in_words(pair, comparison, _decisions_by_readout(pair))
    if pair.identical and pair.differing:
        if not pair.curves_differ:
            differing = ", ".join(pair.differing)
            yield (
                f"{pair.a} and {pair.b} differ in {differing}: none of it changed {comparison.metric} at a "
                "common step."
            )
    elif len(pair.differing) > 1:
        yield (
            f"{pair.a} and {pair.b} differ in more than one thing ({', '.join(pair.differing)}): the "
            "difference cannot be put down to one of them."
        )
    if pair.identical or pair.mixed_scales:
        return
    n_a, n_b, _ = pair.seeds
    if lone := lone_seeds_in_words(pair):
        yield lone
    if n_a and n_b:
        yield f"{pairing_in_words(pair)}{_low_coverage_in_words(pair)}"
    level = level_in_words(pair)
    if level:
        yield level
    deciding = deciding_in_words(pair, comparison)
    if deciding:
        yield deciding


def _low_coverage_in_words(pair: PairOfGroups) -> str:
    """Return that the interval holds too rarely; empty where it does not."""
    coverage = pair.coverage_indicated.coverage
    if math.isnan(coverage) or coverage >= LEAST_COVERAGE:
        return ""
    return f" The 95% interval holds in about {100 * coverage:.0f}% of cases at the skewness of these seeds."


def _decisions_by_readout(pair: PairOfGroups) -> str:
    decisions = []
    for line in pair.by_readout:
        if line.readout in FINAL and not line.reason:
            decisions.append(f"{line.readout} {line.decision}")
    return ", ".join(decisions)


def pairing_in_words(pair: PairOfGroups) -> str:
    """Return whether equal seeds are pairs, and by what evidence; unknown is said to be unknown."""
    noun = pair.run_noun
    if pair.of_folds and pair.obstacle:
        return f"{noun.capitalize()}s are not paired: {pair.obstacle}."
    # A table never says what its seeds share, so the advice needs no condition of its own.
    if pair.obstacle == SILENT_TABLE:
        return f"Seeds are not paired: {pair.obstacle}; add --paired if they do."
    if is_unknown(pair.obstacle):
        return f"Seeds are not paired: {pair.obstacle}. If equal seeds share data, add --paired."
    if pair.obstacle:
        return f"Seeds are not paired: {pair.obstacle}."
    if pair.estimator == "welch":
        shared = counted(pair.seeds[2], noun)
        if pair.of_folds:
            return f"{shared} in common: two are the least that tell a difference from chance."
        if pair.primary == "worst_rank":
            return f"{shared} shared, too few to gain from pairs: {RANKED}."
        return f"{shared} shared, too few to gain from pairs: all {noun}s enter Welch's t test."
    return f"{noun.capitalize()}s are paired: {pair.pairing or 'data and evaluation agree'}."


def deciding_in_words(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return what would decide a verdict that is still open; nothing where it is settled."""
    if pair.verdict.decision != "undecided" or any(pair.failed) or pair.test.reason in WITHOUT_SPREAD:
        return ""
    if pair.of_folds:
        return f"What would decide: {pair.further_runs}."
    power = pair.power
    if math.isnan(power.detectable):
        return f"What would decide it is unknown: {power.reason}." if power.reason else ""
    detectable = unit_of(pair, comparison).text(power.detectable)
    shown = f"these seeds show a difference of {detectable} with 80% power"
    if math.isnan(power.at_margin):
        return f"More seeds would decide: {shown}."
    if not math.isfinite(power.at_margin):
        return f"What would decide: more seeds than can be trained; {shown}."
    upper_end = "or more"
    if math.isfinite(power.at_margin_high):
        upper_end = f"to {power.at_margin_high:,.0f}"
    seeds = f"{power.at_margin:,.0f} seeds a group ({power.at_margin_low:,.0f} {upper_end})"
    margin = comparison.margin.words
    return f"What would decide: {seeds} show a difference as large as {margin}; {shown}."


def cautions_of_many(comparison: Comparison) -> Iterator[str]:
    """Yield the same of several pairs, one line a kind."""
    pairs = [pair for pair in comparison.pairs if not (pair.identical or pair.mixed_scales)]
    flipping, inside, confounded = [], [], []
    for pair in pairs:
        if pair.flips and all_inside(pair):
            inside.append(pair)
        elif pair.flips:
            flipping.append(pair)
        if len(pair.differing) > 1:
            confounded.append(pair)
    if flipping:
        yield f"The verdict changes with the readout: {_names_of_pairs(flipping)}."
    if inside:
        margin = comparison.margin.size_words
        yield (
            f"The verdict changes with the readout, and every readout is inside {margin}: "
            f"{_names_of_pairs(inside)}."
        )
    if confounded:
        differ = "These pairs differ in more than one thing, so no difference can be put down to one of them"
        yield f"{differ}: {_names_of_pairs(confounded)}."
    yield from _pairings_of_many(pairs)
    level = level_of_many(pairs)
    if level:
        yield level


def _pairings_of_many(pairs: Sequence[PairOfGroups]) -> Iterator[str]:
    """Yield each way in which seeds are pairs or are not, with the pairs of groups that it holds for."""
    by_words: dict[str, list[PairOfGroups]] = {}
    for pair in pairs:
        n_a, n_b, _ = pair.seeds
        if n_a and n_b:
            by_words.setdefault(pairing_in_words(pair), []).append(pair)
    for words, members in by_words.items():
        if len(by_words) == 1:
            yield words
        else:
            yield f"{words} ({_names_of_pairs(members)})"


def _names_of_pairs(pairs: Sequence[PairOfGroups]) -> str:
    return first_names([f"{pair.a} - {pair.b}" for pair in pairs], MOST_NAMED)

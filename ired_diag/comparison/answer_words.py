"""The answer to a comparison in a few lines: what a reader must know besides the verdict itself.

A verdict is one sentence (``verdict_words``). Next to it stand only facts that can turn it around: that it
changes with the readout, that the groups differ in more than one thing, whether seeds are pairs or that this
is unknown, that an interval covers too little, and what would decide what is still open. All other numbers
wait behind ``--full``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ired_diag.comparison import NO_PLATEAU, Comparison
from ired_diag.comparison.by_readout import FINAL
from ired_diag.comparison.level_words import level_in_words, level_of_many
from ired_diag.comparison.pairing import SILENT_TABLE, is_unknown
from ired_diag.comparison.pairs import PairOfGroups
from ired_diag.comparison.verdict_words import WITHOUT_SPREAD, unit_of
from ired_diag.comparison.words import readout_name

LEAST_COVERAGE = 0.90  # of a 95% interval at the skewness of its data: below it, the line says so
MOST_NAMED = 4  # pairs


def readout_in_words(comparison: Comparison) -> str:
    """Return which number of a curve is compared: ``mean over the plateau from step 23000``."""
    start = comparison.plateau_step
    where = f" from step {start:g}" if comparison.readout == "plateau" and start is not None else ""
    if any(note.startswith(NO_PLATEAU) for note in comparison.notes):
        where = ", because the curves have no plateau in common"
    return f"{readout_name(comparison)}{where}"


def means_in_words(comparison: Comparison) -> str:
    """Return the mean of each group with its spread and its seeds."""
    parts = []
    for group in comparison.groups:
        summary, outcomes = group.summary, group.outcomes
        failed = outcomes.finished < outcomes.attempted
        seeds = f"{outcomes.finished} of {outcomes.attempted} seeds finished" if failed else _seeds(summary.n)
        spread = "" if math.isnan(summary.sd) else f", sd {summary.sd:.2g}"
        mean = "no mean" if math.isnan(summary.mean) else f"mean {summary.mean:.6g}{spread}"
        parts.append(f"{group.name}: {mean}, {seeds}")
    return "; ".join(parts)


def _seeds(count: int) -> str:
    return f"{count} seed{'' if count == 1 else 's'}"


def cautions_of(pair: PairOfGroups, comparison: Comparison) -> Iterator[str]:
    """Yield what can turn the verdict on a pair around, one line each."""
    if pair.flips:
        yield f"The verdict changes with the readout: {_by_readout(pair)}."
    if len(pair.differing) > 1:
        yield (
            f"{pair.a} and {pair.b} differ in more than one thing ({', '.join(pair.differing)}): the "
            "difference cannot be put down to one of them."
        )
    if pair.identical:
        return
    if min(pair.seeds[:2]):
        yield f"{pairing_in_words(pair)}{_coverage(pair)}"
    if words := level_in_words(pair):
        yield words
    if words := deciding_in_words(pair, comparison):
        yield words


def _coverage(pair: PairOfGroups) -> str:
    """Return that the interval holds too rarely, where it does."""
    covered = pair.coverage_indicated.coverage
    if math.isnan(covered) or covered >= LEAST_COVERAGE:
        return ""
    return f" The 95% interval holds in about {100 * covered:.0f}% of cases at the skewness of these seeds."


def _by_readout(pair: PairOfGroups) -> str:
    lines = [line for line in pair.by_readout if line.readout in FINAL and not line.reason]
    return ", ".join(f"{line.readout} {line.decision}" for line in lines)


def pairing_in_words(pair: PairOfGroups) -> str:
    """Return whether equal seeds are pairs, and by what evidence; unknown is said to be unknown."""
    if pair.obstacle:
        if pair.obstacle == SILENT_TABLE:
            return f"Seeds are not paired: {pair.obstacle}; add --paired if they do."
        hint = " If equal seeds share data, add --paired." if is_unknown(pair.obstacle) else ""
        return f"Seeds are not paired: {pair.obstacle}.{hint}"
    if pair.estimator == "welch":
        return f"{_seeds(pair.seeds[2])} shared, too few to gain from pairs: all seeds enter Welch's t test."
    return f"Seeds are paired: {pair.pairing or 'data and evaluation agree'}."


def deciding_in_words(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return what would decide a verdict that is still open; nothing where it is settled."""
    power = pair.power
    if pair.verdict.decision != "undecided" or any(pair.failed) or pair.test.reason in WITHOUT_SPREAD:
        return ""
    if math.isnan(power.detectable):
        return f"What would decide it is unknown: {power.reason}." if power.reason else ""
    unit = unit_of(pair, comparison)
    shown = f"these seeds show a difference of {unit.text(power.detectable)} with 80% power"
    if math.isnan(power.at_margin):
        return f"More seeds would decide: {shown}."
    if not math.isfinite(power.at_margin):
        return f"What would decide: more seeds than can be trained; {shown}."
    high = power.at_margin_high
    to = f"to {high:,.0f}" if math.isfinite(high) else "or more"
    return (
        f"What would decide: {power.at_margin:,.0f} seeds a group ({power.at_margin_low:,.0f} {to}) show a "
        f"difference as large as {comparison.margin.words}; {shown}."
    )


def cautions_of_many(comparison: Comparison) -> Iterator[str]:
    """Yield the same of several pairs, one line a kind."""
    pairs = [pair for pair in comparison.pairs if not pair.identical]
    if flipping := [pair for pair in pairs if pair.flips]:
        yield f"The verdict changes with the readout: {_names(flipping)}."
    if confounded := [pair for pair in pairs if len(pair.differing) > 1]:
        yield (
            f"These pairs differ in more than one thing, so no difference can be put down to one of them: "
            f"{_names(confounded)}."
        )
    by_words: dict[str, list[PairOfGroups]] = {}
    for pair in pairs:
        if min(pair.seeds[:2]):
            by_words.setdefault(pairing_in_words(pair), []).append(pair)
    for words, members in by_words.items():
        which = "" if len(by_words) == 1 else f" ({_names(members)})"
        yield f"{words}{which}"
    if words := level_of_many(pairs):
        yield words


def _names(pairs: Sequence[PairOfGroups]) -> str:
    named = ", ".join(f"{pair.a} - {pair.b}" for pair in pairs[:MOST_NAMED])
    more = len(pairs) - MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named

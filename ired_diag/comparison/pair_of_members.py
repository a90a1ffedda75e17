"""Two groups of seeds compared by every readout, and on frozen problems where a probe has looked at them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ired_diag.comparison.by_readout import line_of
from ired_diag.comparison.criteria import criteria_of
from ired_diag.comparison.decisions import sample_between
from ired_diag.comparison.identical import identical_in_words, overlap_in_words
from ired_diag.comparison.later import Later, changed
from ired_diag.comparison.mixed_scales import scales_in_words
from ired_diag.comparison.noise import noise_between
from ired_diag.comparison.pairing import Pairing
from ired_diag.comparison.pairs import PairOfGroups, compare_pair
from ired_diag.comparison.per_sample import per_sample
from ired_diag.comparison.readouts import READOUTS, Readouts
from ired_diag.comparison.sample import Question
from ired_diag.comparison.seeds import Members, differing_knobs
from ired_diag.comparison.skill import different_problems
from ired_diag.comparison.unequal_lengths import unequal_lengths
from ired_diag.stats.verdict import Verdict


def pair_of_members(
    a: Members,
    b: Members,
    *,
    read: Readouts,
    metric: str,
    readout: str,
    question: Question,
    pairing: Pairing,
) -> PairOfGroups:
    """Return everything about one pair of groups; corrections for several pairs are yet to be made.

    Args:
        a: The first group.
        b: The second group.
        read: All readouts of all seeds.
        metric: Name of the metric that is compared.
        readout: Name of the readout that is compared.
        question: How to compare.
        pairing: Whether equal seeds are pairs.
    """
    withheld = _withheld(a, b, read)
    overlap = overlap_in_words(a, b)
    samples, identical, lines = {}, {}, []
    for name in READOUTS:
        values = read.values[name]
        samples[name] = sample_between(a, b, values, pairing)
        identical[name] = identical_in_words(a, b, values[a.name], values[b.name]) or overlap
        line = line_of(
            name,
            samples[name],
            question,
            withheld=withheld.get(name, ""),
            identical=bool(identical[name]),
        )
        lines.append(line)
    windows = (read.windows[a.name], read.windows[b.name])
    noise = Later(partial(noise_between, *windows, pairing.shared, draw=question.draw))
    pair = compare_pair(samples[readout], question, lines, noise)
    pairs_of_seeds = [] if pairing.obstacle else pairing.shared
    on_problems = per_sample(a, b, pairs_of_seeds, draw=question.draw)
    criteria = criteria_of(a, b, pair, on_problems, lower_is_better=question.lower_is_better)
    pair = changed(
        pair,
        pairing=pairing.evidence,
        per_sample=on_problems,
        criteria=criteria,
        differing=differing_knobs(a, b),
        lengths=unequal_lengths(a, b, question, pairing),
    )
    values = read.values[readout]
    scales = scales_in_words(metric, (a.name, b.name), (values[a.name], values[b.name]))
    problems = different_problems(a, b, metric)
    if problems:
        return changed(_marked_as_mixed(pair, problems), other_problems=problems, criteria=())
    return _marked_as_mixed(_marked_as_identical(pair, identical[readout]), scales)


def _withheld(a: Members, b: Members, read: Readouts) -> dict[str, str]:
    """Return why a readout has no numbers, by readout."""
    without_seeds = [members.name for members in (a, b) if not members.seeds]
    if without_seeds:
        return dict.fromkeys(READOUTS, f"no seed of {' or '.join(without_seeds)} finished")
    return dict(read.reasons)


def _marked_as_identical(pair: PairOfGroups, identical: str) -> PairOfGroups:
    if not identical:
        return pair
    verdict = Verdict("identical", False, f"{pair.a} and {pair.b} are {identical}")
    return changed(pair, identical=identical, verdict=verdict, uncorrected=verdict)


def _marked_as_mixed(pair: PairOfGroups, scales: str) -> PairOfGroups:
    """Return a pair whose numbers are not on one scale as undecided, by every readout."""
    if not scales:
        return pair
    verdict = Verdict("undecided", False, f"whether {pair.a} and {pair.b} differ is undecided: {scales}")
    lines = []
    for line in pair.by_readout:
        lines.append(replace(line, decision="undecided", uncorrected="undecided", smaller_than_margin=False))
    return changed(
        pair,
        mixed_scales=scales,
        verdict=verdict,
        uncorrected=verdict,
        by_readout=lines,
    )

"""Comparisons that these seeds could hardly decide: too few of them for their spread.

Each pair of groups that state no different data, with two complete seeds or more each, is compared as
``stats`` compares it: plateau means where both have come to rest, else last evaluations; paired where both
state the same data. Two groups that computed the same (``identical_curves``) are left out, since no number of
seeds shows a difference between them. So are two that state no data and whose configurations have other keys,
which may be of two tasks (``comparison.one_program``), and groups of folds of a cross-validation, of which
no more can be trained.
Where that leaves it undecided, the smallest difference that these seeds show with 80% power (``stats.power``)
is compared with the margin of 1%: where it is larger, neither a difference that matters nor its absence could
be expected to be found, and "no significant difference" means nothing.

It is not compared with the observed difference: that of an undecided pair is always the smaller one (Hoenig
& Heisey 2001). All such pairs of a study are one finding, which names those closest to a decision.

References: Cohen (1988), Statistical Power Analysis, section 2; Hoenig & Heisey (2001), The Abuse of Power.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.comparison.by_readout import line_of
from ired_diag.comparison.deciding import decide, estimator_of
from ired_diag.comparison.many_pairs import (
    Differences,
)
from ired_diag.comparison.outcomes import failed_seeds
from ired_diag.comparison.pairing import NO_SEED as NO_PAIRS
from ired_diag.comparison.pairing import pairing_of
from ired_diag.comparison.prospects import power_of_seeds
from ired_diag.comparison.sample import Question, Sample, sample_of
from ired_diag.finding import Finding
from ired_diag.forensics.pairs_of_groups import (
    FEWEST,
    Booleans,
    Places,
    Readings,
    designs_of,
    last_values,
    may_be_compared,
    means_of,
    numbered,
)
from ired_diag.forensics.rule import Evidence, Rule, not_none
from ired_diag.forensics.shared_noise import Curves, curves_of, windows_in_common
from ired_diag.runs.study import Study
from ired_diag.stats.power import SeedsNeeded, detectable

FEWEST_GROUPS = 2
MOST_LISTED = 3
QUESTION = Question()
CLEARLY = 1 - 1e-9  # so that rounding decides nothing


@dataclass(frozen=True)
class Undecided:
    """A pair of groups that its seeds leave undecided.

    Attributes:
        sample: The numbers of both groups.
        margin: In the metric's unit.
        difference: Mean of a minus mean of b.
        half_width: Half the width of the difference's 95% interval, in margins.
    """

    sample: Sample
    margin: float
    difference: float
    half_width: float


@dataclass(frozen=True)
class Weak:
    """The pairs that are undecided and had too little power.

    Attributes:
        first: The first few, the least wide first.
        count: How many there are.
        compared: How many pairs were compared.
    """

    first: Sequence[Undecided]
    count: int
    compared: int


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for the pairs that are undecided and had too little power, the least wide first."""
    groups = [curves for curves in curves_of(study) if len(curves.members.seeds) >= FEWEST]
    # Where seeds failed, the worst-rank test decides, which has no such power.
    healthy = [curves for curves in groups if failed_seeds(curves.members) == 0 and not _are_folds(curves)]
    if len(healthy) < FEWEST_GROUPS:
        return
    a, b = np.triu_indices(len(healthy), 1)
    may_be = may_be_compared(study, healthy, a, b)
    weak = _weak_pairs(healthy, a[may_be], b[may_be])
    if weak.first:
        yield _finding(weak)


def _are_folds(curves: Curves) -> bool:
    """Say whether runs are folds: they share training data, and there are no more of them to train."""
    return curves.members.cross_validation is not None


def _weak_pairs(groups: Sequence[Curves], a: Places, b: Places) -> Weak:
    """Return the pairs that are undecided although a difference as large as the margin could not be shown.

    Args:
        groups: The groups.
        a: The place of the first group of each pair that may be compared, of shape (pairs,).
        b: That of the second.
    """
    designs, design_of_pair = designs_of(groups, a, b)
    is_compared = np.array([design.is_compared for design in designs], dtype=np.bool_)[design_of_pair]
    a, b, design_of_pair = a[is_compared], b[is_compared], design_of_pair[is_compared]
    if not len(a):
        return Weak((), 0, 0)
    readings = Readings.of(groups, a, b)
    methods, examples = numbered(design.method for design in designs)
    method_of_pair = methods[design_of_pair]
    ratios = np.full(len(a), np.nan)  # of undecided pairs, half the width of the interval in margins
    is_weak = np.zeros(len(a), dtype=np.bool_)
    for method, example in enumerate(examples):
        places = np.flatnonzero(method_of_pair == method)
        is_at_once = readings.are_at_once(places, designs[example])
        differences = readings.differences(places[is_at_once], designs[example], share=QUESTION.margin.size)
        ratios[places[is_at_once]] = differences.half_width / differences.margin
        is_weak[places[is_at_once]] = _are_weak(differences)
        for place in places[~is_at_once].tolist():
            pair = _undecided_of(groups[a[place]], groups[b[place]])
            if pair is not None:
                ratios[place] = pair.half_width
                is_weak[place] = _is_weak(pair)
    weak = np.flatnonzero(is_weak)
    in_order = weak[np.argsort(ratios[weak], kind="stable")]
    first = [_undecided_of(groups[a[place]], groups[b[place]]) for place in in_order[:MOST_LISTED].tolist()]
    return Weak(first=not_none(first), count=len(weak), compared=len(a))


def _undecided_of(a: Curves, b: Curves) -> Undecided | None:
    sample = _sample_of_pair(a, b)
    return None if sample is None else _undecided(sample)


def _are_weak(differences: Differences) -> Booleans:
    """Return which pairs are undecided, though a difference as large as the margin could not be shown."""
    is_weak = differences.is_undecided & (differences.half_width / differences.margin >= 1)
    for place in np.flatnonzero(differences.is_undecided & ~is_weak).tolist():
        df, error = float(differences.df[place]), float(differences.standard_error[place])
        is_weak[place] = _shows_only_more(df, error, float(differences.margin[place]))
    return is_weak


def _shows_only_more(df: float, error: float, margin: float) -> bool:
    """Say whether the least difference that a test shows with 80% power is larger than the margin."""
    # It falls with df: the whole numbers around df, which many pairs share, decide nearly always.
    if df >= 1:
        if detectable(math.ceil(df)) * error > margin * CLEARLY:
            return True
        if detectable(math.floor(df)) * error * CLEARLY < margin:
            return False
    return detectable(df) * error > margin


def _is_weak(pair: Undecided) -> bool:
    """Say whether the seeds could not have shown a difference as large as the margin."""
    # What is detectable is wider than half the interval, whose critical value has no room for the 80%.
    return pair.half_width >= 1 or _power_of(pair).detectable > pair.margin


def _finding(weak: Weak) -> Finding:
    worst = weak.first[0]
    power = _power_of(worst)
    a, b = worst.sample.names
    is_paired = estimator_of(worst.sample) == "paired"
    pairs_are = "1 pair of groups is"
    if weak.count > 1:
        pairs_are = f"{weak.count} pairs of groups are"
    differences = ", ".join(map(_in_words, weak.first))
    if weak.count > len(weak.first):
        differences += f" and {weak.count - len(weak.first)} more"
    available = _seeds_of(worst.sample)
    if is_paired:
        available = f"{power.n} pairs of seeds"
    needed = "over a million"
    if math.isfinite(power.at_margin):
        needed = f"{power.at_margin:,.0f}"
    statement = (
        f"{pairs_are} undecided, of {weak.compared} that state no different data, because the seeds are too "
        f"few for their spread. With 80% power they show only larger differences: {differences}. To show a "
        f"difference of 1% between {a} and {b} takes about {needed} seeds in each; there are {available}. "
        "Undecided is not equal."
    )
    evidence: Evidence = {
        "pairs_compared": weak.compared,
        "pairs_underpowered": weak.count,
        "a": a,
        "b": b,
        "n": power.n,
        "paired": is_paired,
        "observed_difference": worst.difference,
        "detectable": power.detectable,
        "detectable_share": _detectable_share(worst),
        "margin": worst.margin,
        "power_at_margin": power.power_at_margin,
        "seeds_needed": power.at_margin,
        "seeds_needed_low": power.at_margin_low,
        "seeds_needed_high": power.at_margin_high,
    }
    return Finding(
        rule="underpowered",
        severity="note",
        statement=statement,
        evidence=evidence,
        advice=f"ired-diag stats {a} {b}",
    )


def _seeds_of(sample: Sample) -> str:
    if len(sample.a) == len(sample.b):
        return f"{len(sample.a)} in each"
    return f"{len(sample.a)} and {len(sample.b)}"


def _in_words(pair: Undecided) -> str:
    percent = 100 * _detectable_share(pair)
    digits = f"{percent:,.0f}" if percent >= 10 else f"{percent:.2g}"
    names = " and ".join(pair.sample.names)
    return f"{names} from {digits}% on"


def _detectable_share(pair: Undecided) -> float:
    """Return the smallest difference shown with 80% power, as a share of the two groups' mean."""
    return QUESTION.margin.size * _power_of(pair).detectable / pair.margin


def _sample_of_pair(a: Curves, b: Curves) -> Sample | None:
    """Return one number a seed of two groups; None where their data or evaluations differ."""
    if a.metric != b.metric:
        return None
    pairing = pairing_of(a.members, b.members)
    if pairing.contradiction:
        return None
    windows = windows_in_common(a, b)
    if windows is None:
        values_of_a = last_values(a)
        values_of_b = last_values(b)
    else:
        values_of_a, values_of_b = map(means_of, windows)
    obstacle = pairing.obstacle
    if len(pairing.shared) < FEWEST:
        obstacle = NO_PAIRS
    names = (a.members.name, b.members.name)
    return sample_of(names, values_of_a, values_of_b, shared=pairing.shared, obstacle=obstacle)


def _undecided(sample: Sample) -> Undecided | None:
    line = line_of("", sample, QUESTION)
    if line.reason or line.decision != "undecided" or not line.margin > 0:
        return None
    half_width = (line.high - line.low) / 2
    return Undecided(
        sample=sample,
        margin=line.margin,
        difference=line.difference,
        half_width=half_width / line.margin,
    )


def _power_of(pair: Undecided) -> SeedsNeeded:
    deciding = decide(pair.sample, QUESTION)
    return power_of_seeds(pair.sample, deciding)


RULE = Rule(
    name="underpowered",
    question="Which comparisons are undecided because the seeds are too few?",
    find=find,
    consequence="conclusion",
    refuted_by=("A margin that is stated to be larger than what these seeds can show."),
    near_miss=(
        "Two groups that are undecided and whose interval lies inside the margin: they are equivalent, "
        "and no more seeds are needed. Two groups with identical curves, or of two tasks."
    ),
    example=("Three seeds in each group spread by 10%: they show differences from 29% on."),
)

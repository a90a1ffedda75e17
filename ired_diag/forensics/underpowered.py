"""Comparisons that these seeds could hardly decide: too few of them for their spread.

Each pair of groups that state no different data, with two complete seeds or more each, is compared as
``stats`` compares it: plateau means where both have come to rest, else last evaluations; paired where both
state the same data.
Where that leaves it undecided, the smallest difference that these seeds show with 80% power (``stats.power``)
is compared with the margin of 1%: where it is larger, neither a difference that matters nor its absence could
be expected to be found, and "no significant difference" means nothing.

It is not compared with the observed difference: that of an undecided pair is always the smaller one (Hoenig
& Heisey 2001). All such pairs of a study are one finding, with the worst told.

References: Cohen (1988), Statistical Power Analysis, section 2; Hoenig & Heisey (2001), The Abuse of Power.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.comparison.by_readout import line_of
from ired_diag.comparison.deciding import decide, estimator_of
from ired_diag.comparison.outcomes import failed_seeds
from ired_diag.comparison.pairing import NO_SEED as NO_PAIRS
from ired_diag.comparison.pairing import pairing_of
from ired_diag.comparison.prospects import power_of_seeds
from ired_diag.comparison.sample import Question, Sample, sample_of
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule
from ired_diag.forensics.shared_noise import Curves, curves_of, windows_in_common
from ired_diag.runs.study import Study
from ired_diag.stats.power import SeedsNeeded

FEWEST = 2  # seeds: one has no spread
MOST_TOLD = 3
QUESTION = Question()


@dataclass(frozen=True)
class Undecided:
    """A pair of groups that its seeds leave undecided.

    Attributes:
        sample: The numbers of both groups.
        margin: In the metric's unit.
        difference: Mean of a minus mean of b.
        half_width: Of its 95% interval, in margins.
    """

    sample: Sample
    margin: float
    difference: float
    half_width: float


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for the pairs that are undecided and had too little power, the least wide first."""
    groups = [curves for curves in curves_of(study) if len(curves.members.seeds) >= FEWEST]
    pairs = [pair for pair in itertools.combinations(groups, 2) if not any(map(_has_failures, pair))]
    samples = [sample for a, b in pairs if (sample := _sample(a, b))]
    undecided = [found for sample in samples if (found := _undecided(sample))]
    # What is detectable is wider than half the interval, whose critical value has no room for the 80%.
    weak = [one for one in undecided if one.half_width >= 1 or _power(one).detectable > one.margin]
    if weak:
        yield _finding(sorted(weak, key=lambda one: one.half_width), len(samples))


def _has_failures(curves: Curves) -> bool:
    """Say whether seeds of a group failed: then the worst-rank test decides, which has no such power."""
    return failed_seeds(curves.members) > 0


def _finding(weak: Sequence[Undecided], compared: int) -> Finding:
    worst, power = weak[0], _power(weak[0])
    (a, b), paired = worst.sample.names, estimator_of(worst.sample) == "paired"
    told = "1 pair of groups is" if len(weak) == 1 else f"{len(weak)} pairs of groups are"
    first, more = ", ".join(map(_in_words, weak[:MOST_TOLD])), len(weak) - MOST_TOLD
    others = f" and {more} more" if more > 0 else ""
    available = f"{power.n} pairs of seeds" if paired else f"{_seeds_of(worst.sample)}"
    seeds = f"{power.at_margin:,.0f}" if math.isfinite(power.at_margin) else "over a million"
    statement = (
        f"{told} undecided, of {compared} that state no different data, because the seeds are too few for "
        f"their spread. "
        f"With 80% power they show only larger differences: {first}{others}. To show a difference of 1% "
        f"between {a} and {b} takes about {seeds} seeds in each; there are {available}. Undecided is not "
        "equal."
    )
    evidence: Evidence = {
        "pairs_compared": compared,
        "pairs_underpowered": len(weak),
        "a": a,
        "b": b,
        "n": power.n,
        "paired": paired,
        "observed_difference": worst.difference,
        "detectable": power.detectable,
        "detectable_share": _detectable(worst),
        "margin": worst.margin,
        "power_at_margin": power.power_at_margin,
        "seeds_needed": power.at_margin,
        "seeds_needed_low": power.at_margin_low,
        "seeds_needed_high": power.at_margin_high,
    }
    return Finding("underpowered", "note", statement, evidence, f"ired-diag stats {a} {b}")


def _seeds_of(sample: Sample) -> str:
    x, y = len(sample.a), len(sample.b)
    return f"{x} in each" if x == y else f"{x} and {y}"


def _in_words(one: Undecided) -> str:
    percent = 100 * _detectable(one)
    told = f"{percent:,.0f}" if percent >= 10 else f"{percent:.2g}"
    return f"{' and '.join(one.sample.names)} from {told}% on"


def _detectable(one: Undecided) -> float:
    """Return the smallest difference shown with 80% power, as a share of the two groups' mean."""
    return QUESTION.margin.size * _power(one).detectable / one.margin


def _sample(a: Curves, b: Curves) -> Sample | None:
    """Return one number a seed of two groups; None where their data or evaluations differ."""
    if a.metric != b.metric:
        return None
    pairing, names = pairing_of(a.members, b.members), (a.members.name, b.members.name)
    if pairing.contradiction:
        return None
    if windows := windows_in_common(a, b):
        x, y = ({seed: float(w[np.isfinite(w)].mean()) for seed, w in group.items()} for group in windows)
    else:
        x, y = ({seed.label: float(seed.values[-1]) for seed in c.members.seeds} for c in (a, b))
    few = NO_PAIRS if len(pairing.shared) < FEWEST else pairing.obstacle
    return sample_of(names, x, y, pairing.shared, few)


def _undecided(sample: Sample) -> Undecided | None:
    line = line_of("", sample, QUESTION)
    if line.reason or line.decision != "undecided" or not line.margin > 0:
        return None
    return Undecided(sample, line.margin, line.difference, (line.high - line.low) / 2 / line.margin)


def _power(one: Undecided) -> SeedsNeeded:
    return power_of_seeds(one.sample, decide(one.sample, QUESTION))


RULE = Rule(
    "underpowered",
    "Which comparisons are undecided because the seeds are too few?",
    find,
    consequence="conclusion",
    refuted_by=("A margin that is stated to be larger than what these seeds can show."),
    near_miss=(
        "Two groups that are undecided and whose interval lies inside the margin: they are equivalent, "
        "and no more seeds are needed."
    ),
    example=("Three seeds in each group spread by 10%: they show differences from 29% on."),
)

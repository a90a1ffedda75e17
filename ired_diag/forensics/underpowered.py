"""Comparisons that these seeds could hardly decide: too few of them for their spread.

Each pair of groups that state no different data, with two complete seeds or more each, is compared as
``stats`` compares it: plateau means where both have come to rest, else last evaluations; paired where both
state the same data. Two groups that computed the same (``identical_curves``) are left out, since no number of
seeds shows a difference between them. So are two that state no data and whose configurations have other keys,
which may be of two tasks (``comparison.one_program``).
Where that leaves it undecided, the smallest difference that these seeds show with 80% power (``stats.power``)
is compared with the margin of 1%: where it is larger, neither a difference that matters nor its absence could
be expected to be found, and "no significant difference" means nothing.

It is not compared with the observed difference: that of an undecided pair is always the smaller one (Hoenig
& Heisey 2001). All such pairs of a study are one finding, which names those closest to a decision.

References: Cohen (1988), Statistical Power Analysis, section 2; Hoenig & Heisey (2001), The Abuse of Power.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ired_diag.comparison.by_readout import line_of
from ired_diag.comparison.deciding import decide, estimator_of
from ired_diag.comparison.noise import Windows
from ired_diag.comparison.one_program import may_be_one_program
from ired_diag.comparison.outcomes import failed_seeds
from ired_diag.comparison.pairing import NO_SEED as NO_PAIRS
from ired_diag.comparison.pairing import pairing_of
from ired_diag.comparison.prospects import power_of_seeds
from ired_diag.comparison.sample import Question, Sample, sample_of
from ired_diag.comparison.stated_data import names_data
from ired_diag.finding import Finding
from ired_diag.forensics import identical_curves
from ired_diag.forensics.rule import Evidence, Rule, not_none
from ired_diag.forensics.shared_noise import Curves, curves_of, windows_in_common
from ired_diag.runs.stated_settings import first_settings
from ired_diag.runs.study import Study
from ired_diag.stats.power import SeedsNeeded

FEWEST = 2  # seeds: one has no spread
FEWEST_GROUPS = 2
MOST_LISTED = 3
QUESTION = Question()


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


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for the pairs that are undecided and had too little power, the least wide first."""
    samples = _samples(study)
    weak = list(filter(_is_weak, not_none(map(_undecided, samples))))
    if weak:
        yield _finding(sorted(weak, key=lambda pair: pair.half_width), compared=len(samples))


def _samples(study: Study) -> list[Sample]:
    """Return the numbers of each pair of groups that can be compared."""
    groups = [curves for curves in curves_of(study) if len(curves.members.seeds) >= FEWEST]
    # Where seeds failed, the worst-rank test decides, which has no such power.
    healthy = [curves for curves in groups if failed_seeds(curves.members) == 0]
    if len(healthy) < FEWEST_GROUPS:
        return []
    equal = identical_curves.equal_groups(study)
    settings = {group: first_settings(runs) for group, runs in study.groups().items()}
    state_data = set()
    for group, configuration in settings.items():
        if any(names_data(key, configuration) for key in configuration):
            state_data.add(group)
    samples = []
    for a, b in itertools.combinations(healthy, 2):
        names = frozenset((a.members.name, b.members.name))
        if names in equal:
            continue
        # Whether stated data are the same is compared elsewhere.
        if names <= state_data or _may_be_one_program(*(settings[name] for name in names)):
            samples.append(_sample_of_pair(a, b))
    return not_none(samples)


def _may_be_one_program(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Say whether two groups may be of one program; one without a configuration may be of any."""
    return not (a and b) or may_be_one_program(a, b)


def _is_weak(pair: Undecided) -> bool:
    """Say whether the seeds could not have shown a difference as large as the margin."""
    # What is detectable is wider than half the interval, whose critical value has no room for the 80%.
    return pair.half_width >= 1 or _power_of(pair).detectable > pair.margin


def _finding(weak: Sequence[Undecided], *, compared: int) -> Finding:
    worst = weak[0]
    power = _power_of(worst)
    a, b = worst.sample.names
    is_paired = estimator_of(worst.sample) == "paired"
    pairs_are = "1 pair of groups is"
    if len(weak) > 1:
        pairs_are = f"{len(weak)} pairs of groups are"
    differences = ", ".join(map(_in_words, weak[:MOST_LISTED]))
    if len(weak) > MOST_LISTED:
        differences += f" and {len(weak) - MOST_LISTED} more"
    available = _seeds_of(worst.sample)
    if is_paired:
        available = f"{power.n} pairs of seeds"
    needed = "over a million"
    if math.isfinite(power.at_margin):
        needed = f"{power.at_margin:,.0f}"
    statement = (
        f"{pairs_are} undecided, of {compared} that state no different data, because the seeds are too few "
        f"for their spread. With 80% power they show only larger differences: {differences}. To show a "
        f"difference of 1% between {a} and {b} takes about {needed} seeds in each; there are {available}. "
        "Undecided is not equal."
    )
    evidence: Evidence = {
        "pairs_compared": compared,
        "pairs_underpowered": len(weak),
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
        values_of_a = _last_values(a)
        values_of_b = _last_values(b)
    else:
        values_of_a, values_of_b = map(_means, windows)
    obstacle = pairing.obstacle
    if len(pairing.shared) < FEWEST:
        obstacle = NO_PAIRS
    names = (a.members.name, b.members.name)
    return sample_of(names, values_of_a, values_of_b, shared=pairing.shared, obstacle=obstacle)


def _means(windows: Windows) -> dict[str, float]:
    """Return each seed's mean on the plateau, of its finite evaluations."""
    return {seed: float(values[np.isfinite(values)].mean()) for seed, values in windows.items()}


def _last_values(curves: Curves) -> dict[str, float]:
    return {seed.label: float(seed.values[-1]) for seed in curves.members.seeds}


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

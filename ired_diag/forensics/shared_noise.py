"""Evaluation noise that runs of equal seed share: then seeds are pairs, and only their differences count.

Where the seed also drew the evaluation samples, runs of one seed and different configurations are up and down
together on the plateau (``stats.shared_noise``). Two groups are reported where, over three seeds or more,

    same ≥ 0.2,    same - different ≥ 4 / √(n k),    p ≤ 0.01 (the least that 3 or 4 seeds allow, 1/n!),

with ``same`` and ``different`` the mean correlation of runs of equal and of unequal seeds, n seeds and k
evaluations: a correlation of k independent values has the standard deviation 1/√k, and a study has many pairs
of groups. Equal seeds may also share training data; a log cannot tell the two apart, and pairs are right for
both. Groups that are tied so are one finding. Identical curves are reported by ``identical_curves``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.members import settings_of
from ired_diag.comparison.noise import Windows, noise_between
from ired_diag.comparison.pairing import pairing_of
from ired_diag.comparison.seeds import Members, Seed, shared_seeds
from ired_diag.curves.common_plateau import common_plateau
from ired_diag.curves.failure import failure_of
from ired_diag.curves.rest import FEWEST
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, judged_metric, listed, not_none
from ired_diag.runs.cross_validation import cross_validation_of
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.stats.shared_noise import SharedNoise

FEWEST_SEEDS = 3
LEAST = 0.2  # of the correlation: below it pairing gains a tenth of the standard error, or less
CLEAR = 4.0  # standard deviations
CHANCE = 0.01  # of a permutation of the seeds
IDENTICAL = 1 - 1e-9  # correlation of equal curves, but for rounding


@dataclass(frozen=True)
class Curves:
    """The complete seeds of a group, and where all of them are at rest.

    Attributes:
        members: The seeds.
        start: Step of the start of their common plateau; None without one.
        metric: By which all of them are judged.
    """

    members: Members
    start: float | None
    metric: str

    def windows(self, start: float) -> dict[str, NDArray[np.float64]]:
        """Return each seed's evaluations from a step on."""
        return {seed.label: seed.values[seed.steps >= start] for seed in self.members.seeds}


@dataclass(frozen=True)
class Tied:
    """Two groups whose equal seeds fluctuate together.

    Attributes:
        names: Names of the two groups.
        noise: How far they fluctuate together.
        obstacle: Why the configurations do not show that the seeds are pairs; empty where they do.
    """

    names: tuple[str, str]
    noise: SharedNoise
    obstacle: str


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each set of groups whose equal seeds fluctuate together."""
    groups = []
    for curves in curves_of(study):
        # Folds are pairs by the data that they hold out, whether or not their evaluations fluctuate together.
        if curves.start is not None and curves.members.cross_validation is None:
            groups.append(curves)
    ties = not_none(itertools.starmap(_tie, itertools.combinations(groups, 2)))
    for cluster in _clusters(ties):
        yield _finding(cluster)


def curves_of(study: Study) -> list[Curves]:
    """Return the groups with complete runs, each with its common plateau."""
    return study.derived(_curves_of_groups)


def _curves_of_groups(study: Study) -> list[Curves]:
    return not_none(itertools.starmap(_curves, study.groups().items()))


def windows_in_common(a: Curves, b: Curves) -> tuple[Windows, Windows] | None:
    """Return the evaluations of two groups from where all are at rest; None where they never all are."""
    if a.start is None or b.start is None:
        return None
    start = max(a.start, b.start)
    windows = (a.windows(start), b.windows(start))
    shortest = min(map(len, (*windows[0].values(), *windows[1].values())))
    return windows if shortest >= FEWEST else None


def _tie(a: Curves, b: Curves) -> Tied | None:
    shared = shared_seeds(a.members, b.members)
    if a.metric != b.metric or len(shared) < FEWEST_SEEDS or not _have_same_steps(a, b):
        return None
    pairing = pairing_of(a.members, b.members)
    windows = windows_in_common(a, b)
    if pairing.contradiction or windows is None:
        return None
    noise = noise_between(*windows, shared, draw=0, least=LEAST)
    if noise.n < FEWEST_SEEDS or min(noise.by_seed) > IDENTICAL:
        return None
    evaluations = len(windows[0][shared[0]])
    if not _is_clear(noise, evaluations):
        return None
    return Tied(names=(a.members.name, b.members.name), noise=noise, obstacle=pairing.obstacle)


def _is_clear(noise: SharedNoise, evaluations: int) -> bool:
    """Say whether runs of equal seed fluctuate together more than chance lets them."""
    error = CLEAR / math.sqrt(noise.n * evaluations)
    bound = max(LEAST, error + max(0.0, noise.different))
    # The permutation test of three or four seeds cannot reach 1%; rounding must not hide its least p.
    least_p = 1.001 / math.factorial(noise.n)
    return noise.same >= bound and noise.p <= max(CHANCE, least_p)


def _have_same_steps(a: Curves, b: Curves) -> bool:
    first, *others = [*a.members.seeds, *b.members.seeds]
    return all(np.array_equal(first.steps, seed.steps) for seed in others)


def _clusters(ties: Sequence[Tied]) -> list[list[Tied]]:
    """Return the ties by connected sets of groups."""
    clusters: list[list[Tied]] = []
    for tie in ties:
        touching: list[Tied] = []
        apart: list[list[Tied]] = []
        for cluster in clusters:
            if _touches(tie, cluster):
                touching.extend(cluster)
            else:
                apart.append(cluster)
        clusters = [*apart, [*touching, tie]]
    return clusters


def _touches(tie: Tied, cluster: Sequence[Tied]) -> bool:
    return not set(tie.names).isdisjoint(_groups_of(cluster))


def _groups_of(ties: Sequence[Tied]) -> list[str]:
    names = itertools.chain.from_iterable(tie.names for tie in ties)
    return list(dict.fromkeys(names))


def _finding(ties: Sequence[Tied]) -> Finding:
    groups = _groups_of(ties)
    noises = [tie.noise for tie in ties]
    same = [noise.same for noise in noises]
    different = max((noise.different for noise in noises), key=abs)
    seeds = min(noise.n for noise in noises)
    obstacle = next((tie.obstacle for tie in ties if tie.obstacle), "")
    command = f"ired-diag stats {' '.join(groups[:4])}"
    pairs = "Seeds are pairs."
    advice = f"Use the paired test, which stats does: {command}"
    if obstacle:
        pairs = f"Whether seeds are pairs is not stated ({obstacle})."
        advice = f"If equal seeds draw the same data, pair them: {command} --paired"
    statement = (
        f"{listed(groups)}: on the plateau runs of equal seed go up and down together (correlation "
        f"{min(same):.2f} to {max(same):.2f} over {len(ties)} pairs of groups, {seeds} seeds or more; of "
        f"unequal seeds {different:.2f}): they may have drawn the same evaluation data. {pairs}"
    )
    evidence: Evidence = {
        "groups": ", ".join(groups),
        "pairs_of_groups": len(ties),
        "seeds": seeds,
        "same_low": min(same),
        "same_high": max(same),
        "different": different,
        "largest_p": max(noise.p for noise in noises),
    }
    return Finding(
        rule="shared_noise", severity="note", statement=statement, evidence=evidence, advice=advice
    )


def _curves(group: str, runs: Sequence[Run]) -> Curves | None:
    ended_by_seed = {run.seed_label: run for run in runs if _has_result(run)}
    ended = list(ended_by_seed.values())
    judged = {(judged_metric(run), run.lower_is_better) for run in ended}
    if len(judged) != 1:
        return None  # seeds that are judged by different metrics have no level in common
    ((metric, lower_is_better),) = judged
    seeds = [_seed(run.seed_label, run.evaluated[1]) for run in ended if run.evaluated]
    plateau = common_plateau([(seed.steps, seed.values) for seed in seeds], lower_is_better=lower_is_better)
    folds = cross_validation_of(runs)
    members = Members(group, None, seeds, settings_of(ended), cross_validation=folds)
    return Curves(members=members, start=plateau.step, metric=metric)


def _has_result(run: Run) -> bool:
    """Say whether a run has a result, as ``stats`` does."""
    if run.evaluated is None:
        return False
    direction = run.direction
    failure = failure_of(
        run,
        run.evaluated[0],
        lower_is_better=direction.lower_is_better,
        judge_shape=direction.source != "assumed",
    )
    return failure is None


def _seed(label: str, series: Series) -> Seed:
    steps = np.asarray(series.steps, dtype=np.float64)
    values = np.asarray(series.values, dtype=np.float64)
    return Seed(label, steps, values)


RULE = Rule(
    name="shared_noise",
    question="Do runs of equal seed share their evaluation noise?",
    find=find,
    refuted_by=("The program draws other evaluation data for each run, though the seeds are equal."),
    near_miss=(
        "Curves that fall together: a common trend is no common noise, and only the plateau is compared."
    ),
    example=(
        "On the plateau, seed 3 of both groups goes up and down together (correlation 0.5), seeds 3 and 4 "
        "do not."
    ),
)

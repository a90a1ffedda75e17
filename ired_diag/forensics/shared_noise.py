"""Evaluation noise that runs of equal seed share: then seeds are pairs, and only their differences count.

Where the seed also drew the evaluation samples, runs of one seed and different configurations are up and down
together on the plateau (``stats.shared_noise``). Two groups are told so where, over three seeds or more,

    same ≥ 0.2,    same - different ≥ 4 / √(n k),    p ≤ 0.01 (the least that 3 or 4 seeds allow, 1/n!),

with ``same`` and ``different`` the mean correlation of runs of equal and of unequal seeds, n seeds and k
evaluations: a correlation of k independent values has the standard deviation 1/√k, and a study has many pairs
of groups. Equal seeds may also share training data; a log cannot tell the two apart, and pairs are right for
both. Groups that are tied so are told together, once. Identical curves are told elsewhere.
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
from ired_diag.comparison.outcomes import failure_of
from ired_diag.comparison.pairing import pairing_of
from ired_diag.comparison.seeds import Members, Seed, shared_seeds
from ired_diag.curves.common_plateau import common_plateau
from ired_diag.curves.rest import FEWEST
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.stats.shared_noise import SharedNoise

FEWEST_SEEDS = 3
LEAST = 0.2  # of the correlation: below it pairing gains a tenth of the standard error, or less
CLEAR = 4.0  # standard deviations
CHANCE = 0.01
IDENTICAL = 1 - 1e-9


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
        a: Name of one.
        b: Of the other.
        noise: How far they do.
        obstacle: Why the configurations do not show that the seeds are pairs; empty where they do.
    """

    a: str
    b: str
    noise: SharedNoise
    obstacle: str


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each set of groups whose equal seeds fluctuate together."""
    groups = [curves for curves in curves_of(study) if curves.start is not None]
    ties = [tie for a, b in itertools.combinations(groups, 2) if (tie := _tie(a, b))]
    for cluster in _clusters(ties):
        yield _finding(cluster)


def curves_of(study: Study) -> list[Curves]:
    """Return the groups with complete runs, each with its common plateau."""
    return [curves for group, runs in study.groups().items() if (curves := _curves(group, runs))]


def windows_in_common(a: Curves, b: Curves) -> tuple[Windows, Windows] | None:
    """Return the evaluations of two groups from where all are at rest; None where they never all are."""
    if a.start is None or b.start is None:
        return None
    x, y = (curves.windows(max(a.start, b.start)) for curves in (a, b))
    return (x, y) if all(len(window) >= FEWEST for window in (*x.values(), *y.values())) else None


def _tie(a: Curves, b: Curves) -> Tied | None:
    shared = shared_seeds(a.members, b.members)
    if a.metric != b.metric:
        return None
    pairing = pairing_of(a.members, b.members)
    if len(shared) < FEWEST_SEEDS or pairing.contradiction or not _same_steps(a, b):
        return None
    windows = windows_in_common(a, b)
    if windows is None:
        return None
    found = noise_between(*windows, shared, draw=0)
    if found.n < FEWEST_SEEDS or min(found.by_seed) > IDENTICAL:
        return None
    evaluations = len(windows[0][shared[0]])
    clear = max(LEAST, CLEAR / math.sqrt(found.n * evaluations) + max(0.0, found.different))
    unlikely = found.p <= max(CHANCE, 1.001 / math.factorial(found.n))
    if found.same < clear or not unlikely:
        return None
    return Tied(a.members.name, b.members.name, found, pairing.obstacle)


def _same_steps(a: Curves, b: Curves) -> bool:
    first, *others = (seed.steps for curves in (a, b) for seed in curves.members.seeds)
    return all(np.array_equal(first, other) for other in others)


def _clusters(ties: Sequence[Tied]) -> list[list[Tied]]:
    """Return the ties by connected sets of groups."""
    clusters: list[list[Tied]] = []
    for tie in ties:
        touching = [c for c in clusters if any({tie.a, tie.b} & {other.a, other.b} for other in c)]
        clusters = [c for c in clusters if c not in touching]
        clusters.append([tie for cluster in touching for tie in cluster] + [tie])
    return clusters


def _finding(ties: Sequence[Tied]) -> Finding:
    groups = list(dict.fromkeys(name for tie in ties for name in (tie.a, tie.b)))
    same = [tie.noise.same for tie in ties]
    different = max((tie.noise.different for tie in ties), key=abs)
    seeds = min(tie.noise.n for tie in ties)
    obstacle = next((tie.obstacle for tie in ties if tie.obstacle), "")
    pairs = f"Whether seeds are pairs is not stated ({obstacle})." if obstacle else "Seeds are pairs."
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
        "largest_p": max(tie.noise.p for tie in ties),
    }
    command = f"ired-diag stats {' '.join(groups[:4])}"
    advice = f"Use the paired test, which stats does: {command}"
    if obstacle:
        advice = f"If equal seeds draw the same data, pair them: {command} --paired"
    return Finding("shared_noise", "note", statement, evidence, advice)


def _curves(group: str, runs: Sequence[Run]) -> Curves | None:
    ended = {run.seed_label: run for run in runs if _finished(run)}
    if not ended:
        return None
    judged = {(run.evaluated[0], run.lower_is_better) for run in ended.values() if run.evaluated}
    if len(judged) > 1:
        return None  # seeds that are judged by different metrics have no level in common
    ((metric, lower_is_better),) = judged
    seeds = [_seed(label, run.evaluated[1]) for label, run in ended.items() if run.evaluated]
    plateau = common_plateau([(seed.steps, seed.values) for seed in seeds], lower_is_better=lower_is_better)
    return Curves(Members(group, None, seeds, settings_of(ended.values())), plateau.step, metric)


def _finished(run: Run) -> bool:
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
    steps, values = (np.asarray(x, dtype=np.float64) for x in (series.steps, series.values))
    return Seed(label, steps, values)


RULE = Rule(
    "shared_noise",
    "Do runs of equal seed share their evaluation noise?",
    find,
    refuted_by=("The program draws other evaluation data for each run, though the seeds are equal."),
    near_miss=(
        "Curves that fall together: a common trend is no common noise, and only the plateau is compared."
    ),
    example=(
        "On the plateau, seed 3 of both groups goes up and down together (correlation 0.5), seeds 3 and 4 "
        "do not."
    ),
)

"""A group of a comparison as a result: the numbers of its seeds, their mean and interval, their noise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ired_diag.comparison.criteria import strategy_of
from ired_diag.comparison.noise import GroupNoise, noise_of
from ired_diag.comparison.outcomes import Outcomes, outcomes_of
from ired_diag.comparison.readouts import READOUTS, Readouts
from ired_diag.comparison.seeds import Members
from ired_diag.runs.cross_validation import CrossValidation
from ired_diag.stats.coverage import Coverage, coverage_of, holds, indicated_coverage
from ired_diag.stats.interquartile_mean import InterquartileMean, interquartile_mean
from ired_diag.stats.summary import Summary, summarise


@dataclass(frozen=True, kw_only=True)
class Group:
    """One experiment, or one variant of it.

    Attributes:
        name: Name as it is printed.
        strategy: Its mining strategy, where it is of the study of strategies (``criteria``).
        values: The declared readout of each seed that finished, by seed label; empty where all failed.
        step: The step of the last evaluation, where all seeds share it.
        summary: Mean, sd and interval over the seeds that finished.
        coverage: Simulated coverage of that interval at this n, for normal data.
        coverage_indicated: That coverage at the sample's skewness, which few seeds estimate badly.
        interquartile_mean: Mean of the middle half of the seeds, with a bootstrap interval.
        readouts: Mean, sd and interval of every readout.
        noise: How the seeds' spread on the plateau splits.
        outcomes: How many seeds finished, and what became of the others.
        run_noun: What one of its runs is called: ``seed``, or ``fold`` in a cross-validation.
        folds: The folds of a cross-validation that its runs hold out; None of seeds.
    """

    name: str
    strategy: str | None
    values: Mapping[str, float]
    step: int | None
    summary: Summary
    coverage: Coverage
    coverage_indicated: Coverage
    interquartile_mean: InterquartileMean
    readouts: Mapping[str, Summary]
    noise: GroupNoise
    outcomes: Outcomes
    run_noun: str = "seed"
    folds: CrossValidation | None = None


def group_of(members: Members, read: Readouts, readout: str, *, draw: int) -> Group:
    """Return a group with its statistics.

    Args:
        members: Its seeds.
        read: All readouts of all seeds.
        readout: Name of the readout that is compared.
        draw: Random seed of the bootstrap.
    """
    by_seed = read.values[readout][members.name]
    numbers = list(by_seed.values())
    summaries = {}
    for name in READOUTS:
        of_readout = read.values[name][members.name]
        summaries[name] = summarise(list(of_readout.values()))
    no_plateau = read.plateau_reason if members.seeds else "no seed finished"
    return Group(
        name=members.name,
        strategy=strategy_of(members),
        values=by_seed,
        step=_shared_last_step(members),
        summary=summarise(numbers),
        coverage=coverage_of("t", len(numbers)),
        coverage_indicated=indicated_coverage("t", numbers),
        interquartile_mean=_middle_mean(numbers, draw=draw),
        readouts=summaries,
        noise=noise_of(read.windows[members.name], no_plateau),
        outcomes=outcomes_of(members),
    )


def _shared_last_step(members: Members) -> int | None:
    last_steps = {int(seed.steps[-1]) for seed in members.seeds}
    if len(last_steps) != 1:
        return None
    return last_steps.pop()


def _middle_mean(values: Sequence[float], *, draw: int) -> InterquartileMean:
    """Return the interquartile mean, without its interval where that does not hold."""
    n = len(values)
    mean = interquartile_mean(values, seed=draw)
    # An interval that covers less than it says is worse than none.
    if mean.reason or holds("interquartile_mean", n):
        return mean
    reason = f"at n = {n} its interval covers the true value too rarely (by simulation)"
    return replace(mean, low=math.nan, high=math.nan, reason=reason)


def note_on_last_steps(groups: Sequence[Group]) -> str:
    """Return that the groups were last evaluated at different steps; empty where they were not."""
    steps: set[int | None] = set()
    places = []
    for group in groups:
        if group.outcomes.finished:
            steps.add(group.step)
            places.append(f"{group.name} at {group.step or 'several steps'}")
    # None stands for several steps within one group.
    if not places or (len(steps) == 1 and None not in steps):
        return ""
    return f"The last evaluations are of different steps: {', '.join(places)}."

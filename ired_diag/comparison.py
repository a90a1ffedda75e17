"""Comparison: statistics over the seeds of two or more experiments. Runs and statistics meet only here.

Seeds are paired when they match and the configurations share data and evaluation, never because of a
p value; the correlation of the pairs is shown as the check. The readout is named: what is compared is one
number a seed, and conclusions change with which one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.errors import DiagError, NotFound
from ired_diag.runs.run import Run
from ired_diag.stats.ranks import rank_groups
from ired_diag.stats.summary import Summary, summarise
from ired_diag.stats.t_tests import TTest, paired, student, welch

METRIC = "validation/mse"
READOUTS = ("last",)

# Two runs are told apart by their own noise alone only where these agree.
DATA_KEYS = ("dataset", "rank", "ood")
EVALUATION_KEYS = ("validation_batches", "validation_batch_size", "evaluation_mode", "evaluation")


@dataclass(frozen=True)
class Group:
    """One experiment, or one variant of it.

    Attributes:
        name: As it is printed.
        strategy: Its mining strategy, where the configuration tells.
        values: The readout of each seed, by seed label.
        step: The step that the readout was taken at, where all seeds share it.
        summary: Mean, sd and interval over the seeds.
    """

    name: str
    strategy: str | None
    values: Mapping[str, float]
    step: int | None
    summary: Summary


@dataclass(frozen=True)
class PairOfGroups:
    """Two groups compared, always as a - b.

    Attributes:
        a: Name of the first group.
        b: Name of the second.
        difference: Mean of a minus mean of b.
        ratio: That difference over the mean of b.
        student: Student's test.
        welch: Welch's test.
        paired: The paired test over shared seeds; NaN with a reason where seeds may not be paired.
        correlation: Pearson's correlation of the paired values; NaN below three pairs.
        wins_a: Shared seeds in which a is better.
        wins_b: Shared seeds in which b is better.
    """

    a: str
    b: str
    difference: float
    ratio: float
    student: TTest
    welch: TTest
    paired: TTest
    correlation: float
    wins_a: int
    wins_b: int


@dataclass(frozen=True)
class RankTable:
    """Ranks within the seeds that all groups share.

    Attributes:
        seeds: Labels of these seeds.
        mean_ranks: By group; 1 is the best.
        wins: Seeds in which a group alone is best, by group.
        ties: Seeds in which several groups are best.
    """

    seeds: Sequence[str]
    mean_ranks: Mapping[str, float]
    wins: Mapping[str, int]
    ties: int


@dataclass(frozen=True)
class Comparison:
    """Groups, every pair of them, and their ranks.

    Attributes:
        metric: What was read out.
        readout: How: ``last`` is the last evaluation.
        lower_is_better: The direction.
        groups: In the order given.
        pairs: Every pair of groups, in that order.
        ranks: Over shared seeds; None where the groups share none.
        notes: What was left out, and why.
    """

    metric: str
    readout: str
    lower_is_better: bool
    groups: Sequence[Group]
    pairs: Sequence[PairOfGroups]
    ranks: RankTable | None
    notes: Sequence[str]


def compare(
    groups: Mapping[str, Sequence[Run]],
    *,
    metric: str = METRIC,
    readout: str = "last",
    lower_is_better: bool = True,
    include_incomplete: bool = False,
) -> Comparison:
    """Return the comparison of groups of seeds.

    Args:
        groups: Runs by the name of their group.
        metric: Which logged metric.
        readout: Which number of its curve; only ``last`` for now.
        lower_is_better: The direction, for ranks and wins.
        include_incomplete: Keep runs that did not reach the end of their training. Their last evaluation
            is of an earlier step than that of the others.

    Raises:
        NotFound: No group has a run with the metric; where others have, such a group is left out.
        DiagError: The readout is not known.
    """
    if readout not in READOUTS:
        raise DiagError(f"Readout {readout!r} is not known. There is: {', '.join(READOUTS)}.")
    notes: list[str] = []
    kept: dict[str, list[Run]] = {}
    for name, runs in groups.items():
        try:
            kept[name] = _usable(name, runs, metric, notes, include_incomplete)
        except NotFound as nothing:
            if len(groups) == 1:
                raise
            notes.append(f"{nothing} The group is left out.")
    if not kept:
        raise NotFound(f"No group has a run to compare by the last {metric}. {notes[-1]}")
    summaries = [_group(name, runs, metric) for name, runs in kept.items()]
    steps = {group.step for group in summaries}
    if len(steps) > 1 or None in steps:
        told = ", ".join(f"{g.name} at {g.step or 'several steps'}" for g in summaries)
        notes.append(f"The last evaluations are of different steps: {told}.")
    pairs = [
        _pair(a, b, kept[a.name], kept[b.name], lower_is_better)
        for a, b in itertools.combinations(summaries, 2)
    ]
    ranks = _rank(summaries, lower_is_better)
    return Comparison(metric, readout, lower_is_better, summaries, pairs, ranks, notes)


def _usable(
    name: str, runs: Sequence[Run], metric: str, notes: list[str], include_incomplete: bool
) -> list[Run]:
    """Return the runs that have a readout, and note those that do not."""
    kept = []
    for run in runs:
        series = run.history.series.get(metric)
        if series is None:
            notes.append(f"{run.label}: never logged {metric} ({run.ending.label}); left out.")
        elif not run.ending.complete and not include_incomplete:
            last = int(series.steps[-1])
            notes.append(
                f"{run.label}: {run.ending.label}, last evaluation at step {last}; left out "
                "(--include-incomplete keeps it)."
            )
        elif not math.isfinite(series.values[-1]):
            notes.append(
                f"{run.label}: its last {metric} is {series.values[-1]}; left out, which flatters the group."
            )
        else:
            kept.append(run)
    if not kept:
        logged = sorted({m for run in runs for m in run.history.series})
        has = f" Its runs log: {', '.join(logged)}." if logged and metric not in logged else ""
        why = f" {notes[-1]}" if notes and not has else ""
        raise NotFound(f"{name}: has no run to compare by the last {metric}.{has}{why}")
    return kept


def _group(name: str, runs: Sequence[Run], metric: str) -> Group:
    values = {run.seed_label: float(run.history.series[metric].values[-1]) for run in runs}
    steps = {int(run.history.series[metric].steps[-1]) for run in runs}
    strategies = {(run.configuration or {}).get("mining_strategy") for run in runs}
    strategy = strategies.pop() if len(strategies) == 1 else None
    step = steps.pop() if len(steps) == 1 else None
    return Group(name, strategy, values, step, summarise(list(values.values())))


def _pair(
    a: Group, b: Group, runs_a: Sequence[Run], runs_b: Sequence[Run], lower_is_better: bool
) -> PairOfGroups:
    x, y = list(a.values.values()), list(b.values.values())
    shared = [seed for seed in a.values if seed in b.values and seed.startswith("seed")]
    pair_x = np.array([a.values[seed] for seed in shared])
    pair_y = np.array([b.values[seed] for seed in shared])
    if obstacle := _obstacle_to_pairing(runs_a, runs_b) or ("" if shared else "no seed in common"):
        nan = math.nan
        test, correlation = TTest(nan, nan, nan, nan, nan, 0, f"not paired: {obstacle}"), nan
    else:
        test, correlation = paired(pair_x, pair_y), _correlation(pair_x, pair_y)
    better = pair_x < pair_y if lower_is_better else pair_x > pair_y
    worse = pair_x > pair_y if lower_is_better else pair_x < pair_y
    difference = a.summary.mean - b.summary.mean
    return PairOfGroups(
        a.name,
        b.name,
        difference,
        difference / b.summary.mean if b.summary.mean else math.nan,
        student(x, y),
        welch(x, y),
        test,
        correlation,
        int(better.sum()),
        int(worse.sum()),
    )


def _obstacle_to_pairing(runs_a: Sequence[Run], runs_b: Sequence[Run]) -> str:
    """Return why seeds of two groups may not be paired, or nothing."""
    for key in (*DATA_KEYS, *EVALUATION_KEYS):
        told_a = {str((run.configuration or {}).get(key)) for run in runs_a}
        told_b = {str((run.configuration or {}).get(key)) for run in runs_b}
        if told_a != told_b:
            return f"{key} is {'/'.join(sorted(told_a))} and {'/'.join(sorted(told_b))}"
    return ""


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])


def _rank(groups: Sequence[Group], lower_is_better: bool) -> RankTable | None:
    if len(groups) < 2:
        return None
    seeds = [s for s in groups[0].values if s.startswith("seed") and all(s in g.values for g in groups)]
    if not seeds:
        return None
    table = [[group.values[seed] for group in groups] for seed in seeds]
    ranks = rank_groups(table, lower_is_better=lower_is_better)
    names = [group.name for group in groups]
    return RankTable(
        seeds,
        dict(zip(names, ranks.mean_ranks.tolist(), strict=True)),
        dict(zip(names, ranks.wins.tolist(), strict=True)),
        ranks.ties,
    )

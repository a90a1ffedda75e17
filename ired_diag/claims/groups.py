"""The runs that a report may be about, read out by group: every seed's value, every readout's sample."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ired_diag.claims.samples import Sample, sample_of_values, written_half
from ired_diag.comparison.members import members_of
from ired_diag.comparison.pairing import obstacle_to_pairing
from ired_diag.comparison.readouts import read_out
from ired_diag.comparison.seeds import Members
from ired_diag.curves.failure import failure_of
from ired_diag.errors import NotFound
from ired_diag.runs.evaluation_metric import USUAL
from ired_diag.runs.judged import shared_direction, usual_metric
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

READOUTS = ("last", "plateau", "last10", "best")  # where several agree, the first is taken
RESULT = "with a result"
UNKNOWN_END = "with a result, their end unknown"
OF_ONE_EVALUATION = ("last", "best")  # their values are logged numbers; those of the others are means


@dataclass(frozen=True, kw_only=True)
class RunGroups:
    """The runs that a report may be about.

    Attributes:
        members: The seeds by group.
        strategies: The mining strategy of each group.
        values: By readout, by group, by seed.
        notes: What was left out.
        metric: What was read out; empty where there are no runs.
        lower_is_better: Direction of the metric.
        costs: Mean over a group's seeds of the last value of each other metric, by metric, by group.
        every: Like ``values``, of all groups in the folder: also of those that the report does not name.
        ended: By group, how each run that was launched ended: the kind of its failure, ``RESULT``, or
            ``UNKNOWN_END`` where it has a result and its log does not say whether training finished.
    """

    members: Mapping[str, Members] = field(default_factory=dict)
    strategies: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    notes: Sequence[str] = ()
    metric: str = ""
    lower_is_better: bool = True
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    every: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    ended: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def sample(self, group: str, readout: str) -> Sample | None:
        """Return a readout of a group's seeds; None where they do not have it."""
        values = self.values.get(readout, {}).get(group)
        if not values:
            return None
        if readout in OF_ONE_EVALUATION:
            half = written_half(values)
        else:
            half = self.half_of_means(group)
        return sample_of_values(values, f"the runs of {group} ({readout})", half=half)

    def samples(self, group: str) -> dict[str, Sample]:
        """Return every readout that a group's seeds have, in the order of ``READOUTS``."""
        samples = {}
        for readout in READOUTS:
            sample = self.sample(group, readout)
            if sample is not None:
                samples[readout] = sample
        return samples

    def samples_with_seed(self, group: str, seed: str) -> dict[str, Sample]:
        """Return every readout of a group that has a value of the seed."""
        samples = self.samples(group)
        for readout, sample in list(samples.items()):
            if seed not in sample.values:
                del samples[readout]
        return samples

    def half_of_means(self, group: str) -> float:
        """Return how far rounding of the logged values can move a mean of them."""
        coarsest = 0.0
        for seed in self.members[group].seeds:
            last = float(seed.values[-1])
            coarsest = max(coarsest, written_half({seed.label: last}))
        return coarsest

    def sample_at(self, group: str, step: int) -> Sample | None:
        """Return the seeds' values at a step; None where a seed was not evaluated there."""
        values = {}
        for seed in self.members[group].seeds:
            places = np.flatnonzero(seed.steps == step)
            if len(places) != 1:
                return None
            values[seed.label] = float(seed.values[places[0]])
        if not values:
            return None
        source = f"the runs of {group} (at step {step})"
        return sample_of_values(values, source, half=written_half(values))

    def last_step(self, group: str) -> int | None:
        """Return the step of the last evaluation; None where the seeds differ."""
        steps = {int(seed.steps[-1]) for seed in self.members[group].seeds}
        if len(steps) != 1:
            return None
        return steps.pop()

    def pairable(self, a: str, b: str) -> bool:
        """Say whether the seeds of two groups are pairs."""
        return not obstacle_to_pairing(self.members[a], self.members[b])


def groups_of(study: Study | None) -> RunGroups:
    """Return the complete runs of a study by group, without a plateau, which depends on who is compared."""
    if study is None or not study.runs:
        return RunGroups()
    return _read(study.groups())


def only(groups: RunGroups, names: Sequence[str]) -> RunGroups:
    """Return a part of the groups, read out together, so that their plateau is common."""
    kept = [groups.members[name] for name in dict.fromkeys(names)]
    if not kept:
        return RunGroups()
    readouts = read_out(kept, lower_is_better=groups.lower_is_better, own_steps=True)
    members = {group.name: group for group in kept}
    return replace(groups, members=members, values=readouts.values)


def _read(runs: Mapping[str, Sequence[Run]]) -> RunGroups:
    """Return all groups as reports quote them: each curve over its own steps, diverged ones among them."""
    every_run = itertools.chain.from_iterable(runs.values())
    metric = usual_metric(every_run) or USUAL
    lower_is_better = shared_direction(runs, metric).lower_is_better
    notes: list[str] = []
    try:
        members = members_of(runs, metric, notes, lower_is_better=lower_is_better, judge_shape=False)
    # Without the metric, the report can still be checked against itself.
    except NotFound as nothing:
        notes.append(str(nothing))
        return RunGroups(
            notes=notes,
            metric=metric,
            lower_is_better=lower_is_better,
        )
    with_seeds = [group for group in members if group.seeds]
    readouts = read_out(with_seeds, lower_is_better=lower_is_better, own_steps=True)
    strategies = {}
    for group in members:
        if group.strategy:
            strategies[group.name] = str(group.strategy)
    return RunGroups(
        members={group.name: group for group in with_seeds},
        strategies=strategies,
        values=readouts.values,
        notes=notes,
        metric=metric,
        lower_is_better=lower_is_better,
        costs=_last_values(runs),
        every=readouts.values,
        ended=_ends_of(runs, metric, lower_is_better=lower_is_better),
    )


def _ends_of(
    runs: Mapping[str, Sequence[Run]], metric: str, *, lower_is_better: bool
) -> Mapping[str, Sequence[str]]:
    """Return by group how each run ended, those that diverged to a finite value among the failures."""
    ended = {}
    for group, members in runs.items():
        ended[group] = [_end_of(run, metric, lower_is_better=lower_is_better) for run in members]
    return ended


def _end_of(run: Run, metric: str, *, lower_is_better: bool) -> str:
    failure = failure_of(run, metric, lower_is_better=lower_is_better)
    if failure is not None:
        return failure.kind
    return RESULT if run.ending.state == "complete" else UNKNOWN_END


def _last_values(runs: Mapping[str, Sequence[Run]]) -> Mapping[str, Mapping[str, float]]:
    """Return the mean last value of each metric that all seeds of a group log, by metric, by group."""
    means: dict[str, dict[str, float]] = {}
    for group, members in runs.items():
        ends: dict[str, list[float]] = {}
        for run in members:
            for name, series in run.history.series.items():
                if len(series):
                    ends.setdefault(name, []).append(float(series.values[-1]))
        for name, last in ends.items():
            if len(last) == len(members):
                means.setdefault(name, {})[group] = float(np.mean(last))
    return means

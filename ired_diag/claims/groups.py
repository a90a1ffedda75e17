"""What a report's labels mean: which runs, and which readout of their curves the report quotes.

A label means a group of runs where it names the experiment (``q101``), or the strategy that only this group
has. Where several groups share a strategy, the printed n and then the printed mean decide, if they leave
one; else the label is not resolved, and nothing is checked against the runs. The readout is the one that
most of the report's means, sds and values agree with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ired_diag.claims.claim import Claim
from ired_diag.claims.labels import SAME, aliases, words_of
from ired_diag.claims.numbers import Printed
from ired_diag.claims.ranges import Range, fits
from ired_diag.claims.samples import Sample, sample_of_values, written_half
from ired_diag.comparison.members import members_of
from ired_diag.comparison.pairing import obstacle_to_pairing
from ired_diag.comparison.readouts import read_out
from ired_diag.comparison.seeds import Members
from ired_diag.errors import NotFound
from ired_diag.runs.evaluation_metric import USUAL
from ired_diag.runs.judged import shared_direction, usual_metric
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

Array = NDArray[np.float64]

FEWEST = 3  # seeds: so many tell a group from a single run of the same strategy
READOUTS = ("last", "plateau", "last10", "best")  # where several agree, the first is taken


@dataclass(frozen=True)
class RunGroups:
    """The runs that a report may be about.

    Attributes:
        members: The seeds by group.
        strategies: The mining strategy of each group.
        values: By readout, by group, by seed.
        notes: What was left out.
        metric: What was read out; empty where there are no runs.
        lower_is_better: Its direction.
        costs: Mean over a group's seeds of the last value of each other metric, by metric, by group.
    """

    members: Mapping[str, Members] = field(default_factory=dict)
    strategies: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    notes: Sequence[str] = ()
    metric: str = ""
    lower_is_better: bool = True
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def sample(self, group: str, readout: str) -> Sample | None:
        """Return a readout of a group's seeds; None where there is none."""
        values = self.values.get(readout, {}).get(group, {})
        if not values:
            return None
        half = written_half(values) if readout in ("last", "best") else self._half_of_means(group)
        return sample_of_values(values, f"the runs of {group} ({readout})", half=half)

    def _half_of_means(self, group: str) -> float:
        """Return how far rounding of the logged values can move a mean of them."""
        return max((written_half({"": float(s.values[-1])}) for s in self.members[group].seeds), default=0.0)

    def other_readout(self, mean: Printed, group: str) -> str:
        """Say at which step, or over how many last evaluations, the seeds have a mean; empty where never."""
        seeds = self.members[group].seeds
        first, half = seeds[0], self._half_of_means(group) / math.sqrt(len(seeds))
        if any(not np.array_equal(first.steps, seed.steps) for seed in seeds):
            return ""
        by_step = np.mean([seed.values for seed in seeds], axis=0)[::-1]
        counts = np.arange(1.0, len(by_step) + 1)
        places = [f"at step {step:g}" for step in _where(mean, by_step, first.steps[::-1], half)]
        last = _where(mean, np.cumsum(by_step) / counts, counts, half)
        places += [f"over the last {count:g} evaluations" for count in last]
        return places[0] if places else ""

    def sample_at(self, group: str, step: int) -> Sample | None:
        """Return the seeds' values at a step; None where a seed was not evaluated there."""
        values = {}
        for seed in self.members[group].seeds:
            places = np.flatnonzero(seed.steps == step)
            if len(places) != 1:
                return None
            values[seed.label] = float(seed.values[places[0]])
        source = f"the runs of {group} (at step {step})"
        return sample_of_values(values, source, half=written_half(values)) if values else None

    def last_step(self, group: str) -> int | None:
        """Return the step of the last evaluation; None where the seeds differ."""
        steps = {int(seed.steps[-1]) for seed in self.members[group].seeds}
        return steps.pop() if len(steps) == 1 else None

    def pairable(self, a: str, b: str) -> bool:
        """Say whether the seeds of two groups are pairs."""
        return not obstacle_to_pairing(self.members[a], self.members[b])


def groups_of(study: Study | None) -> RunGroups:
    """Return the complete runs of a study by group, without a plateau, which depends on who is compared."""
    if study is None or not study.runs:
        return RunGroups()
    return _read(study.groups(), [])


def only(groups: RunGroups, names: Sequence[str]) -> RunGroups:
    """Return some of the groups, read out together, so that their plateau is common."""
    kept = [groups.members[name] for name in dict.fromkeys(names)]
    if not kept:
        return RunGroups()
    values = read_out(kept, lower_is_better=groups.lower_is_better, own_steps=True).values
    return replace(groups, members={group.name: group for group in kept}, values=values)


def resolve(label: str, claims: Sequence[Claim], groups: RunGroups) -> tuple[str | None, str]:
    """Return the group of runs that a label means, or None and why.

    Args:
        label: As the report has it.
        claims: Those about it alone.
        groups: The runs.
    """
    candidates = _called(label, groups)
    if len(candidates) == 1:
        return candidates[0], ""
    means = [claim.number for claim in claims if claim.kind == "mean"]
    if not candidates:
        similar = [
            g for g in groups.members if words_of(label) < words_of(g) or words_of(g) < words_of(label)
        ]
        agreeing = [g for g in similar if any(matching(mean, g, groups) for mean in means)]
        if len(agreeing) == 1:
            return agreeing[0], ""
        return None, "no runs of that name" if groups.members else "no runs are there to hold it against"
    counts = {int(claim.number.value) for claim in claims if claim.kind == "n"}
    candidates = [g for g in candidates if len(groups.members[g].seeds) in counts] or candidates
    if len(candidates) == 1 and min(counts) >= FEWEST:
        return candidates[0], ""
    agreeing = [g for g in candidates if any(matching(mean, g, groups) for mean in means)]
    if len(agreeing) == 1:
        return agreeing[0], ""
    return None, f"may be any of {', '.join(sorted(candidates))}"


def matching(mean: Printed, group: str, groups: RunGroups) -> list[str]:
    """Return the readouts whose mean over the seeds a printed number agrees with."""
    samples = {readout: groups.sample(group, readout) for readout in READOUTS}
    return [name for name, sample in samples.items() if sample and fits(mean, sample.mean)]


def quoted_readout(claims: Sequence[Claim], meant: Mapping[str, str | None], groups: RunGroups) -> str | None:
    """Return the readout that the report quotes; None where no mean and no value agrees with any."""
    scores = dict.fromkeys(READOUTS, 0)
    for claim in claims:
        group = meant.get(claim.groups[0]) if len(claim.groups) == 1 else None
        if group is None or claim.kind not in ("mean", "value", "sd"):
            continue
        for readout in READOUTS:
            sample = groups.sample(group, readout)
            scores[readout] += sample is not None and _agrees(claim, sample)
    best = max(scores.values())
    return next((name for name in READOUTS if scores[name] == best), None) if best else None


def _agrees(claim: Claim, sample: Sample) -> bool:
    if claim.kind == "mean":
        return fits(claim.number, sample.mean)
    if claim.kind == "value":
        value = sample.values.get(claim.seed)
        return value is not None and fits(claim.number, Range.around(value, sample.half))
    return sample.n > 1 and (fits(claim.number, sample.sd) or fits(claim.number, sample.population_sd))


def _called(label: str, groups: RunGroups) -> list[str]:
    """Return the groups that a label may name: by their name, else by the strategy of their runs."""
    named = [g for g in groups.members if words_of(g) in aliases(label)]
    if named:
        return [g for g in named if g.lower() == label.lower()] or named
    strategies = {g: SAME.get(s.lower(), s.lower()) for g, s in groups.strategies.items()}
    return [g for g, strategy in strategies.items() if strategy in words_of(label) and g in groups.members]


def _read(runs: Mapping[str, Sequence[Run]], notes: list[str]) -> RunGroups:
    """Return all groups as reports quote them: each curve over its own steps, diverged ones among them."""
    metric = usual_metric(run for members in runs.values() for run in members) or USUAL
    lower_is_better = shared_direction(runs, metric).lower_is_better
    try:
        members = members_of(runs, metric, notes, lower_is_better=lower_is_better, judge_shape=False)
    except NotFound as nothing:
        return RunGroups(notes=[*notes, str(nothing)], metric=metric, lower_is_better=lower_is_better)
    strategies = {group.name: str(group.strategy) for group in members if group.strategy}
    members = [group for group in members if group.seeds]
    values = read_out(members, lower_is_better=lower_is_better, own_steps=True).values
    return RunGroups(
        {group.name: group for group in members},
        strategies,
        values,
        notes,
        metric,
        lower_is_better,
        _last_values(runs),
    )


def _last_values(runs: Mapping[str, Sequence[Run]]) -> Mapping[str, Mapping[str, float]]:
    """Return the mean last value of each metric that all seeds of a group log, by metric, by group."""
    means: dict[str, dict[str, float]] = {}
    for group, members in runs.items():
        logged = [run.history.series for run in members]
        for name in set(logged[0]).intersection(*logged[1:]) if logged else ():
            last = [float(series[name].values[-1]) for series in logged if len(series[name])]
            if len(last) == len(logged):
                means.setdefault(name, {})[group] = float(np.mean(last))
    return means


def _where(mean: Printed, values: Array, places: Array, half: float) -> list[float]:
    """Return where, the first place apart, a printed mean fits one of several."""
    others = zip(places[1:].tolist(), values[1:].tolist(), strict=True)
    return [place for place, value in others if fits(mean, Range.around(value, half))]

"""How long do two groups take to a target, and by which factor does one need less?

Every run counts: one that ended first is right-censored where it ended, one that broke down never reaches the
target. The time of a run is where the line between two evaluations crosses the target (``curves.arrival``);
what is known without that line stands next to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.watched import Watched
from ired_diag.curves.arrival import Arrival, arrival_of
from ired_diag.errors import NotFound
from ired_diag.runs.labels import is_seed_label
from ired_diag.runs.name_list import counted
from ired_diag.stats.log_rank import LogRank, log_rank_of_groups, log_rank_of_pairs
from ired_diag.stats.quantiles import t_quantile
from ired_diag.stats.survival import RestrictedMean, SurvivalCurve, restricted_mean, survival_curve
from ired_diag.stats.time_ratio import TimeRatio, ratio_of_groups, ratio_of_pairs

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class GroupReaching:
    """The times of one group.

    Attributes:
        name: Name of the group.
        arrivals: When each run reaches the target.
        curve: Share of the runs that have not reached it yet, with the median.
        mean: Mean time up to the horizon.
    """

    name: str
    arrivals: Sequence[Arrival]
    curve: SurvivalCurve
    mean: RestrictedMean

    @property
    def reached(self) -> int:
        """How many runs reach the target."""
        return sum(arrival.is_reached for arrival in self.arrivals)


@dataclass(frozen=True, kw_only=True)
class Level:
    """The level at which the old group ends: mean of its seeds' last finite values.

    Attributes:
        value: That mean.
        low: Lower end of its interval.
        high: Upper end of its interval.
        seeds: Of how many seeds.
        fastest: Smallest end of the factor's interval over that interval of the level.
        slowest: Largest such end.
        confidence: How often level and factor both hold.
    """

    value: float
    low: float
    high: float
    seeds: int
    fastest: float = 0.0
    slowest: float = math.inf
    confidence: float = 0.95


@dataclass(frozen=True, kw_only=True)
class Reaching:
    """The times of two groups to a target.

    Attributes:
        target: The target.
        stays: Whether a time is the first from which on all evaluations are at the target.
        a: Times of the new group.
        b: Times of the old group.
        is_paired: Whether equal seeds are pairs.
        horizon: Longest that both groups were watched; beyond, times count as longer in test and mean.
        ratio: Factor between the times, new over old; None where a group has no run.
        bracket_ratio: The same without the line between evaluations.
        test: Log-rank test over that horizon.
        spacing: Median distance of the two evaluations around a crossing; NaN where none was crossed.
        unequal_steps: Whether one group was evaluated much more often than the other.
        level: The level of the old group's end, where that is the target.
    """

    target: float
    stays: bool
    a: GroupReaching
    b: GroupReaching
    is_paired: bool
    horizon: float
    ratio: TimeRatio
    bracket_ratio: TimeRatio
    test: LogRank
    spacing: float
    unequal_steps: bool
    level: Level | None = None


@dataclass(frozen=True, kw_only=True)
class _Question:
    groups: dict[str, list[Watched]]
    lower_is_better: bool
    stays: bool
    is_paired: bool
    seed: int


def reaching(
    groups: dict[str, list[Watched]],
    target: float | None,
    *,
    lower_is_better: bool,
    is_paired: bool,
    stays: bool = False,
    confidence: float = 0.95,
    seed: int = 0,
) -> Reaching:
    """Return the times of two groups to a target.

    Args:
        groups: The runs of the new and the old group, by name.
        target: The target. None: the level at which the old group ends.
        lower_is_better: Whether it is reached from above.
        is_paired: Whether equal seeds are pairs.
        stays: Take the first evaluation from which on all are at the target.
        confidence: Level of the intervals.
        seed: Random seed of exchanges, where they are drawn.

    Raises:
        NotFound: A group has no run with an evaluation; or fewer than two seeds of the old group ended well,
            so that its final level is unknown.
    """
    for name, runs in groups.items():
        if not any(len(run.places) for run in runs):
            raise NotFound(f"{name}: no run has an evaluation, so no time to a target is known.")
    question = _Question(
        groups=groups,
        lower_is_better=lower_is_better,
        stays=stays,
        is_paired=is_paired,
        seed=seed,
    )
    if target is not None:
        return _reaching(question, target, confidence)
    half_each = (1 + confidence) / 2  # level and factor miss in half of the cases each, at most
    level = _final_level(groups, half_each)
    # Not the two ends alone: a factor need not rise or fall all the way from one to the other.
    at_ends = [_reaching(question, end, half_each) for end in (level.low, level.value, level.high)]
    widened = replace(
        level,
        fastest=min(each.ratio.low for each in at_ends),
        slowest=max(each.ratio.high for each in at_ends),
        confidence=confidence,
    )
    return replace(_reaching(question, level.value, confidence), level=widened)


def _final_level(groups: dict[str, list[Watched]], confidence: float) -> Level:
    """Return the mean of the last values of the second group's seeds that ended well, with its interval."""
    *_, (name, runs) = groups.items()
    values = []
    for run in runs:
        finite = run.values[np.isfinite(run.values)]
        if run.failure is None and len(finite):
            values.append(float(finite[-1]))
    if len(values) < 2:
        seeds = counted(len(values), "seed")
        raise NotFound(
            f"{name}: {seeds} ended well, so the noise of its final level is unknown. Pass a number that was "
            "fixed beforehand: --target NUMBER."
        )
    numbers = np.array(values)
    error = float(numbers.std(ddof=1)) / math.sqrt(len(numbers))
    width = t_quantile(confidence, len(numbers) - 1) * error
    mean = float(numbers.mean())
    return Level(value=mean, low=mean - width, high=mean + width, seeds=len(numbers))


def _reaching(question: _Question, target: float, confidence: float) -> Reaching:
    arrivals = {}
    for name, runs in question.groups.items():
        arrivals[name] = _arrivals(question, runs, target)
    (name_a, a), (name_b, b) = arrivals.items()
    # Exchanged runs must have been watched equally long: what one group did later says nothing of the other.
    horizon = min(_last_end(a), _last_end(b))
    is_paired = question.is_paired
    first, second = _partners(a, b)
    is_paired = is_paired and bool(first)
    ratio_of = ratio_of_pairs
    test_of = log_rank_of_pairs
    if not is_paired:
        first, second = a, b
        ratio_of = ratio_of_groups
        test_of = log_rank_of_groups
    return Reaching(
        target=target,
        stays=question.stays,
        a=_group(name_a, a, horizon, confidence),
        b=_group(name_b, b, horizon, confidence),
        is_paired=is_paired,
        horizon=horizon,
        ratio=ratio_of(_time_bounds(first), _time_bounds(second), confidence=confidence),
        bracket_ratio=ratio_of(_brackets(first), _brackets(second), confidence=confidence),
        test=test_of(*_until(first, horizon), *_until(second, horizon), seed=question.seed),
        spacing=_spacing([*a, *b]),
        unequal_steps=_are_unequal(question.groups),
    )


def _last_end(arrivals: Sequence[Arrival]) -> float:
    return max(arrival.end for arrival in arrivals)


def _arrivals(question: _Question, runs: Sequence[Watched], target: float) -> list[Arrival]:
    arrivals = []
    for run in runs:
        # A run without an evaluation that was stopped from outside was never watched.
        if not len(run.places) and not run.has_failed:
            continue
        arrival = arrival_of(
            run.label,
            run.places,
            run.values,
            target,
            lower_is_better=question.lower_is_better,
            stays=question.stays,
            failed=run.has_failed,
        )
        arrivals.append(arrival)
    return arrivals


def _group(name: str, arrivals: Sequence[Arrival], horizon: float, confidence: float) -> GroupReaching:
    times = [arrival.at for arrival in arrivals]
    observed = [arrival.is_reached for arrival in arrivals]
    curve = survival_curve(times, observed, confidence=confidence)
    return GroupReaching(name=name, arrivals=arrivals, curve=curve, mean=restricted_mean(curve, horizon))


def _partners(a: Sequence[Arrival], b: Sequence[Arrival]) -> tuple[list[Arrival], list[Arrival]]:
    by_label = {arrival.label: arrival for arrival in b if is_seed_label(arrival.label)}
    first = []
    second = []
    for arrival in a:
        if arrival.label in by_label:
            first.append(arrival)
            second.append(by_label[arrival.label])
    return first, second


def _time_bounds(arrivals: Sequence[Arrival]) -> Array:
    return np.array([arrival.bounds for arrival in arrivals]).reshape(-1, 2)


def _brackets(arrivals: Sequence[Arrival]) -> Array:
    return np.array([arrival.bracket for arrival in arrivals]).reshape(-1, 2)


def _until(arrivals: Sequence[Arrival], horizon: float) -> tuple[Array, NDArray[np.bool_]]:
    """Return times and whether they are reached, none later than the horizon but those that are never."""
    times = np.array([arrival.at for arrival in arrivals])
    observed = np.array([arrival.is_reached for arrival in arrivals])
    is_late = np.isfinite(times) & (times > horizon)
    times[is_late] = horizon
    observed[is_late] = False
    return times, observed


def _spacing(arrivals: Sequence[Arrival]) -> float:
    crossings = [arrival for arrival in arrivals if arrival.state == "reached"]
    if not crossings:
        return math.nan
    widths = [arrival.by - arrival.after for arrival in crossings]
    return float(np.median(widths))


def _are_unequal(groups: dict[str, list[Watched]]) -> bool:
    """Say whether one group was evaluated half as often again as the other."""
    spacings = []
    for runs in groups.values():
        each = [float(np.median(np.diff(run.places))) for run in runs if len(run.places) > 1]
        if not each:
            return False
        spacings.append(float(np.median(each)))
    return max(spacings) > 1.5 * min(spacings)

"""Source variance: which seeds the runs of a group have, and what each makes of their spread.

The result of a run is its readout, as in every comparison. Against a base it is the difference of two runs
with equal seeds, so that what a seed does to both cancels. The noise of evaluations is read off the plateau.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ired_diag.comparison.pairing import pairing_of
from ired_diag.comparison.readouts import Readouts
from ired_diag.comparison.seeds import Members
from ired_diag.comparison.source_levels import SourceLevels, source_levels
from ired_diag.errors import DiagError
from ired_diag.runs.name_list import counted, first_names
from ired_diag.runs.run import Run
from ired_diag.stats.arrays import Array
from ired_diag.stats.crossed_design import CrossedDesign, crossed_design
from ired_diag.stats.purchases import squared_error_weights
from ired_diag.stats.summary import CONFIDENCE
from ired_diag.stats.variance_components import DRAWS, Components, variance_components

MOST_FACTORS = 3  # with all their interactions; a fourth leaves too few runs for each
MOST_INTERPOLATED = 0.1  # share of a run's evaluations that are not finite, or are spikes
MOST_NAMED = 6
PLATEAU = "plateau"
# Evaluations that a readout is the mean of; None: all on the plateau.
COUNTS = {"last": 1, "last10": 10, PLATEAU: None}


@dataclass(frozen=True, kw_only=True)
class Precision:
    """How well the mean over all runs is known.

    Attributes:
        mean: The mean. standard_error: Its standard error, at the estimates of the components. low: Lower end
        of the interval of the mean. high: Upper end of that interval. effective: How many independent runs,
        with new seeds in everything that is varied, would be as precise. effective_low: Lower end of the
        interval of that number. effective_high: Upper end of that interval.
    """

    mean: float
    standard_error: float = math.nan
    low: float = math.nan
    high: float = math.nan
    effective: float = math.nan
    effective_low: float = math.nan
    effective_high: float = math.nan


@dataclass(frozen=True, kw_only=True)
class SourceVariance:
    """The variance of a group's results, by source.

    Attributes:
        levels: The seeds of the runs, by source.
        design: Which sources they tell apart.
        components: What each source makes of the variance of one run.
        precision: How well their mean is known.
        values: The result of each run, by its label.
        evaluations: How many evaluations a result is the mean of.
        spacing: Steps from one evaluation to the next where the runs rest; NaN without a plateau.
        last_step: Last step of the longest run.
        seconds: Median time that a run trained; NaN where no run says when it started and ended.
        notes: What else is to be said.
    """

    levels: SourceLevels
    design: CrossedDesign
    components: Components
    precision: Precision
    values: Mapping[str, float]
    evaluations: int = 1
    spacing: float = math.nan
    last_step: float = math.nan
    seconds: float = math.nan
    notes: Sequence[str] = field(default_factory=tuple)


def source_variance(
    members: Members,
    runs: Sequence[Run],
    read: Readouts,
    readout: str,
    *,
    base: Members | None = None,
    paired: bool | None = None,
    named: Mapping[str, str] | None = None,
    draw: int = 0,
    confidence: float = CONFIDENCE,
    draws: int = DRAWS,
) -> SourceVariance:
    """Return where the variance of a group's results, or of their differences from a base, comes from.

    Args:
        members: The group.
        runs: Its runs, with their configurations.
        read: All readouts of the group and of the base.
        readout: The one that is the result of a run.
        base: The group that it is compared with, run by run.
        paired: Whether runs of equal seeds are pairs. Default: by the configurations.
        named: The user's key of the seed of each source. Default: recognised.
        draw: Random seed of the intervals.
        confidence: Confidence level of the intervals.
        draws: How many draws the intervals are made of.

    Raises:
        DiagError: Runs and base cannot be paired, a key does not exist, or too many sources vary.
    """
    values = dict(read.values[readout][members.name])
    windows = dict(read.windows.get(members.name, {}))
    if base is not None:
        values, windows = _differences(
            members,
            base,
            read,
            readout,
            paired=paired,
        )
    notes: list[str] = []
    labels = _without_copies(values, _levels_of(runs, list(values), named), notes)
    levels = _levels_of(runs, labels, named)
    _check_factors(members.name, levels)
    design = crossed_design(levels.varied, len(labels))
    curves, lacking = _curves(labels, windows)
    if readout not in COUNTS:
        curves = None
        lacking = f"the readout {readout} is no mean of successive evaluations"
    count = COUNTS.get(readout) or 1
    if readout == PLATEAU and curves is not None:
        count = curves.shape[1]
    results = [values[label] for label in labels]
    rng = np.random.default_rng(draw)
    components = variance_components(
        results,
        design,
        rng=rng,
        evaluations=curves,
        readout_count=count,
        confidence=confidence,
        draws=draws,
    )
    if curves is not None:
        lacking = components.no_noise
    if lacking and not components.reason and not members.of_table:
        notes.append(f"The noise of evaluations is not told apart from the rest: {lacking}.")
    steps = []
    seconds = []
    for seed in members.seeds:
        if seed.label not in labels:
            continue
        if len(seed.steps):
            steps.append(seed.steps)
        if math.isfinite(seed.seconds):
            seconds.append(seed.seconds)
    last_steps = [float(of_run[-1]) for of_run in steps]
    return SourceVariance(
        levels=levels,
        design=design,
        components=components,
        precision=precision_of(design, components, rng=rng),
        values=dict(zip(labels, results, strict=True)),
        evaluations=count,
        spacing=_spacing(steps, read.plateau_step),
        last_step=max(last_steps, default=math.nan),
        seconds=float(np.median(seconds)) if seconds else math.nan,
        notes=notes,
    )


def _levels_of(
    runs: Sequence[Run],
    labels: Sequence[str],
    named: Mapping[str, str] | None,
) -> SourceLevels:
    """Return the seeds of the runs with these labels, in their order."""
    by_label = {run.seed_label: run for run in runs}
    chosen = [by_label[label] for label in labels]
    return source_levels(chosen, named)


def _check_factors(group: str, levels: SourceLevels) -> None:
    count = len(levels.varied)
    if count <= MOST_FACTORS:
        return
    sources = []
    for source in levels.varied:
        key = levels.keys[source]
        sources.append(f"{source} ({key})")
    listed = ", ".join(sources)
    raise DiagError(
        f"{group}: {count} sources of randomness vary: {listed}. Name at most {MOST_FACTORS} with "
        "--sources SOURCE=KEY."
    )


def precision_of(design: CrossedDesign, components: Components, *, rng: np.random.Generator) -> Precision:
    """Return how well the mean of crossed runs is known.

    The interval of the mean holds the quantiles of mean - z se*, with se* from draws of the components.
    """
    if components.reason:
        return Precision(mean=components.mean)
    squared = squared_errors(design, components)
    total = np.sum(list(components.draws.values()), axis=0)
    weights = squared_error_weights(design, {})
    variance = 0.0
    variance_of_run = 0.0
    for term, of_term in components.variances.items():
        variance += weights[term] * of_term
        variance_of_run += of_term
    tails = [(1 - components.confidence) / 2, (1 + components.confidence) / 2]
    low, high = components.mean + np.quantile(mean_errors(design, components, rng=rng), tails)
    effective_low, effective_high = np.quantile(total / squared, tails)
    return Precision(
        mean=components.mean,
        standard_error=math.sqrt(variance),
        low=float(low),
        high=float(high),
        effective=variance_of_run / variance,
        effective_low=float(effective_low),
        effective_high=float(effective_high),
    )


def squared_errors(design: CrossedDesign, components: Components) -> Array:
    """Return draws of the squared standard error of the mean, of shape (draws,)."""
    weights = squared_error_weights(design, {})
    squared = np.zeros(len(next(iter(components.draws.values()))))
    for term, of_term in components.draws.items():
        squared = squared + weights[term] * of_term
    return squared


def mean_errors(design: CrossedDesign, components: Components, *, rng: np.random.Generator) -> Array:
    """Return draws of how far the mean may lie from the expectation, of shape (draws,)."""
    squared = squared_errors(design, components)
    errors: Array = rng.standard_normal(len(squared)) * np.sqrt(squared)
    return errors


def _differences(
    members: Members, base: Members, read: Readouts, readout: str, *, paired: bool | None
) -> tuple[dict[str, float], dict[str, Array]]:
    """Return the difference of each pair of runs, and of their evaluations on the plateau."""
    pairing = pairing_of(members, base, paired=paired)
    if pairing.obstacle:
        raise DiagError(
            f"{members.name} and {base.name} cannot be compared run by run: {pairing.obstacle}. If runs of "
            "equal seeds are pairs: --paired."
        )
    new = read.values[readout][members.name]
    old = read.values[readout][base.name]
    windows_of_new = read.windows.get(members.name, {})
    windows_of_old = read.windows.get(base.name, {})
    values = {}
    windows = {}
    for label in pairing.shared:
        if label not in new or label not in old:
            continue
        values[label] = new[label] - old[label]
        first = windows_of_new.get(label)
        second = windows_of_old.get(label)
        if first is not None and second is not None and len(first) == len(second):
            windows[label] = first - second
    return values, windows


def _without_copies(
    values: Mapping[str, float],
    levels: SourceLevels,
    notes: list[str],
) -> list[str]:
    """Return the labels without runs that repeat another: equal seeds in everything, and an equal result."""
    columns = list(levels.varied.values())
    seen: set[tuple[object, ...]] = set()
    kept: list[str] = []
    copies: list[str] = []
    for place, (label, value) in enumerate(values.items()):
        seeds = [column[place] for column in columns]
        key = (*seeds, value)
        # Without seeds an equal result may be chance.
        if seeds and key in seen:
            copies.append(label)
        else:
            kept.append(label)
        seen.add(key)
    if copies:
        count = counted(len(copies), "run")
        listed = first_names(copies, MOST_NAMED)
        notes.append(
            f"{count} repeat another one, with equal seeds and an equal result, and are left out: {listed}."
        )
    return kept


def _curves(labels: Sequence[str], windows: Mapping[str, Array]) -> tuple[Array | None, str]:
    """Return the evaluations on the plateau, of shape (runs, k), and why there are none."""
    curves = []
    for label in labels:
        if label not in windows:
            return None, "the runs have no plateau in common"
        curves.append(windows[label])
    lengths = {len(curve) for curve in curves}
    if len(lengths) > 1:
        return None, "the runs have different numbers of evaluations on their plateau"
    filled = []
    for curve in curves:
        finite = np.isfinite(curve)
        if finite.mean() < 1 - MOST_INTERPOLATED:
            return None, "more than a tenth of a run's evaluations are spikes or not finite"
        places = np.arange(len(curve))
        known_places = places[finite]
        filled.append(np.interp(places, known_places, curve[finite]))
    return np.array(filled), ""


def _spacing(steps: Sequence[Array], start: float | None) -> float:
    """Return the median distance of evaluations from the plateau on."""
    if start is None:
        return math.nan
    gaps: list[float] = []
    for of_run in steps:
        on_plateau = of_run[of_run >= start]
        gaps += np.diff(on_plateau).tolist()
    if not gaps:
        return math.nan
    return float(np.median(gaps))

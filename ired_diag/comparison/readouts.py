"""What is read off every seed's curve: one number each, in five ways side by side.

    plateau   mean of the evaluations from the step on where all compared curves are at rest
    last      the last evaluation, at each run's own last step
    best      the best evaluation: of many noisy ones the luckiest
    last10    mean of the last ten evaluations
    area      area under the curve over its span

The plateau is found (``curves.plateau``), and is one window for all groups, so that none is read out earlier
than another. The last three are taken over the steps that all curves have (``common_steps``), or withheld.
A single evaluation that is not finite does not remove its seed: these readouts are of the finite ones.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.common_steps import LAST, CommonSteps, common_steps
from ired_diag.comparison.names_in_words import joined
from ired_diag.comparison.plateau_spikes import note_on_spikes, spikes_of
from ired_diag.comparison.seeds import Members, Seed
from ired_diag.curves.common_plateau import CommonPlateau, common_plateau
from ired_diag.curves.nats import curve_of
from ired_diag.curves.spikes import ends_in_spike
from ired_diag.runs.name_list import counted, first_names
from ired_diag.stats.readouts import Readout, area_under_curve, best, mean_of_last, plateau_mean

MOST_NAMED = 8  # seeds
READOUTS = ("plateau", "last", "best", "last10", "area")

Array = NDArray[np.float64]
Values = Mapping[str, Mapping[str, float]]  # by group, by seed
Numbers = dict[str, dict[str, dict[str, float]]]  # by readout, by group, by seed
Windows = dict[str, dict[str, Array]]  # by group, by seed


@dataclass(frozen=True, kw_only=True)
class Readouts:
    """What was read off, and where the plateau starts.

    Attributes:
        values: By readout, by group, by seed; only what is a number.
        plateau_step: First step of the common plateau; None without one.
        plateau_reason: Why there is none.
        windows: Of each group the seeds' evaluations on the plateau, by seed; those that are not finite stay,
            and spikes are NaN: no evaluation noise (``plateau_spikes``).
        reasons: By readout, why it is withheld from all seeds.
        notes: What else is to be said of the curves: other steps, evaluations that are not finite.
        last_common_step: The last step that all curves have; None where all have the same steps.
    """

    values: Mapping[str, Values]
    plateau_step: float | None
    plateau_reason: str = ""
    windows: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    last_common_step: float | None = None


@dataclass(frozen=True)
class Curve:
    """A curve that is compared.

    Attributes:
        group: Name of its group.
        seed: The seed whose curve it is.
        start: Place of the first evaluation on the common plateau; None where there is no plateau.
    """

    group: str
    seed: Seed
    start: int | None = None

    def starting_at(self, start: int) -> Curve:
        """Return the same curve with the place of its plateau."""
        return replace(self, start=start)

    @property
    def label(self) -> str:
        """Group and seed, as notes name them: ``q101/seed0``."""
        return f"{self.group}/{self.seed.label}"


def read_out(
    groups: Sequence[Members],
    *,
    lower_is_better: bool = True,
    own_steps: bool = False,
) -> Readouts:
    """Return all readouts of all seeds.

    Args:
        groups: Those that are compared.
        lower_is_better: Whether a lower value of the metric is better.
        own_steps: Take every curve over its own steps, whatever the others have: for readouts that are not
            compared.
    """
    curves = _curves_of(groups)
    plateau = _plateau(curves, lower_is_better=lower_is_better)
    if plateau.indices:
        curves = list(map(Curve.starting_at, curves, plateau.indices))
    common = CommonSteps()
    if not own_steps:
        common = common_steps(_steps_by_group(groups))
    values, reasons = _read_off(
        curves,
        groups,
        common,
        lower_is_better=lower_is_better,
    )
    plateau_reason = _with_names(plateau.reason, curves)
    reasons["plateau"] = plateau_reason
    return Readouts(
        values=values,
        plateau_step=plateau.step,
        plateau_reason=plateau_reason,
        windows=_windows(curves, groups),
        reasons=_withheld(reasons, values),
        notes=_notes(
            groups,
            curves,
            common,
            lower_is_better=lower_is_better,
        ),
        last_common_step=common.last,
    )


def _curves_of(groups: Sequence[Members]) -> list[Curve]:
    curves = []
    for members in groups:
        curves += [Curve(members.name, seed) for seed in members.seeds]
    return curves


def _steps_by_group(groups: Sequence[Members]) -> dict[str, list[Array]]:
    steps: dict[str, list[Array]] = {}
    for members in groups:
        steps[members.name] = [seed.steps for seed in members.seeds]
    return steps


def _read_off(
    curves: Sequence[Curve],
    groups: Sequence[Members],
    common: CommonSteps,
    *,
    lower_is_better: bool,
) -> tuple[Numbers, dict[str, str]]:
    """Return the numbers by readout, group and seed, and why the first curve without a number has none."""
    values: Numbers = {}
    for name in READOUTS:
        # Every group has an entry, also one whose seeds all failed.
        values[name] = {members.name: {} for members in groups}
    reasons = dict(common.reasons)
    for curve in curves:
        readouts = _readouts_of(curve, common, lower_is_better=lower_is_better)
        for name, readout in readouts.items():
            if math.isfinite(readout.value):
                of_group = values[name][curve.group]
                of_group[curve.seed.label] = readout.value
            else:
                reasons.setdefault(name, readout.reason)
    return values, reasons


def _withheld(reasons: Mapping[str, str], values: Mapping[str, Values]) -> dict[str, str]:
    """Return why readouts have no number of any seed."""
    withheld = {}
    for name, reason in reasons.items():
        of_groups = values[name].values()
        if not any(of_groups):
            withheld[name] = reason
    return withheld


def _windows(curves: Sequence[Curve], groups: Sequence[Members]) -> Windows:
    windows: Windows = {members.name: {} for members in groups}
    for curve in curves:
        # NaN and not left out: equal places of two windows must stay evaluations at equal steps.
        if curve.start is not None:
            seed = curve.seed
            without_spikes = np.where(spikes_of(seed), np.nan, seed.values)
            of_group = windows[curve.group]
            of_group[seed.label] = without_spikes[curve.start :]
    return windows


def _notes(
    groups: Sequence[Members],
    curves: Sequence[Curve],
    common: CommonSteps,
    *,
    lower_is_better: bool,
) -> list[str]:
    notes = [common.note]
    notes += map(_note_on_not_finite, groups)
    for members in groups:
        note = _note_on_last_spike(members, lower_is_better=lower_is_better)
        notes.append(note)
    for members in groups:
        starts = _plateau_starts(members.name, curves)
        notes.append(note_on_spikes(members, starts))
    return list(filter(None, notes))


def _plateau_starts(group: str, curves: Sequence[Curve]) -> dict[str, int]:
    """Return where the curves of a group enter the common plateau, by seed."""
    starts = {}
    for curve in curves:
        if curve.group == group and curve.start is not None:
            starts[curve.seed.label] = curve.start
    return starts


def _plateau(curves: Sequence[Curve], *, lower_is_better: bool) -> CommonPlateau:
    """Return the window that all curves share: the only place that asks for it."""
    names = _group_names(curves)
    points = []
    numbers = []
    for curve in curves:
        points.append((curve.seed.steps, curve.seed.values))
        numbers.append(names.index(curve.group))
    return common_plateau(points, groups=numbers, lower_is_better=lower_is_better)


def _group_names(curves: Sequence[Curve]) -> list[str]:
    """Return the names of the groups that have a curve, in their order."""
    return list(dict.fromkeys(curve.group for curve in curves))


def own_plateaus_in_words(groups: Sequence[Members], *, lower_is_better: bool) -> str:
    """Return which groups have a plateau when each is taken alone; empty where none has.

    A group may rest by itself, and so each of its curves, as ``diagnose`` says, where all groups together do
    not: another one still moves, or they drift apart, or rest together for too short.
    """
    with_seeds = [members for members in groups if members.seeds]
    if len(with_seeds) < 2:
        return ""
    resting = []
    for members in with_seeds:
        curves = _curves_of([members])
        plateau = _plateau(curves, lower_is_better=lower_is_better)
        if plateau.step is not None:
            resting.append(f"{members.name} from step {plateau.step:g} on")
    if not resting:
        return ""
    return f"Taken alone there is one: {joined(resting)}."


def _readouts_of(curve: Curve, common: CommonSteps, *, lower_is_better: bool) -> dict[str, Readout]:
    """Return the readouts of a curve that are not withheld from all of them."""
    steps = curve.seed.steps
    values = curve.seed.values
    shared = np.ones(len(steps), dtype=bool)
    if common.steps is not None:
        shared = np.isin(steps, common.steps)
    kept = shared & np.isfinite(values)
    kept_steps = steps[kept]
    kept_values = values[kept]
    readouts = {
        "plateau": _plateau_mean(steps, values, curve.start),
        "last": mean_of_last(steps, values, 1),
        "best": best(kept_steps, kept_values, lower_is_better=lower_is_better),
        "last10": _last_ten(steps[shared], values[shared]),
        "area": area_under_curve(kept_steps, kept_values),
    }
    for name in common.reasons:
        readouts.pop(name, None)
    return readouts


def _note_on_last_spike(members: Members, *, lower_is_better: bool) -> str:
    """Return which seeds end in one evaluation that is far worse than those before; empty where none does."""
    spiked = []
    for seed in members.seeds:
        curve = curve_of(seed.steps, seed.values, lower_is_better=lower_is_better)
        if ends_in_spike(curve):
            spiked.append(seed.label)
    if not spiked:
        return ""
    seeds = ", ".join(spiked)
    return (
        f"{members.name}: the last evaluation is far worse than those before ({seeds}): a spike, "
        "or the start of a divergence. It counts in every readout that holds it."
    )


def _plateau_mean(steps: Array, values: Array, start: int | None) -> Readout:
    """Return the mean of the finite evaluations on the plateau."""
    finite = np.isfinite(values)
    if start is None or not finite[start:].any():
        return plateau_mean(steps, values, None)
    # Without the evaluations that are not finite, the plateau starts at an earlier place.
    start_of_finite = int(finite[:start].sum())
    return plateau_mean(steps[finite], values[finite], start_of_finite)


def _last_ten(steps: Array, values: Array) -> Readout:
    """Return the mean of the finite ones of the last ten evaluations."""
    if len(values) < LAST:
        return mean_of_last(steps, values, LAST)
    last_steps = steps[-LAST:]
    last_values = values[-LAST:]
    finite = np.isfinite(last_values)
    count = max(1, int(finite.sum()))
    return mean_of_last(last_steps[finite], last_values[finite], count)


def _note_on_not_finite(members: Members) -> str:
    """Return how many evaluations of a group are not finite; empty where all are finite."""
    counts = {}
    for seed in members.seeds:
        finite = np.isfinite(seed.values)
        count = int((~finite).sum())
        if count:
            counts[seed.label] = count
    if not counts:
        return ""
    total = sum(counts.values())
    evaluations = "evaluations are"
    if total == 1:
        evaluations = "evaluation is"
    which = first_names(list(counts), MOST_NAMED)
    return f"{members.name}: {total} {evaluations} not finite ({which}); readouts are of the finite ones."


def _with_names(reason: str, curves: Sequence[Curve]) -> str:
    """Return a reason with names for numbers, those of curves and of groups; more curves are counted.

    >>> curves = [Curve("a", Seed(f"seed{k}", np.zeros(1), np.zeros(1))) for k in range(3)]
    >>> _with_names("curve 1: no rest; curve 2: short", curves)
    'a/seed1: no rest (and 1 more seed)'
    """
    first, *others = reason.split("; curve ")
    labels = [curve.label for curve in curves]
    names = _group_names(curves)
    first = re.sub(r"^curve (\d+)", lambda match: labels[int(match[1])], first)
    first = re.sub(r"\bgroup (\d+)", lambda match: names[int(match[1])], first)
    if not others:
        return first
    more = counted(len(others), "more seed")
    return f"{first} (and {more})"

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
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.common_steps import LAST, CommonSteps, common_steps
from ired_diag.comparison.plateau_spikes import note_on_spikes, spikes_of
from ired_diag.comparison.seeds import Members, Seed
from ired_diag.curves.common_plateau import CommonPlateau, common_plateau
from ired_diag.curves.nats import curve_of
from ired_diag.curves.spikes import ends_in_spike
from ired_diag.stats.readouts import Readout, area_under_curve, best, mean_of_last, plateau_mean

MOST_NAMED = 8  # seeds
READOUTS = ("plateau", "last", "best", "last10", "area")

Array = NDArray[np.float64]
Values = Mapping[str, Mapping[str, float]]  # by group, by seed


@dataclass(frozen=True)
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
    """

    values: Mapping[str, Values]
    plateau_step: float | None
    plateau_reason: str = ""
    windows: Mapping[str, Mapping[str, NDArray[np.float64]]] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


def read_out(groups: Sequence[Members], *, lower_is_better: bool = True, own_steps: bool = False) -> Readouts:
    """Return all readouts of all seeds.

    Args:
        groups: Those that are compared.
        lower_is_better: The direction.
        own_steps: Take every curve over its own steps, whatever the others have: for readouts that are not
            compared.
    """
    everyone = [(members, seed) for members in groups for seed in members.seeds]
    plateau = _plateau(everyone, lower_is_better)
    starts = dict(zip([id(seed) for _, seed in everyone], plateau.indices, strict=False))
    grids = {members.name: [seed.steps for seed in members.seeds] for members in groups}
    common = CommonSteps() if own_steps else common_steps(grids)
    values: dict[str, dict[str, dict[str, float]]] = {
        name: {members.name: {} for members in groups} for name in READOUTS
    }
    windows: dict[str, dict[str, NDArray[np.float64]]] = {members.name: {} for members in groups}
    reasons = dict(common.reasons)
    for members, seed in everyone:
        start = starts.get(id(seed))
        for name, readout in _of(seed, start, common, lower_is_better).items():
            if math.isfinite(readout.value):
                values[name][members.name][seed.label] = readout.value
            else:
                reasons.setdefault(name, readout.reason)
        if start is not None:
            windows[members.name][seed.label] = np.where(spikes_of(seed), np.nan, seed.values)[start:]
    labels = [f"{members.name}/{seed.label}" for members, seed in everyone]
    group_names = [members.name for members in groups if members.seeds]
    plateau_reason = _named(plateau.reason, labels, group_names)
    reasons["plateau"] = plateau_reason
    empty = {name: reason for name, reason in reasons.items() if not any(values[name].values())}
    spikes = [_last_spike(members, lower_is_better) for members in groups]
    on_plateau = [
        note_on_spikes(one, {s.label: start for s in one.seeds if (start := starts.get(id(s))) is not None})
        for one in groups
    ]
    notes = [note for note in (common.note, *map(_not_finite, groups), *spikes, *on_plateau) if note]
    return Readouts(values, plateau.step, plateau_reason, windows, empty, notes)


def _plateau(everyone: Sequence[tuple[Members, Seed]], lower_is_better: bool) -> CommonPlateau:
    """Return the window that all curves share: the only place that asks for it."""
    curves = [(seed.steps, seed.values) for _, seed in everyone]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(m.name for m, _ in everyone))}
    groups = [numbers[members.name] for members, _ in everyone]
    return common_plateau(curves, groups=groups, lower_is_better=lower_is_better)


def own_plateaus_in_words(groups: Sequence[Members], *, lower_is_better: bool) -> str:
    """Return which groups have a plateau when each is taken alone; empty where none has.

    A group may rest by itself, and so each of its curves, as ``diagnose`` says, where all groups together do
    not: another one still moves, or they drift apart, or rest together for too short.
    """
    with_seeds = [members for members in groups if members.seeds]
    if len(with_seeds) < 2:
        return ""
    steps = {
        members.name: _plateau([(members, seed) for seed in members.seeds], lower_is_better).step
        for members in with_seeds
    }
    resting = [f"{name} from step {step:g} on" for name, step in steps.items() if step is not None]
    if not resting:
        return ""
    named = " and ".join(filter(None, [", ".join(resting[:-1]), resting[-1]]))
    return f"Taken alone there is one: {named}."


def _of(seed: Seed, start: int | None, common: CommonSteps, lower_is_better: bool) -> dict[str, Readout]:
    s, v, finite = seed.steps, seed.values, np.isfinite(seed.values)
    shared = np.ones(len(s), dtype=bool) if common.steps is None else np.isin(s, common.steps)
    kept = finite & shared
    readouts = {
        "plateau": _plateau_mean(s, v, start),
        "last": mean_of_last(s, v, 1),
        "best": best(s[kept], v[kept], lower_is_better=lower_is_better),
        "last10": _last_ten(s[shared], v[shared]),
        "area": area_under_curve(s[kept], v[kept]),
    }
    return {name: readout for name, readout in readouts.items() if name not in common.reasons}


def _last_spike(members: Members, lower_is_better: bool) -> str:
    """Say which seeds end in one evaluation that is far worse than those before."""
    spiked = [
        seed.label
        for seed in members.seeds
        if ends_in_spike(curve_of(seed.steps, seed.values, lower_is_better=lower_is_better))
    ]
    if not spiked:
        return ""
    return (
        f"{members.name}: the last evaluation is far worse than those before ({', '.join(spiked)}): a spike, "
        "or the start of a divergence. It counts in every readout that holds it."
    )


def _plateau_mean(s: Array, v: Array, start: int | None) -> Readout:
    """Return the mean of the finite evaluations on the plateau."""
    finite = np.isfinite(v)
    if start is None or not finite[start:].any():
        return plateau_mean(s, v, None)
    return plateau_mean(s[finite], v[finite], int(finite[:start].sum()))


def _last_ten(s: Array, v: Array) -> Readout:
    """Return the mean of the finite ones of the last ten evaluations."""
    if len(v) < LAST:
        return mean_of_last(s, v, LAST)
    s, v = s[-LAST:], v[-LAST:]
    finite = np.isfinite(v)
    return mean_of_last(s[finite], v[finite], max(1, int(finite.sum())))


def _not_finite(members: Members) -> str:
    """Return how many evaluations of a group are not finite; empty where all are."""
    lost = {seed.label: int((~np.isfinite(seed.values)).sum()) for seed in members.seeds}
    labels = [label for label, count in lost.items() if count]
    if not labels:
        return ""
    total, more = sum(lost.values()), len(labels) - MOST_NAMED
    which = ", ".join(labels[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    what = "evaluation is" if total == 1 else "evaluations are"
    return f"{members.name}: {total} {what} not finite ({which}); readouts are of the finite ones."


def _named(reason: str, labels: Sequence[str], groups: Sequence[str] = ()) -> str:
    """Return a reason with names for places, those of curves and of groups; more curves are counted.

    >>> _named("curve 1: no rest; curve 2: short", ["a", "b", "c"])
    'b: no rest (and 1 more seed)'
    """
    first, *more = reason.split("; curve ")
    told = re.sub(r"^curve (\d+)", lambda found: labels[int(found[1])], first)
    told = re.sub(r"\bgroup (\d+)", lambda found: groups[int(found[1])], told)
    return f"{told} (and {len(more)} more seed{'s' if len(more) > 1 else ''})" if more else told

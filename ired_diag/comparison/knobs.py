"""Which experiments of a study are sweeps: groups whose configurations differ in the value of one knob.

A knob is a number that all runs of a group tell alike. Groups of one experiment that tell all else alike
answer to this knob alone. Where no two groups do, since their knobs were turned together, groups that all
differ in the knob are still a sweep over it, and what else differs is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ired_diag.comparison.seeds import APART
from ired_diag.runs.run import Run

Knobs = Mapping[str, Any]


@dataclass(frozen=True)
class KnobSweep:
    """Groups of an experiment that differ in a knob.

    Attributes:
        experiment: Its name.
        knob: The key of the configurations.
        groups: Runs by group, in the order of the knob's values.
        also: What else differs between them.
        left_out: Groups of the experiment that differ in something else, or have a value twice.
    """

    experiment: str
    knob: str
    groups: Mapping[str, Sequence[Run]]
    also: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def sweeps_in(groups: Mapping[str, Sequence[Run]]) -> list[KnobSweep]:
    """Return the sweeps among groups of runs, by experiment and knob.

    Args:
        groups: Runs by the name of their group.
    """
    experiments: dict[str, dict[str, Sequence[Run]]] = {}
    for name, runs in groups.items():
        experiments.setdefault(runs[0].experiment, {})[name] = runs
    return [
        sweep
        for experiment, members in experiments.items()
        if len(members) > 1
        for sweep in _sweeps_of(experiment, members)
    ]


def _sweeps_of(experiment: str, groups: Mapping[str, Sequence[Run]]) -> list[KnobSweep]:
    told = {name: _told_alike(runs) for name, runs in groups.items()}
    numbers = sorted({key for knobs in told.values() for key, value in knobs.items() if _is_number(value)})
    alone = {knob: names for knob in numbers if len(names := _differing_alone(knob, told)) > 1}
    chosen = alone or {knob: tuple(told) for knob in numbers if _all_differ(knob, told)}
    sweeps = []
    for knob, names in chosen.items():
        by_value = sorted(names, key=lambda name: float(told[name][knob]))
        also = _differing([told[name] for name in names], knob)
        left_out = tuple(name for name in groups if name not in names)
        sweeps.append(KnobSweep(experiment, knob, {n: groups[n] for n in by_value}, also, left_out))
    return sweeps


def _differing_alone(knob: str, told: Mapping[str, Knobs]) -> tuple[str, ...]:
    """Return the most groups that differ in a knob and in nothing else, one for each of its values."""
    families: dict[str, dict[float, str]] = {}
    for name, knobs in told.items():
        if _is_number(knobs.get(knob)):
            others = repr(sorted((key, repr(value)) for key, value in knobs.items() if key != knob))
            families.setdefault(others, {}).setdefault(float(knobs[knob]), name)
    return tuple(max(families.values(), key=len, default={}).values())


def _all_differ(knob: str, told: Mapping[str, Knobs]) -> bool:
    values = [knobs.get(knob) for knobs in told.values()]
    return all(map(_is_number, values)) and len(set(values)) == len(values)


def _differing(told: Sequence[Knobs], knob: str) -> tuple[str, ...]:
    keys = dict.fromkeys(key for knobs in told for key in knobs if key != knob)
    return tuple(key for key in keys if len({repr(knobs.get(key)) for knobs in told}) > 1)


def _told_alike(runs: Sequence[Run]) -> Knobs:
    """Return what all runs of a group tell alike, but for names, notes and seeds."""
    first, *others = (run.settings for run in runs)
    return {
        key: value
        for key, value in first.items()
        if key not in APART and all(key in other and other[key] == value for other in others)
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value

"""Which experiments of a study are sweeps: groups whose configurations differ in the value of one knob.

A knob is a number that all runs of a group state alike. Groups of one experiment that state all else alike
answer to this knob alone. Where no two groups do, since their knobs were turned together, groups that all
differ in the knob are still a sweep over it, and what else differs is listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ired_diag.comparison.seeds import settings_alike
from ired_diag.runs.run import Run
from ired_diag.runs.stated_settings import differing_keys

Knobs = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class KnobSweep:
    """Groups of an experiment that differ in a knob.

    Attributes:
        experiment: Name of the experiment.
        knob: Key of the configurations in which the groups differ.
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
        experiment = runs[0].experiment
        members = experiments.setdefault(experiment, {})
        members[name] = runs
    sweeps = []
    for experiment, members in experiments.items():
        if len(members) > 1:
            sweeps += _sweeps_of(experiment, members)
    return sweeps


def _sweeps_of(experiment: str, groups: Mapping[str, Sequence[Run]]) -> list[KnobSweep]:
    settings = {name: settings_alike(runs) for name, runs in groups.items()}
    sweeps = []
    for knob, names in _groups_by_knob(settings).items():
        values = {name: float(settings[name][knob]) for name in names}
        by_value = sorted(values, key=values.__getitem__)
        of_sweep = [settings[name] for name in names]
        left_out = [name for name in groups if name not in names]
        sweep = KnobSweep(
            experiment=experiment,
            knob=knob,
            groups={name: groups[name] for name in by_value},
            also=_differing_keys(of_sweep, knob),
            left_out=tuple(left_out),
        )
        sweeps.append(sweep)
    return sweeps


def _groups_by_knob(settings: Mapping[str, Knobs]) -> dict[str, tuple[str, ...]]:
    """Return the groups of each sweep, by knob: those that differ in it alone, else those that differ."""
    knobs = _number_keys(settings)
    alone = {}
    for knob in knobs:
        names = _differing_alone(knob, settings)
        if len(names) > 1:
            alone[knob] = names
    # Groups that differ in nothing else answer to the knob alone, and are preferred.
    if alone:
        return alone
    turned_together = filter(partial(_all_differ, settings=settings), knobs)
    return dict.fromkeys(turned_together, tuple(settings))


def _number_keys(settings: Mapping[str, Knobs]) -> list[str]:
    keys: set[str] = set()
    for knobs in settings.values():
        for key, value in knobs.items():
            if _is_number(value):
                keys.add(key)
    return sorted(keys)


def _differing_alone(knob: str, settings: Mapping[str, Knobs]) -> tuple[str, ...]:
    """Return the most groups that differ in a knob and in nothing else, one for each of its values."""
    families: dict[str, dict[float, str]] = {}
    for name, knobs in settings.items():
        if not _is_number(knobs.get(knob)):
            continue
        family = families.setdefault(_others_as_text(knob, knobs), {})
        family.setdefault(float(knobs[knob]), name)
    largest = max(families.values(), key=len, default={})
    return tuple(largest.values())


def _others_as_text(knob: str, knobs: Knobs) -> str:
    """Return all settings but one as text: lists and mappings are no keys of a dictionary."""
    others = {key: repr(value) for key, value in knobs.items() if key != knob}
    return repr(sorted(others.items()))


def _all_differ(knob: str, settings: Mapping[str, Knobs]) -> bool:
    values = [knobs.get(knob) for knobs in settings.values()]
    if not all(map(_is_number, values)):
        return False
    return len(set(values)) == len(values)


def _differing_keys(settings: Sequence[Knobs], knob: str) -> tuple[str, ...]:
    """Return the other keys that groups state differently, in the order of their first mention."""
    return tuple(key for key in differing_keys(settings) if key != knob)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    is_nan = value != value
    return not is_nan

"""A sweep: an experiment with variants, each of which sets some knobs anew.

    {"experiment_name": "q301_opt_steps", …, "variants": [{"mining_opt_steps": 1}, {"mining_opt_steps": 3}]}

A variant is called by what it sets, as the file has it: ``mining_opt_steps=3``; with its experiment
``q301@mining_opt_steps=3``. An experiment without that key has one variant, and that one has no name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ired_diag import tasks
from ired_diag.config import TrainingConfig, with_settings
from ired_diag.config_keys import METADATA
from ired_diag.errors import NotFound, WrongConfiguration
from ired_diag.task import Task

VARIANTS = "variants"
NEVER_VARIED = ("experiment_name", "seed", *METADATA)


@dataclass(frozen=True)
class Variant:
    """One of the configurations that an experiment trains.

    Attributes:
        label: What it is called, ``mining_opt_steps=3``; None where the experiment is no sweep.
        changes: The knobs that it sets, as the file has them.
        config: All knobs.
        task: What is trained.
    """

    label: str | None
    changes: Mapping[str, Any]
    config: TrainingConfig
    task: Task


def parse_variants(
    content: Mapping[str, Any], *, where: str, task: Task | None = None
) -> tuple[Variant, ...]:
    """Return the variants that an experiment's file tells, in its order.

    Args:
        content: As read from a JSON file: a configuration, and ``variants`` where it is a sweep.
        where: What to call it in an error.
        task: What is trained. Default: what the file names.

    Raises:
        WrongConfiguration: With what is wrong, and in which variant.
    """
    task = task or tasks.task_of(content)
    base = {key: value for key, value in content.items() if key != VARIANTS}
    if VARIANTS not in content:
        return (Variant(None, {}, tasks.settings_of(task, base, where=where), task),)
    told = content[VARIANTS]
    if not isinstance(told, list) or not told or not all(isinstance(one, dict) and one for one in told):
        raise WrongConfiguration(
            f'{where}: {VARIANTS}: expected a list of objects such as [{{"mining_opt_steps": 3}}], each with '
            f"at least one knob, found {json.dumps(told)}."
        )
    variants = tuple(_variant(task, base, changes, where=where) for changes in told)
    _check_distinct(variants, where=where)
    return variants


def pick(variants: Sequence[Variant], label: str, *, experiment: str) -> Variant:
    """Return the variant of a name.

    Raises:
        NotFound: None is called so; the message lists those there are, as names of ``experiment``.
    """
    found = [variant for variant in variants if variant.label == label]
    if not found:
        listed = ", ".join(names_of(variants, experiment=experiment))
        there_are = f"There are: {listed}" if variants[0].label else f"It is no sweep: train {experiment}"
        raise NotFound(f"{experiment} has no variant {label!r}. {there_are}.")
    return found[0]


def names_of(variants: Sequence[Variant], *, experiment: str) -> list[str]:
    """Return the full name of each variant: ``q301@mining_opt_steps=3``."""
    return [f"{experiment}@{variant.label}" if variant.label else experiment for variant in variants]


def split_name(name: str) -> tuple[str, str | None]:
    """Return the experiment and the variant that a name tells.

    >>> split_name("q301@mining_opt_steps=3"), split_name("q301")
    (('q301', 'mining_opt_steps=3'), ('q301', None))
    """
    experiment, at, label = name.rpartition("@")
    return (experiment, label) if at else (name, None)


def varied(variants: Sequence[Variant]) -> dict[str, list[str]]:
    """Return the knobs that the variants set, and the values of each in their order."""
    values: dict[str, list[str]] = {}
    for variant in variants:
        for knob, value in variant.changes.items():
            known = values.setdefault(knob, [])
            if _word(value) not in known:
                known.append(_word(value))
    return values


def set_knobs(variant: Variant, settings: Mapping[str, str]) -> Variant:
    """Return a variant with some of its other knobs set anew, as a command line gives them.

    Raises:
        WrongConfiguration: A key or value that cannot be used in this variant.
    """
    try:
        changed = replace(variant, config=with_settings(variant.config, settings))
    except WrongConfiguration as error:
        if variant.label is None:
            raise
        raise WrongConfiguration(f"variant {variant.label}: {error}") from error
    _check_effect(changed, where="--set")
    return changed


def _variant(task: Task, base: Mapping[str, Any], changes: Mapping[str, Any], *, where: str) -> Variant:
    label = ",".join(f"{knob}={_word(value)}" for knob, value in changes.items())
    where = f"{where}, variant {label}"
    if wrong := [key for key in changes if key in NEVER_VARIED]:
        raise WrongConfiguration(
            f"{where}: {', '.join(wrong)} cannot tell variants apart. Vary a knob; every variant is trained "
            "with every seed of --seeds."
        )
    variant = Variant(label, changes, tasks.settings_of(task, {**base, **changes}, where=where), task)
    _check_effect(variant, where=where)
    return variant


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _check_distinct(variants: Sequence[Variant], *, where: str) -> None:
    """Refuse two names for one thing: their equal curves would look like a result."""
    for number, variant in enumerate(variants):
        for other in variants[:number]:
            if variant.config == other.config:
                raise WrongConfiguration(
                    f"{where}: the variants {other.label} and {variant.label} are the same configuration."
                )


def _check_effect(variant: Variant, *, where: str) -> None:
    """Refuse a variant named by a knob that changes nothing: a sweep of it would compare equal runs.

    Such knobs may stand in a configuration (``TrainingConfig.unread_knobs``), as the study's files have them.
    """
    unread = variant.config.unread_knobs()
    if wrong := [knob for knob in variant.changes if knob in unread]:
        raise WrongConfiguration(
            f"{where}: the variant {variant.label} sets {', '.join(wrong)}, which changes nothing "
            f"{unread[wrong[0]]}."
        )

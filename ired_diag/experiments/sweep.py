"""A sweep: an experiment with variants, each of which sets its own values of a few knobs.

    {"experiment_name": "q301_opt_steps", …, "variants": [{"mining_opt_steps": 1}, {"mining_opt_steps": 3}]}

A variant is called by what it sets, as the file has it: ``mining_opt_steps=3``; with its experiment
``q301@mining_opt_steps=3``. A value that is not listed may be named as well: ``q301@mining_opt_steps=2``.
An experiment without that key has one variant, and that one has no name.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ired_diag import tasks
from ired_diag.config import TrainingConfig, with_settings
from ired_diag.config_keys import METADATA
from ired_diag.errors import NotFound, WrongConfiguration
from ired_diag.task import Task

VARIANTS = "variants"
NEXT_SETTING = re.compile(
    r",(?=\w+=)"
)  # what stands between two settings, and not between two numbers of a list
LARGEST_WHOLE = 1e15  # below it a whole number is written as one
NEVER_VARIED = ("experiment_name", "seed", *METADATA)


@dataclass(frozen=True)
class Variant:
    """One of the configurations that an experiment trains.

    Attributes:
        label: Its name, ``mining_opt_steps=3``; None where the experiment is not a sweep.
        changes: The knobs that it sets, as the file has them.
        config: The configuration, with all knobs.
        task: The task that is trained.
    """

    label: str | None
    changes: Mapping[str, Any]
    config: TrainingConfig
    task: Task


def parse_variants(
    content: Mapping[str, Any], *, where: str, task: Task | None = None
) -> tuple[Variant, ...]:
    """Return the variants that an experiment's file states, in its order.

    Args:
        content: As read from a JSON file: a configuration, and ``variants`` where it is a sweep.
        where: What to call it in an error.
        task: What is trained. Default: what the file names.

    Raises:
        WrongConfiguration: With what is wrong, and in which variant.
    """
    task = task or tasks.task_of(content)
    base = dict(content)
    if VARIANTS not in base:
        plain = Variant(
            label=None,
            changes={},
            config=tasks.settings_of(task, base, where=where),
            task=task,
        )
        return (plain,)
    entries = base.pop(VARIANTS)
    if not _is_list_of_objects(entries):
        raise WrongConfiguration(
            f'{where}: {VARIANTS}: expected a list of objects such as [{{"mining_opt_steps": 3}}], each with '
            f"at least one knob, found {json.dumps(entries)}."
        )
    variants = []
    for changes in entries:
        variants.append(_variant(task, base, changes, where=where))
    _check_distinct(variants, where=where)
    return tuple(variants)


def _is_list_of_objects(value: object) -> bool:
    """Say whether a value is a list of JSON objects; neither the list nor an object is empty."""
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(entry, dict) and entry for entry in value)


def pick(variants: Sequence[Variant], label: str, *, experiment: str) -> Variant:
    """Return the variant of a name, or one more that sets the same knobs to other values.

    Raises:
        NotFound: None has this name, and none sets these knobs; the message lists those there are, as names
            of ``experiment``.
        WrongConfiguration: A value that cannot be used.
    """
    for variant in variants:
        if variant.label == label:
            return variant
    named = _settings_in(label)
    for variant in variants:
        if named and named.keys() == variant.changes.keys():
            return _with_other_values(variant, named, variants=variants)
    advice = f"It is not a sweep: train {experiment}"
    if variants[0].label:
        listed = ", ".join(names_of(variants, experiment=experiment))
        advice = f"There are: {listed}; and any other value of {_knobs_varied(variants)}"
    raise NotFound(f"{experiment} has no variant {label!r}. {advice}.")


def _settings_in(label: str) -> dict[str, str]:
    """Return the settings that a label states; none where it states something else.

    >>> _settings_in("rank=10,adam_betas=[0.0,0.9]"), _settings_in("rank")
    ({'rank': '10', 'adam_betas': '[0.0,0.9]'}, {})
    """
    settings = {}
    for part in NEXT_SETTING.split(label):
        knob, equals, value = part.partition("=")
        if not equals or not value or knob in settings:
            return {}
        settings[knob] = value
    return settings


def _with_other_values(
    variant: Variant, settings: Mapping[str, str], *, variants: Sequence[Variant]
) -> Variant:
    """Return a variant that sets the same knobs to other values; the listed one where it is the same."""
    config = with_settings(variant.config, settings)
    for listed in variants:
        if listed.config == config:
            return listed
    changes = {}
    for knob in variant.changes:
        changes[knob] = _shortest(config.model_dump(mode="json")[knob])
    other = replace(
        variant,
        label=_label(changes),
        changes=changes,
        config=config,
    )
    _check_effect(other, where="a value that is not in the list")
    return other


def _shortest(value: object) -> object:
    """Return 4 for 4.0, so that a value has one name, however it is typed."""
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_WHOLE:
        return int(value)
    return value


def _knobs_varied(variants: Sequence[Variant]) -> str:
    """Return the knobs that the variants set, each combination once."""
    combinations = dict.fromkeys(" and ".join(variant.changes) for variant in variants)
    return ", or of ".join(combinations)


def names_of(variants: Sequence[Variant], *, experiment: str) -> list[str]:
    """Return the full name of each variant: ``q301@mining_opt_steps=3``."""
    full_names = []
    for variant in variants:
        if variant.label:
            full_names.append(f"{experiment}@{variant.label}")
        else:
            full_names.append(experiment)
    return full_names


def split_name(name: str) -> tuple[str, str | None]:
    """Return the experiment and the variant that a name states; None where it states no variant.

    >>> split_name("q301@mining_opt_steps=3"), split_name("q301")
    (('q301', 'mining_opt_steps=3'), ('q301', None))
    """
    experiment, at, label = name.rpartition("@")
    if not at:
        return name, None
    return experiment, label


def varied(variants: Sequence[Variant]) -> dict[str, list[str]]:
    """Return the knobs that the variants set, and the values of each in their order."""
    values: dict[str, list[str]] = {}
    for variant in variants:
        for knob, value in variant.changes.items():
            words = values.setdefault(knob, [])
            word = _word(value)
            if word not in words:
                words.append(word)
    return values


def set_knobs(variant: Variant, settings: Mapping[str, str]) -> Variant:
    """Return a variant with other values of its other knobs, as a command line gives them.

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
    label = _label(changes)
    where = f"{where}, variant {label}"
    # Seeds are chosen on the command line, and a description changes nothing.
    wrong = [key for key in changes if key in NEVER_VARIED]
    if wrong:
        raise WrongConfiguration(
            f"{where}: {', '.join(wrong)} cannot tell variants apart. Vary a knob; every variant is trained "
            "with every seed of --seeds."
        )
    variant = Variant(
        label=label,
        changes=changes,
        config=tasks.settings_of(task, {**base, **changes}, where=where),
        task=task,
    )
    _check_effect(variant, where=where)
    return variant


def _label(changes: Mapping[str, Any]) -> str:
    return ",".join(f"{knob}={_word(value)}" for knob, value in changes.items())


def _word(value: object) -> str:
    if isinstance(value, str):
        return value
    # Without spaces: a label is part of a name on the command line.
    return json.dumps(value, separators=(",", ":"))


def _check_distinct(variants: Sequence[Variant], *, where: str) -> None:
    """Refuse two names for one configuration: their equal curves would look like a result."""
    for first, second in itertools.combinations(variants, 2):
        if first.config == second.config:
            raise WrongConfiguration(
                f"{where}: the variants {first.label} and {second.label} are the same configuration."
            )


def _check_effect(variant: Variant, *, where: str) -> None:
    """Refuse a variant named by a knob that changes nothing: a sweep of it would compare equal runs.

    Such knobs may stand in a configuration (``TrainingConfig.unread_knobs``), as the study's files have them.
    """
    reasons = variant.config.unread_knobs()
    unread = [knob for knob in variant.changes if knob in reasons]
    if unread:
        reason = reasons[unread[0]]
        raise WrongConfiguration(
            f"{where}: the variant {variant.label} sets {', '.join(unread)}, which changes nothing {reason}."
        )

"""What configurations state: their keys, the keys that differ, and the names and notes in them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ired_diag.config_keys import METADATA
from ired_diag.runs.run import Run

TEXTS = ("experiment_name", "name", "run_name", *METADATA)


def keys_of(configurations: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the keys of all configurations, each once."""
    return list(dict.fromkeys(itertools.chain.from_iterable(configurations)))


def differing_settings(a: Mapping[str, Any], b: Mapping[str, Any]) -> set[str]:
    """Return the keys in which two configurations differ, without names and notes.

    >>> sorted(differing_settings({"lr": 0.1, "notes": "x"}, {"lr": 0.2, "rank": 8}))
    ['lr', 'rank']
    """
    differing = {key for key, value in a.items() if value != b.get(key)}
    differing |= {key for key, value in b.items() if key not in a and value is not None}
    return differing.difference(TEXTS)


def differ_in_no_other(a: Mapping[str, Any], b: Mapping[str, Any], key: str) -> bool:
    """Say whether two configurations are equal but for one key, names and notes.

    >>> differ_in_no_other({"lr": 0.1, "notes": "x"}, {"lr": 0.2, "clip": None}, "lr")
    True
    """
    for other in a:
        if other != key and other not in TEXTS and a[other] != b.get(other):
            return False
    for other in b:
        if other not in a and b[other] is not None and other != key and other not in TEXTS:
            return False
    return True


def differing_keys(configurations: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys that are not the same in all configurations, in the order of their first mention.

    >>> differing_keys([{"lr": 0.1, "layers": [2]}, {"lr": 0.1, "layers": [3]}, {"lr": 0.1}])
    ['layers']
    """
    differing = []
    for key in keys_of(configurations):
        # Values may be lists, which no set holds; their text is.
        values = {repr(configuration.get(key)) for configuration in configurations}
        if len(values) > 1:
            differing.append(key)
    return differing


def experiment_name(configuration: Mapping[str, Any] | None) -> str | None:
    """Return the experiment that a configuration names; None where it names none.

    >>> experiment_name({"experiment_name": "q101"}), experiment_name({"experiment_name": ""})
    ('q101', None)
    """
    name = (configuration or {}).get("experiment_name")
    if isinstance(name, str) and name:
        return name
    return None


def notes_of(configuration: Mapping[str, Any] | None) -> list[str]:
    """Return the names and notes that a configuration holds.

    >>> notes_of({"lr": 0.1, "experiment_name": "q101", "notes": "twice the rate"})
    ['q101', 'twice the rate']
    """
    values = map((configuration or {}).get, TEXTS)
    return [value for value in values if isinstance(value, str)]


def first_settings(runs: Sequence[Run]) -> dict[str, Any]:
    """Return the settings of the first run that states any; none where no run does."""
    for run in runs:
        if run.settings:
            return run.settings
    return {}

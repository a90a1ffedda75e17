"""Keys of configurations in which runs differ: what a table can show, and group runs by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ired_diag.readers.foreign_configuration import flatten
from ired_diag.runs.run import Run

MOST_KEYS = 60  # that are offered; a list of more helps nobody
MOST_RUNS = 2000  # whose configurations are looked through
UNSTATED = "not stated"
SEVERAL = "several values"


def differing_keys(runs: Iterable[Run]) -> list[str]:
    """Return the keys that have several values among runs, or that only some runs state, by name.

    Keys that only identify a run, such as its name, are left out.
    """
    values: dict[str, set[str]] = {}
    counts: dict[str, int] = {}
    total = 0
    for run in list(runs)[:MOST_RUNS]:
        if run.configuration is None:
            continue
        total += 1
        for key, value in flatten(run.configuration).items():
            if key in run.identity_keys:
                continue
            values.setdefault(key, set()).add(in_words(value))
            counts[key] = counts.get(key, 0) + 1
    differing = [key for key, found in values.items() if len(found) > 1 or counts[key] < total]
    return sorted(differing)[:MOST_KEYS]


def value_of_key(run: Run, key: str) -> str:
    """Return the value that a run's configuration states for a key, in words."""
    configuration = run.configuration or {}
    if key in configuration and not isinstance(configuration[key], Mapping):
        return in_words(configuration[key])
    stated = flatten(configuration)
    if key not in stated:
        return UNSTATED
    return in_words(stated[key])


def shared_value(runs: Sequence[Run], key: str) -> str:
    """Return the value that all runs state, or that they have several."""
    values = {value_of_key(run, key) for run in runs}
    return values.pop() if len(values) == 1 else SEVERAL


def order_of(value: str) -> tuple[int, float, str]:
    """Return a key to sort values by: numbers by size, then words, then what is not stated.

    >>> sorted(["b", "10", "9", "not stated", "1e-3"], key=order_of)
    ['1e-3', '9', '10', 'b', 'not stated']
    """
    if value in (UNSTATED, SEVERAL):
        return 2, 0.0, value
    try:
        return 0, float(value), ""
    except ValueError:
        return 1, 0.0, value


def in_words(value: Any) -> str:
    """Return a value of a configuration as a table shows it.

    >>> in_words(0.0001), in_words(True), in_words(None), in_words([1, 2])
    ('0.0001', 'true', 'none', '[1, 2]')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)

"""Values of a wrong type or size in configurations: each key with each value, under each command in turn."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.attack import Attack
from benchmarks.attack_bed import FORMATS, metrics_table, run_folder, settings, stored, whole, write
from benchmarks.attack_commands import command_attack, spread

Key = tuple[str | int, ...]

VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "-1": -1,
    "1.5": 1.5,
    "2**63": 2**63,
    "2**70": 2**70,
    "10**400": 10**400,
    "NaN": math.nan,
    "1e308": 1e308,
    "minus infinity": -math.inf,
    "no letter": "",
    "5000 letters": "x" * 5000,
    "half a pair": "\ud800",
    "NUL": "a\0b",
    "a path": "../..\n",
    "escapes": "\x1b]0;t\x07\x1b[2J",
    "HTML": "<img src=x onerror=alert(1)>",
    "an empty list": [],
    "a nested list": [[{}]],
    "1000 numbers": list(range(1000)),
    "an empty object": {},
    "a nested object": {"a": {"b": [1]}},
}
ABSENT = "absent"


def attacks(seed: int) -> Iterator[Attack]:
    """Yield the attacks; nothing is drawn."""
    index = count()
    for key in keys_of(stored("q900", 1)):
        for name in (*VALUES, ABSENT):
            label = f"{'.'.join(map(str, key))} is {name}"
            yield command_attack("values in config.json", label, spread(next(index)), _edited(key, name))
    for key in keys_of(settings("q900", 1)):
        for name in (*VALUES, ABSENT):
            label = f"{'.'.join(map(str, key))} is {name}"
            command = spread(next(index), logs=True)
            yield command_attack("values in other configurations", label, command, _foreign(key, name))


def keys_of(content: dict[str, Any] | list[Any], above: Key = ()) -> Iterator[Key]:
    """Yield the place of each value in nested objects and lists."""
    pairs: Any = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in pairs:
        yield (*above, key)
        if isinstance(value, dict | list):
            yield from keys_of(value, (*above, key))


def edited(content: dict[str, Any], key: Key, value: str) -> dict[str, Any]:
    """Return an object with one of its values replaced by a named one, or removed."""
    content = copy.deepcopy(content)
    place: Any = content
    for part in key[:-1]:
        place = place[part]
    if value == ABSENT:
        del place[key[-1]]
    else:
        place[key[-1]] = VALUES[value]
    return content


def _edited(key: Key, value: str) -> Callable[[Path], None]:
    def make(study: Path) -> None:
        write(study, whole(next(f for f in FORMATS if f.files is run_folder)))
        content = json.dumps(edited(stored("q900", 1), key, value))
        (study / "q900/seed1/config.json").write_text(content)

    return make


def _foreign(key: Key, value: str) -> Callable[[Path], None]:
    def make(study: Path) -> None:
        write(study, whole(next(f for f in FORMATS if f.files is metrics_table)))
        content = json.dumps(edited({"seed": 1, **settings("q900", 1)}, key, value))
        (study / "q900/version_1/config.json").write_text(content)

    return make

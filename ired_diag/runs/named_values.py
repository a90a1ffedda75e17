"""The value of a setting that the name of a folder, a file or a group states.

``lr0.01``, ``lr_1e-3``, ``lr=3e-4``, ``bs128``: the setting's name, or its usual abbreviation, and a number
behind it. A number with a percent sign or a word of change is a claim about another value
(``runs.claimed_change``), and no value.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ired_diag.runs.claimed_change import ALIASES
from ired_diag.runs.run import Run

NUMBER = r"(?P<number>\d+(?:\.\d+)?(?:e[-+]?\d+)?)"
END = r"(?![a-z0-9%]|\.\d)"
PARTS = 3  # of a path, counted from its end


def named_value(run: Run, key: str) -> float | None:
    """Return the value that a run's names state for a setting; None where none does, or they state several.

    Args:
        run: The run; its path, its group and its name are read.
        key: The setting, as its configuration or its log calls it.
    """
    texts = [
        *run.path.parts[-PARTS:],
        run.experiment,
        run.name or "",
        run.run_name,
    ]
    values: set[float] = set()
    for text in texts:
        values.update(_values_in(text, key))
    return values.pop() if len(values) == 1 else None


@lru_cache(maxsize=1 << 16)  # runs have their folders and their experiment in common
def _values_in(text: str, key: str) -> tuple[float, ...]:
    """Return the numbers behind a setting's name in a text.

    >>> _values_in("sgd_lr1e-3_bs64", "learning_rate"), _values_in("run_bs128", "batch_size")
    ((0.001,), (128.0,))
    >>> _values_in("lr_plus10", "lr"), _values_in("flr0.1", "lr"), _values_in("lr10pct", "lr")
    ((), (), ())
    """
    return tuple(float(match["number"]) for match in _pattern_of(key).finditer(text))


@lru_cache(maxsize=1 << 12)
def _pattern_of(key: str) -> re.Pattern[str]:
    names = "|".join(_patterns_of(key))
    return re.compile(rf"(?<![a-z])(?:{names})[_=-]?{NUMBER}{END}", re.IGNORECASE)


def _patterns_of(key: str) -> list[str]:
    """Return a pattern for each name of a setting, the longest first."""
    last = re.split(r"[./]", key.lower())[-1]
    names = {last}
    for alias in ALIASES.get(last, ()):
        if " " not in alias:
            names.add(alias)
    names.discard("")
    longest_first = sorted(names, key=len, reverse=True)
    return [re.escape(name).replace("_", "[_-]?") for name in longest_first]

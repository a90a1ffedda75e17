"""In which settings the names of groups say that they differ.

Names of sweeps hold the setting and its value: ``dropout=0.1``, ``wd0.01-s1``, ``lr_1e-3``. Cut into parts at
blanks and at ``_ - @ / ,``, such a part is a word and a number behind it. A word that has a number in all
names, and another one in some, is a setting that they differ in. Numbers behind a letter, or behind a word
that counts runs (``run1``, ``seed2``), are no setting.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

OF_RUNS = frozenset(
    "attempt copy core day ep epoch exp experiment fold id iter job rep repeat run seed split step task test "
    "trial try version rank gpu node worker host shard part proc process".split()
)
PART = re.compile(r"([A-Za-z][A-Za-z_]*?)[_=:-]?(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)(?![A-Za-z0-9.])", re.I)


def own_words(names: Sequence[str]) -> list[str]:
    """Return the words of each name that not all names have; nothing where a name has none of its own.

    >>> own_words(["fork_clip1", "fork_same"]), own_words(["q411", "q412"]), own_words(["run1", "run2"])
    (['clip1', 'same'], [], [])
    """
    words_of_names = [re.findall(r"[A-Za-z0-9.=]+", name) for name in names]
    common = set(words_of_names[0]).intersection(*words_of_names)
    own = ["_".join(word for word in words if word not in common) for words in words_of_names]
    stems = [re.sub(r"[\d.=]+", "", words).lower() for words in own]
    are_names_of_settings = all(len(stem) > 2 and stem not in OF_RUNS for stem in stems)
    if not are_names_of_settings or len(set(stems)) < len(stems):
        return []
    return own


def named_differences(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the settings in which names say that groups differ, with the value of each name.

    >>> named_differences(["wd0-s1", "wd0.01-s1"]), named_differences(["run1", "run2"])
    ({'wd': ['0', '0.01']}, {})
    >>> named_differences(["dropout=0.0", "dropout=0.1"]), named_differences(["q411", "q412"])
    ({'dropout': ['0.0', '0.1']}, {})
    """
    stated = [{word.lower(): number for word, number in PART.findall(name)} for name in names]
    differences = {}
    for word in stated[0]:
        if len(word) < 2 or word.strip("_") in OF_RUNS:
            continue
        values = [settings.get(word) for settings in stated]
        numbers = [value for value in values if value is not None]
        if len(numbers) == len(values) and len(set(numbers)) > 1:
            differences[word] = numbers
    return differences

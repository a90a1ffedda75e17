"""The groups of a report: what each is called, how many runs it has, in which settings they differ."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ired_diag.runs.run import Run
from ired_diag.runs.stated_settings import TEXTS, differing_keys, first_settings, keys_of

MOST_VALUES = 3  # of a setting within a group; of more, their number is written
LONGEST_VALUE = 40  # letters of a setting

Groups = Mapping[str, Sequence[Run]]


@dataclass(frozen=True)
class GroupTable:
    """The settings of groups.

    Attributes:
        columns: Names of the columns: group, its name in the logs where it has a label, runs, and each
            setting in which groups differ.
        rows: Cells of each group.
        shared: Settings that all groups share, each with its value.
        note: What is to be said of them.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    shared: tuple[tuple[str, str], ...]
    note: str


def group_table(groups: Groups, names: Mapping[str, str]) -> GroupTable:
    """Return the table of groups.

    Args:
        groups: Runs by the label of their group.
        names: Names in the logs by label.
    """
    settings = []
    for runs in groups.values():
        stated = first_settings(runs)
        settings.append(_without_names(stated))
    differing = differing_keys(settings)
    columns = ["group"]
    has_labels = any(names.get(label, label) != label for label in groups)
    if has_labels:
        columns.append("name in the logs")
    columns += ["runs", *differing]
    rows = []
    for label, runs in groups.items():
        cells = [label]
        if has_labels:
            cells.append(names.get(label, label))
        cells.append(str(len(runs)))
        for key in differing:
            cells.append(_values(runs, key))
        rows.append(tuple(cells))
    shared = []
    for key in keys_of(settings):
        if key not in differing:
            value = _in_words(settings[0][key])
            shared.append((key, value))
    return GroupTable(
        columns=tuple(columns),
        rows=tuple(rows),
        shared=tuple(shared),
        note=_note(settings, differing),
    )


def _without_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without names and notes, which differ in any case."""
    kept = {}
    for key, value in settings.items():
        if key not in TEXTS:
            kept[key] = value
    return kept


def _note(settings: Sequence[Mapping[str, Any]], differing: Sequence[str]) -> str:
    if not any(settings):
        return "The logs state no settings: in what the groups differ is unknown."
    if not all(settings):
        return "The logs of some groups state no settings."
    if not differing and len(settings) > 1:
        return "The settings state no difference between the groups."
    return ""


def _values(runs: Sequence[Run], key: str) -> str:
    """Return the values of a setting in the runs of a group."""
    words = []
    for run in runs:
        if run.settings and key in run.settings:
            words.append(_in_words(run.settings[key]))
    different = list(dict.fromkeys(words))
    if not different:
        return "-"
    if len(different) > MOST_VALUES:
        return f"{len(different)} values"
    return ", ".join(different)


def _in_words(value: Any) -> str:
    words = f"{value:g}" if isinstance(value, float) else str(value)
    if len(words) <= LONGEST_VALUE:
        return words
    return f"{words[: LONGEST_VALUE - 1]}…"


def with_labels_in(text: str, names: Mapping[str, str]) -> str:
    """Return a text in which groups have their labels; names of runs and paths stay as they are.

    Args:
        text: A sentence.
        names: Names in the logs by label.

    >>> with_labels_in("q103 rests; q103/seed0 does not; so q1031", {"adversarial mining": "q103"})
    'adversarial mining rests; q103/seed0 does not; so q1031'
    """
    labels = {}
    for label, name in names.items():
        if label != name:
            labels[name] = label
    if not labels:
        return text
    # Longer names first: one may be the beginning of another.
    longest_first = sorted(labels, key=len, reverse=True)
    alternatives = "|".join(map(re.escape, longest_first))
    whole_name = rf"(?<![\w/@=.-])(?:{alternatives})(?![\w/@=-]|\.\w)"
    return re.sub(whole_name, lambda match: labels[match[0]], text)

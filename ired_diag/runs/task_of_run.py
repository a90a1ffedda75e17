"""Which task a run was trained on, as a key of its configuration states: ``env_id: Pong``.

A configuration may hold the key within a section (``env: {id: …}`` is not understood, ``train: {dataset: …}``
is). Where no key is named, it is the first well-known one that every run has, and of which runs have several
values; a key that only some runs state says nothing of the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ired_diag.errors import DiagError
from ired_diag.runs.run import Run

MOST_LISTED = 12  # keys in a message


def tasks_by_key(
    runs: Sequence[Run],
    key: str | None,
    *,
    choices: Sequence[str],
) -> tuple[str, dict[str, list[Run]]]:
    """Return the key that says the task, and the runs of each task.

    Args:
        runs: The runs of all groups.
        key: The key that the user names. None: one of ``choices``.
        choices: Well-known names, the surest first.

    Raises:
        DiagError: Some run does not have the key, or no well-known key tells tasks apart.
    """
    if key is not None:
        return key, _split(runs, key)
    for choice in choices:
        values = {value_of(run, choice) for run in runs}
        if len(values) > 1 and None not in values:
            return choice, _split(runs, choice)
    keys: set[str] = set()
    for run in runs:
        keys.update(name for name, _ in _entries(run))
    listed = ", ".join(sorted(keys)[:MOST_LISTED]) or "no configurations"
    raise DiagError(
        f"No key of the configurations of these {len(runs)} runs says the task. Name one with --tasks KEY, "
        f"or name metrics that each run logs: --metrics 'a,b'. Keys: {listed}."
    )


def value_of(run: Run, key: str) -> str | None:
    """Return what a run's configuration states under a key, as text; None where it states nothing."""
    wanted = _normal(key)
    for name, value in _entries(run):
        if _normal(name) == wanted and value is not None:
            return str(value)
    return None


def _split(runs: Sequence[Run], key: str) -> dict[str, list[Run]]:
    by_task: dict[str, list[Run]] = {}
    for run in runs:
        value = value_of(run, key)
        if value is None:
            raise DiagError(
                f"{run.label} ({run.path}): its configuration has no key {key!r}, so its task is unknown."
            )
        by_task.setdefault(value, []).append(run)
    return by_task


def _entries(run: Run) -> Iterator[tuple[str, Any]]:
    """Yield keys with values, those of sections after those of the configuration itself."""
    configuration = run.configuration or {}
    sections = []
    for name, value in configuration.items():
        if isinstance(value, Mapping):
            sections.append(value)
        else:
            yield str(name), value
    for section in sections:
        for name, value in section.items():
            if not isinstance(value, Mapping):
                yield str(name), value


def _normal(name: str) -> str:
    lower_case = name.strip().lower()
    bare = re.split(r"[./]", lower_case)[-1]
    return re.sub(r"[\s\-]+", "_", bare)

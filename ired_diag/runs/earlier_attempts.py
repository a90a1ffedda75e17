"""Which record of a seed is the run, and which are earlier attempts at it.

Of several records that are attempts at one run, the complete one counts, else the one with most evaluations,
else the one that started last. Logs of jobs belong together by job and array task, or by seed and folder.
Of numbered folders (``version_0``, ``version_1``), an earlier one is an attempt only where the later one
goes on after its last step, or repeats its values and goes further.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ired_diag.runs.grouped import grouped
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run


def with_attempts(records: Iterable[Run]) -> list[Run]:
    """Return the run or runs among trained records of one version, each with its earlier attempts."""
    runs: list[Run] = []
    for members in grouped(records, key=_key_of_attempts).values():
        if members[0].job is None:
            runs.extend(_runs_of_numbered_folders(members))
        else:
            *attempts, run = sorted(members, key=_usefulness)
            runs.append(replace(run, attempts=tuple(attempts)))
    return runs


def may_be_attempt_at(run: Run, record: Run) -> bool:
    """Say whether a record without an evaluation may be an attempt at a run: by folder, seed and task."""
    if run.path.parent != record.path.parent:
        return False
    if record.seed is not None:
        return record.seed == run.seed
    task = record.provenance.get("task")
    return task is None or task == run.provenance.get("task")


def _usefulness(record: Run) -> tuple[bool, int, tuple[str, int]]:
    """Return a sort key: the record that counts as the run comes last."""
    return record.ending.complete, record.evaluations, record.start_order


def _key_of_attempts(record: Run) -> object:
    """Return what attempts at one run share: job and task, or seed and place; else the log itself."""
    if record.seed is not None:
        return "seed", record.seed, record.job is None, _place(record)
    if record.job is not None and "task" in record.provenance:
        return "task", record.job, record.provenance["task"]
    return "log", record.sources


def _place(record: Run) -> Path:
    """Return the folder in which another attempt at the same run would be."""
    folder = record.path.parent
    return folder if _folder_number(record) is None else folder.parent


def _folder_number(record: Run) -> int | None:
    """Return the number of the folder that was made for this record, where its program numbers them."""
    number = re.fullmatch(r"version_(\d+)", record.path.parent.name)
    return int(number[1]) if number else None


def _runs_of_numbered_folders(records: Sequence[Run]) -> list[Run]:
    """Return runs and their attempts among logs of one seed: what got less far before a later log."""
    alone = [replace(record, attempts=()) for record in records]
    if None in map(_folder_number, alone):
        return alone
    runs: list[Run] = []
    for run in sorted(alone, key=lambda record: _folder_number(record) or 0):
        if runs and _is_repeated_by(runs[-1], run):
            earlier = runs.pop()
            attempts = (*earlier.attempts, replace(earlier, attempts=()))
            run = replace(run, attempts=attempts)
        runs.append(run)
    return runs


def _is_repeated_by(earlier: Run, later: Run) -> bool:
    """Say whether a later log goes on after an earlier one, or repeats its values and goes further."""
    if earlier.ending.complete or _reach(earlier) >= _reach(later):
        return False
    pairs = _series_of_both(earlier, later)
    if not pairs:
        return False
    if all(_begins_later(before, after) for before, after in pairs):
        return True
    return all(_begins_alike(before, after) for before, after in pairs)


def _series_of_both(earlier: Run, later: Run) -> list[tuple[Series, Series]]:
    """Return the series of each metric that two runs log."""
    pairs: list[tuple[Series, Series]] = []
    for name, before in earlier.history.series.items():
        after = later.history.series.get(name)
        if after is not None and len(before) and len(after):
            pairs.append((before, after))
    return pairs


def _begins_later(earlier: Series, later: Series) -> bool:
    return bool(later.steps[0] > earlier.steps[0])


def _begins_alike(earlier: Series, later: Series) -> bool:
    """Say whether two series agree at all common steps, and have at least one."""
    _, i, j = np.intersect1d(
        earlier.steps,
        later.steps,
        return_indices=True,
    )
    if not len(i):
        return False
    return np.array_equal(earlier.values[i], later.values[j], equal_nan=True)


def _reach(record: Run) -> int:
    return record.history.last_step or 0

"""Which checkpoints go into which job.

About a hundred jobs, of 20 to 100 checkpoints each: fewer would leave a cluster idle, and a job that is too
short spends its time on starting. A run that is larger than a job is split into equal parts; smaller runs go
together, whole. Parts of one run may be measured at the same time: whoever writes a table locks it, and its
rows stand in the order of the steps whoever wrote first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ired_diag.probe_jobs.job import RunPart

JOBS = 100  # about as many as there should be
LEAST, MOST = 20, 100  # checkpoints in a job


def job_size(checkpoints: int) -> int:
    """Return how many checkpoints a job measures at least, except the last one.

    Args:
        checkpoints: How many there are in all.

    >>> job_size(200), job_size(5_000), job_size(1_000_000)
    (20, 50, 100)
    """
    return min(max(math.ceil(checkpoints / JOBS), LEAST), MOST)


def pack(parts: Iterable[RunPart], size: int) -> list[tuple[RunPart, ...]]:
    """Return the parts of each job, in the order of the runs.

    Args:
        parts: The checkpoints of each run.
        size: Checkpoints of a job.
    """
    jobs: list[tuple[RunPart, ...]] = []
    waiting: list[RunPart] = []
    for part in parts:
        count = len(part.checkpoints)
        pieces = _pieces(count, size)
        if pieces > 1:
            for piece in split(part, pieces):
                jobs.append((piece,))
            continue
        # A job that is too short is better than one that outlives its time limit.
        if waiting and _count(waiting) + count > max(size, MOST):
            jobs.append(tuple(waiting))
            waiting = []
        waiting.append(part)
        if _count(waiting) >= size:
            jobs.append(tuple(waiting))
            waiting = []
    if waiting:
        jobs.append(tuple(waiting))
    return jobs


def _pieces(checkpoints: int, size: int) -> int:
    """Return into how many pieces a run is split: none below the size of a job, none above the most."""
    as_many_as_are_full = checkpoints // size
    as_few_as_are_allowed = math.ceil(checkpoints / max(size, MOST))
    return max(as_many_as_are_full, as_few_as_are_allowed, 1)


def split(part: RunPart, pieces: int) -> list[RunPart]:
    """Return equal pieces of a part, those with one checkpoint more first."""
    each, more = divmod(len(part.checkpoints), pieces)
    split_parts = []
    start = 0
    for number in range(pieces):
        end = start + each + (number < more)
        files = part.checkpoints[start:end]
        last = part.last if part.last in files else None
        split_parts.append(replace(part, checkpoints=files, last=last))
        start = end
    return split_parts


def _count(parts: Sequence[RunPart]) -> int:
    return sum(len(part.checkpoints) for part in parts)

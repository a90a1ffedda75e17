"""Has a run fallen silent? The pauses of its log so far say which pause is unusual.

A log grows in steps: each time it is seen to have grown counts, and the pause between two such times is one
sample. With n pauses that are exchangeable, the next one is longer than all of them with a probability of
1 / (n + 1) only; an epoch's end, an evaluation or a checkpoint makes one pause longer than most. So a run is
called stalled after five times its longest pause. Of a run with fewer than three pauses, the usual one is
not known: half an hour without a line counts.

A pause is known no better than the time between two looks, which is the least that counts as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from ired_diag.runs.completion import YOUNG
from ired_diag.runs.run import Run

TIMES = 5.0
FEWEST = 3  # pauses
MOST = 50  # pauses that are remembered
SHORTEST = 60.0  # s: a shorter silence is announced of no run


def patience_of(growths: Sequence[float], *, every: float, times: float = TIMES) -> float:
    """Return after how many seconds without a line a run is called stalled.

    Args:
        growths: Times at which its log was seen to have grown, in seconds, increasing.
        every: Seconds between two looks.
        times: How many times the longest pause.

    >>> patience_of([0.0, 40.0, 90.0, 130.0], every=10.0)
    250.0
    """
    pauses = [later - earlier for earlier, later in pairwise(growths)]
    if len(pauses) < FEWEST:
        return YOUNG
    longest = max(*pauses, every)
    return max(SHORTEST, times * longest)


def last_written(run: Run) -> float:
    """Return when a file of a run was last written, in seconds since 1970; 0 where there is none."""
    files = [*run.sources, run.path]
    if run.path.is_dir():
        files += [path for path in run.path.iterdir() if path.is_file()]
    return max(map(_written, files), default=0.0)


def _written(path: Path) -> float:
    try:
        if path.is_dir():
            return 0.0
        return path.stat().st_mtime
    except OSError:
        return 0.0


def duration_in_words(seconds: float) -> str:
    """Return a duration as a reader says it.

    >>> duration_in_words(75), duration_in_words(5400), duration_in_words(40)
    ('1 min', '1 h 30 min', '40 s')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"

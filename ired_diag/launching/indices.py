"""Indices of an array, as SLURM writes them: ``0-2,5,7-9``."""

from __future__ import annotations

from collections.abc import Iterable


def to_ranges(indices: Iterable[int]) -> str:
    """Return indices as ranges.

    >>> to_ranges([5, 0, 1, 2, 8, 9])
    '0-2,5,8-9'
    """
    ranges: list[list[int]] = []
    for index in sorted(set(indices)):
        if ranges and index == ranges[-1][-1] + 1:
            ranges[-1] = [ranges[-1][0], index]
        else:
            ranges.append([index])
    return ",".join("-".join(map(str, bounds)) for bounds in ranges)

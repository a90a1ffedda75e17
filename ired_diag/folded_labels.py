"""Labels of runs as a reader takes them in: seeds that follow each other become a range.

q101/seed0, q101/seed1, q101/seed2, q103/seed1   ->   q101/seed0 … seed2, q103/seed1
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

FEWEST_OF_A_RANGE = 3
NUMBERED = re.compile(r"(?P<word>.*?)(?P<number>\d+)")


def folded(labels: Iterable[str], *, width: int | None = None, most: int | None = None) -> str:
    """Return labels in one line.

    Args:
        labels: Labels of runs, ``<group>/<seed>``; or names of groups.
        width: Characters that the line may have; what does not fit is counted. Default: no limit.
        most: Groups, or ranges within a group, that are named; the others are counted. Default: all.

    >>> folded(["q1/seed0", "q1/seed1", "q1/seed2", "q3/seed1"])
    'q1/seed0 … seed2, q3/seed1'
    >>> folded(["q1/seed0", "q1/seed1", "q1/seed2", "q3/seed1"], width=20)
    'q1/seed0 … seed2 and 1 more'
    >>> folded(["q1", "q2", "q3"]), folded(["q1", "q2", "q3"], most=2)
    ('q1, q2, q3', 'q1, q2 and 1 more')
    """
    groups: dict[str, list[str]] = {}
    for label in dict.fromkeys(labels):
        group, _, seed = label.rpartition("/")
        groups.setdefault(group, []).append(seed)
    names_of_groups = groups.pop("", [])
    parts = []
    unnamed = 0
    of_each = None if most is None or not groups else max(1, most // len(groups))
    for group, seeds in groups.items():
        ranges = _ranges(seeds)
        named = ranges[:of_each]
        count = sum(size for _, size in named)
        unnamed += len(seeds) - count
        parts.append((f"{group}/{', '.join(text for text, _ in named)}", count))
    for name in names_of_groups:
        parts.append((name, 1))  # names of groups are no range, even if numbered
    return _fitting(parts, width, most, unnamed)


def _ranges(seeds: Sequence[str]) -> list[tuple[str, int]]:
    """Return names in their order with a count, those with consecutive numbers as a range."""
    stretches: list[list[str]] = []
    for seed in seeds:
        if stretches and _follows(stretches[-1][-1], seed):
            stretches[-1].append(seed)
        else:
            stretches.append([seed])
    ranges: list[tuple[str, int]] = []
    for stretch in stretches:
        if len(stretch) >= FEWEST_OF_A_RANGE:
            ranges.append((f"{stretch[0]} … {stretch[-1]}", len(stretch)))
        else:
            ranges += [(seed, 1) for seed in stretch]
    return ranges


def _follows(before: str, after: str) -> bool:
    first, second = NUMBERED.fullmatch(before), NUMBERED.fullmatch(after)
    if first is None or second is None or first["word"] != second["word"]:
        return False
    return int(second["number"]) == int(first["number"]) + 1


def _fitting(parts: Sequence[tuple[str, int]], width: int | None, most: int | None, unnamed: int) -> str:
    """Return as many parts as fit, at least one, the largest first, and how many labels are left."""
    whole = ", ".join(text for text, _ in parts)
    if unnamed:
        whole += f" and {unnamed} more"
    has_few = most is None or len(parts) <= most
    if has_few and (width is None or len(whole) <= width):
        return whole
    parts = sorted(parts, key=lambda part: -part[1])
    first = len(parts) if most is None else min(most, len(parts))
    if width is not None:
        first = max(1, min(first, width // 2))  # a name and its comma take two characters at least
    for kept in range(first, 0, -1):
        line = ", ".join(text for text, _ in parts[:kept])
        more = unnamed + sum(count for _, count in parts[kept:])
        if more:
            line += f" and {more} more"
        if width is None or len(line) <= width:
            break
    return line

"""Items by what they share: the seeds of a group, the logs of an experiment, the files of a folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from ired_diag.runs.run import Run

Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)


def grouped(
    items: Iterable[Item],
    key: Callable[[Item], Key],
) -> dict[Key, list[Item]]:
    """Return items in lists by their key, each in the order given.

    >>> grouped(["q1", "x2", "q3"], key=lambda name: name[0])
    {'q': ['q1', 'q3'], 'x': ['x2']}
    """
    groups: dict[Key, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return dict(groups)


def by_experiment(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Return runs by the experiment that they belong to, all variants together."""
    return grouped(runs, key=lambda run: run.experiment)


def by_group(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Return runs by group: experiment, or experiment and variant."""
    return grouped(runs, key=lambda run: run.group)

"""The rank of a process among those that train one model together: it is not a setting.

    {"rank": 3, "world_size": 4, "local_rank": 3}      torchrun, DeepSpeed, Accelerate, Horovod

``rank`` alone may be that of a matrix or of LoRA. It is that of a process where the number of processes
stands next to it and is above it in every run. ``local_rank`` and ``global_rank`` have no other meaning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

ALWAYS = frozenset(("local_rank", "global_rank", "node_rank", "local_process_index", "local_world_size"))
RANKS = frozenset(("rank", "process_index", "proc_rank", "process_rank"))
COUNTS = ("world_size", "num_processes", "n_procs", "nproc")


def is_process_rank(key: str, configurations: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether a key is the rank of a process in all configurations that hold it.

    >>> is_process_rank("rank", [{"rank": 0, "world_size": 2}, {"rank": 1, "world_size": 2}])
    True
    >>> is_process_rank("rank", [{"rank": 8, "world_size": 2}]), is_process_rank("rank", [{"rank": 0}])
    (False, False)
    """
    name = _last_part(key)
    if name in ALWAYS:
        return True
    if name not in RANKS:
        return False
    return all(is_rank_in(key, configuration) for configuration in configurations if key in configuration)


def is_rank_in(key: str, configuration: Mapping[str, Any]) -> bool:
    """Say whether a configuration states, next to a key, more processes than its value."""
    return processes_beside(key, configuration) is not None


def processes_beside(key: str, configuration: Mapping[str, Any]) -> int | None:
    """Return how many processes a configuration states next to a rank: more than that, else None."""
    rank = configuration[key]
    if not _is_count(rank):
        return None
    counts = [configuration.get(key[: -len(_last_part(key))] + name) for name in COUNTS]
    return next((count for count in counts if _is_count(count) and count > rank), None)


def stated_process(configuration: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the only rank of a process that a configuration states, and the number of processes."""
    ranks = [key for key in configuration if _last_part(key) in RANKS]
    stated = [
        (int(configuration[key]), processes_beside(key, configuration))
        for key in ranks
        if is_rank_in(key, configuration)
    ]
    if len(stated) != 1:
        return None
    ((rank, processes),) = stated
    return (rank, processes) if processes is not None else None


def ranks_of(configuration: Mapping[str, Any]) -> list[int]:
    """Return the ranks of a process that a configuration states: none, where it states none."""
    ranks = []
    for key, value in configuration.items():
        if _last_part(key) in RANKS and is_rank_in(key, configuration):
            ranks.append(value)
    return ranks


def _last_part(key: str) -> str:
    return key.rpartition(".")[2].lower()


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0

"""How a file of a tracker, a table or JSON lines is read, in words: runs, metrics, and what is not read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from ired_diag.readers import SCALAR_LOGS
from ired_diag.readers.scalar_log import ScalarLog
from ired_diag.runs.name_list import counted, first_names

MOST_NAMES = 8
OTHERS = ("history_json", "printed_columns")


def explain_store(name: str, path: Path) -> str:
    """Return what the reader of a format reads in a file; empty for formats that are no logs of scalars.

    Args:
        name: The format.
        path: A file that its reader accepts.

    Raises:
        UnreadableFile: It cannot be read.
    """
    if name not in (*SCALAR_LOGS, *OTHERS):
        return ""
    module = import_module(f"ired_diag.readers.{name}")
    if hasattr(module, "read_runs"):
        by_run = module.read_runs(path, allow_torn_tail=True)
        logs = list(by_run.values())
    else:
        log = module.read(path, allow_torn_tail=True)
        logs = [log]
    return "; ".join(_sentences(logs))


def _sentences(logs: Sequence[ScalarLog]) -> Iterator[str]:
    metrics: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    damaged = 0
    for log in logs:
        damaged += len(log.damaged)
        left_out.update(log.left_out)
        for metric, points in log.points.items():
            metrics[metric] += len(points)
    runs = counted(len(logs), "run")
    kinds = counted(len(metrics), "metric")
    yield f"{runs}, {kinds}: {_listed(metrics)}"
    if left_out:
        yield f"not numbers, and not read: {_listed(left_out)}"
    if damaged:
        places = counted(damaged, "damaged place")
        yield f"{places} skipped"


def _listed(counts: Counter[str]) -> str:
    """Return names with how often each stands."""
    names = [f"{name} ({count})" for name, count in counts.items()]
    return first_names(names, MOST_NAMES) or "none"

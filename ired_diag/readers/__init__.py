"""Readers of foreign logs: one format, one file, ``accepts`` and ``read``.

Readers do not smooth, resample or drop: what a log tells twice is told twice, and what cannot be read is
counted in a finding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

from ired_diag.runs.attempt import Attempt


@dataclass(frozen=True)
class Reader:
    """A format.

    Attributes:
        accepts: Whether a file is of this format, by its name and first 4 KiB.
        read: What the runs in it tell. A half-written end, as a running job leaves it, is a finding.
    """

    accepts: Callable[[Path], bool]
    read: Callable[[Path], list[Attempt]]


def readers() -> dict[str, Reader]:
    """Return the reader of each format, by the format's name, in the order in which they are asked."""
    from ired_diag.readers import (
        metrics_csv,
        metrics_jsonl,
        results_json,
        slurm,
        tensorboard,
        trainer_state,
    )

    tables = (tensorboard, trainer_state, metrics_csv, metrics_jsonl)
    found = {
        "slurm": Reader(slurm.accepts, lambda path: [slurm.read(path)]),
        results_json.FORMAT_NAME: Reader(results_json.accepts, lambda path: [results_json.read(path)]),
    }
    for module in tables:
        name = module.__name__.rpartition(".")[2]
        found[name] = Reader(module.accepts, partial(_read_scalars, module, name))
    return found


def _read_scalars(module: ModuleType, name: str, path: Path) -> list[Attempt]:
    from ired_diag.readers.scalar_attempt import attempt_of

    if hasattr(module, "read_runs"):
        logs = list(module.read_runs(path, allow_torn_tail=True).values())
    else:
        logs = [module.read(path, allow_torn_tail=True)]
    return [attempt_of(path, log, format=name) for log in logs]

"""Readers of foreign logs: one format, one file, ``accepts`` and ``read``.

Readers do not smooth, resample or drop: what a log states twice stays there twice, and what cannot be read
is counted in a finding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

from ired_diag.runs.run import Run


@dataclass(frozen=True)
class Reader:
    """A format.

    Attributes:
        accepts: Says whether a file is of this format, by its name and first 4 KiB.
        read: Returns the runs in a file. A half-written end, as a running job leaves it, is a finding.
    """

    accepts: Callable[[Path], bool]
    read: Callable[[Path], list[Run]]


def readers() -> dict[str, Reader]:
    """Return the reader of each format, by the format's name, in the order in which they are tried."""
    from ired_diag.readers import (
        metrics_csv,
        metrics_jsonl,
        results_json,
        slurm,
        tensorboard,
        text_job,
        text_log,
        trainer_state,
    )

    by_format = {
        "slurm": Reader(slurm.accepts, lambda path: [text_job.read(path)]),
        results_json.FORMAT_NAME: Reader(results_json.accepts, lambda path: [results_json.read(path)]),
    }
    for module in (tensorboard, trainer_state, metrics_csv, metrics_jsonl):
        _, _, name = module.__name__.rpartition(".")
        by_format[name] = Reader(module.accepts, partial(_read_scalars, module, name))
    # Any text log: last, because it may understand lines of all others.
    by_format[text_log.FORMAT_NAME] = Reader(text_log.accepts, lambda path: [text_log.read_run(path)])
    return by_format


def _read_scalars(module: ModuleType, name: str, path: Path) -> list[Run]:
    from ired_diag.readers.scalar_attempt import run_of

    if hasattr(module, "read_runs"):
        logs = list(module.read_runs(path, allow_torn_tail=True).values())
    else:
        logs = [module.read(path, allow_torn_tail=True)]
    return [run_of(path, log, format=name) for log in logs]

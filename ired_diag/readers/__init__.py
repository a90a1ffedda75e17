"""Readers of foreign logs: one format, one file, ``accepts`` and ``read``.

Readers do not smooth, resample or drop: what a log states twice stays there twice, and what cannot be read
is counted in a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import MappingProxyType, ModuleType

from ired_diag.runs.run import Run


@dataclass(frozen=True)
class Reader:
    """A format.

    Attributes:
        accepts: Says whether a file is of this format, by its name and first 4 KiB.
        read: Returns the runs in a file. A half-written end, as a running job leaves it, is a finding.
        reads_folders: Whether a run is a folder, and not a file.
    """

    accepts: Callable[[Path], bool]
    read: Callable[[Path], list[Run]]
    reads_folders: bool = False


# Modules of this package that return the scalars of a log, in the order in which they are tried.
SCALAR_LOGS = (
    "mlflow_files",
    "dvclive_folder",
    "wandb_run",
    "wandb_summary",
    "sqlite_store",
    "neptune_parquet",
    "sb3_evaluations",
    "sb3_monitor",
    "tensorboard",
    "trainer_state",
    "training_stats",
    "json_of_step",
    "tensorboard_csv",
    "metrics_csv",
    "metrics_jsonl",
)


@cache
def readers() -> Mapping[str, Reader]:
    """Return the reader of each format, by the format's name, in the order in which they are tried."""
    from ired_diag.readers import history_json, printed_columns, results_json, slurm, text_job, text_log

    by_format = {
        "slurm": Reader(slurm.accepts, lambda path: [text_job.read(path)]),
        # Before ``results_json``, whose files by name may hold a history.
        "history_json": Reader(history_json.accepts, partial(_read_scalars, history_json, "history_json")),
        results_json.FORMAT_NAME: Reader(results_json.accepts, lambda path: [results_json.read(path)]),
    }
    for name in SCALAR_LOGS:
        module = import_module(f"{__name__}.{name}")
        by_format[name] = Reader(
            module.accepts,
            partial(_read_scalars, module, name),
            reads_folders=getattr(module, "READS_FOLDERS", False),
        )
    # Any text log: after all others, because it may understand lines of theirs.
    by_format[text_log.FORMAT_NAME] = Reader(text_log.accepts, text_log.read_runs)
    # A text log whose lines name nothing: the names stand above them.
    by_format[printed_columns.FORMAT_NAME] = Reader(
        printed_columns.accepts, lambda path: [printed_columns.read_run(path)]
    )
    return MappingProxyType(by_format)


def read_by_step(path: Path, step: str) -> list[Run]:
    """Return the runs in a table or JSON lines whose column or key ``step`` counts the steps; else none."""
    from ired_diag.readers import metrics_csv, metrics_jsonl
    from ired_diag.readers.scalar_attempt import run_of

    for name, module in (("metrics_csv", metrics_csv), ("metrics_jsonl", metrics_jsonl)):
        if module.accepts(path, step=step):
            logs = module.read_runs(path, allow_torn_tail=True, step=step)
            return [run_of(path, log, format=name) for log in logs.values()]
    return []


def _read_scalars(module: ModuleType, name: str, path: Path) -> list[Run]:
    from ired_diag.readers.scalar_attempt import run_of

    if hasattr(module, "read_runs"):
        logs = list(module.read_runs(path, allow_torn_tail=True).values())
    else:
        logs = [module.read(path, allow_torn_tail=True)]
    sources = module.files_of_run(path) if hasattr(module, "files_of_run") else None
    return [run_of(path, log, format=name, sources=sources) for log in logs]

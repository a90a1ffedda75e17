"""What MLflow's stores have in common: odd numbers, parameters, and how a run ended.

SQL has no infinity, so MLflow writes ±1.7976931348623157e308 in its place, and NaN as 0 with a flag; its file
store writes ``inf`` and ``nan``. Parameters are texts. A run has the status RUNNING until its program says
otherwise: a killed job keeps it.

Reference: MLflow 3.17, store/tracking/sqlalchemy_store.py and file_store.py.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ired_diag.finding import Finding
from ired_diag.readers.plain_yaml import plain_scalar
from ired_diag.readers.scalar_log import Damage, ScalarLog
from ired_diag.readers.store_names import stated_names
from ired_diag.readers.store_rows import Value, log_of_table, table_of_values
from ired_diag.runs.ending import Ending, State

INFINITE = sys.float_info.max
OF_MLFLOW = "mlflow."
RUN_NAME = "mlflow.runName"
STATES: dict[str, State] = {
    "FINISHED": "complete",
    "FAILED": "failed",
    "KILLED": "cancelled",
    "RUNNING": "cut_off",
}


@dataclass(kw_only=True)
class MlflowRun:
    """A run of MLflow.

    Attributes:
        id: Its id.
        name: Its name; empty where none is recorded.
        experiment: The name of its experiment.
        status: Its status, such as ``FINISHED``.
        values: The metrics in the order in which they were logged.
        params: Parameters by name.
        tags: Tags by name.
        damaged: What was skipped.
    """

    id: str
    name: str = ""
    experiment: str = ""
    status: str = ""
    values: list[Value] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    damaged: list[Damage] = field(default_factory=list)

    @property
    def label(self) -> str:
        """What the run is called: its name, else its id."""
        return self.name or self.tags.get(RUN_NAME, "") or self.id


def number_of_mlflow(value: float, *, is_nan: bool = False) -> float:
    """Return the number that was logged.

    >>> number_of_mlflow(1.7976931348623157e308), number_of_mlflow(0.0, is_nan=True)
    (inf, nan)
    """
    if is_nan:
        return math.nan
    if abs(value) >= INFINITE:
        return math.copysign(math.inf, value)
    return value


def log_of_run(run: MlflowRun, *, invented: bool, notes: Sequence[Finding] = ()) -> ScalarLog:
    """Return the log of a run.

    Args:
        run: The run.
        invented: Whether MLflow invented its name.
        notes: Findings of the reader.
    """
    table, numbered = table_of_values(run.values)
    stated: dict[str, Any] = dict(
        stated_names(run.label, project=run.experiment, invented=invented, id=run.id)
    )
    config = _configuration(run)
    if config:
        stated["config"] = config
    if run.status in STATES:
        stated["ending"] = Ending(STATES[run.status], f"MLflow recorded {run.status}")
    return log_of_table(table, stated=stated, damaged=run.damaged, notes=[*numbered, *notes])


def _configuration(run: MlflowRun) -> Mapping[str, Any]:
    """Return the parameters, and the user's tags as ``tags.<name>``."""
    config = {name: plain_scalar(value) for name, value in run.params.items()}
    for name, value in run.tags.items():
        if not name.startswith(OF_MLFLOW):
            config[f"tags.{name}"] = plain_scalar(value)
    return config

"""The probe tables of runs, for pictures that show several runs side by side.

A table holds the rows of each checkpoint under the key of what they were measured with: step, weights, and
a hash of the settings. Of several settings at one step the latest is meant, the one whose rows stand last
in the file. The answers stand in the file's metadata: headlines over training are drawn without the rows.
What a run lacks is said with the command that makes it. Nothing here needs torch.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ired_diag import tasks
from ired_diag.drawing.run_table import READ_AGAIN
from ired_diag.drawing.run_table import Measured as Measured  # pages take these three from here
from ired_diag.drawing.run_table import Reading as Reading
from ired_diag.drawing.run_table import RunTable as RunTable
from ired_diag.errors import NotFound
from ired_diag.runs.files import is_file
from ired_diag.runs.name_list import first_names
from ired_diag.runs.probe_folder import PROBES, places_of
from ired_diag.runs.run import Run

MOST_NAMED = 3  # runs


MAY_NOT_FIT = "A probe that needs what the model of your task does not have says so, and measures nothing."


@dataclass(frozen=True)
class Lacking:
    """Runs that have no table of a probe.

    Attributes:
        probe: Name of the probe.
        labels: Labels of the runs.
        runs: Folders of the runs.
        bare: Labels of the runs that have no checkpoint to probe.
        task: Option that names the task of the runs, where it is a user's own.
    """

    probe: str
    labels: tuple[str, ...] = ()
    runs: tuple[Path, ...] = ()
    bare: tuple[str, ...] = ()
    task: tuple[str, ...] = ()

    def command(self, checkpoint: str = "last") -> str:
        """Return the command that makes the tables."""
        names = " ".join(shlex.quote(str(run)) for run in self.runs)
        command = f"ired-diag probe {self.probe} {names}"
        if checkpoint != "last":
            command += f" --checkpoint {checkpoint}"
        return " ".join([command, *map(shlex.quote, self.task)])

    def left_out(self) -> str:
        """Return the runs without a table, as a caption says it; empty where there is none."""
        labels = [*self.labels, *self.bare]
        return f"Not measured, left out: {first_names(labels, MOST_NAMED)}." if labels else ""

    def words(self, checkpoint: str = "last") -> str:
        """Return what is lacking and how it is made; empty where nothing is."""
        parts = []
        if self.labels:
            names = first_names(self.labels, MOST_NAMED)
            parts.append(f"Without: {names}. Make it with: {self.command(checkpoint)}.")
            if self.task:
                parts.append(MAY_NOT_FIT)
        if self.bare:
            parts.append(f"No checkpoint to probe: {first_names(self.bare, MOST_NAMED)}.")
        return " ".join(parts)


@dataclass(frozen=True)
class Found:
    """The tables of one probe in several groups of runs.

    Attributes:
        probe: Name of the probe.
        groups: Names of all groups that were looked for, in their order, also of those without a table.
        tables: Tables, run by run.
        lacking: The runs without a table.
    """

    probe: str
    groups: tuple[str, ...]
    tables: tuple[RunTable, ...] = ()
    lacking: Lacking = field(default_factory=lambda: Lacking(""))

    def of(self, group: str) -> tuple[RunTable, ...]:
        """Return the tables of one group."""
        return tuple(table for table in self.tables if table.group == group)

    def check(self, checkpoint: str = "last") -> None:
        """Refuse to go on without any table.

        Raises:
            NotFound: There is none; the message says what makes them.
        """
        if not self.tables:
            raise NotFound(f"No table of the probe {self.probe}. {self.lacking.words(checkpoint)}")


def find_tables(
    groups: Mapping[str, Sequence[Run]],
    probe: str,
    *,
    out: Path | None = None,
    reading: Reading = READ_AGAIN,
) -> Found:
    """Return a probe's tables of runs, and which run lacks one.

    Args:
        groups: Runs by group, in the order of the legend.
        probe: Name of the probe.
        out: Folder to which tables were sent by ``ired-diag probe --out``.
        reading: How their files are read.

    Raises:
        UnreadableFile: A table is damaged.
    """
    tables: list[RunTable] = []
    labels: list[str] = []
    paths: list[Path] = []
    bare: list[str] = []
    task: tuple[str, ...] = ()
    for group, runs in groups.items():
        for run in runs:
            table = _table_of(run, group, probe, out=out, reading=reading)
            if table is not None:
                tables.append(table)
            elif run.checkpoints:
                labels.append(run.label)
                paths.append(run.path)
                task = task or tasks.option_of(run)
            else:
                bare.append(run.label)
    lacking = Lacking(
        probe=probe,
        labels=tuple(labels),
        runs=tuple(paths),
        bare=tuple(bare),
        task=task,
    )
    return Found(probe, tuple(groups), tuple(tables), lacking)


def _table_of(
    run: Run,
    group: str,
    probe: str,
    *,
    out: Path | None,
    reading: Reading,
) -> RunTable | None:
    """Return a run's table; outside its own folder, only one whose metadata name this run."""
    for place in places_of(run, out):
        path = place / f"{probe}.parquet"
        if not is_file(path):
            continue
        _, metadata = reading.columns(path)
        is_own_folder = place == run.path / PROBES
        if is_own_folder or metadata.get("source") == str(run.path.resolve()):
            return RunTable(
                group=group,
                label=run.label,
                run=run.path,
                probe=probe,
                path=path,
                metadata=metadata,
                reading=reading,
            )
    return None

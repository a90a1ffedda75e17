"""The probe tables of runs, for pictures that stand several runs side by side.

A table holds the rows of each checkpoint under the key of what they were measured with: step, weights, and
a hash of the settings. Of several settings at one step the latest is meant, the one whose rows stand last
in the file. The answers stand in the file's metadata: headlines over training are drawn without the rows.
What a run lacks is said with the command that makes it. Nothing here needs torch.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ired_diag.errors import NotFound
from ired_diag.figures.headline import Headline
from ired_diag.runs.files import is_file
from ired_diag.runs.probe_folder import PROBES, places_of
from ired_diag.runs.run import Run
from ired_diag.table import Table, read_columns, read_table

KEY = ("step", "weights", "settings")
NO_STEP = -1  # in a table: the checkpoint does not tell its step


MOST_NAMED = 3  # runs


@dataclass(frozen=True)
class Reading:
    """How files of tables are read; who draws them again and again keeps what was read.

    Attributes:
        columns: Returns column names and metadata of a file.
        rows: Returns rows and metadata.
    """

    columns: Callable[[Path], tuple[list[str], dict[str, Any]]] = read_columns
    rows: Callable[[Path], tuple[Table, dict[str, Any]]] = read_table


READ_ANEW = Reading()


@dataclass(frozen=True)
class Measured:
    """What a probe measured in one run at one checkpoint.

    Attributes:
        group: The run's group.
        label: The run's name in messages.
        probe: Name of the probe.
        step: Of the checkpoint; -1 where it does not tell.
        weights: Which weights.
        settings: What it was measured with: samples, seed, mining, …
        rows: The table's rows, without their key.
    """

    group: str
    label: str
    probe: str
    step: int
    weights: str
    settings: Mapping[str, Any]
    rows: Table


@dataclass(frozen=True)
class RunTable:
    """The table of one probe in one run; its rows are read when asked for.

    Attributes:
        group: The run's group.
        label: The run's name in messages.
        run: The run.
        probe: Name of the probe.
        path: The file.
        metadata: Columns, settings, headlines, answers, versions.
        reading: How its file is read.
    """

    group: str
    label: str
    run: Path
    probe: str
    path: Path
    metadata: Mapping[str, Any]
    reading: Reading = READ_ANEW

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """The numbers of its answers that are followed over training; none in an older table."""
        return tuple(Headline(**told) for told in self.metadata.get("headlines", []))

    def answers(self, weights: str | None = None) -> dict[int, Mapping[str, Any]]:
        """Return the evidence of the latest answer at each step, ascending.

        Args:
            weights: Which; without it, those of the table's latest answer.
        """
        told = self.metadata.get("answers", [])
        chosen = weights or (told[-1]["weights"] if told else None)
        latest = {one["step"]: one["evidence"] for one in told if one["weights"] == chosen}
        return dict(sorted(latest.items()))

    def read(self, steps: Iterable[int] | None = None, weights: str | None = None) -> list[Measured]:
        """Return what was measured, the latest settings of each step, the earliest step first.

        Args:
            steps: Which; all without it.
            weights: Which; without it, those of the rows that were written last.

        Raises:
            UnreadableFile: The file is damaged.
        """
        rows, _ = self.reading.rows(self.path)
        if not len(rows["step"]):
            return []
        chosen = weights or str(rows["weights"][-1])
        mine = rows["weights"] == chosen
        wanted = np.unique(rows["step"][mine]).tolist() if steps is None else sorted(set(steps))
        return [self._at(rows, mine & (rows["step"] == step), step, chosen) for step in wanted]

    def measured_at(self) -> dict[str, list[int]]:
        """Return the steps that were probed, ascending, by weights; those probed last stand last.

        Raises:
            UnreadableFile: The file is damaged.
        """
        rows, _ = self.reading.rows(self.path)
        _, first = np.unique(rows["weights"][::-1], return_index=True)
        names = rows["weights"][::-1][np.sort(first)[::-1]].tolist()
        return {name: np.unique(rows["step"][rows["weights"] == name]).tolist() for name in names}

    def last(self, weights: str | None = None) -> Measured | None:
        """Return what was measured at the last step; None of an empty table."""
        steps = self.measured_at()
        if not steps:
            return None
        chosen = weights or next(reversed(steps))
        found = self.read([max(steps[chosen])] if chosen in steps else (), chosen)
        return found[0] if found else None

    def _at(
        self, rows: Table, here: np.ndarray[Any, np.dtype[np.bool_]], step: int, weights: str
    ) -> Measured:
        if not here.any():
            known = ", ".join(map(str, np.unique(rows["step"][rows["weights"] == weights])))
            raise NotFound(
                f"{self.label}: {self.probe} was not measured at step {step} with {weights} weights. There "
                f"are: {known or 'none'}. To measure: {self.command(step)}"
            )
        digest = rows["settings"][here][-1]
        here = here & (rows["settings"] == digest)
        told = {name: values[here] for name, values in rows.items() if name not in KEY}
        settings = self.metadata.get("settings", {}).get(str(digest), {})
        return Measured(self.group, self.label, self.probe, step, weights, settings, told)

    def command(self, checkpoint: object = "all") -> str:
        """Return the command that measures it at a checkpoint, or at all."""
        return f"ired-diag probe {self.probe} {shlex.quote(str(self.run))} --checkpoint {checkpoint}"


@dataclass(frozen=True)
class Lacking:
    """Runs that have no table of a probe.

    Attributes:
        probe: Name of the probe.
        labels: Of the runs.
        runs: Where they are.
        bare: Labels of those that have no checkpoint to probe.
    """

    probe: str
    labels: tuple[str, ...] = ()
    runs: tuple[Path, ...] = ()
    bare: tuple[str, ...] = ()

    def command(self, checkpoint: str = "last") -> str:
        """Return the command that makes the tables."""
        names = " ".join(shlex.quote(str(run)) for run in self.runs)
        which = "" if checkpoint == "last" else f" --checkpoint {checkpoint}"
        return f"ired-diag probe {self.probe} {names}{which}"

    def words(self, checkpoint: str = "last") -> str:
        """Return what is lacking and how it is made; empty where nothing is."""
        parts = []
        if self.labels:
            parts.append(f"Without: {_some(self.labels)}. Make it with: {self.command(checkpoint)}.")
        if self.bare:
            parts.append(f"No checkpoint to probe: {_some(self.bare)}.")
        return " ".join(parts)


def _some(labels: Sequence[str]) -> str:
    """Return the first few of many names, and how many more there are."""
    more = len(labels) - MOST_NAMED
    return f"{', '.join(labels[:MOST_NAMED])} and {more} more" if more > 0 else ", ".join(labels)


@dataclass(frozen=True)
class Found:
    """The tables of one probe in several groups of runs.

    Attributes:
        probe: Name of the probe.
        groups: Names of all groups asked for, in their order, also of those without a table.
        tables: Run by run.
        lacking: The runs that have none.
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
    groups: Mapping[str, Sequence[Run]], probe: str, *, out: Path | None = None, reading: Reading = READ_ANEW
) -> Found:
    """Return a probe's tables of runs, and which run lacks one.

    Args:
        groups: Runs by group, in the order of the legend.
        probe: Name of the probe.
        out: Where else tables were sent, as ``ired-diag probe --out``.
        reading: How their files are read.

    Raises:
        UnreadableFile: A table is damaged.
    """
    tables: list[RunTable] = []
    none: list[Run] = []
    bare: list[Run] = []
    for group, runs in groups.items():
        for run in runs:
            table = _table_of(run, group, probe, out, reading)
            if table is not None:
                tables.append(table)
            else:
                (none if run.checkpoints else bare).append(run)
    lacking = Lacking(
        probe,
        tuple(run.label for run in none),
        tuple(run.path for run in none),
        tuple(run.label for run in bare),
    )
    return Found(probe, tuple(groups), tuple(tables), lacking)


def _table_of(run: Run, group: str, probe: str, out: Path | None, reading: Reading) -> RunTable | None:
    """Return a run's table; outside its own folder, only one that says it is about this run."""
    for place in places_of(run, out):
        path = place / f"{probe}.parquet"
        if not is_file(path):
            continue
        _, metadata = reading.columns(path)
        if place == run.path / PROBES or metadata.get("source") == str(run.path.resolve()):
            return RunTable(group, run.label, run.path, probe, path, metadata, reading)
    return None

"""The table of one probe in one run, and what was measured there at each checkpoint."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ired_diag.drawing.headline import Headline
from ired_diag.errors import NotFound
from ired_diag.table import Table, read_columns, read_table

KEY = ("step", "weights", "settings")
NO_STEP = -1  # in a table: the checkpoint does not record its step


@dataclass(frozen=True)
class Reading:
    """How files of tables are read; a caller that draws them again and again keeps what was read.

    Attributes:
        columns: Returns column names and metadata of a file.
        rows: Returns rows and metadata.
    """

    columns: Callable[[Path], tuple[list[str], dict[str, Any]]] = read_columns
    rows: Callable[[Path], tuple[Table, dict[str, Any]]] = read_table


READ_AGAIN = Reading()


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a probe measured in one run at one checkpoint.

    Attributes:
        group: The run's group.
        label: The run's name in messages.
        probe: Name of the probe.
        step: Training step of the checkpoint; -1 where it does not record it.
        weights: The kind of weights.
        settings: Settings of the measurement: samples, seed, mining, …
        rows: The table's rows, without their key.
    """

    group: str
    label: str
    probe: str
    step: int
    weights: str
    settings: Mapping[str, Any]
    rows: Table


@dataclass(frozen=True, kw_only=True)
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
    reading: Reading = READ_AGAIN

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """The numbers of its answers that are followed over training; none in an older table."""
        stored = self.metadata.get("headlines", [])
        return tuple(Headline(**fields) for fields in stored)

    def answers(self, weights: str | None = None) -> dict[int, Mapping[str, Any]]:
        """Return the evidence of the latest answer at each step, ascending.

        Args:
            weights: The kind of weights. Default: those of the table's latest answer.
        """
        stored = self.metadata.get("answers", [])
        if not stored:
            return {}
        chosen = weights or stored[-1]["weights"]
        latest = {}
        for answer in stored:
            if answer["weights"] == chosen:
                latest[answer["step"]] = answer["evidence"]
        return dict(sorted(latest.items()))

    def read(self, steps: Iterable[int] | None = None, weights: str | None = None) -> list[Measured]:
        """Return what was measured, the latest settings of each step, the earliest step first.

        Args:
            steps: Training steps. Default: all.
            weights: The kind of weights. Default: those of the rows that were written last.

        Raises:
            UnreadableFile: The file is damaged.
        """
        rows, _ = self.reading.rows(self.path)
        if not len(rows["step"]):
            return []
        chosen = weights or str(rows["weights"][-1])
        if steps is None:
            steps = _steps_with(rows, chosen)
        return [self._at(rows, step, chosen) for step in sorted(set(steps))]

    def measured_at(self) -> dict[str, list[int]]:
        """Return the steps that were probed, ascending, by weights; those probed last stand last.

        Raises:
            UnreadableFile: The file is damaged.
        """
        rows, _ = self.reading.rows(self.path)
        backwards = rows["weights"][::-1]
        # Kinds of weights are few: each is compared with all rows, which sorts and copies no texts.
        is_left = np.ones(len(backwards), dtype=bool)
        last_first = []
        while is_left.any():
            weights = str(backwards[is_left.argmax()])
            last_first.append(weights)
            is_left &= backwards != weights
        return {weights: _steps_with(rows, weights) for weights in reversed(last_first)}

    def last(self, weights: str | None = None) -> Measured | None:
        """Return what was measured at the last step; None of an empty table."""
        steps = self.measured_at()
        if not steps:
            return None
        chosen = weights or next(reversed(steps))
        if chosen not in steps:
            return None
        last_step = max(steps[chosen])
        return self.read([last_step], chosen)[0]

    def _at(self, rows: Table, step: int, weights: str) -> Measured:
        is_meant = (rows["weights"] == weights) & (rows["step"] == step)
        if not is_meant.any():
            steps = ", ".join(map(str, _steps_with(rows, weights)))
            raise NotFound(
                f"{self.label}: {self.probe} was not measured at step {step} with {weights} weights. There "
                f"are: {steps or 'none'}. To measure: {self.command(step)}"
            )
        digest = rows["settings"][is_meant][-1]
        is_meant &= rows["settings"] == digest
        columns = {}
        for name, values in rows.items():
            if name not in KEY:
                columns[name] = values[is_meant]
        all_settings = self.metadata.get("settings", {})
        return Measured(
            group=self.group,
            label=self.label,
            probe=self.probe,
            step=step,
            weights=weights,
            settings=all_settings.get(str(digest), {}),
            rows=columns,
        )

    def command(self, checkpoint: object = "all") -> str:
        """Return the command that measures it at a checkpoint, or at all."""
        return f"ired-diag probe {self.probe} {shlex.quote(str(self.run))} --checkpoint {checkpoint}"


def _steps_with(rows: Table, weights: str) -> list[int]:
    """Return the steps that were probed with some weights, ascending."""
    import pandas as pd  # hashes the steps of millions of rows, which numpy would sort

    is_meant = rows["weights"] == weights
    steps: list[int] = pd.unique(rows["step"][is_meant]).tolist()
    return sorted(steps)


def levels_of(measured: Iterable[Measured]) -> list[int]:
    """Return the noise levels at which any run has rows, ascending; rows of no level hold -1."""
    levels: set[int] = set()
    for run in measured:
        levels.update(np.unique(run.rows["level"]).astype(int).tolist())
    return sorted(level for level in levels if level >= 0)

"""A probe's table on disk: the rows of each checkpoint, under the key of what they were measured with.

The key is step, weights, and a hash of all that decides the numbers: the tensors themselves, the data, the
mining, the configuration, how many problems, the seed, the probe's version. Rows of the same key are
replaced, others stay; rows that are there need not be measured again. Rows stand in the order of the steps:
the table is the same whichever checkpoint was measured first.

The answer to each key's rows stands in the file's metadata, with the headlines among its numbers: a figure of
them over training needs neither the rows nor the probe.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import torch

import ired_diag
from ired_diag.drawing.run_table import KEY
from ired_diag.errors import CannotWrite
from ired_diag.finding import Finding
from ired_diag.probing.probe import Probe
from ired_diag.runs.checkpoint import Weights
from ired_diag.runs.one_writer import one_writer
from ired_diag.table import Table, read_columns, read_table, rows_without, write_table

HASH_DIGITS = 12
NO_STEP = -1  # in the table: the checkpoint does not record its step


@dataclass(frozen=True)
class Key:
    """What rows were measured with.

    Attributes:
        step: Training step of the checkpoint; None where it is unknown.
        weights: Which of the checkpoint's weights.
        settings: All that decides the numbers, as JSON can hold it.
    """

    step: int | None
    weights: Weights
    settings: Mapping[str, Any]

    def columns(self) -> dict[str, Any]:
        """Return the key as it stands in each row."""
        text = json.dumps(self.settings, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]
        step = self.step
        if step is None:
            step = NO_STEP
        return {"step": step, "weights": self.weights, "settings": digest}


@dataclass(frozen=True)
class ProbeTable:
    """The table of one probe in one folder.

    Attributes:
        path: Its file.
        probe: The probe that measured it.
        source: The run, checkpoint or model that it is about, as an absolute path.
    """

    path: Path
    probe: Probe
    source: str

    def find(self, key: Key) -> Table | None:
        """Return the rows of a key as they were measured, or None where there are none.

        Raises:
            UnreadableFile: The file is damaged.
            CannotWrite: It is about another run.
        """
        metadata = self._stored_metadata()
        columns = key.columns()
        if columns["settings"] not in metadata.get("settings", {}):
            return None
        rows, _ = read_table(self.path, **columns)
        if not len(rows["step"]):
            return None
        return {column.name: rows[column.name] for column in self.probe.columns}

    def put(self, key: Key, table: Table, answer: Finding | None = None) -> Path:
        """Write rows in place of those of the same key, with the answer to them, and return the file.

        Raises:
            CannotWrite: The folder cannot be written, or the file is about another run.
        """
        with one_writer(self.path.parent):
            self._put(key, table, answer)
        return self.path

    def _put(self, key: Key, table: Table, answer: Finding | None) -> None:
        stored = self._stored_metadata()
        columns = key.columns()
        others = None
        if stored:
            others = rows_without(self.path, **columns)
        settings = stored.get("settings", {}) | {columns["settings"]: key.settings}
        answers = _with_answer(stored, columns, answer)
        metadata = self._metadata(dict(sorted(settings.items())), answers)
        write_table(
            self.path,
            table,
            metadata,
            key=columns,
            among=others,
            place_in=lambda part: _place_of(columns["step"], part),
        )

    def note_answer(self, key: Key, table: Table, answer: Finding) -> None:
        """Write the answer to rows that are there, if it is not there or differs.

        Raises:
            CannotWrite: The folder cannot be written, or the file is about another run.
        """
        stored = self._stored_metadata()
        if not stored:
            return
        answers = _with_answer(stored, key.columns(), answer)
        if stored.get("answers") != answers or stored.get("headlines") != self._headlines():
            self.put(key, table, answer)

    def _stored_metadata(self) -> dict[str, Any]:
        """Return the file's metadata; empty where there is no file, or its columns are of an older probe."""
        if not self.path.is_file():
            return {}
        columns, metadata = read_columns(self.path)
        if not self._is_of_source(metadata.get("source")):
            other = metadata.get("source")
            raise CannotWrite(
                f"{self.path}: holds the table of {other}. Choose another place with --out DIR."
            )
        measured = [column.name for column in self.probe.columns]
        # Rows that were measured by another set of columns cannot stand next to new ones.
        if columns != [*KEY, *measured]:
            return {}
        return metadata

    @property
    def _is_in_source(self) -> bool:
        """Whether the table stands in the folder of its run, and goes where that goes."""
        return self.path.resolve().is_relative_to(Path(self.source).resolve())

    def _is_of_source(self, stored: object) -> bool:
        """Say whether the source that a file states is that of this table.

        In a run's own folder it is, whatever path the folder had when the table was written: rows are found
        by a hash of the tensors, so that another run's rows are never taken for those of this one.
        """
        return self._is_in_source or stored == self.source

    def _stated_source(self) -> str:
        """Return the source as the file states it: from the file on, where a move keeps that true."""
        if not self._is_in_source:
            return self.source
        return os.path.relpath(Path(self.source).resolve(), self.path.resolve().parent)

    def _metadata(self, settings: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {
            "probe": self.probe.name,
            "question": self.probe.question,
            "source": self._stated_source(),
            "columns": [asdict(column) for column in self.probe.columns],
            "settings": settings,
            "headlines": self._headlines(),
            "answers": answers,
            "versions": {
                "ired_diag": ired_diag.__version__,
                "torch": str(torch.__version__),
                "python": platform.python_version(),
            },
        }

    def _headlines(self) -> list[dict[str, Any]]:
        return [asdict(headline) for headline in self.probe.headlines]


def _with_answer(
    stored: Mapping[str, Any], columns: Mapping[str, Any], answer: Finding | None
) -> list[Mapping[str, Any]]:
    """Return the stored answers, the answer to a key's rows replaced, as JSON gives them back."""
    stored_answers = stored.get("answers", [])
    others = [earlier for earlier in stored_answers if not _holds_key(earlier, columns)]
    if answer is None:
        return others
    text = json.dumps(dict(columns) | asdict(answer), default=_as_python_number)
    content: Mapping[str, Any] = json.loads(text)
    # As text, because NaN is equal to itself there.
    if _sorted_text(content) in map(_sorted_text, stored_answers):
        return list(stored_answers)
    return sorted([*others, content], key=_step)


def _place_of(step: int, rows: pa.Table) -> int:
    """Return where rows of a step belong: before the first row of a later one."""
    is_later = pc.greater(rows["step"], step)
    first = pc.index(is_later, pa.scalar(value=True)).as_py()
    return int(first) if first >= 0 else len(rows)


def _step(answer: Mapping[str, Any]) -> int:
    return int(answer["step"])


def _holds_key(answer: Mapping[str, Any], columns: Mapping[str, Any]) -> bool:
    return all(answer[name] == value for name, value in columns.items())


def _sorted_text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True)


def _as_python_number(value: Any) -> Any:
    """Return a number of numpy's as Python's."""
    return value.item()

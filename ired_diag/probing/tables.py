"""A probe's table on disk: the rows of each checkpoint, under the key of what they were measured with.

The key is step, weights, and a hash of all that decides the numbers: the tensors themselves, the data, the
mining, the configuration, how many problems, the seed, the probe's version. Rows of the same key are
replaced, others stay; rows that are there need not be measured again.

The answer to each key's rows stands in the file's metadata, with the headlines among its numbers: who draws
them over training needs neither the rows nor the probe.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

import ired_diag
from ired_diag.errors import CannotWrite
from ired_diag.finding import Finding
from ired_diag.probing.probe import Probe
from ired_diag.runs.checkpoint import Weights
from ired_diag.runs.one_writer import one_writer
from ired_diag.table import Table, read_arrow, read_columns, read_table, rows_where, write_table

HASH_DIGITS = 12
NO_STEP = -1  # in the table: the checkpoint does not tell its step


@dataclass(frozen=True)
class Key:
    """What rows were measured with.

    Attributes:
        step: Of the checkpoint, if it tells.
        weights: Which.
        settings: All that decides the numbers, as JSON can hold it.
    """

    step: int | None
    weights: Weights
    settings: Mapping[str, Any]

    def columns(self) -> dict[str, Any]:
        """Return the key as it stands in each row."""
        text = json.dumps(self.settings, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]
        return {
            "step": NO_STEP if self.step is None else self.step,
            "weights": self.weights,
            "settings": digest,
        }


@dataclass(frozen=True)
class ProbeTable:
    """The table of one probe in one folder.

    Attributes:
        path: Its file.
        probe: Whose it is.
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
        told, columns = self._told(), key.columns()
        if told is None or columns["settings"] not in told.get("settings", {}):
            return None
        rows, _ = read_table(self.path, **columns)
        found = {column.name: rows[column.name] for column in self.probe.columns}
        return found if len(rows["step"]) else None

    def put(self, key: Key, table: Table, answer: Finding | None = None) -> Path:
        """Write rows in place of those of the same key, with the answer to them, and return the file.

        Raises:
            CannotWrite: The folder cannot be written, or the file is about another run.
        """
        with one_writer(self.path.parent):
            self._put(key, table, answer)
        return self.path

    def _put(self, key: Key, table: Table, answer: Finding | None) -> None:
        told, rest, columns = self._told(), None, key.columns()
        if told is not None:
            rest, _ = read_arrow(self.path)
            rest = rest.filter(~rows_where(**columns))
        settings = (told or {}).get("settings", {}) | {columns["settings"]: key.settings}
        metadata = self._metadata(settings, _with_answer(told, columns, answer))
        write_table(self.path, table, metadata, key=columns, after=rest)

    def note_answer(self, key: Key, table: Table, answer: Finding) -> None:
        """Write the answer to rows that are there, if it is not there or was another one.

        Raises:
            CannotWrite: The folder cannot be written, or the file is about another run.
        """
        told = self._told()
        if told is None:
            return
        known = told.get("answers"), told.get("headlines")
        if known != (_with_answer(told, key.columns(), answer), self._headlines()):
            self.put(key, table, answer)

    def _told(self) -> dict[str, Any] | None:
        """Return the file's metadata; none where there is no file, or its columns are former ones."""
        if not self.path.is_file():
            return None
        columns, metadata = read_columns(self.path)
        if metadata.get("source") != self.source:
            other = metadata.get("source")
            raise CannotWrite(
                f"{self.path}: holds the table of {other}. Choose another place with --out DIR."
            )
        expected = ["step", "weights", "settings", *(column.name for column in self.probe.columns)]
        return metadata if columns == expected else None

    def _metadata(self, settings: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {
            "probe": self.probe.name,
            "question": self.probe.question,
            "source": self.source,
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
    told: Mapping[str, Any] | None, columns: Mapping[str, Any], answer: Finding | None
) -> list[Mapping[str, Any]]:
    """Return the answers told so far, that of one key replaced; as JSON gives them back."""
    others = [one for one in (told or {}).get("answers", []) if any(one[k] != columns[k] for k in columns)]
    if answer is None:
        return others
    content: Mapping[str, Any] = json.loads(json.dumps(dict(columns) | asdict(answer), default=_plain))
    same = [one for one in (told or {}).get("answers", []) if _text(one) == _text(content)]
    return (told or {})["answers"] if same else [*others, content]


def _text(content: Mapping[str, Any]) -> str:
    """Return content as text: in it, NaN is equal to itself."""
    return json.dumps(content, sort_keys=True)


def _plain(value: Any) -> Any:
    """Return a number of numpy's as Python's."""
    return value.item()

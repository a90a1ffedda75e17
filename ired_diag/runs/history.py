"""The history of a run: what was logged at each step.

On disk it is JSON lines, one object a step: ``{"step": 1000, "attempt": 1, "validation/mse": 0.0097}``.
NaN and Infinity are data. Where a step is told twice, the last attempt wins.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.json
from numpy.typing import NDArray

from ired_diag.errors import UnreadableFile

KEYS_OF_A_ROW = ("step", "attempt")
MAX_STEP = 2**63 - 1
TOO_LARGE = re.compile(rb"\d{309}")


@dataclass(frozen=True)
class Row:
    """What one attempt logged at one step: ``values`` by name of the metric."""

    step: int
    values: Mapping[str, float]
    attempt: int = 1


@dataclass(frozen=True, eq=False)
class Series:
    """One metric over training: ``steps`` (increasing) and ``values``, each of shape (n,)."""

    steps: NDArray[np.int64]
    values: NDArray[np.float64]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Series)
            and np.array_equal(self.steps, other.steps)
            and np.array_equal(self.values, other.values, equal_nan=True)
        )

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True)
class History:
    """What a run logged.

    Attributes:
        series: By name of the metric.
        attempts: How many attempts told it.
        bad_lines: Line numbers of the file that could not be read.
        torn_tail: Whether the last line is only half written.
    """

    series: Mapping[str, Series] = field(default_factory=dict)
    attempts: int = 1
    bad_lines: tuple[int, ...] = ()
    torn_tail: bool = False

    @classmethod
    def of(cls, rows: Iterable[Row], *, bad_lines: tuple[int, ...] = (), torn_tail: bool = False) -> History:
        """Return the history that rows tell, in their order."""
        told: dict[str, dict[int, float]] = {}
        attempts = 1
        for row in sorted(rows, key=lambda r: r.attempt):  # stable: within an attempt the last wins
            attempts = max(attempts, row.attempt)
            for name, value in row.values.items():
                told.setdefault(name, {})[row.step] = value
        series = {}
        for name, values in told.items():
            steps = np.array(sorted(values), dtype=np.int64)
            series[name] = Series(steps, np.array([values[s] for s in steps.tolist()], dtype=np.float64))
        return cls(series, attempts, bad_lines, torn_tail)

    def joined(self, series: Mapping[str, Series]) -> History:
        """Return the history with further metrics; a metric that it has already stays as it is."""
        return replace(self, series={**series, **self.series}) if series else self

    @property
    def last_step(self) -> int | None:
        """The last step at which anything was logged."""
        return max((int(s.steps[-1]) for s in self.series.values() if len(s)), default=None)


def to_jsonl(rows: Iterable[Row]) -> bytes:
    r"""Return rows as JSON lines.

    >>> to_jsonl([Row(10, {"validation/mse": float("nan")})])
    b'{"step": 10, "attempt": 1, "validation/mse": NaN}\n'
    """
    lines = (json.dumps({"step": r.step, "attempt": r.attempt, **r.values}) + "\n" for r in rows)
    return "".join(lines).encode()


def read_history(path: Path) -> History:
    """Return the history in a JSON lines file.

    It is read up to the last newline: a half-written last line is a write in progress or a killed job, and
    is reported as ``torn_tail``. Lines that are no JSON object with an integer step are reported too.

    Raises:
        UnreadableFile: The file is missing or cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be read: {error.strerror or error}.") from error
    rows, bad = rows_of(content)
    return History.of(rows, bad_lines=tuple(bad), torn_tail=not content.endswith(b"\n") and bool(content))


def rows_of(content: bytes) -> tuple[list[Row], list[int]]:
    """Return the rows in JSON lines up to the last newline, and the numbers of the lines that are none."""
    whole = content[: content.rfind(b"\n") + 1]
    if not whole.strip():
        return [], []
    try:
        return _rows_by_arrow(whole), []
    except (pa.ArrowException, KeyError, TypeError, ValueError, OverflowError):
        return _rows_by_line(whole)


def _rows_by_arrow(content: bytes) -> list[Row]:
    """Return the rows of a file without a fault; raise on any other."""
    if TOO_LARGE.search(content):
        raise ValueError("a whole number too large for a float, which would be read as infinite")
    options = pyarrow.json.ReadOptions(block_size=max(len(content) + 1, 1 << 20))
    table = pyarrow.json.read_json(io.BytesIO(content), read_options=options)
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    if table.num_rows != sum(1 for line in content.split(b"\n") if line.strip()):
        raise ValueError("more or fewer rows than lines")
    for key in KEYS_OF_A_ROW:
        if key in columns and (not pa.types.is_integer(table.schema.field(key).type) or None in columns[key]):
            raise ValueError(f"a row without an integer {key}")
    metrics = {name: c for name, c in columns.items() if name not in KEYS_OF_A_ROW}
    attempts = columns.get("attempt", [1] * table.num_rows)
    return [
        Row(
            step,
            {name: float(c[i]) for name, c in metrics.items() if c[i] is not None},
            attempts[i],
        )
        for i, step in enumerate(columns["step"])
    ]


def _rows_by_line(content: bytes) -> tuple[list[Row], list[int]]:
    """Return the rows that can be read, and the numbers of the lines that cannot."""
    rows, bad = [], []
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
            step, attempt = told.pop("step"), told.pop("attempt", 1)
            if type(step) is not int or type(attempt) is not int or abs(step) > MAX_STEP:
                raise TypeError("step and attempt are integers")
            values = {name: float(value) for name, value in told.items() if value is not None}
            rows.append(Row(step, values, attempt))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            bad.append(number)
    return rows, bad

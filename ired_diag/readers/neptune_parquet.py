"""Runs of Neptune as its exporter writes them: Parquet, one row a value.

    run_id  attribute_path  attribute_type  step       float_value  int_value  string_value  bool_value
    RUN-1   train/loss      float_series    10.000000  0.71
    RUN-1   parameters/lr   float                      0.001

Series of numbers are metrics, single values are the configuration with dots in their names. What Neptune says
of a run (``sys/…``) names it; measurements of the machine (``monitoring/…``), files, histograms and texts are
counted and not read. A step that is not a whole number is damage: a step of this project is one.

The exporter splits large runs over files; each file is read by itself.

Reference: neptune-exporter, its schema of 2025.
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ired_diag.errors import UnreadableFile
from ired_diag.readers.scalar_log import Damage, ScalarLog
from ired_diag.readers.step_key import step_in
from ired_diag.readers.store_names import stated_names
from ired_diag.readers.store_rows import Value, log_of_table, table_of_values

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

MAGIC = b"PAR1"
TAIL = 4 + len(MAGIC)  # bytes: the length of the footer, and the magic again
NEEDED = ("run_id", "attribute_path", "attribute_type", "step", "float_value")
VALUES = ("int_value", "string_value", "bool_value", "float_value")
ROWS_AT_ONCE = 1 << 16
SERIES = "floatseries"
SINGLE = ("float", "int", "integer", "string", "bool", "boolean")
OF_NEPTUNE, OF_MACHINE = "sys/", "monitoring/"
NAMES_OF_RUN = ("sys/name", "sys/custom_run_id")
LONGEST = 1000  # letters of a text of the configuration: longer ones are documents


@dataclass
class _NeptuneRun:
    """What the rows of a run state."""

    project: str = ""
    values: list[Value] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    of_neptune: dict[str, Any] = field(default_factory=dict)
    damaged: list[Damage] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, number: int, row: Mapping[str, Any]) -> None:
        """Add a row; ``number`` is its place in the file."""
        path = str(row["attribute_path"])
        kind = str(row["attribute_type"]).lower().replace("_", "")
        if path.startswith(OF_NEPTUNE):
            self.of_neptune[path] = _single_value(row)
        elif path.startswith(OF_MACHINE) or kind not in (SERIES, *SINGLE):
            self.left_out[path] += 1
        elif kind != SERIES:
            self._add_setting(path, _single_value(row))
        else:
            self._add_point(number, path, row)

    def _add_setting(self, path: str, value: Any) -> None:
        if isinstance(value, str) and len(value) > LONGEST:
            self.left_out[path] += 1
        else:
            self.config[path.replace("/", ".")] = value

    def _add_point(self, number: int, path: str, row: Mapping[str, Any]) -> None:
        try:
            step = step_in(float(row["step"]))
            self.values.append((path, step, float(row["float_value"])))
        except (TypeError, ValueError, OverflowError) as error:
            self.damaged.append(Damage(number, f"{path}: not a number at a whole step ({error})"))


def accepts(path: Path) -> bool:
    """Say whether ``path`` is Parquet with the columns of Neptune's exporter, by the names in its footer.

    Other tables are Parquet too, the tables of this project's probes among them. A file without its end
    states no columns, and is not taken for Neptune's.
    """
    footer = _footer(path)
    return all(name.encode() in footer for name in NEEDED)


def _footer(path: Path) -> bytes:
    """Return the description at the end of a Parquet file: n bytes, n in four bytes, ``PAR1``."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return b""
        size = file.seek(0, os.SEEK_END)
        if size < len(MAGIC) + TAIL:
            return b""
        file.seek(size - TAIL)
        length, magic = struct.unpack(f"<I{len(MAGIC)}s", file.read(TAIL))
        if magic != MAGIC or length > size - TAIL:
            return b""
        file.seek(size - TAIL - length)
        return file.read(length)


def read_runs(path: Path, *, allow_torn_tail: bool = False) -> dict[str, ScalarLog]:
    """Return the metrics of each run in a file, by the run's id.

    Args:
        path: The file.
        allow_torn_tail: Of no effect: a Parquet file without its end cannot be read.

    Raises:
        UnreadableFile: It is damaged, holds other columns, or no series of numbers.
    """
    import pyarrow
    from pyarrow.parquet import ParquetFile

    runs: dict[str, _NeptuneRun] = {}
    try:
        with ParquetFile(path) as file:
            _check_columns(path, file.schema_arrow.names)
            for number, row in enumerate(_rows(file), start=1):
                run = runs.setdefault(str(row["run_id"]), _NeptuneRun())
                run.project = str(row.get("project_id") or "")
                run.add(number, row)
    except (pyarrow.ArrowException, OSError, ValueError, MemoryError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UnreadableFile(f"{path}: is a damaged Parquet file ({reason}).") from error
    logs = {run_id: _log(run_id, run) for run_id, run in runs.items() if run.values}
    if not logs:
        raise UnreadableFile(f"{path}: holds no series of numbers of a run.")
    return logs


def _check_columns(path: Path, names: list[str]) -> None:
    if not set(NEEDED) <= set(names):
        listed = ", ".join(names[:8])
        raise UnreadableFile(
            f"{path}: expected Parquet as Neptune's exporter writes it ({', '.join(NEEDED)}), found the "
            f"columns {listed}. Other tables: write them as CSV."
        )


def _rows(file: ParquetFile) -> Iterator[dict[str, Any]]:
    wanted = [name for name in ("project_id", *NEEDED, *VALUES) if name in file.schema_arrow.names]
    for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=list(dict.fromkeys(wanted))):
        yield from batch.to_pylist()


def _single_value(row: Mapping[str, Any]) -> Any:
    """Return the only value that a row states; None where it states none."""
    for name in VALUES:
        if row.get(name) is not None:
            return row[name]
    return None


def _log(run_id: str, run: _NeptuneRun) -> ScalarLog:
    table, notes = table_of_values(run.values)
    given = [str(run.of_neptune[name]) for name in NAMES_OF_RUN if run.of_neptune.get(name)]
    project = run.project.rpartition("/")[2]
    name = given[0] if given else run_id
    stated: dict[str, Any] = dict(stated_names(name, project=project, invented=name == run_id))
    if run.config:
        stated["config"] = run.config
    return log_of_table(table, stated=stated, damaged=run.damaged, left_out=dict(run.left_out), notes=notes)

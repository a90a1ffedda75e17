"""A run of DVCLive: a table for each metric, ``<folder>/plots/metrics/<name>.tsv``.

    plots/metrics/train/loss.tsv        step  loss           the metric "train/loss"
    metrics.json                        the last values; what stands only there belongs to no step
    params.yaml                         the parameters

The name of a metric is the path of its table. A table may have a column ``timestamp``, which is not read.

Reference: DVCLive 3.49, plots/metric.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.finding import Finding
from ired_diag.json_object import read_json_object
from ired_diag.readers.scalar_log import Damage, ScalarLog, points_of
from ired_diag.readers.step_key import number_in, step_in
from ired_diag.readers.wandb_run import flat_numbers

READS_FOLDERS = True
PLACE = ("metrics", "plots")  # the folders above the tables, the nearest first
SUFFIX = ".tsv"
SUMMARY = "metrics.json"
STEP = "step"
DEEPEST = 8  # folders that a metric's name may be spread over
MOST_BYTES = 1 << 22  # of the summary


def accepts(path: Path) -> bool:
    """Say whether ``path`` is the folder of a run."""
    return bool(path.is_dir() and files_of_run(path))


def files_of_run(folder: Path) -> list[Path]:
    """Return the tables of a run's metrics."""
    return sorted(file for file in _tables_folder(folder).rglob(f"*{SUFFIX}") if file.is_file())


def run_folder_of(path: Path) -> Path | None:
    """Return the folder of the run that a file is part of; None where it is part of no run."""
    if path.name == SUMMARY and accepts(path.parent):
        return path.parent
    if path.suffix != SUFFIX:
        return None
    for above in list(path.parents)[:DEEPEST]:
        if (above.name, above.parent.name) == PLACE:
            return above.parent.parent
    return None


def read(path: Path, *, allow_torn_tail: bool = False) -> ScalarLog:
    """Return the metrics of a run.

    Args:
        path: The folder of the run.
        allow_torn_tail: Leave out the half-written last lines of tables.

    Raises:
        UnreadableFile: It holds no table with a number, or a last line is half written.
    """
    tables = _Tables(_tables_folder(path))
    for file in files_of_run(path):
        tables.add(file)
    if tables.torn and not allow_torn_tail:
        raise UnreadableFile(f"{path}: the last line of {tables.torn[0]} is half written.")
    if not tables.columns:
        reason = f" ({tables.damaged[0].reason})" if tables.damaged else ""
        raise UnreadableFile(f"{path}: expected tables with a step and a number, found none{reason}.")
    return ScalarLog(
        points=points_of(tables.columns),
        damaged=tuple(tables.damaged),
        torn_tail=bool(tables.torn),
        notes=_final_values(path / SUMMARY, tables.columns),
    )


def _tables_folder(folder: Path) -> Path:
    return folder / PLACE[1] / PLACE[0]


@dataclass
class _Tables:
    """The columns of the tables of a run, file by file."""

    folder: Path
    columns: dict[str, tuple[list[int], list[float]]] = field(default_factory=dict)
    damaged: list[Damage] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)

    def add(self, file: Path) -> None:
        name = file.relative_to(self.folder).with_suffix("").as_posix()
        try:
            lines = file.read_bytes().decode("utf-8", "replace").split("\n")
        except OSError as error:
            raise unreadable(file, error) from error
        if lines.pop().strip():
            self.torn.append(name)
        header = lines[0].rstrip("\r").split("\t") if lines else []
        last_part = name.rpartition("/")[2]
        if STEP not in header or last_part not in header:
            self.damaged.append(Damage(1, f"a table without the columns {STEP!r} and {last_part!r}", name))
            return
        places = header.index(STEP), header.index(last_part)
        for number, line in enumerate(lines[1:], start=2):
            if line.strip():
                self._add_row(line.rstrip("\r").split("\t"), name, places, number)

    def _add_row(self, cells: list[str], name: str, places: tuple[int, int], number: int) -> None:
        try:
            if len(cells) <= max(places):
                raise ValueError(f"found {len(cells)} cells")
            step, value = (cells[place] for place in places)
            point = step_in(step), number_in(value)
        except ValueError as error:
            self.damaged.append(Damage(number, f"not a step and a number ({error})", name))
            return
        steps, values = self.columns.setdefault(name, ([], []))
        steps.append(point[0])
        values.append(point[1])


def _final_values(path: Path, logged: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return a note of the numbers that only the summary holds."""
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        return ()
    try:
        summary = read_json_object(path)
    except UnreadableFile as error:
        return (Finding("summary_not_read", "note", f"The summary was not read: {error}"),)
    final = {}
    for name, value in flat_numbers(summary):
        if name not in logged and name != STEP:
            final[name] = value
    if not final:
        return ()
    listed = ", ".join(f"{name} = {value:.6g}" for name, value in final.items())
    statement = f"The summary also states values that belong to no step: {listed}."
    return (Finding("final_values", "note", statement, evidence=final),)

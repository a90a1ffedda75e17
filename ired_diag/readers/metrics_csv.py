"""Metrics as CSV with a column that counts steps: Lightning's CSVLogger, wandb's export, any other.

    epoch,step,train/loss,val/loss          "Step","mild-sun-7 - loss","mild-sun-7 - loss__MIN",…
    0,49,0.71,                              "0","0.71","0.71",…
    0,99,,0.68

An empty cell is a metric not told at that step. ``NaN`` and ``Infinity`` are data. A column without one
number is text and left out. A line with more or fewer cells than the first, or without a whole number as its
step, is skipped and counted; so is a single cell that is no number. Lines are split before quotes are looked
at: a lost quote costs its line, not the rest of the file.

A panel of wandb exports columns "run - metric", with the least and largest value of the bucket that a point
stands for. The run's name is taken off the metrics'; the twins are left out where they equal the metric.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.readers.scalar_log import Damage, Points, ScalarLog, points_of
from ired_diag.readers.step_key import find_step_key, number_in, step_in, torn_message

HEAD = 4096
BETWEEN = " - "  # of a run's name and a metric, in wandb's export
TWINS = ("__MIN", "__MAX")

Line = tuple[int, list[str]]  # number in the file, cells


def accepts(path: Path) -> bool:
    """Say whether ``path`` is such a table: its first line names several columns, one for steps."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if b"\0" in head or head.lstrip()[:1] in (b"{", b"["):
        return False
    try:
        names = _cells(head.decode("utf-8-sig", "replace").partition("\n")[0])
        return len(names) > 1 and bool(find_step_key(names, None, ""))
    except (UnreadableFile, csv.Error):
        return False


def read(path: Path, *, allow_torn_tail: bool = False, step: str | None = None) -> ScalarLog:
    """Return the metrics of the one run in a table.

    Args:
        path: The file.
        allow_torn_tail: Drop a half-written last line.
        step: The column that counts the steps, where it is not one of the usual names.

    Raises:
        UnreadableFile: It is no such table, or its last line is torn.
        DiagError: It is an export of several runs; ``read_runs`` reads them.
    """
    runs = read_runs(path, allow_torn_tail=allow_torn_tail, step=step)
    if len(runs) > 1:
        raise DiagError(
            f"{path}: expected one run, found {len(runs)}: {', '.join(runs)}. Export them one by one."
        )
    return next(iter(runs.values()))


def read_runs(path: Path, *, allow_torn_tail: bool = False, step: str | None = None) -> dict[str, ScalarLog]:
    """Return the metrics of each run in a table, by the run's name; the name is empty where none is told.

    Args:
        path: The file.
        allow_torn_tail: Drop a half-written last line.
        step: The column that counts the steps, where it is not one of the usual names.

    Raises:
        UnreadableFile: It is no such table, or its last line is torn.
    """
    header, lines, damaged, torn = _table(path)
    if torn and not allow_torn_tail:
        raise UnreadableFile(torn_message(f"{path}, last line", torn[-60:]))
    counter = header.index(find_step_key(header, step, str(path)))
    steps, rows = [], []
    for number, cells in lines:
        try:
            steps.append(step_in(cells[counter]))
            rows.append((number, cells))
        except ValueError as error:
            damaged.append(Damage(number, str(error)))
    points, left_out = {}, {}
    for i, name in enumerate(header):
        if i == counter:
            continue
        column, wrong = _column(rows, steps, i, name)
        if column[0]:
            points[name] = column
            damaged.extend(wrong)
        elif wrong:
            left_out[name] = len(wrong)
    damaged.sort(key=lambda damage: damage.where)
    runs = _by_run(points_of(points))
    return {
        run: ScalarLog(
            _without_twins(told), tuple(damaged), bool(torn), left_out, {"run": run} if run else {}
        )
        for run, told in runs.items()
    }


def _table(path: Path) -> tuple[list[str], list[Line], list[Damage], str]:
    """Return the header, the lines with as many cells, the others, and the text of a torn last line."""
    try:
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be read: {error.strerror or error}.") from error
    lines = text.split("\n")
    header = _header(path, lines[0])
    torn = "" if _is_whole(lines[-1], len(header)) else lines.pop()
    found, damaged = [], []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        try:
            cells = _cells(line)
        except csv.Error as error:
            damaged.append(Damage(number, f"a line that is not CSV ({error})"))
            continue
        if len(cells) == len(header):
            found.append((number, cells))
        else:
            damaged.append(Damage(number, f"a line of {len(cells)} cells where the first has {len(header)}"))
    return header, found, damaged, torn


def _header(path: Path, line: str) -> list[str]:
    try:
        header = [name.strip() for name in _cells(line)]
    except csv.Error as error:
        raise UnreadableFile(f"{path}:1: expected the names of columns ({error}).") from error
    if len(set(header)) < len(header):
        twice = sorted({name for name in header if header.count(name) > 1})
        raise UnreadableFile(
            f"{path}:1: expected each column once, found several named {', '.join(twice)!r}."
        )
    return header


def _is_whole(last: str, cells: int) -> bool:
    """Say whether a last line without a newline is told to its end: only a closing quote proves it."""
    if not last.strip():
        return True
    try:
        return last.endswith('"') and len(_cells(last)) == cells
    except csv.Error:
        return False


def _cells(line: str) -> list[str]:
    if '"' not in line:
        return line.rstrip("\r").split(",")
    return next(csv.reader([line.rstrip("\r")], strict=True))


def _column(
    rows: Sequence[Line], steps: Sequence[int], i: int, name: str
) -> tuple[tuple[list[int], list[float]], list[Damage]]:
    """Return steps and values of a column, and its cells that are no numbers."""
    told: tuple[list[int], list[float]] = ([], [])
    wrong = []
    for (number, cells), step in zip(rows, steps, strict=True):
        if not cells[i].strip():
            continue
        try:
            told[1].append(number_in(cells[i]))
            told[0].append(step)
        except ValueError as error:
            wrong.append(Damage(number, f"{name}: {error}"))
    return told, wrong


def _by_run(points: Mapping[str, Points]) -> dict[str, dict[str, Points]]:
    """Return metrics by run: all columns are named "run - metric", or all are of one nameless run."""
    if not points or not all(BETWEEN in name for name in points):
        return {"": dict(points)}
    runs: dict[str, dict[str, Points]] = {}
    for name, told in points.items():
        run, _, metric = name.rpartition(BETWEEN)
        runs.setdefault(run, {})[metric] = told
    return runs


def _without_twins(points: Mapping[str, Points]) -> dict[str, Points]:
    """Return metrics without the bounds of their buckets, where a bucket holds one value."""
    kept = {}
    for name, told in points.items():
        metric = next((points.get(name.removesuffix(twin)) for twin in TWINS if name.endswith(twin)), None)
        same = metric is not None and metric.steps.tolist() == told.steps.tolist()
        if metric is None or not same or metric.values.tobytes() != told.values.tobytes():
            kept[name] = told
    return kept

"""Tables of one number a seed: CSV or JSON, written by hand or by another tool.

CSV, wide or long; the first line names the columns:

    seed,q101,q102            experiment,seed,mse
    0,0.00970,0.00981         q101,0,0.00970
    1,0.00971,0.00984         q102,0,0.00981

JSON, one entry an experiment: a list (the seeds are its positions), an object by seed, or an object whose
``values`` is one of these:

    {"q101": [0.00970, 0.00971], "q102": {"0": 0.00981}, "q103": {"values": [0.00979]}}

An empty cell and ``null`` are a seed without a value: a group that does not have it, or has lost it. ``nan``
and ``inf`` are values: of a training that broke down. Entries of a JSON file that hold no numbers (a title,
published tests) are left out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile
from ired_diag.json_text import parse_json
from ired_diag.runs.direction import lower_by_name
from ired_diag.runs.range_of_numbers import bounded_value

SUFFIXES = (".csv", ".json")
GROUP_COLUMNS = ("experiment", "group", "model", "name")
SEED_COLUMN = "seed"

SeedValues = dict[str, dict[int, float | None]]  # by experiment, by seed


def read_seed_table(path: Path, *, column: str | None = None) -> SeedValues:
    """Return the values of each experiment by seed; None where a seed has none.

    Args:
        path: A ``.csv`` or ``.json`` file.
        column: Of a long CSV with several columns of numbers: which one.

    Raises:
        UnreadableFile: The file is missing or not such a table; the message names line or entry.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{path}: cannot be read ({error}).") from error
    found = _from_json(path, text) if path.suffix.lower() == ".json" else _from_csv(path, text, column)
    if not found:
        raise UnreadableFile(f"{path}: holds no experiment with a value for each seed.")
    return found


def metric_of_table(path: Path) -> str | None:
    """Return what the numbers of a table measure: the name of their column, else of the file if it is one.

    It is None where neither says so, as in a table ``results.csv`` with a column for each experiment.
    """
    if path.suffix.lower() == ".csv":
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            header = [cell.strip() for cell in next(csv.reader(file), [])]
        named = [name for name in header if name.lower() not in (SEED_COLUMN, *GROUP_COLUMNS)]
        if len(named) == 1 and len(header) > 2:
            return named[0]
    return path.stem if lower_by_name(path.stem) is not None else None


def _from_csv(path: Path, text: str, column: str | None) -> SeedValues:
    try:
        rows = [row for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise UnreadableFile(f"{path}: is not CSV ({error}).") from error
    header = [cell.strip() for cell in rows[0]] if rows else []
    plain = [name.lower() for name in header]
    if SEED_COLUMN not in plain:
        raise UnreadableFile(f"{path}: its first line names no column 'seed', but: {', '.join(header)}.")
    if len(set(plain)) < len(plain):
        raise UnreadableFile(f"{path}: a column stands twice in: {', '.join(header)}.")
    by_seed = plain.index(SEED_COLUMN)
    by_group = next((plain.index(name) for name in GROUP_COLUMNS if name in plain), None)
    others = [i for i in range(len(header)) if i not in (by_seed, by_group)]
    if by_group is not None:
        others = [_column_of(path, header, others, column)]
    found: SeedValues = {}
    for number, row in enumerate(rows[1:], start=2):
        where = f"{path}, row {number}"
        if len(row) != len(header):
            raise UnreadableFile(f"{where}: has {len(row)} cells, the first line {len(header)}.")
        seed = _seed(row[by_seed], where)
        for i in others:
            group = header[i] if by_group is None else row[by_group].strip()
            _put(found, group, seed, _number(row[i], where), where)
    return found


def _column_of(path: Path, header: list[str], others: list[int], column: str | None) -> int:
    """Return the column of numbers of a long table."""
    named = [i for i in others if header[i] == column]
    if named or len(others) == 1:
        return (named or others)[0]
    known = ", ".join(header[i] for i in others) or "none"
    raise UnreadableFile(f"{path}: which column? Name one with --metric; there is: {known}.")


def _from_json(path: Path, text: str) -> SeedValues:
    try:
        content = parse_json(text, object_pairs_hook=_unique)
    except ValueError as error:
        raise UnreadableFile(f"{path}: is not JSON ({error}).") from error
    if not isinstance(content, Mapping):
        raise UnreadableFile(f"{path}: is not an object with an entry for each experiment.")
    found: SeedValues = {}
    for group, entry in content.items():
        values = entry.get("values", entry) if isinstance(entry, Mapping) else entry
        for seed, value in _entries(values):
            where = f"{path}, entry {group!r}"
            _put(found, group, _seed(seed, where), _number(value, where), where)
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; a name that stands twice is an error, not the loss of the first."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _entries(values: Any) -> list[tuple[Any, Any]]:
    """Return seeds with values; nothing of an entry that holds other things than numbers."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(values, Mapping):
        pairs = list(values.items())
    elif isinstance(values, list):
        pairs = list(enumerate(values))
    numbers = all(v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for _, v in pairs)
    return pairs if numbers else []


def _put(found: SeedValues, group: str, seed: int, value: float | None, where: str) -> None:
    if not group:
        raise UnreadableFile(f"{where}: names no experiment.")
    if seed in found.setdefault(group, {}):
        raise UnreadableFile(f"{where}: seed {seed} of {group} is there twice.")
    found[group][seed] = value


def _seed(told: object, where: str) -> int:
    try:
        return int(str(told).strip().lower().removeprefix("seed").strip())
    except ValueError as error:
        raise UnreadableFile(f"{where}: the seed {told!r} is not a whole number.") from error


def _number(told: object, where: str) -> float | None:
    """Return a number; one that no statistic can use counts as infinite, as in a run."""
    text = "" if told is None else str(told).strip()
    try:
        return bounded_value(float(text)) if text else None
    except ValueError as error:
        raise UnreadableFile(f"{where}: {told!r} is not a number.") from error

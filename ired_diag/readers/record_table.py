"""Results of finished experiments as JSON: one object an experiment, as lines or as a list.

    {"method": "sgd", "seed": 0, "acc": 0.91}      [{"config": {"seed": 0}, "metrics": {"acc": 0.91}},
    {"method": "sgd", "seed": 1, "acc": 0.92}       {"config": {"seed": 1}, "metrics": {"acc": 0.92}}]

Such records are a table with a row each (``table_layout``): a name in an object within becomes a column of
its own name, or ``a/b`` where two would have the same. Lists are left out.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile
from ired_diag.json_text import parse_json
from ired_diag.readers.run_columns import RUNS, SEEDS, normal_name
from ired_diag.readers.step_key import step_keys

LINES = (".jsonl", ".ndjson")
LEADING = 2  # lines that are looked at
MOST_OF_LINE = 1 << 16  # bytes

Record = Mapping[str, Any]


def are_records(path: Path) -> bool:
    """Say whether JSON lines are results of experiments: the first two name a seed, and no step."""
    if path.suffix.lower() not in LINES:
        return False
    leading = list(_leading(path))
    return len(leading) == LEADING and all(_names_a_seed(record) for record in leading)


def table_of_lines(path: Path, text: str) -> str:
    """Return JSON lines as a table in CSV.

    Raises:
        UnreadableFile: A line is not an object.
    """
    records = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            records.append(_record(line, f"{path}:{number}"))
    return table_of_records(records)


def table_of_records(records: Sequence[Record]) -> str:
    """Return records as a table in CSV, in the order in which their names appear."""
    rows = [dict(_flat(record)) for record in records]
    names = list(dict.fromkeys(name for row in rows for name in row))
    last_parts = Counter(name.rpartition("/")[2] for name in names)
    header = []
    for name in names:
        last_part = name.rpartition("/")[2]
        header.append(last_part if last_parts[last_part] == 1 else name)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([row.get(name, "") for name in names])
    return out.getvalue()


def _leading(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        for _ in range(LEADING):
            line = file.readline(MOST_OF_LINE)
            try:
                record = parse_json(line)
            except ValueError:
                return
            if isinstance(record, Mapping):
                yield record


def _names_a_seed(record: Record) -> bool:
    try:
        step_keys(list(record), None, "")
    except UnreadableFile:
        return any(normal_name(name.rpartition("/")[2]) in SEEDS | RUNS for name, _ in _flat(record))
    return False


def _record(line: str, where: str) -> Record:
    try:
        record = parse_json(line)
    except ValueError as error:
        raise UnreadableFile(f"{where}: is not JSON ({error}).") from error
    if not isinstance(record, Mapping):
        raise UnreadableFile(f"{where}: expected an object, found {type(record).__name__}.")
    return record


def _flat(record: Record, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield name and cell of the numbers and texts in a record, objects within included."""
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}/")
        elif isinstance(value, bool):
            yield f"{prefix}{name}", str(value).lower()
        elif isinstance(value, int | float | str):
            yield f"{prefix}{name}", value

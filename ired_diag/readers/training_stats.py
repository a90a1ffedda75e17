"""Statistics of a training as StyleGAN and EDM write them, ``stats.jsonl``: one object a line.

    {"Loss/loss": {"num": 1000, "mean": 0.9, "std": 0.1}, "Progress/kimg": {"num": 1, "mean": 50.0, …}, …}

Read are the mean of each record under its name and the spread as ``<name>/std``; ``num`` is left out. EDM2
writes plain means. Steps are thousands of images, ``Progress/kimg``; where these are not whole numbers, steps
are images.

References: NVlabs/edm, torch_utils/training_stats.py; NVlabs/edm2, training/training_loop.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ired_diag.finding import Finding
from ired_diag.readers.metrics_jsonl import Entry, first_object, read_entries, read_lines
from ired_diag.readers.row_logs import logs_of
from ired_diag.readers.scalar_log import ScalarLog

KIMG = "Progress/kimg"
STEP = "step of training"  # no statistic has this name
RECORD = {"num", "mean", "std"}
IMAGES = 1000  # in a kimg


def accepts(path: Path) -> bool:
    """Say whether ``path`` is such a log: its first line states how many images were seen."""
    return _number(first_object(path).get(KIMG)) is not None


def read_runs(path: Path, *, allow_torn_tail: bool = False) -> dict[str, ScalarLog]:
    """Return the statistics of the run in a log.

    Args:
        path: The file.
        allow_torn_tail: Drop a half-written last line.

    Raises:
        UnreadableFile: It is not such a log, or its last line is torn.
    """
    lines = read_lines(path, allow_torn_tail=allow_torn_tail)
    unit = _images_in_step(lines.entries)
    entries = [(number, _row(entry, unit)) for number, entry in lines.entries]
    columns = read_entries(entries, STEP, str(path))
    return logs_of(
        columns.table,
        path,
        damaged=[*lines.damaged, *columns.damaged],
        torn_tail=lines.torn,
        left_out=columns.left_out,
        notes=[*columns.notes, _unit_note(unit)],
    )


def _images_in_step(entries: Sequence[Entry]) -> int:
    """Return 1000 where every count of thousands is whole, else 1."""
    counts = [_number(entry.get(KIMG)) for _, entry in entries]
    stated = [count for count in counts if count is not None]
    return IMAGES if all(float(count).is_integer() for count in stated) else 1


def _row(entry: Mapping[str, Any], unit: int) -> dict[str, Any]:
    """Return a row: the step, and the numbers by name."""
    row = dict(_flat(entry))
    kimg = _number(entry.get(KIMG))
    if kimg is not None:
        row[STEP] = round(kimg * IMAGES / unit)
    return row


def _flat(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in entry.items():
        if isinstance(value, Mapping) and set(value) == RECORD:
            yield name, value["mean"]
            yield f"{name}/std", value["std"]
        else:
            yield name, value


def _number(value: object) -> float | None:
    """Return the mean that a record states, or the number that stands in its place."""
    if isinstance(value, Mapping):
        value = value.get("mean")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e15 else None  # NaN too is no count


def _unit_note(unit: int) -> Finding:
    words = "thousands of images" if unit == IMAGES else "images"
    statement = f"Steps are {words}, as {KIMG!r} counts them."
    return Finding("unit_of_steps", "note", statement, evidence={"images_in_step": unit})

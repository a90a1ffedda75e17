"""TensorBoard's event files: the scalars of one run, from one file or from all files of its folder.

Every event stands in a record with checksums (``tfrecord``); its scalars are read from the wire format
(``event_message``). A record that is damaged is skipped and counted. A run that was restarted has a file a
start; the files are read in the order of the wall time of their first event. A half-written end is an error
unless allowed; of several files only the last may still be written, but each start may have been killed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.readers.event_message import Event, read_event
from ired_diag.readers.protobuf_wire import Malformed
from ired_diag.readers.scalar_log import Damage, ScalarLog, points_of
from ired_diag.readers.tfrecord import HEAD, find_records, starts_with_record

NAMED = "tfevents"


@dataclass(frozen=True)
class EventFile:
    """What one event file tells; ``torn_at`` is the first byte of a half-written end."""

    path: Path
    events: tuple[Event, ...]
    damaged: tuple[Damage, ...]
    torn_at: int | None

    @property
    def started(self) -> float:
        """Wall time of the first event, in seconds since 1970; infinite where none is told."""
        times = (event.wall_time for event in self.events)
        return next((time for time in times if math.isfinite(time)), math.inf)


def accepts(path: Path) -> bool:
    """Say whether ``path`` is an event file: by its name, or because it begins with a record."""
    if NAMED in path.name:
        return True
    with path.open("rb") as file:
        return starts_with_record(file.read(HEAD.size))


def read(path: Path, *, allow_torn_tail: bool = False) -> ScalarLog:
    """Return the scalars of a run.

    Args:
        path: An event file, or a folder whose event files (not those of its folders) are one run.
        allow_torn_tail: Read a file whose last record is only half written, up to that record.

    Raises:
        UnreadableFile: There is no event file, it holds no record, or its end is half written.
    """
    paths = sorted(p for p in path.glob(f"*{NAMED}*") if p.is_file()) if path.is_dir() else [path]
    if not paths:
        raise UnreadableFile(f"{path}: expected event files (*{NAMED}*), found none.")
    plugins: dict[str, str] = {}
    files = sorted((_read_file(p, plugins) for p in paths), key=lambda file: (file.started, file.path.name))
    for file in files:
        if file.torn_at is not None and not allow_torn_tail:
            raise UnreadableFile(
                f"{file.path}: expected whole records, found a half-written one from byte "
                f"{file.torn_at} to the end. If a killed job tore it, or the job still writes, pass "
                "allow_torn_tail=True (command line: --allow-torn-tail)."
            )
    if not any(file.events for file in files):
        raise UnreadableFile(f"{path}: expected the records of an event file, found none that is intact.")
    return _log(files)


def _read_file(path: Path, plugins: dict[str, str]) -> EventFile:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be read: {error.strerror or error}.") from error
    records = find_records(content)
    events: list[Event] = []
    malformed: list[Damage] = []
    ends = records.starts + records.lengths
    for start, end in zip(records.starts.tolist(), ends.tolist(), strict=True):
        try:
            events.append(read_event(content, start, end, plugins))
        except Malformed as error:
            malformed.append(Damage(start - HEAD.size, f"a record that is no event ({error})"))
    damaged = sorted([*records.damaged, *malformed], key=lambda damage: damage.where)
    return EventFile(path, tuple(events), tuple(damaged), records.torn_at)


def _log(files: Sequence[EventFile]) -> ScalarLog:
    """Return what files tell together, in their order."""
    told: dict[str, tuple[list[int], list[float]]] = {}
    others: Counter[str] = Counter()
    for file in files:
        for event in file.events:
            for tag, value in event.scalars:
                if tag not in told:
                    told[tag] = ([], [])
                steps, values = told[tag]
                steps.append(event.step)
                values.append(value)
            others.update(event.others)
    several = len(files) > 1
    damaged = [replace(d, file=f.path.name) if several else d for f in files for d in f.damaged]
    torn = any(file.torn_at is not None for file in files)
    return ScalarLog(points_of(told), tuple(damaged), torn, dict(others), {}, "byte")

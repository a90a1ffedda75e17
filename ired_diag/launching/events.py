"""What an array task says of each of its starts: a row when it starts, a row when it ends.

Each index has a file of its own, so that no two processes append to one. A start without an end was killed,
or still runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ired_diag.errors import CannotWrite, UnreadableFile

Kind = Literal["start", "complete", "saved", "stopped", "failed"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """A start or an end.

    Attributes:
        kind: ``start``; ``complete``; ``saved``: a signal asked for an end, and all is saved; ``stopped``:
            the run ended on trouble, as asked; ``failed``.
        job: SLURM's id of the array.
        restart: How often SLURM had started this job before.
        step: The step of the last checkpoint.
        time: When, in ISO 8601.
        host: Name of the machine.
        detail: What else there is to say.
        is_requeued: Whether the run asked SLURM to start it again.
    """

    kind: Kind
    job: str
    restart: int
    step: int
    time: str
    host: str
    detail: str = ""
    is_requeued: bool = False


def append_event(path: Path, event: Event) -> None:
    """Append a row.

    Raises:
        CannotWrite: The file cannot be written.
    """
    # One write of one line: what is killed in between leaves a torn row, which is not read.
    line = json.dumps(asdict(event)) + "\n"
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line)
    except OSError as error:
        raise CannotWrite(f"{path}: cannot be written: {error.strerror or error}.") from error


def read_events(path: Path) -> list[Event]:
    """Return the rows of an index, in their order; no row where it never started.

    A row that a killed process wrote only half is left out.

    Raises:
        UnreadableFile: The file may not be read.
    """
    try:
        content = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be read: {error.strerror or error}.") from error
    events = []
    for line in content.splitlines():
        event = _event(line)
        if event is not None:
            events.append(event)
    return events


def _event(line: str) -> Event | None:
    try:
        row: Mapping[str, Any] = json.loads(line)
        return Event(**row)
    except (TypeError, ValueError):
        return None

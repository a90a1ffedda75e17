"""The lock of a plan: ``plan.lock`` next to ``plan.yaml``, with the hash of its meaning and the time.

The meaning itself stands in it too, so that a later change can be shown without the old file. Each lock is
appended; the last one counts. The file is plain JSON, made to be committed.

What it proves: that a plan of this meaning was in this file when the file was last written. The time is
that of the clock of the machine, in a file that its owner can edit: against the owner it proves nothing.
What would is a copy that others keep: a commit that was pushed to a server, or a signed timestamp of the
lock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.json_text import parse_json
from ired_diag.plans.located import MOST_BYTES
from ired_diag.plans.meaning import hash_of
from ired_diag.runs.files import FORMAT, check_format, write_atomically

SUFFIX = ".lock"
MOST_LOCKS = 64  # of MOST_BYTES each at most


@dataclass(frozen=True)
class Lock:
    """One lock.

    Attributes:
        hash: Hash of the meaning.
        locked: When, in ISO format with a time zone.
        meaning: The meaning.
    """

    hash: str
    locked: str
    meaning: Mapping[str, Any]

    @property
    def time(self) -> datetime:
        """When it was locked."""
        return datetime.fromisoformat(self.locked)


def lock_file_of(plan: Path) -> Path:
    """Return where the lock of a plan stands: ``plan.lock`` for ``plan.yaml``."""
    return plan.with_suffix(SUFFIX)


def read_locks(path: Path) -> list[Lock]:
    """Return all locks in a file, the last one last; none where there is no file.

    Raises:
        UnreadableFile: The file is damaged, or its hash is not that of its meaning.
    """
    if not path.exists():
        return []
    try:
        with path.open("rb") as file:
            content = file.read(MOST_LOCKS * MOST_BYTES)
        stored = parse_json(content)
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(f"{path}: expected the lock of a plan in JSON ({error}).") from error
    if not isinstance(stored, dict) or not isinstance(stored.get("locks"), list):
        raise UnreadableFile(f"{path}: expected the lock of a plan, with a list 'locks'.")
    check_format(stored.get("format"), str(path))
    return [_lock_of(entry, number, path) for number, entry in enumerate(stored["locks"], start=1)]


def write_lock(path: Path, plan: Path, locks: Sequence[Lock]) -> None:
    """Write the locks of a plan.

    Raises:
        CannotWrite: The file cannot be written.
    """
    content = {
        "format": FORMAT,
        "plan": plan.name,
        "locks": [asdict(lock) for lock in locks],
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    write_atomically(path, f"{text}\n".encode())


def _lock_of(entry: object, number: int, path: Path) -> Lock:
    if not isinstance(entry, dict) or not isinstance(entry.get("meaning"), dict):
        raise UnreadableFile(
            f"{path}: lock {number} has no meaning. Lock the plan again: ired-diag plan lock"
        )
    lock = Lock(str(entry.get("hash")), str(entry.get("locked")), entry["meaning"])
    if hash_of(lock.meaning) != lock.hash:
        raise UnreadableFile(
            f"{path}: lock {number} was edited: its hash is not that of the plan that stands in it. "
            "Take the file from git, or remove it and lock the plan again: ired-diag plan lock"
        )
    try:
        time = lock.time
    except ValueError as error:
        raise UnreadableFile(f"{path}: lock {number} has no time ({lock.locked!r}).") from error
    if time.tzinfo is None:
        raise UnreadableFile(f"{path}: the time of lock {number} has no time zone ({lock.locked!r}).")
    return lock

"""What was announced, kept in the user's cache directory, so that a restart does not announce it again.

The file belongs to one folder and one set of options, and one watch at a time may have it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from app.dashboard.history_cache import cache_folder
from ired_diag.errors import CannotWrite, UnreadableFile
from ired_diag.json_text import read_json
from ired_diag.runs.files import write_atomically

FORMAT = 1


@dataclass
class RunMemory:
    """What is remembered of a run.

    Attributes:
        open: Kinds of alarms that were announced and hold, each with the step that was logged then.
        growths: Times at which its log was seen to have grown, in seconds since 1970.
        written: When its log was last written, as last seen.
        evaluations: How many evaluations it had, as last seen.
        is_over: Whether its training had ended, as last seen.
        is_old: Whether it was over before the watch began, and is not announced.
        label: What it is called, as last seen.
        path: Where its log or folder is, as last seen.
        step: Its last step, as last seen.
    """

    open: dict[str, int | None] = field(default_factory=dict)
    growths: list[float] = field(default_factory=list)
    written: float = 0.0
    evaluations: int = 0
    is_over: bool = False
    is_old: bool = False
    label: str = ""
    path: str = ""
    step: int | None = None


@dataclass
class Memory:
    """What is remembered of a folder.

    Attributes:
        runs: What is remembered of each run, by its id.
        finished: Ids of the finished runs of each group, in the order in which they were seen to finish.
        decided: The verdict that was announced of each group.
        undelivered: Announcements that a webhook or a command has not taken, and how often it was tried.
        looks: How often the folder was looked at.
    """

    runs: dict[str, RunMemory] = field(default_factory=dict)
    finished: dict[str, list[str]] = field(default_factory=dict)
    decided: dict[str, str] = field(default_factory=dict)
    undelivered: list[dict[str, Any]] = field(default_factory=list)
    looks: int = 0

    def as_json(self) -> bytes:
        """Return the memory as the bytes of its file."""
        return json.dumps({"format": FORMAT, **asdict(self)}).encode()

    @classmethod
    def of(cls, content: dict[str, Any]) -> Memory:
        """Return the memory that a file holds.

        Raises:
            KeyError, TypeError, ValueError: The file is of another form.
        """
        if content.pop("format") != FORMAT:
            raise ValueError("another format")
        runs = {name: RunMemory(**values) for name, values in content.pop("runs").items()}
        return cls(runs=runs, **content)


def memory_file(folder: Path, options: Sequence[object]) -> Path:
    """Return the file of the memory of a folder that is watched with some options."""
    text = json.dumps([str(folder.resolve()), *map(str, options)])
    digest = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]
    return cache_folder().with_name("watch") / f"{digest}.json"


def read_memory(path: Path) -> Memory:
    """Return the memory in a file; an empty one where there is none.

    Raises:
        UnreadableFile: The file is damaged. Starting again silently would announce everything again.
    """
    try:
        content = read_json(path)
    except FileNotFoundError:
        return Memory()
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    try:
        return Memory.of(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> UnreadableFile:
    return UnreadableFile(
        f"{path}: the memory of this watch is damaged ({error}). Remove the file to start again: what holds "
        "now is then announced again."
    )


def keep(memory: Memory, path: Path) -> None:
    """Write a memory to its file.

    Raises:
        CannotWrite: It cannot be written.
    """
    write_atomically(path, memory.as_json())


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a memory, so that no second watch announces the same things.

    Raises:
        CannotWrite: Another watch holds it, or its folder cannot be written.
    """
    lock = path.with_suffix(".lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = lock.open("a")
    except OSError as error:
        raise CannotWrite(
            f"{lock}: cannot be written: {error.strerror or error}. Choose another place with --memory FILE."
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotWrite(
                f"{path}: another ired-diag watch follows this folder with the same options. Stop it, or "
                "keep what is announced apart with --memory FILE."
            ) from error
        yield

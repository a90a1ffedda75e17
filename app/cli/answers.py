"""What a command answered is given again at once, as long as nothing that it read has changed.

A researcher asks the same of the same folder many times: after each run, for each paragraph. Reading ten
thousand runs takes seconds; to see that none of them has changed takes half a second.

An answer is what a command printed, and its exit status. It is kept where the command only read, and took
longer than to look it up. It is given again where all of this is as it was:

- the words of the command, the folder it stands in, the terminal's width, the language, our settings;
- every file and folder below the paths that the words name, and each file that was opened elsewhere: size,
  time of change and inode (``what_was_read``);
- the source of this program, and the packages that it runs with.

Nothing is kept of files that changed shortly before they were read: two writes may bear the same time. What
changes while it is read has another state when it is asked for again. Whether a run is still running depends
on the clock: where a log was written within the last half hour, the answer holds until that half hour is
over. An answer that is damaged, or cannot be written, only means that the command runs.
``IRED_DIAG_NO_CACHE=1`` switches it off.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import locale
import os
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TextIO, cast

from app.cli.recorded import Printed, Recorded
from app.cli.what_was_read import NS, UNSETTLED, Reading, States, states_of
from ired_diag.errors import CannotWrite
from ired_diag.runs.code_state import state_of_code
from ired_diag.runs.files import write_atomically
from ired_diag.user_cache import OFF, shrink, user_cache

VERSION = 1  # of the layout; a file of another version is not read
REPEATABLE = ("ls", "diagnose", "stats", "gate", "check")  # commands that only read
KIND = "answers"
EXIT_PIPE = 1  # as click ends
SUFFIX = ".answer"
MOST_BYTES = 256 << 20  # of all answers together
LARGEST = 16 << 20  # bytes of one answer
SHORTEST = 1.0  # seconds: a command that is quicker is run again
SETTINGS = ("COLUMNS", "LINES", "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "TZ", "HOME", "LANG")
PREFIXES = ("IRED_DIAG_", "LC_", "PYTHON", "XDG_")  # of further settings
KEPT_STATUS = (0, 3, 4)  # answers; 1 and 2 are errors, and the user's interrupt
CHECK = 9  # bytes of the first line

Run = Callable[[], object]


@dataclass(frozen=True)
class Answer:
    """What a command printed.

    Attributes:
        states: The state of all that it read, as a digest, by what it is.
        elsewhere: Files that it opened elsewhere, and their states.
        until: When the clock may alter it, in seconds since 1970.
        printed: Which texts it wrote, and to which stream, in their order.
        status: Its exit status.
    """

    states: str
    elsewhere: dict[str, tuple[int, ...] | None]
    until: float
    printed: Sequence[Printed]
    status: int


def answer(words: Sequence[str], run: Run) -> object:
    """Run a command, or print what it answered before.

    Args:
        words: The words after the name of the program.
        run: Runs the command; it ends with ``SystemExit``.
    """
    if not _may_be_kept(words):
        return run()
    place = user_cache(KIND) / f"{_name_of(words)}{SUFFIX}"
    states = states_of(words)
    if states is None:
        return run()
    kept = _read(place)
    if kept is not None and _holds(kept, states):
        _give_again(kept, place)
    begun = time.time()
    printed: list[Printed] = []
    reading = Reading.begin()
    status: object = None
    try:
        with _recorded(printed):
            return run()
    except SystemExit as end:
        status = end.code or 0
        raise
    finally:
        reading.end()
        is_slow = time.time() - begun >= SHORTEST
        if is_slow and status in KEPT_STATUS and states.is_settled(begun) and not reading.changes_something:
            elsewhere = reading.opened_outside(states.roots)
            if _are_settled(elsewhere, begun):
                until = states.until(begun)
                _keep(place, Answer(states.digest, elsewhere, until, printed, int(status)))


def _may_be_kept(words: Sequence[str]) -> bool:
    if not words or words[0] not in REPEATABLE or os.environ.get(OFF):
        return False
    return "--help" not in words and "-h" not in words


def _name_of(words: Sequence[str]) -> str:
    """Return the name of the answer to a command: a digest of all that it depends on but for files."""
    settings = {}
    for name, value in sorted(os.environ.items()):
        if name in SETTINGS or name.startswith(PREFIXES):
            settings[name] = value
    streams = [_stream_in_words(stream) for stream in (sys.stdout, sys.stderr)]
    depends_on = [
        VERSION,
        list(words),
        _here(),
        settings,
        streams,
        _width(),
        locale.getlocale(),
        sys.version,
        sys.path,
        os.geteuid() if hasattr(os, "geteuid") else 0,
        state_of_code(),
    ]
    text = json.dumps(depends_on).encode(errors="surrogateescape")
    return hashlib.sha256(text).hexdigest()[:32]


def _here() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # the folder is gone: paths below it have no state
        return ""


def _stream_in_words(stream: TextIO) -> tuple[bool, str]:
    return stream.isatty(), str(getattr(stream, "encoding", ""))


def _width() -> int:
    try:
        return os.get_terminal_size(1).columns
    except OSError:  # no terminal
        return 0


def _holds(kept: Answer, states: States) -> bool:
    """Say whether an answer is still what the command would print."""
    if kept.states != states.digest or time.time() >= kept.until:
        return False
    return all(Reading.state(path) == state for path, state in kept.elsewhere.items())


def _are_settled(elsewhere: dict[str, tuple[int, ...] | None], begun: float) -> bool:
    """Say whether files elsewhere changed long enough before the command began for their times to tell."""
    changed = [state[1] for state in elsewhere.values() if state is not None]
    return max(changed, default=0) < (begun - UNSETTLED) * NS


@contextmanager
def _recorded(printed: list[Printed]) -> Iterator[None]:
    before = sys.stdout, sys.stderr
    sys.stdout = cast(TextIO, Recorded(before[0], "out", printed))
    sys.stderr = cast(TextIO, Recorded(before[1], "err", printed))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _give_again(kept: Answer, place: Path) -> NoReturn:
    """Print an answer and end with its status."""
    with contextlib.suppress(OSError):
        os.utime(place)
    streams: dict[str, TextIO] = {"out": sys.stdout, "err": sys.stderr}
    try:
        for name, text in kept.printed:
            streams[name].write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has enough, as with ``| head``
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end
        sys.exit(EXIT_PIPE)
    sys.exit(kept.status)


def _keep(place: Path, kept: Answer) -> None:
    """Keep an answer; where that cannot be done, nothing happens."""
    content = json.dumps([VERSION, kept.states, kept.elsewhere, kept.until, kept.printed, kept.status])
    data = content.encode("utf-8", "surrogatepass")
    if len(data) > LARGEST:
        return
    with contextlib.suppress(CannotWrite):
        write_atomically(place, b"%08x\n" % zlib.crc32(data) + data)
        shrink(place.parent, f"*{SUFFIX}", most_bytes=MOST_BYTES)


def _read(place: Path) -> Answer | None:
    """Return an answer; None where there is none, or it is damaged."""
    try:
        content = place.read_bytes()
        data = content[CHECK:]
        if content[:CHECK] != b"%08x\n" % zlib.crc32(data):
            return None
        version, states, elsewhere, until, printed, status = json.loads(data)
        if version != VERSION:
            return None
        return Answer(
            states=str(states),
            elsewhere={path: None if state is None else tuple(state) for path, state in elsewhere.items()},
            until=float(until),
            printed=[(str(name), str(text)) for name, text in printed],
            status=int(status),
        )
    except (OSError, ValueError, TypeError, AttributeError):
        return None

"""A command run on attacked files in this process, and what must hold whatever the files hold.

Checked after each command are

- the exit status: 0 or 3 (a check that did not hold), or 1 with one line that begins with ``ired-diag: ``;
- no traceback, and no warning that Python shows by default;
- no character that a terminal would obey in what is printed;
- the inputs: every file has the bytes that it had, and every folder its files;
- memory: at most ``MOST_BYTES`` more at the peak than before (Linux);
- time: at most ``MOST_SECONDS`` of the processor;
- the runs that are not attacked: their group is named in what is printed.
"""

from __future__ import annotations

import hashlib
import os
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from app.cli import main
from benchmarks.attack import Outcome, failed, survived
from ired_diag.visible_text import OBEYED

MOST_BYTES = 1 << 30
MOST_SECONDS = 60.0
HIDDEN = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What must hold of one command.

    Attributes:
        statuses: Exit statuses that are as documented.
        says: Texts that must stand in what is printed.
        says_not: Texts that must not.
        one_line: An error is one line on standard error, and nothing else is printed.
        bytes: The most memory that it may take beyond what was in use before.
        seconds: The most time of the processor.
    """

    statuses: tuple[int, ...] = (0, 1, 3)
    says: tuple[str, ...] = ()
    says_not: tuple[str, ...] = ()
    one_line: bool = True
    bytes: int = MOST_BYTES
    seconds: float = MOST_SECONDS


@dataclass(frozen=True)
class _Answer:
    status: int
    stdout: str
    stderr: str
    error: BaseException | None
    warned: tuple[str, ...]
    seconds: float
    taken: int


def outcome_of(arguments: Sequence[str], inputs: Path, expected: Expected) -> Outcome:
    """Run a command, and say whether all that must hold does.

    Args:
        arguments: Of the command line.
        inputs: The folder whose files the command may only read.
        expected: What is to hold of this command.
    """
    before = digest(inputs)
    answer = _answer(arguments)
    reason = _defect(answer, expected)
    if reason is None and digest(inputs) != before:
        reason = "an input was lost or altered"
    command = " ".join(["ired-diag", *arguments])
    if reason:
        return failed(reason, command=command, output=_shown(answer))
    return survived(f"{answer.seconds:.1f} s, {answer.taken >> 20} MiB")


def digest(folder: Path) -> str:
    """Return a digest of the names, kinds and bytes of all that is in a folder."""
    hash = hashlib.blake2b()
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            readable = os.access(path, os.R_OK) and path.is_file()
            hash.update(os.fsencode(path) + b"\0" + (path.read_bytes() if readable else b"not read"))
        hash.update(os.fsencode(place) + b"/")
    return hash.hexdigest()


def _answer(arguments: Sequence[str]) -> _Answer:
    before = _start_of_peak()
    start = time.process_time()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = CliRunner().invoke(main, list(arguments))
    error = None if isinstance(result.exception, SystemExit) else result.exception
    return _Answer(
        result.exit_code,
        result.stdout,
        result.stderr,
        error,
        tuple(str(w.message) for w in caught if not issubclass(w.category, HIDDEN)),
        time.process_time() - start,
        _peak() - before,
    )


def _defect(answer: _Answer, expected: Expected) -> str | None:
    """Return the first thing that does not hold of an answer."""
    printed = answer.stdout + answer.stderr
    if answer.error is not None:
        return f"a traceback: {type(answer.error).__name__}: {answer.error}"
    if answer.warned:
        return f"a warning: {answer.warned[0]}"
    if "Traceback (most recent call last)" in answer.stderr:
        return "a traceback in what is printed"
    if answer.status not in expected.statuses:
        return f"exit status {answer.status}"
    if answer.status == 1 and expected.one_line and (reason := _not_one_line(answer)):
        return reason
    if hidden := OBEYED.search(printed):
        return f"prints a character that a terminal obeys: {hidden[0]!r}"
    if answer.status != 1 and (missing := [text for text in expected.says if text not in printed]):
        return f"does not say {missing[0]!r}"
    if wrong := [text for text in expected.says_not if text in printed]:
        return f"says {wrong[0]!r}"
    if answer.taken > expected.bytes:
        return f"takes {answer.taken >> 20} MiB of memory"
    return f"takes {answer.seconds:.0f} s" if answer.seconds > expected.seconds else None


def _not_one_line(answer: _Answer) -> str | None:
    lines = answer.stderr.splitlines()
    if len(lines) != 1 or not lines[0].startswith("ired-diag: "):
        return f"an error of {len(lines)} lines"
    return "prints a result and an error" if answer.stdout.strip() else None


def _shown(answer: _Answer) -> str:
    """Return the end of what a command printed, and of its traceback."""
    lines = (answer.stdout + answer.stderr).splitlines()[-6:]
    if answer.error is not None:
        frames = []
        trace = answer.error.__traceback__
        while trace is not None:
            frames.append(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")
            trace = trace.tb_next
        lines += frames[-5:]
    return "\n".join(line[:300] for line in lines)


def _start_of_peak() -> int:
    """Start to measure the peak of memory anew, and return what is in use, in bytes."""
    if os.access(CLEAR, os.W_OK):
        CLEAR.write_text("5")
    return _peak()


def _peak() -> int:
    if not STATUS.exists():
        return 0
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10

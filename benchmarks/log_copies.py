"""Many logs, made of a few: copies with other job numbers and other last digits.

A copy is no other training to the eye, and none of its curves is equal to another's, as ``diagnose`` would
report. The first copy is the logs themselves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

JOB = re.compile(rb"\b\d{8}\b")
JOB_IN_NAME = re.compile(r"(?<=_)\d{8}(?=[_.])")
LAST_DIGIT = re.compile(rb"(\d\.\d+)(\d)(?!\d)")
STEP = 1_000_003  # between the job numbers of two copies


def copy_logs(folders: Sequence[Path], target: Path, copies: int) -> tuple[int, int]:
    """Write copies of the ``.out`` and ``.err`` files of folders into one folder.

    Args:
        folders: Where the logs are.
        target: Where the copies go; made where it is not there.
        copies: How many of each, the log itself among them.

    Returns:
        How many files were written, and how many bytes.
    """
    target.mkdir(parents=True, exist_ok=True)
    files = size = 0
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if path.suffix not in (".out", ".err"):
                continue
            content = path.read_bytes()
            for number in range(copies):
                copied = _copy(content, number)
                (target / _copied_name(path.name, number)).write_bytes(copied)
                files += 1
                size += len(copied)
    return files, size


def _copied_name(name: str, number: int) -> str:
    """Return the name of a log with its job number moved."""

    def moved(job: re.Match[str]) -> str:
        """Return another job number."""
        return str(_moved(int(job[0]), number))

    return JOB_IN_NAME.sub(moved, name)


def _copy(content: bytes, number: int) -> bytes:
    """Return a log with its job numbers and the last digits of its numbers moved."""
    if number == 0:
        return content

    def moved_job(job: re.Match[bytes]) -> bytes:
        """Return another job number."""
        return b"%d" % _moved(int(job[0]), number)

    def moved_digit(decimal: re.Match[bytes]) -> bytes:
        """Return a number with another last digit."""
        return decimal[1] + b"%d" % ((int(decimal[2]) + number) % 10)

    return LAST_DIGIT.sub(moved_digit, JOB.sub(moved_job, content))


def _moved(job: int, number: int) -> int:
    """Return the job number of a copy."""
    return 10_000_000 + (job - 10_000_000 + number * STEP) % 90_000_000

"""A reader that goes away while a command works: a terminal that is closed, a pipe whose other end died.

Writing to a closed terminal is an error (EIO), to a broken pipe another (EPIPE). A training must not die of a
message that nobody reads, least of all before it has saved: what can no longer be delivered goes to
``/dev/null``. The findings of a run are in its ``config.json`` all the same.

Reference: POSIX.1-2017, write(), errors; General Terminal Interface, section 11.1.10 (modem disconnect).
"""

from __future__ import annotations

import contextlib
import errno
import os
import termios

import click

STDOUT, STDERR = 1, 2


def say(text: str) -> None:
    """Write a line to stderr, or nowhere if nobody can read it any more."""
    for output in (STDOUT, STDERR):
        if _is_closed_terminal(output):
            _to_nowhere(output)
    try:
        click.echo(text, err=True)
    except OSError:
        _to_nowhere(STDERR)


def _is_closed_terminal(descriptor: int) -> bool:
    try:
        termios.tcgetattr(descriptor)
    except termios.error as error:
        return bool(error.args[0] == errno.EIO)
    return False


def _to_nowhere(descriptor: int) -> None:
    with contextlib.closing(open(os.devnull, "wb")) as nowhere:  # noqa: PTH123 (a descriptor is what is needed)
        os.dup2(nowhere.fileno(), descriptor)

"""Files of ours: a format version in each, written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ired_diag.errors import CannotWrite, NotReadable, UnreadableFile, unreadable

FORMAT = 1
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL)
MAY_NOT_BE_READ = (errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE)
ELSEWHERE = " Choose another place (--runs DIR or --out DIR)."


def is_pattern(name: str) -> bool:
    """Say whether a name holds a sign of a shell's patterns, which the shell found nothing for."""
    return any(sign in name for sign in "*?[")


def pattern_note(name: str) -> str:
    """Return what to say of a name that looks like a pattern and was not found; empty of any other.

    >>> pattern_note("q101")
    ''
    >>> pattern_note("q10*")
    " 'q10*' looks like a pattern; it was taken as a name, and matches no path. A group: NAME='q10*'."
    """
    if not is_pattern(name):
        return ""
    taken = f"{name!r} looks like a pattern; it was taken as a name, and matches no path."
    return f" {taken} A group: NAME={name!r}."


def exists(path: Path) -> bool:
    """Say whether there is anything at a path; a path that cannot even be looked up holds nothing."""
    try:
        return path.exists()
    except OSError:  # a name too long, or a folder that may not be entered
        return False


def is_file(path: Path) -> bool:
    """Say whether there is a file at a path, in the same way."""
    return exists(path) and path.is_file()


def check_lookup(path: Path) -> None:
    """Refuse a path of which nothing can be said, because a folder on the way may not be entered.

    Raises:
        NotReadable: It may not, or its disk does not answer. A path that is not there is not an error.
    """
    try:
        path.stat()
    except ValueError:
        return  # no path can be written so
    except OSError as error:
        if error.errno not in NOTHING_THERE:
            raise unreadable(path, error) from error


def check_listable(path: Path) -> None:
    """Refuse a file or folder that cannot be looked up, and a folder whose files may not be read.

    Raises:
        NotReadable: It is there, or may be, and may not be read.
    """
    check_lookup(path)
    if reason := why_unlistable(path):
        raise NotReadable(f"{path}: not readable: {reason}.")


def why_unlistable(folder: Path) -> str:
    """Return why the files in a folder may not be read; nothing where they may, or where it is not there."""
    try:
        with os.scandir(folder):
            pass
    except OSError as error:
        return "" if error.errno in NOTHING_THERE else error.strerror or str(error)
    return "" if os.access(folder, os.X_OK) else os.strerror(errno.EACCES)


def is_special(path: Path) -> bool:
    """Say whether a path is a pipe, a socket, a device or a link to itself: to open one may never end."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return error.errno == errno.ELOOP
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def check_format(version: object, where: str) -> None:
    """Refuse a file that a newer version of this project wrote.

    Raises:
        UnreadableFile: The version is newer than ``FORMAT``, or none at all.
    """
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UnreadableFile(f"{where}: expected a format version (1 to {FORMAT}), found {version!r}.")
    if version > FORMAT:
        raise UnreadableFile(
            f"{where}: is of format {version}; this version of ired-diag reads up to {FORMAT}. Upgrade it."
        )


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, flush it to the disk, and rename it.

    Whoever reads ``path`` finds the old content or the new, never a part. Its folder is made if need be.

    Raises:
        CannotWrite: The folder cannot be written, or the disk is full; ``path`` is as it was.
    """
    with written_atomically(path) as file:
        file.write(content)


@contextmanager
def written_atomically(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write to; it is flushed and takes the place of ``path`` where the block ends well.

    Raises:
        CannotWrite: As for ``write_atomically``.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        place = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(place, NEW_FILE, 0o666)  # less what the umask forbids
        temporary = place
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        if not isinstance(error, OSError):
            raise  # an interrupt: the old content is whole, and no half-written file stays
        reason = error.strerror or str(error)
        raise CannotWrite(f"{path}: cannot be written: {reason}.{ELSEWHERE}") from error

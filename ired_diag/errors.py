"""Errors that a user can cause, and can mend.

A message says where it happened, what was expected, what was found, and what to do. The command line
prints it on one line and ends with exit status 1; every other exception keeps its traceback, because it
is a defect of ours.
"""

from __future__ import annotations


class DiagError(Exception):
    """Something about the user's input that this program cannot work with."""


class UnreadableFile(DiagError):
    """A file that is missing, empty, torn, or not of the format it was read as."""


class NotReadable(UnreadableFile):
    """A file or folder that is there and may not be read, or whose disk does not answer."""


class WrongCheckpoint(DiagError):
    """A checkpoint whose tensors are not those of the model that was expected."""


class WrongConfiguration(DiagError):
    """A configuration with a key or a value that is not implemented, or unknown."""


class AmbiguousName(DiagError):
    """A name that means several experiments or several variants of one."""


class NotFound(DiagError):
    """A path, run or experiment that does not exist."""


class CannotWrite(DiagError):
    """A place where nothing can be written: read-only, full, or taken."""


class NotApplicable(DiagError):
    """A probe put to something that it cannot be put to."""


class WorkerLost(DiagError):
    """A worker process was killed."""


def unreadable(path: object, error: OSError) -> UnreadableFile:
    """Return what to say of a path that could not be read: that it is gone, or why it may not be read."""
    reason = error.strerror or str(error)
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError):
        return UnreadableFile(f"{path}: cannot be read: {reason}.")
    return NotReadable(f"{path}: not readable: {reason}.")

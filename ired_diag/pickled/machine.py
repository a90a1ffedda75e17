"""The stack machine that reads a pickle: operations from ``pickletools``, placeholders for all that is named.

Reference: the comments of Python's ``pickletools``; PEP 3154 (protocol 4) and PEP 574 (protocol 5).
"""

from __future__ import annotations

import os
import pickletools
from collections.abc import Callable, Mapping
from typing import IO, Any, cast

from ired_diag.pickled.values import DamagedPickle, Foreign, Name

# More than the largest checkpoints hold; each takes a hundred bytes of memory at most, apart from its text.
MOST_OPERATIONS = 2_000_000
SMALL_READ = 1024  # bytes
COPIES = 8  # of all that a pickle holds: each value is needed once, or a few times
CALL = "(…)"  # behind the name of what is called again
MOST_BITS = 1024  # of a whole number as a text: Python refuses to write one of many more digits
LARGEST_KEY = 1 << 60  # a whole number up to here is its own hash value

Constructor = Callable[..., Any]


class Bounded:
    """A file that is asked for no more bytes than it has: to ask for many takes memory, whatever comes.

    Args:
        file: The file, at the place where reading starts.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        start = file.tell()
        self._end = file.seek(0, os.SEEK_END)
        file.seek(start)
        self.left = self._end - start
        self.tell = file.tell
        self.readline = file.readline

    def read(self, count: int) -> bytes:
        """Return the next bytes, as many as asked for or as there are."""
        if count > SMALL_READ:
            count = min(count, self._end - self._file.tell())
        return self._file.read(count)


class Machine:
    """One reading of one pickle.

    Args:
        constructors: Our own code for the few names that make a plain value.
        persistent: Returns what a persistent identifier stands for.
    """

    def __init__(
        self,
        constructors: Mapping[str, Constructor],
        persistent: Callable[[Any], Any] | None = None,
    ) -> None:
        self.constructors = constructors
        self.persistent = persistent
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.allowance = SMALL_READ

    def read(self, file: IO[bytes]) -> Any:
        """Return what the pickle at a file's position holds, and leave the file at its end.

        Raises:
            DamagedPickle: It is not a whole pickle.
        """
        from ired_diag.pickled.operations import OPERATIONS

        bounded = Bounded(file)
        self.allowance = COPIES * bounded.left + SMALL_READ
        count = 0
        try:
            for operation, argument, _ in pickletools.genops(cast(IO[bytes], bounded)):
                count += 1
                if count > MOST_OPERATIONS:
                    raise DamagedPickle(f"has more than {MOST_OPERATIONS:,} parts")
                OPERATIONS[operation.name](self, argument)
            return self.pop()
        except (LookupError, ValueError, TypeError, OverflowError) as error:
            raise DamagedPickle(str(error) or type(error).__name__) from error

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def pop(self) -> Any:
        """Take the last value from the stack."""
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise DamagedPickle("takes more values than it holds")
        return self.stack.pop()

    def since_mark(self) -> list[Any]:
        """Take the values since the last mark from the stack."""
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def call(self, function: Any, arguments: Any) -> Any:
        """Return what stands for a call: a plain value for a name on the list, else a placeholder."""
        if not isinstance(arguments, tuple):
            raise DamagedPickle("has a call without arguments")
        constructor = self.constructors.get(str(function)) if isinstance(function, Name) else None
        if constructor is None:
            return Foreign(name_of(function), arguments)
        self.spend(arguments)
        try:
            return constructor(*arguments)
        except DamagedPickle:
            raise
        except (TypeError, ValueError, LookupError, OverflowError):
            return Foreign(name_of(function), arguments)

    def spend(self, arguments: tuple[Any, ...]) -> None:
        """Count what a call may copy: a pickle can name one large value many times.

        Raises:
            DamagedPickle: It is far more than the pickle holds.
        """
        for argument in arguments:
            if isinstance(argument, str | bytes | bytearray | list | tuple | dict):
                self.allowance -= len(argument)
        if self.allowance < 0:
            raise DamagedPickle("copies its values over and over")


def name_of(function: Any) -> str:
    """Return the name of what a pickle calls."""
    if isinstance(function, Name):
        return str(function)
    if isinstance(function, Foreign):
        return function.of if function.of.endswith(CALL) else f"{function.of}{CALL}"
    return f"an object of {type(function).__name__}"


def _is_small(value: Any) -> bool:
    return isinstance(value, int) and abs(value) < LARGEST_KEY


def key_of(value: Any) -> Any:
    """Return a value as a key: texts, small whole numbers and placeholders as they are, else a text.

    Hash values of texts are secret, those of small whole numbers differ, those of placeholders are their
    places in memory: no pickle can make them collide, or take long to compute.
    """
    if value is None or isinstance(value, str | bytes | bool | Foreign):
        return value
    if _is_small(value):
        return value
    if isinstance(value, Name | float):
        return str(value)
    if isinstance(value, int) and value.bit_length() <= MOST_BITS:
        return str(value)
    if isinstance(value, tuple) and all(isinstance(part, str | float) or _is_small(part) for part in value):
        return str(value)
    return Foreign(f"a key of type {type(value).__name__}")

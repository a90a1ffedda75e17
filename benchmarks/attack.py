"""One attack on the product, and how the product came out of it.

An attack makes its own files in an empty folder, runs a command on them and says what came of it. The product
survives where

- the exit status is as documented, and nobody sees a Python traceback or a warning of a library;
- memory stays within its bound;
- no input is lost or altered;
- an input that cannot be read is named in one line, and all other runs are still read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """How one attack ended: survived, or failed for a reason, with the command and its last lines."""

    failure: str | None = None
    command: str = ""
    output: str = ""

    @property
    def survived(self) -> bool:
        """Say whether the product came through."""
        return self.failure is None


@dataclass(frozen=True)
class Attack:
    """One attack: its group, a name that is unique in it, and what it does in an empty folder."""

    group: str
    name: str
    run: Callable[[Path], Outcome]


def survived(measured: str = "") -> Outcome:
    """Return the outcome of an attack that the product came through, with what was measured."""
    return Outcome(output=measured)


def failed(reason: str, *, command: str = "", output: str = "") -> Outcome:
    """Return the outcome of an attack that the product did not survive."""
    return Outcome(reason, command, "\n".join(output.splitlines()[-12:]))

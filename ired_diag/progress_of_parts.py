"""How far work on several parts has come: what is being done, and which part of how many it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Tell = Callable[[str, int, int], None]  # the part that begins, its number from 1, and the number of all


@dataclass
class PartsDone:
    """The part that is worked on; one thread writes, others read.

    Attributes:
        words: What is being done, with how far it came; empty before the first part.
    """

    words: str = ""

    def tell(self, part: str, number: int, of: int) -> None:
        """Say that a part begins.

        >>> done = PartsDone()
        >>> done.tell("identical curves", 12, 83)
        >>> done.words
        '12 of 83: identical curves'
        """
        self.words = f"{number} of {of}: {part}"


def untold(part: str, number: int, of: int) -> None:
    """Tell nobody."""

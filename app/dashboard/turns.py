"""Work of one page that is done one after the other, what stands first on the page first.

A page asks for all of its parts at once. Done at the same time by threads that share one interpreter, all of
them would be ready when the last one is.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Lets one thread at a time work: of those that wait, the one whose part stands first."""

    def __init__(self) -> None:
        """Start with nobody at work."""
        self._change = threading.Condition()
        self._waiting: list[int] = []
        self._is_taken = False

    @contextmanager
    def at(self, place: int) -> Iterator[None]:
        """Wait for the turn of a part, and have it for the block.

        Args:
            place: Where the part stands on the page.
        """
        with self._change:
            self._waiting.append(place)
            self._change.wait_for(lambda: not self._is_taken and place == min(self._waiting))
            self._waiting.remove(place)
            self._is_taken = True
        try:
            yield
        finally:
            with self._change:
                self._is_taken = False
                self._change.notify_all()

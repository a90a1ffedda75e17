"""The watch: look, announce, deliver, remember, wait.

What was announced is remembered after it was delivered, so that nothing is lost where the watch is killed in
between; the worst is that one announcement comes twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.watching.delivery import Receiver
from app.watching.event import Event
from app.watching.memory import keep
from app.watching.watcher import Watcher
from ired_diag.errors import CannotWrite
from ired_diag.runs.name_list import counted

MOST_TRIES = 5  # looks
MOST_WAITING = 100  # announcements
LONGEST = 60.0  # s of a look: a receiver that hangs must not blind the watch


@dataclass(frozen=True, kw_only=True)
class Watch:
    """A watch of a folder.

    Attributes:
        watcher: Looks at the folder.
        file: Where its memory is kept.
        receiver: What takes announcements besides the terminal; None: nothing.
        announce: Prints an announcement.
        say: Prints what could not be done.
    """

    watcher: Watcher
    file: Path
    receiver: Receiver | None
    announce: Callable[[Event], None]
    say: Callable[[str], None]

    def look(self) -> list[Event]:
        """Look once, and return what was announced."""
        notes = len(self.watcher.notes)
        events = self.watcher.look()
        for note in self.watcher.notes[notes:]:
            self.say(note)
        for event in events:
            self.announce(event)
        if self.receiver is not None:
            self._deliver(self.receiver, events)
        try:
            keep(self.watcher.memory, self.file)
        except CannotWrite as error:  # a full disk must not end the watch; a restart would repeat events
            self.say(f"what was announced could not be kept: {error}")
        return events

    def wait_and_follow(self, every: float) -> None:
        """Wait and look, again and again, until it is interrupted."""
        while True:
            time.sleep(every)
            self.look()

    def _deliver(self, receiver: Receiver, events: list[Event]) -> None:
        """Deliver what is new, and what could not be delivered before."""
        waiting = self.watcher.memory.undelivered
        waiting += [{"event": event.as_fields(), "tries": 0} for event in events]
        left = []
        begin = time.monotonic()
        for place, item in enumerate(waiting):
            if time.monotonic() - begin > LONGEST:
                untried = waiting[place:]
                self.say(f"{counted(len(untried), 'announcement')} left for the next look: delivery is slow")
                left += untried
                break
            event = Event.of_fields(item["event"])
            reason = receiver.deliver(event)
            if not reason:
                continue
            item["tries"] += 1
            if item["tries"] >= MOST_TRIES:
                self.say(f"not delivered, and not tried again: {event.line} ({reason})")
                continue
            self.say(f"not delivered, tried again at the next look: {reason}")
            left.append(item)
        for item in left[MOST_WAITING:]:
            self.say(f"not delivered, because too many wait: {Event.of_fields(item['event']).line}")
        self.watcher.memory.undelivered = left[:MOST_WAITING]

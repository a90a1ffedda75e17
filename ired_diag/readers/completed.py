"""The words in which programs say that their training is over."""

from __future__ import annotations

import re

COMPLETED = re.compile(
    rb"^[^\r\n]{0,60}?\btraining (?:is |has been |was )?(?:complete|completed|finished|done)\b"
    rb"(?: successfully)?(?:[ \t]*[.!]|[ \t]+(?:in|after|at)\b[^\r\n]{0,80}|[ \t]*\r?$|[ \t]*[^\w\s,])"
    rb"|^[^\r\n]{0,60}?\b(?:finished|completed|done) training\b[ \t]*[.!]*[ \t]*\r?$"
    rb"|^[^\r\n]{0,60}?`Trainer\.fit` stopped: `max_(?:steps|epochs|time)[^\r\n]{0,40}reached"
    rb"|^training complete\b",
    re.MULTILINE | re.IGNORECASE,
)
WORDS = (b"raining", b"RAINING", b"Trainer.fit")


def says_complete(content: bytes) -> bool:
    """Say whether a log says that training is over."""
    return last_completion(content) is not None


def last_completion(content: bytes) -> int | None:
    """Return the byte after the last line that says that training is over; None where no line does."""
    if not any(word in content for word in WORDS):
        return None
    last = None
    for last in COMPLETED.finditer(content):  # noqa: B007 (the last one is wanted)
        pass
    return last.end() if last else None

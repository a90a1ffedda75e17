"""The words in which programs say that their training is over."""

from __future__ import annotations

import re

from ired_diag.readers.line_search import spans_of_lines

COMPLETED = re.compile(
    rb"^[^\r\n]{0,60}?\btraining (?:is |has been |was )?(?:complete|completed|finished|done)\b"
    rb"(?: successfully)?(?:[ \t]*[.!]|[ \t]+(?:in|after|at)\b[^\r\n]{0,80}|[ \t]*\r?$|[ \t]*[^\w\s,])"
    rb"|^[^\r\n]{0,60}?\b(?:finished|completed|done) training\b[ \t]*[.!]*[ \t]*\r?$"
    rb"|^[^\r\n]{0,60}?`Trainer\.fit` stopped: `max_(?:steps|epochs|time)[^\r\n]{0,40}reached"
    rb"|^training complete\b",
    re.MULTILINE | re.IGNORECASE,
)
LAST_WORDS = (b"complete", b"finished", b"done", b"trainer.fit")  # in lower case: each such line has one
WORDS = (b"raining", b"RAINING", b"Trainer.fit")
ENDS = (
    *(b"complete", b"Complete", b"COMPLETE", b"finished", b"Finished", b"FINISHED"),
    *(b"done", b"Done", b"DONE", b"Trainer.fit"),
)


def says_complete(content: bytes) -> bool:
    """Say whether a log says that training is over."""
    return last_completion(content) is not None


def last_completion(content: bytes) -> int | None:
    """Return the byte after the last line that says that training is over; None where no line does."""
    if not any(end in content for end in ENDS):
        return None
    for start, end in reversed(spans_of_lines(content, *WORDS)):
        line = content[start:end].lower()
        if not any(word in line for word in LAST_WORDS):
            continue
        last = None
        for last in COMPLETED.finditer(content, start, end):  # noqa: B007 (the last one is wanted)
            pass
        if last:
            return last.end()
    return None

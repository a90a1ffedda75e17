"""Exceptions in a text log: Python's tracebacks, and what C++ says before it aborts.

One error is often printed as several tracebacks, joined by a sentence. After "direct cause" the first of
them is the root: the program raised the second *from* it. After "during handling" the first was usually
expected (a cache that is absent, an optional package), and the second is what went wrong, unless the first is
a failure of memory or of the device, which nobody expects.

An exception that training survives is not a cause of death: what is "ignored" or logged, and what is followed
by more progress.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ired_diag.readers.causes import EFFECTS, Kind, kind_of_exception
from ired_diag.readers.console_lines import Line

HEAD = re.compile(r"Traceback \(most recent call last\):\s*$")
EXCEPTION = re.compile(r"^(?P<type>[A-Za-z_][\w.]*)(?P<message>:(?: .*|)|)$")
NAMED_ERROR = re.compile(
    r"^(?:\[[^\]]*\]:? *|[\d:.,T-]{8,}Z? +)*(?:.{0,60}\b(?:ERROR|CRITICAL)\b\W+(?:[\w.]+\W+)?)?"
    r"(?P<error>(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt)(?:: .*|:?$))"
)
TERMINATE = re.compile(r"^terminate called after throwing an instance of '(?P<type>[^']*)'")
WHAT = re.compile(r"^\s*what\(\):\s*(?P<message>.*)$")
IN_GROUP = re.compile(r"^ +(?:\| ?|\+ (?=Exception Group Traceback))")  # of an ExceptionGroup
DIRECT = "The above exception was the direct cause of the following exception:"
HANDLING = "During handling of the above exception, another exception occurred:"
SURVIVED = re.compile(r"^(?:Exception ignored in|--- Logging error ---|Error in atexit)")
UNEXPECTED = ("cuda_oom", "ram_oom", "cuda_runtime", "nccl", "device_mismatch", "nan_loss")
GENERIC = ("traceback", "runtime_error", "nccl", "assertion")
LONGEST_MESSAGE = 6  # lines
LAST_LINES = 12  # in which an exception without a traceback is a cause of death
SURVIVES = 5  # lines of progress after an exception


@dataclass(frozen=True)
class Raised:
    """An exception that was printed.

    Attributes:
        text: Its type and message, the first line of them.
        kind: The cause that it names.
        start: The line at which its traceback begins.
        end: The line of the exception.
    """

    text: str
    kind: Kind
    start: int
    end: int

    @property
    def is_effect(self) -> bool:
        """Whether such an exception is usually caused by another process' death."""
        return self.kind.cause == "nccl" or bool(EFFECTS.search(self.text))


def fatal_exception(lines: Sequence[Line]) -> Raised | None:
    """Return the exception that ended a program, None where no exception did."""
    raised = [one for one in _all(lines) if not goes_on(lines, one.end)]
    if not raised:
        return None
    return next((one for one in reversed(raised) if not one.is_effect), raised[0])


def without_ignored(lines: Sequence[Line]) -> list[Line]:
    """Return lines without the tracebacks of exceptions that Python ignored or only logged."""
    kept: list[Line] = []
    texts = [line.text for line in lines]
    skip_until = 0
    for n, line in enumerate(lines):
        if n >= skip_until and SURVIVED.match(line.text) and HEAD.search("".join(texts[n + 1 : n + 2])):
            at = _exception_line(texts, n + 2, len(texts))
            skip_until = n + 2 if at is None else at + 1
        if n >= skip_until:
            kept.append(line)
    return kept


def goes_on(lines: Sequence[Line], place: int) -> bool:
    """Say whether training goes on after a line."""
    shown = 0
    for line in lines[place + 1 :]:
        shown += line.is_progress
        if shown > SURVIVES:
            return True
    return False


def _all(lines: Sequence[Line]) -> list[Raised]:
    """Return the root of each error that is printed, in the order of their ends."""
    ranks = dict.fromkeys(line.rank for line in lines if not line.is_bar)
    found: list[Raised] = []
    for rank in ranks:
        places = [n for n, line in enumerate(lines) if line.rank == rank and not line.is_bar]
        found += _roots(_tracebacks(lines, places), lines, places)
        found += _terminations(lines, places)
    return sorted(found, key=lambda one: one.end) or _without_traceback(lines)


def _tracebacks(lines: Sequence[Line], places: Sequence[int]) -> Iterator[Raised]:
    """Yield what each traceback of one rank ends in."""
    texts = [IN_GROUP.sub("", lines[place].text) for place in places]
    starts = [n for n, text in enumerate(texts) if HEAD.search(text)]
    for n, until in pairwise([*starts, len(texts)]):
        at = _exception_line(texts, n + 1, until)
        message = texts[at : min(until, at + LONGEST_MESSAGE)] if at is not None else [texts[n].strip()]
        yield Raised(message[0].strip(), _kind(message), places[n], places[n if at is None else at])


def _exception_line(texts: Sequence[str], start: int, until: int) -> int | None:
    """Return the line of the exception: the first after the frames, unless something else stands there."""
    inner = [n for n in range(start, until) if texts[n][:1] not in " \t"]
    if inner and EXCEPTION.match(texts[inner[0]]):
        return inner[0]
    named = next((n for n in inner if NAMED_ERROR.match(texts[n])), None)
    return named if named is not None else next((n for n in inner if EXCEPTION.match(texts[n])), None)


def _kind(message: Sequence[str]) -> Kind:
    """Return the cause that a message names: by its first line, else by the lines that follow."""
    kind = kind_of_exception(message[0].strip())
    if kind.cause not in GENERIC:
        return kind
    for text in message[1:]:
        if text in (DIRECT, HANDLING) or HEAD.search(text):
            break
        other = kind_of_exception(text.strip())
        if other.cause in UNEXPECTED:
            return other
    return kind


def _roots(raised: Iterator[Raised], lines: Sequence[Line], places: Sequence[int]) -> Iterator[Raised]:
    """Yield the root of each chain of tracebacks."""
    texts = {place: lines[place].text.strip() for place in places}
    links = {place: text for place, text in texts.items() if text in (DIRECT, HANDLING)}
    root: Raised | None = None
    for one in raised:
        if root is None:
            root = one
            continue
        link = next((text for place, text in links.items() if root.end < place < one.start), None)
        if link is None:
            yield root
            root = one
        elif link == HANDLING and root.kind.cause not in UNEXPECTED:
            root = one
        else:
            root = Raised(root.text, root.kind, root.start, one.end)
    if root is not None:
        yield root


def _terminations(lines: Sequence[Line], places: Sequence[int]) -> Iterator[Raised]:
    """Yield what C++ says of exceptions that nobody caught."""
    for n, place in enumerate(places):
        if match := TERMINATE.match(lines[place].text):
            following = [lines[p].text for p in places[n + 1 : n + 3]]
            what = next((said["message"] for text in following if (said := WHAT.match(text))), "")
            text = f"{match['type']}: {what}" if what else match["type"]
            yield Raised(text, kind_of_exception(text), place, place + len(following))


def _without_traceback(lines: Sequence[Line]) -> list[Raised]:
    """Return an exception that is named near the end without a traceback before it."""
    places = [n for n, line in enumerate(lines) if not line.is_bar][-LAST_LINES:]
    found = []
    for place in places:
        match = NAMED_ERROR.match(lines[place].text)
        if match:
            message = [match["error"], *(lines[n].text for n in places if n > place)]
            found.append(Raised(match["error"].strip(), _kind(message[:LONGEST_MESSAGE]), place, place))
    return found

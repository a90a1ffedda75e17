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
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
    fatal = [raised for raised in _all(lines) if not goes_on(lines, raised.end)]
    if not fatal:
        return None
    for raised in reversed(fatal):
        if not raised.is_effect:
            return raised
    return fatal[0]


def without_ignored(lines: Sequence[Line]) -> list[Line]:
    """Return lines without the tracebacks of exceptions that Python ignored or only logged."""
    kept: list[Line] = []
    texts = [line.text for line in lines]
    skip_until = 0
    for n, line in enumerate(lines):
        if n >= skip_until and _begins_ignored_traceback(texts, n):
            at = _exception_line(texts, n + 2, len(texts))
            skip_until = n + 2 if at is None else at + 1
        if n >= skip_until:
            kept.append(line)
    return kept


def _begins_ignored_traceback(texts: Sequence[str], n: int) -> bool:
    if not SURVIVED.match(texts[n]) or n + 1 == len(texts):
        return False
    return HEAD.search(texts[n + 1]) is not None


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
    places_of_rank: dict[str, list[int]] = defaultdict(list)
    for n, line in enumerate(lines):
        if not line.is_bar:
            places_of_rank[line.rank].append(n)
    errors: list[Raised] = []
    for places in places_of_rank.values():
        errors += _roots(_tracebacks(lines, places), lines, places)
        errors += _terminations(lines, places)
    errors.sort(key=lambda raised: raised.end)
    return errors or _without_traceback(lines)


def _tracebacks(lines: Sequence[Line], places: Sequence[int]) -> Iterator[Raised]:
    """Yield what each traceback of one rank ends in."""
    texts = [IN_GROUP.sub("", lines[place].text) for place in places]
    starts = [n for n, text in enumerate(texts) if HEAD.search(text)]
    for start, until in pairwise([*starts, len(texts)]):
        at = _exception_line(texts, start + 1, until)
        if at is None:
            at = start
            message = [texts[start].strip()]
        else:
            message = texts[at : min(until, at + LONGEST_MESSAGE)]
        yield Raised(text=message[0].strip(), kind=_kind(message), start=places[start], end=places[at])


def _exception_line(texts: Sequence[str], start: int, until: int) -> int | None:
    """Return the line of the exception: the first after the frames, unless something else stands there."""
    unindented = [n for n in range(start, until) if texts[n][:1] not in " \t"]
    if unindented and EXCEPTION.match(texts[unindented[0]]):
        return unindented[0]
    for pattern in (NAMED_ERROR, EXCEPTION):
        for n in unindented:
            if pattern.match(texts[n]):
                return n
    return None


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


def _roots(errors: Iterator[Raised], lines: Sequence[Line], places: Sequence[int]) -> Iterator[Raised]:
    """Yield the root of each chain of tracebacks."""
    links: dict[int, str] = {}
    for place in places:
        text = lines[place].text.strip()
        if text in (DIRECT, HANDLING):
            links[place] = text
    root: Raised | None = None
    for raised in errors:
        link = ""
        if root is not None:
            link = _link_between(root, raised, links)
        if root is None or link == "":
            if root is not None:
                yield root
            root = raised
        elif link == HANDLING and root.kind.cause not in UNEXPECTED:
            root = raised
        else:
            root = replace(root, end=raised.end)
    if root is not None:
        yield root


def _link_between(first: Raised, second: Raised, links: Mapping[int, str]) -> str:
    """Return the sentence that joins two tracebacks; empty where none does."""
    for place, text in links.items():
        if first.end < place < second.start:
            return text
    return ""


def _terminations(lines: Sequence[Line], places: Sequence[int]) -> Iterator[Raised]:
    """Yield what C++ says of exceptions that nobody caught."""
    for n, place in enumerate(places):
        match = TERMINATE.match(lines[place].text)
        if not match:
            continue
        text = match["type"]
        following = [lines[later].text for later in places[n + 1 : n + 3]]
        what = _what_in(following)
        if what:
            text = f"{text}: {what}"
        end = place + len(following)
        yield Raised(text=text, kind=kind_of_exception(text), start=place, end=end)


def _what_in(texts: Sequence[str]) -> str:
    """Return the message of a C++ exception; empty where there is none."""
    for text in texts:
        match = WHAT.match(text)
        if match:
            return match["message"]
    return ""


def _without_traceback(lines: Sequence[Line]) -> list[Raised]:
    """Return the exceptions that are named near the end without a traceback before them."""
    places = [n for n, line in enumerate(lines) if not line.is_bar][-LAST_LINES:]
    errors = []
    for n, place in enumerate(places):
        match = NAMED_ERROR.match(lines[place].text)
        if match:
            following = [lines[later].text for later in places[n + 1 :]]
            message = [match["error"], *following][:LONGEST_MESSAGE]
            raised = Raised(text=match["error"].strip(), kind=_kind(message), start=place, end=place)
            errors.append(raised)
    return errors

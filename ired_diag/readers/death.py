"""What a job died of, as the end of its text log says.

Causes are looked for in the order in which they explain each other: a job that ran out of time is also
"cancelled" and its program may print a traceback; a process that the kernel killed for its memory leaves
others behind that fail to talk to it. An error that training survived (more progress follows) is not a cause.

A shell script goes on after most complaints of its commands. Such a line counts as the cause only where it is
the last word of a job that never trained. A line that reports an error in words that no pattern here has is
quoted likewise, as the cause ``error``.

A loss that is NaN at the end of the log and stays NaN is a failure, too, though the program may exit with 0.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.readers import causes
from ired_diag.readers.causes import Kind
from ired_diag.readers.completed import ENDS, last_completion
from ired_diag.readers.console_lines import (
    COLOUR,
    Line,
    console_lines,
    text_apart_from_bars,
    without_colours,
    without_middles_of_bars,
)
from ired_diag.readers.tracebacks import Raised, fatal_exception, goes_on, without_ignored
from ired_diag.readers.wording import AS_ZEROS, Wording, remembered_by_line, wording_of
from ired_diag.runs.ending import Ending

LONGEST_DETAIL = 300
# A line that holds none of these words names no cause.
WORDS = (
    *("Error", "ERROR", "error:", "error -", "error!", "error]", "xception", "raceback", "atal", "FATAL"),
    *(
        "CRITICAL",
        "panic",
        "Panic",
        "illed",
        "CANCELLED",
        "DUE TO",
        "erminat",
        "borted",
        "borting",
        "egmentation",
    ),
    *(
        "egfault",
        "oom",
        "OOM",
        "SIG",
        "Signal",
        "signal",
        "ot found",
        "not set",
        "parameter null",
        "No such",
    ),
    *("enied", "unbound", " memory", "Assertion", "Watchdog", "Interrupt", "Bus error"),
    *("point exception", "Illegal", " 137", ": -9", "-11", " 139", "PBS", "TERM_", "NaN", "nan", "inite"),
    *("nccl", "NCCL error", "NCCL operations", "NCCL watchdog", "bad_alloc"),
    *("loss scale", "Invalid", ": invalid", "annot ", "an't ", "ould not ", "ailed to", "failed", "ailure"),
    *("nable to", "CONFLICT", "bad ", "syntax", "unrecognized", "not recognized", "No module", "Missing "),
    *(
        "redirect",
        "required",
        "too long",
        "ile for ",
        "unexpected",
        ": line ",
        "*** ",
        "no tracking",
        "exit code",
    ),
)
WORDS_AS_ZEROS = tuple((word, word.encode().translate(AS_ZEROS)) for word in WORDS)
WORDS_WITH_DIGITS = frozenset(word for word in WORDS if re.search(r"\d", word))
NUMBERS = tuple(word.encode() for word in sorted(WORDS_WITH_DIGITS))
REPORTED_EXIT = b"xited with "
LOSS = re.compile(
    r"(?i)(?<![\w./-])(?P<name>(?:(?:train(?:ing)?|total|batch|avg|average|mean|running|step|epoch|iter)"
    r"[ _/.-]?)?loss)['\"]?\s*(?:\([^)]*\)\s*)?(?:[:=|]\s*|is\s+|\s)"
    r"(?P<value>[-+]?(?:nan|inf(?:inity)?|\d+(?:\.\d*)?(?:e[-+]?\d+)?))\b"
)
LOSS_LINES = 400
FEWEST_NAN = 2
SUFFIXES = (".log", ".out", ".err", ".txt", ".stdout", ".stderr", "")
HEAD = 4096
TAIL = 1 << 14  # bytes in which the last words are looked for
EXIT_ZERO = re.compile(r"(?i)\b(?:code|status)\D{0,4}0\b")
SESSION = re.compile(rb"^\s*>>> ", re.MULTILINE)  # a document that shows a session of Python
CALLED_PROCESS = ("subprocess.CalledProcessError", "CalledProcessError")  # what it called said why


class DiedWithoutMetrics(UnreadableFile):
    """A text log of a job that died, in which no metric can be read."""


def death(content: bytes, *, trained: bool | None = None) -> Ending | None:
    """Return how a job died, None where the log does not say that it did.

    Args:
        content: The log: a job's output, its error stream, or both in one file.
        trained: Whether the job came as far as to train. Default: whether the log shows progress.
    """
    wording = wording_of(content)
    words = _words_in(content, wording)
    if not words or (trained and _stand_in_bars_alone(words, content)):
        return None
    end = last_completion(content) if wording.may_hold(*ENDS) else None
    if end is None:
        return death_in(_lines_of(content), trained=trained, words=words)
    # Training came to its end: only what follows can have ended the job, or a loss that was NaN.
    if b"nan" in wording.lower or b"\x1b" in wording.lines:
        lines = without_ignored(_lines_of(content[:end]))
        nan = loss_stays_nan(lines)
        if nan:
            return Ending("failed", nan, cause="nan_loss")
    return death_in(_lines_of(content[end:]), trained=True, words=words)


def _lines_of(content: bytes) -> list[Line]:
    return console_lines(without_middles_of_bars(content, _has_cause_in_words, NUMBERS))


def _words_in(content: bytes, wording: Wording) -> list[str]:
    """Return the words of causes that a log may hold: a few of a hundred."""
    words_of_lines: set[str] = set()
    for line in wording.distinct:
        words_of_lines.update(words_of_causes(line))
    if not words_of_lines:
        return []
    words = [word for word in WORDS if word in words_of_lines]
    if COLOUR in wording.lines:  # a number may be printed in two colours
        return words
    return [word for word in words if word not in WORDS_WITH_DIGITS or word.encode() in content]


@remembered_by_line
def words_of_causes(line: bytes) -> tuple[str, ...]:
    """Return the words of causes that may stand in a line, whose digits are zeros."""
    text = without_colours(line)  # a word may be printed in two
    return tuple(word for word, as_zeros in WORDS_AS_ZEROS if as_zeros in text)


def _has_cause_in_words(line: bytes) -> bool:
    return not WORDS_WITH_DIGITS.issuperset(words_of_causes(line))


def _stand_in_bars_alone(words: Iterable[str], content: bytes) -> bool:
    """Say whether some words are numbers in progress bars, such as " 137" in "| 137/1000", and no cause.

    Such a job is said to have died only where a shell reports its exit.
    """
    if not WORDS_WITH_DIGITS.issuperset(words):
        return False
    rest = text_apart_from_bars(content)
    return not any(word.encode() in rest for word in words) and REPORTED_EXIT not in rest


def _suspects(lines: Sequence[Line], words: Sequence[str]) -> list[int]:
    """Return the places of the lines that hold a word which a cause may have."""
    texts = [line.text for line in lines]
    together = "\n".join(texts)
    ends = list(accumulate(len(text) + 1 for text in texts))
    places: list[int] = []
    for word in words:
        at = together.find(word)
        while at >= 0:
            place = bisect_right(ends, at)
            places.append(place)
            at = together.find(word, ends[place])
    return sorted(set(places))


def death_of(path: Path) -> Ending | None:
    """Return how the job died whose text log is at a path; None where it does not say, or is not a text log.

    Documents and source files speak of errors that did not happen: only names that logs have are read.
    """
    if path.suffix.lower() not in SUFFIXES:
        return None
    try:
        content = path.read_bytes()
    except OSError:  # whoever reads the log reports it
        return None
    is_document = b"\0" in content[:HEAD] or SESSION.search(content)
    return None if is_document else death(content)


def death_in(
    lines: Sequence[Line], *, trained: bool | None = None, words: Sequence[str] = WORDS
) -> Ending | None:
    """Return how a job died, by the lines of its log; None where they do not say that it did.

    Args:
        lines: The lines.
        trained: Whether the job came as far as to train. Default: whether the lines show progress.
        words: Those of ``WORDS`` that the lines may hold. Default: all.
    """
    lines = without_ignored(lines)
    suspects = _suspects(lines, words)
    if not suspects:
        return None
    if trained is None:
        trained = any(line.is_progress for line in lines)
    by_scheduler = _by_kinds(causes.SCHEDULER, lines, suspects)
    raised = fatal_exception(lines)
    if by_scheduler and not (raised and _aborts_step(by_scheduler)):
        return by_scheduler
    fatal = [n for n in suspects if not goes_on(lines, n)]
    ending = _of_fatal_lines(lines, fatal, raised)
    return ending or _of_last_words(lines, trained=trained)


def _of_fatal_lines(lines: Sequence[Line], fatal: Sequence[int], raised: Raised | None) -> Ending | None:
    """Return how a job died by the lines that no progress follows, in the order of what explains most."""
    ending = _by_kinds((causes.KERNEL,), lines, fatal) or _of_arguments(lines, fatal)
    if raised and not ending:
        if raised.is_effect:  # of another process' death: the signal that ended that process explains it
            ending = _by_kinds(causes.SIGNALS, lines, fatal)
        ending = ending or _of_exception(raised, lines)
    return (
        ending
        or _by_kinds((causes.NO_SCRIPT, causes.NO_MODULE, causes.NCCL, causes.MEMORY), lines, fatal)
        or _by_kinds(causes.SIGNALS, lines, fatal)
        or _of_nan(lines, fatal)
    )


def last_words(content: bytes) -> str:
    """Return the last line of a file where it reports an error; else nothing."""
    lines = [line for line in console_lines(content[-TAIL:]) if line.text.strip() and not line.is_bar]
    if not lines:
        return ""
    text = lines[-1].text
    for kind in (*causes.LAST_WORDS, causes.NO_SCRIPT):
        if kind.line and kind.line.search(text):
            return readable(text)
    if causes.EXIT_STATUS.search(text) and not EXIT_ZERO.search(text):
        return readable(text)
    return last_error(lines)


def last_error(lines: Sequence[Line]) -> str:
    """Return the last line that is not progress, where it reports an error; else nothing."""
    last = next((line.text for line in reversed(lines) if not line.is_bar), "")
    if not causes.ERROR_LINE.search(last) or causes.WARNING.search(last):
        return ""
    return readable(last)


def loss_stays_nan(lines: Sequence[Line]) -> str:
    """Return the last line that prints a loss, where the last losses are all NaN; else nothing."""
    values: dict[str, list[float]] = {}
    last: dict[str, str] = {}
    for line in lines[-LOSS_LINES:]:
        for match in LOSS.finditer(line.text):
            name = match["name"].lower()
            values.setdefault(name, []).append(float(match["value"]))
            last[name] = match[0] if line.is_bar else line.text
    for name, series in values.items():
        is_long_enough = len(series) >= FEWEST_NAN or len(values) == 1
        if is_long_enough and all(map(math.isnan, series[-FEWEST_NAN:])):
            return readable(last[name])
    return ""


def readable(text: str) -> str:
    """Return a line as it can be quoted: on one line, printable, its beginning where it is long."""
    on_one_line = " ".join(text.split())
    printable = "".join(filter(str.isprintable, on_one_line))
    if len(printable) <= LONGEST_DETAIL:
        return printable
    return printable[:LONGEST_DETAIL] + "…"


def _by_kinds(kinds: Iterable[Kind], lines: Sequence[Line], places: Sequence[int]) -> Ending | None:
    """Return the first kind that fits a line; the last such line is the detail."""
    for kind in kinds:
        if kind.line is None:
            continue
        for place in reversed(places):
            line = lines[place]
            if not line.is_bar and kind.line.search(line.text):
                return _ending(kind, line.text)
    return None


def _aborts_step(ending: Ending) -> bool:
    """Say whether only a step was cancelled, which srun does when one of its tasks has failed."""
    return ending.state == "cancelled" and "STEP " in ending.detail and "DUE TO" not in ending.detail


def _of_arguments(lines: Sequence[Line], places: Sequence[int]) -> Ending | None:
    """Return that a program refused its arguments: in well-known words, or in any words below its usage."""
    refusal = _by_kinds((causes.ARGUMENTS,), lines, places)
    if refusal:
        return refusal
    usage = next((n for n, line in enumerate(lines) if causes.USAGE.match(line.text)), len(lines))
    for place in reversed(places):
        text = lines[place].text
        if place > usage and causes.PARSER_ERROR.match(text):
            return _ending(causes.ARGUMENTS, text)
    return None


def _of_exception(raised: Raised, lines: Sequence[Line]) -> Ending:
    text = raised.text
    if text.startswith("KeyboardInterrupt"):
        return Ending("cancelled", readable(text))
    if text.startswith(CALLED_PROCESS):
        before = _of_last_words(lines[: raised.start], trained=False)
        if before and before.cause not in ("", "error"):
            return before
    is_generic = raised.kind.cause in ("traceback", "runtime_error", "assertion")
    names_nan = re.search(r"(?i)\bnan\b", text)
    if is_generic and names_nan and loss_stays_nan(lines):
        return Ending("failed", readable(text), cause="nan_loss")
    return _ending(raised.kind, text)


def _of_nan(lines: Sequence[Line], places: Sequence[int]) -> Ending | None:
    """Return that the loss was NaN: as the program reported it when it stopped, or as it printed it."""
    report = causes.NAN_REPORT
    for place in reversed(places):
        text = lines[place].text
        if report.line and report.line.search(text) and causes.STOPPING.search(text):
            return _ending(report, text)
    line = loss_stays_nan(lines)
    return Ending("failed", line, cause="nan_loss") if line else None


def _of_last_words(lines: Sequence[Line], *, trained: bool) -> Ending | None:
    """Return what the last words of a shell script say, where the job ended there."""
    said: list[str] = []
    status = ""
    for line in lines:
        if causes.EXIT_STATUS.search(line.text):
            status = line.text
        else:
            said.append(line.text.rstrip())
    last = said[-1] if said else ""
    order_is_certain = any(line.is_bar for line in lines)
    stops = not trained or (order_is_certain and causes.STOPS_THE_SHELL.search(last))
    if stops:
        for kind in causes.LAST_WORDS:
            complaint = _complaint(said, kind)
            if complaint:
                return _ending(kind, complaint)
    error = "" if trained else last_error([Line(last)])
    if error:
        return Ending("failed", error, cause="error")
    return Ending("unexplained", readable(status)) if status else None


def _complaint(texts: Sequence[str], kind: Kind) -> str:
    """Return the last line where it fits a kind; advice may follow a complaint."""
    place = len(texts) - 1
    while place > 0 and _follows_complaint(texts[place], kind):
        place -= 1
    if place < 0 or kind.line is None:
        return ""
    complaint = texts[place]
    return complaint if kind.line.search(complaint) else ""


def _follows_complaint(text: str, kind: Kind) -> bool:
    if causes.AFTERTHOUGHT.search(text):
        return True
    return kind.cause == "git" and causes.GIT_ADVICE.search(text) is not None


def _ending(kind: Kind, text: str) -> Ending:
    return Ending(
        state=kind.state,
        detail=readable(text),
        inferred=kind.inferred,
        cause=kind.cause,
    )

"""What a job died of, as the end of a text log tells it.

Causes are looked for in the order in which they explain each other: a job that ran out of time is also
"cancelled" and its program may print a traceback; a process that the kernel killed for its memory leaves
others behind that fail to talk to it. An error that training survived (more progress follows) is not a cause.

A shell script goes on after most complaints of its commands. Such a line counts as the cause only where it is
the last word of a job that never trained. A line that reports an error in words that are not known here is
quoted likewise, as the cause ``error``.

A loss that is NaN at the end of the log and stays NaN is a failure, too, though the program may exit with 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.readers import causes
from ired_diag.readers.causes import Kind
from ired_diag.readers.completed import last_completion
from ired_diag.readers.console_lines import Line, console_lines
from ired_diag.readers.tracebacks import Raised, fatal_exception, goes_on, without_ignored
from ired_diag.runs.ending import Ending

LONGEST_DETAIL = 300
# A line that holds none of these is not asked for a cause.
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
RAW_WORDS = tuple(word.encode() for word in WORDS)
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
    if not any(word in content for word in RAW_WORDS):
        return None
    end = last_completion(content)
    if end is None:
        return death_in(console_lines(content), trained=trained)
    # Training came to its end: only what follows can have ended the job, or a loss that was NaN.
    nan = loss_stays_nan(without_ignored(console_lines(content[:end])))
    if nan:
        return Ending("failed", nan, cause="nan_loss")
    return death_in(console_lines(content[end:]), trained=True)


def death_of(path: Path) -> Ending | None:
    """Return how the job died whose text log is at a path; None where it does not say, or is no text log.

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


def death_in(lines: Sequence[Line], *, trained: bool | None = None) -> Ending | None:
    """Return how a job died, by the lines of its log; None where they do not say that it did."""
    lines = without_ignored(lines)
    telling = [n for n, line in enumerate(lines) if any(word in line.text for word in WORDS)]
    if not telling:
        return None
    if trained is None:
        trained = any(line.is_progress for line in lines)
    by_scheduler = _by_kinds(causes.SCHEDULER, lines, telling)
    raised = fatal_exception(lines)
    if by_scheduler and not (raised and _aborts_step(by_scheduler)):
        return by_scheduler
    fatal = [n for n in telling if not goes_on(lines, n)]
    found = (
        _by_kinds((causes.KERNEL,), lines, fatal)
        or _of_arguments(lines, fatal)
        or (_by_kinds(causes.SIGNALS, lines, fatal) if raised and raised.is_effect else None)
        or (_of_exception(raised, lines) if raised else None)
        or _by_kinds((causes.NO_SCRIPT, causes.NO_MODULE, causes.NCCL, causes.MEMORY), lines, fatal)
        or _by_kinds(causes.SIGNALS, lines, fatal)
        or _of_nan(lines, fatal)
    )
    return found or _of_last_words(lines, trained=trained)


def last_words(content: bytes) -> str:
    """Return the last line of a file where it reports an error, in any words that are known; else nothing."""
    lines = [line for line in console_lines(content[-TAIL:]) if line.text.strip() and not line.is_bar]
    if not lines:
        return ""
    last = lines[-1]
    kinds = (*causes.LAST_WORDS, causes.NO_SCRIPT)
    if any(kind.line and kind.line.search(last.text) for kind in kinds):
        return readable(last.text)
    is_status = causes.EXIT_STATUS.search(last.text) is not None and not EXIT_ZERO.search(last.text)
    return readable(last.text) if is_status else last_error([last])


def last_error(lines: Sequence[Line]) -> str:
    """Return the last line that is not progress, where it reports an error; else nothing."""
    last = next((line.text for line in reversed(lines) if not line.is_bar), "")
    is_error = causes.ERROR_LINE.search(last) and not causes.WARNING.search(last)
    return readable(last) if is_error else ""


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
        if all(map(math.isnan, series[-FEWEST_NAN:])) and (len(series) >= FEWEST_NAN or len(values) == 1):
            return readable(last[name])
    return ""


def readable(text: str) -> str:
    """Return a line as it can be quoted: on one line, printable, its beginning where it is long."""
    text = "".join(character for character in " ".join(text.split()) if character.isprintable())
    return text if len(text) <= LONGEST_DETAIL else text[:LONGEST_DETAIL] + "…"


def _by_kinds(kinds: Iterable[Kind], lines: Sequence[Line], places: Sequence[int]) -> Ending | None:
    """Return the first kind that fits a line; the last such line is the detail."""
    for kind in kinds:
        for place in reversed(places):
            if not lines[place].is_bar and kind.line and kind.line.search(lines[place].text):
                return _ending(kind, lines[place].text)
    return None


def _aborts_step(ending: Ending) -> bool:
    """Say whether only a step was cancelled, which srun does when one of its tasks has failed."""
    return ending.state == "cancelled" and "STEP " in ending.detail and "DUE TO" not in ending.detail


def _of_arguments(lines: Sequence[Line], places: Sequence[int]) -> Ending | None:
    """Return that a program refused its arguments: in known words, or in any words below its usage."""
    if found := _by_kinds((causes.ARGUMENTS,), lines, places):
        return found
    usages = [n for n, line in enumerate(lines) if causes.USAGE.match(line.text)]
    for place in reversed(places):
        below_usage = any(usage < place for usage in usages)
        if below_usage and causes.PARSER_ERROR.match(lines[place].text):
            return _ending(causes.ARGUMENTS, lines[place].text)
    return None


def _of_exception(raised: Raised, lines: Sequence[Line]) -> Ending:
    if raised.text.startswith("KeyboardInterrupt"):
        return Ending("cancelled", readable(raised.text))
    if raised.text.startswith(CALLED_PROCESS):
        before = _of_last_words(lines[: raised.start], trained=False)
        if before and before.cause not in ("", "error"):
            return before
    is_generic = raised.kind.cause in ("traceback", "runtime_error", "assertion")
    if is_generic and re.search(r"(?i)\bnan\b", raised.text) and loss_stays_nan(lines):
        return Ending("failed", readable(raised.text), cause="nan_loss")
    return _ending(raised.kind, raised.text)


def _of_nan(lines: Sequence[Line], places: Sequence[int]) -> Ending | None:
    """Return that the loss was NaN: as the program reported it when it stopped, or as it printed it."""
    for place in reversed(places):
        text = lines[place].text
        if causes.NAN_REPORT.line and causes.NAN_REPORT.line.search(text) and causes.STOPPING.search(text):
            return _ending(causes.NAN_REPORT, text)
    line = loss_stays_nan(lines)
    return Ending("failed", line, cause="nan_loss") if line else None


def _of_last_words(lines: Sequence[Line], *, trained: bool) -> Ending | None:
    """Return what the last words of a shell script say, where the job ended there."""
    said = [line.text.rstrip() for line in lines if not causes.EXIT_STATUS.search(line.text)]
    status = next((line.text for line in reversed(lines) if causes.EXIT_STATUS.search(line.text)), "")
    last = said[-1] if said else ""
    order_is_known = any(line.is_bar for line in lines)
    for kind in causes.LAST_WORDS:
        stops = not trained or (order_is_known and causes.STOPS_THE_SHELL.search(last))
        complaint = _complaint(said, kind) if stops else ""
        if complaint:
            return _ending(kind, complaint)
    if not trained and (quoted := last_error([Line(last)])):
        return Ending("failed", quoted, cause="error")
    return Ending("unexplained", readable(status)) if status else None


def _complaint(texts: Sequence[str], kind: Kind) -> str:
    """Return the last line where it fits a kind; advice may follow a complaint."""
    place = len(texts) - 1
    while place > 0 and (
        causes.AFTERTHOUGHT.search(texts[place])
        or (kind.cause == "git" and causes.GIT_ADVICE.search(texts[place]))
    ):
        place -= 1
    return texts[place] if place >= 0 and kind.line and kind.line.search(texts[place]) else ""


def _ending(kind: Kind, text: str) -> Ending:
    return Ending(kind.state, readable(text), kind.inferred, kind.cause)

"""How a SLURM job ended, as far as its two files say.

The ``.err`` file counts first: what stands there and is not progress is the reason, whatever program
wrote it. Training that printed its last line is complete whatever the files say after it; what they say then
is kept as the detail. So is training that stopped early, and an evaluation that printed its summary.

A job that was preempted is often started again with the same id, and appends to the same files. What came
last counts: a cancellation that more output follows is not the end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ired_diag.readers import causes
from ired_diag.readers.completed import ENDS, last_completion, says_complete
from ired_diag.readers.console_lines import console_lines
from ired_diag.readers.death import death, last_words, readable
from ired_diag.readers.line_search import first_at_line_start, lines_holding, spans_of_lines, starts_a_line
from ired_diag.readers.wording import Wording, wording_of
from ired_diag.runs.ending import Ending

COMPLETE = re.compile(rb"^training complete\b", re.MULTILINE | re.IGNORECASE)
CLEANING_UP, COMPLETED_AT, COMPLETE_BANNER = b"Cleaning up work directory", b" completed at ", b" Complete ="
BANNER = re.compile(rb"=+ .* Complete =+")
SUMMARY = re.compile(rb"Evaluation Summary\b")
ERROR = b"ERROR"
REPORTED_ERROR = re.compile(rb"\bERROR\b[ :-][^\r\n]*")
EVENTS = (b"Validation Result @ Iteration ", b"DIAG step=")
BEGINS = b"Training for "
TRAINED = re.compile(rb"^Training for \d", re.MULTILINE)
STARTED = re.compile(rb"^(?:Job started at |Loading configuration from: |SLURM_JOB_ID)", re.MULTILINE)
STARTS = (b"Job started at ", b"Loading configuration from: ", b"SLURM_JOB_ID")  # each once a start
EVALUATED = re.compile(rb"Validation Result @ Iteration |DIAG step=")
EARLY_STOP = re.compile(
    rb"^[^\r\n]{0,80}?(?:"
    rb"[Ee]arly[ _-]?[Ss]top(?:ping|ped)?(?:"
    rb" (?:at|after|triggered|condition|criterion|due|because|since|here|on|in|as|with)\b[^\r\n]*"
    rb"|[,;:] (?:best|no [a-z]|val|the|at|after|epoch|step|stop|patience exhausted)[^\r\n]*"
    rb"|[!.]*[ \t]*\r?$)"
    rb"|[Ss]topp(?:ing|ed) early\b[^\r\n]*"
    rb"|[^\r\n]{0,160}Signaling Trainer to stop\b[^\r\n]*"
    rb")",
    re.MULTILINE,
)
STOP_WORDS = (b"arly", b"ARLY", b"ignaling Trainer")
NOT_A_STOP = re.compile(
    rb"(?i)counter|patience *[=:]|patience of|enabled|disabled|\bwill\b|would|\bif\b|usage|config"
)
CANCELLED = re.compile(rb"\bCANCELLED AT \d{4}-[^\n]*(?:\n|\Z)", re.MULTILINE)
OUT_TAIL = 1 << 16  # bytes of the output in which a cause is looked for
PROGRESS_BAR = b"%|"


def find_ending(out: bytes, err: bytes | None) -> Ending:
    """Return how a job ended.

    Args:
        out: Its ``.out`` file.
        err: The ``.err`` file next to it, if there is one; some jobs write both streams into ``.out``.
    """
    out, err = _last_start(out, err)
    wording = wording_of(out)
    has_bars = PROGRESS_BAR in out or PROGRESS_BAR in (err or b"")
    trained = has_bars or _shows_training(out, wording)
    of_errors = None if err is None else death(err, trained=trained)
    deaths = _deaths(out, of_errors, trained=trained)
    if _says_complete(out, wording):
        if err is not None and not trained:
            of_errors = death(err, trained=True)
        return _complete(out, of_errors, deaths)
    stop = _early_stop(out) or _early_stop(err or b"")
    if stop:
        detail = f"then: {deaths[0].detail}" if deaths else stop
        return Ending("complete", detail)
    if deaths:
        explained = [ending for ending in deaths if ending.state != "unexplained"]
        return (explained or deaths)[0]
    has_summary = not trained and first_at_line_start(SUMMARY, out, b"Evaluation Summary")
    if has_summary and not REPORTED_ERROR.search(out):
        return Ending("complete", "the evaluation printed its summary")
    if _has_last_lines(out):
        detail = _reported_error(out) or "the script reached its end without finishing training"
        return Ending("unexplained", detail)
    words = _last_words(out, err) if trained else ""
    detail = f"last error line: {words}" if words else ""
    return Ending("cut_off", detail)


def _shows_training(out: bytes, wording: Wording) -> bool:
    if wording.may_hold(*EVENTS):
        return True
    return wording.may_hold(BEGINS) and TRAINED.search(out) is not None


def _deaths(out: bytes, of_errors: Ending | None, *, trained: bool) -> list[Ending]:
    """Return what the error stream, and then the output, say that the job died of."""
    deaths = [of_errors, death(out[-OUT_TAIL:], trained=trained)]
    return [ending for ending in deaths if ending]


def _last_words(out: bytes, err: bytes | None) -> str:
    """Return the last line of the error stream, or of the output, where it reports an error."""
    return last_words(err or b"") or last_words(out[-OUT_TAIL:])


def _says_complete(out: bytes, wording: Wording) -> bool:
    """Say whether the program says that training is over.

    A batch script that prints its own last lines may print "Training completed!" after a failure too: of such
    a log only the words of the study's program count.
    """
    if b"training complete" in wording.lower and _holds_last_line(out, wording):
        return True
    may_say_so = wording.may_hold(*ENDS)
    return may_say_so and not _has_last_lines(out) and says_complete(out)


def _holds_last_line(out: bytes, wording: Wording) -> bool:
    """Say whether a line is the last one of the study's program."""
    if not any(map(COMPLETE.match, wording.distinct)):
        return False
    # Only a newline begins a line of the log; a carriage return does, too, in its wording.
    return b"\r" not in out or COMPLETE.search(out) is not None


def _has_last_lines(out: bytes) -> bool:
    """Say whether a batch script printed its own last lines."""
    if COMPLETED_AT in out or starts_a_line(out, CLEANING_UP):
        return True
    return any(BANNER.match(line) for line in lines_holding(out, COMPLETE_BANNER))


def _complete(out: bytes, of_errors: Ending | None, deaths: Sequence[Ending]) -> Ending:
    """Return that training is complete, with what went wrong after it, or a loss that ended as NaN.

    A log may hold several trainings, one after the other: an error before the last one that came to its end
    is not what happened then.
    """
    if deaths and deaths[0].cause == "nan_loss":
        return Ending("complete", deaths[0].detail, cause="nan_loss")
    rest = out[last_completion(out) or 0 :]
    later = _deaths(rest, of_errors, trained=True)
    after = later[0].detail if later else _reported_error(rest)
    detail = f"then: {after}" if after else ""
    return Ending("complete", detail)


def _last_start(out: bytes, err: bytes | None) -> tuple[bytes, bytes | None]:
    """Return what the files say since a requeued job was started for the last time."""
    if b"CANCELLED AT" not in out and b"CANCELLED AT" not in (err or b""):
        return out, err
    starts = _starts(out)
    cancellations = len(CANCELLED.findall(err or b""))
    is_restarted = len(starts) > cancellations > 0
    later_out = _since_cancellation(out, is_restarted=False)
    later_err = err and _since_cancellation(err, is_restarted=is_restarted)
    only_err_was_cut = later_out is out and later_err != err
    if only_err_was_cut and len(starts) > 1:
        later_out = out[starts[-1] :]
    return later_out, later_err


def _starts(out: bytes) -> list[int]:
    """Return where a job was started: each start prints some of these lines, each once."""
    most: list[int] = []
    for line in STARTS:
        pattern = re.compile(rb"^" + re.escape(line), re.MULTILINE)
        places = [match.start() for match in pattern.finditer(out)]
        if len(places) > len(most):
            most = places
    return most


def _since_cancellation(content: bytes, *, is_restarted: bool) -> bytes:
    """Return what follows the last cancellation, where the job was started again after it; else all."""
    last = None
    for last in CANCELLED.finditer(content):  # noqa: B007 (the last one is wanted)
        pass
    if last is None:
        return content
    rest = content[last.end() :]
    if is_restarted or STARTED.search(rest):
        return rest
    is_requeued = causes.REQUEUED.search(last[0].decode("utf-8", "replace"))
    if is_requeued and any(line.is_progress for line in console_lines(rest)):
        return rest
    return content


def _early_stop(content: bytes) -> str:
    """Return the line that says that training stopped early, where no evaluation follows it."""
    if not wording_of(content).may_hold(*STOP_WORDS):
        return ""
    for start, end in reversed(spans_of_lines(content, *STOP_WORDS)):
        match = EARLY_STOP.match(content, start, end)
        is_stop = match is not None and not NOT_A_STOP.search(match[0])
        if match and is_stop and not EVALUATED.search(content, match.end()):
            return readable(match[0].decode("utf-8", "replace"))
    return ""


def _reported_error(out: bytes) -> str:
    errors = REPORTED_ERROR.findall(out) if ERROR in out else []
    if not errors:
        return ""
    return readable(_line_around(errors[-1], out))


def _line_around(part: bytes, content: bytes) -> str:
    at = content.rfind(part)
    newline = content.rfind(b"\n", 0, at)
    redraw = content.rfind(b"\r", 0, at)
    start = max(newline, redraw) + 1
    return content[start : at + len(part)].decode("utf-8", "replace")

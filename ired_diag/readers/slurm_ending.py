"""How a SLURM job ended, as far as its two files say.

Causes are looked for in the order in which they explain each other: a job that ran out of time is also
"cancelled", a process that ran out of memory also leaves a traceback. Training that printed its last line
is complete whatever the files say after it; what they say then is kept as the detail.
"""

from __future__ import annotations

import re

from ired_diag.runs.ending import Ending, State

COMPLETE = re.compile(rb"^training complete\b", re.MULTILINE | re.IGNORECASE)
LAST_LINES = re.compile(
    rb"^(?:Cleaning up work directory|[^\n]* completed at |=+ .* Complete =+)", re.MULTILINE
)
REPORTED_ERROR = re.compile(rb"\bERROR\b[ :-]")

TRACEBACK = re.compile(rb"Traceback \(most recent call last\):[ \r]*\n")
SYNTAX = re.compile(
    rb'^  File "[^"\n]+", line \d+\n(?:[^\n]*\n){1,3}?(?P<error>(?:Syntax|Indentation|Tab)Error: [^\n]+)',
    re.MULTILINE,
)
IGNORED = re.compile(rb"Exception ignored in[^\n]*\n\Z")
EXCEPTION = re.compile(rb"^[A-Za-z_][\w.]*(?::[^\n]*)?[ \r]*$", re.MULTILINE)
NO_FILE = re.compile(rb"^(?:FileNotFoundError|NotADirectoryError|IsADirectoryError)\b")
TRAINED = re.compile(rb"^Training for \d|Validation Result @ Iteration |DIAG step=", re.MULTILINE)

# Each in the words of the program that prints it: a commit's subject may speak of any of these.
CAUSES: tuple[tuple[State, re.Pattern[bytes]], ...] = (
    ("time_limit", re.compile(rb"(?:slurmstepd|srun|sbatch)\b[^\n]*DUE TO TIME LIMIT")),
    (
        "out_of_memory",
        re.compile(
            rb"error: Detected \d+ oom[_-]kill|srun: error: [^\n]*Out Of Memory"
            rb"|\bOutOfMemoryError: |RuntimeError: CUDA (?:error: )?out of memory|^MemoryError\b"
            rb"|Exceeded (?:job|step) memory limit",
            re.MULTILINE,
        ),
    ),
    (
        "cancelled",
        re.compile(
            rb"(?:slurmstepd|srun)\b[^\n]*(?:CANCELLED AT |DUE TO (?:PREEMPTION|NODE FAILURE))"
            rb"|^KeyboardInterrupt\b",
            re.MULTILINE,
        ),
    ),
    (
        "argument_error",  # in the words of argparse, and of click
        re.compile(
            rb"^[\w./-]+: error: (?:unrecognized arguments|the following arguments|one of the arguments"
            rb"|argument |expected |ambiguous )"
            rb"|^Error: (?:No such (?:option|command)|Missing |Invalid value|Got unexpected|Option )",
            re.MULTILINE,
        ),
    ),
)
SIGNALLED = re.compile(
    rb"\d+ (?:Killed|Terminated|Segmentation fault|Bus error|Aborted)\b"
    rb"|srun: error: [^\n]*: (?:Killed|Terminated)"
)
NO_SCRIPT = re.compile(rb"can't open file")
NO_COMMAND = re.compile(rb"No such file or directory|: command not found")
LONGEST_DETAIL = 300


def find_ending(out: bytes, err: bytes | None) -> Ending:
    """Return how a job ended.

    Args:
        out: Its ``.out`` file.
        err: The ``.err`` file beside it, if there is one; some jobs write both streams into ``.out``.
    """
    trained = bool(TRAINED.search(out))
    files = [out] if err is None else [err, out]
    causes = [cause for content in files if (cause := _cause(content, trained=trained))]
    if COMPLETE.search(out):
        after = causes[0].detail if causes else _line_of(REPORTED_ERROR, out)
        return Ending("complete", f"then: {after}" if after else "")
    if causes:
        return causes[0]
    if LAST_LINES.search(out):
        detail = _line_of(REPORTED_ERROR, out) or "the script reached its end without finishing training"
        return Ending("unexplained", detail)
    return Ending("cut_off")


def _cause(content: bytes, *, trained: bool) -> Ending | None:
    """Return the cause of death that a file names, if it names one."""
    for state, pattern in CAUSES:
        if line := _line_of(pattern, content):
            return Ending(state, line)
    if exception := _last_exception(content):
        return Ending("file_not_found" if NO_FILE.match(exception) else "traceback", _readable(exception))
    if line := _line_of(NO_SCRIPT, content):
        return Ending("file_not_found", line)
    if line := _line_of(SIGNALLED, content):
        return Ending("killed", line)
    # A shell goes on after most of its complaints: only the last word of a job that never trained counts.
    last = content.rstrip().rsplit(b"\n", 1)[-1]
    if not trained and NO_COMMAND.search(last):
        return Ending("file_not_found", _readable(last))
    return None


def _last_exception(content: bytes) -> bytes | None:
    """Return the last line of the last traceback that was not merely "ignored"."""
    last = None
    for match in TRACEBACK.finditer(content):
        if IGNORED.search(content, 0, match.start()):
            continue
        named = EXCEPTION.search(content, match.end())
        last = named[0] if named else match[0]
    if last is None and (syntax := SYNTAX.search(content)):
        return syntax["error"]
    return last


def _line_of(pattern: re.Pattern[bytes], content: bytes) -> str:
    """Return the line (newline or carriage return ends it) of the last match, else nothing."""
    last = None
    for last in pattern.finditer(content):  # noqa: B007 (the last one is wanted)
        pass
    if last is None:
        return ""
    start = max(content.rfind(b"\n", 0, last.start()), content.rfind(b"\r", 0, last.start())) + 1
    ends = [e for e in (content.find(b"\n", last.end()), content.find(b"\r", last.end())) if e >= 0]
    return _readable(content[start : min(ends, default=len(content))])


def _readable(line: bytes) -> str:
    """Return the end of a line as text: progress bars may stand before what matters."""
    text = " ".join(line.decode("utf-8", "replace").split())
    text = "".join(character for character in text if character.isprintable())
    return text if len(text) <= LONGEST_DETAIL else "…" + text[-LONGEST_DETAIL:]

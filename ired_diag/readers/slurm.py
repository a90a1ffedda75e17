"""SLURM's ``.out`` files, with the ``.err`` beside them.

What is read: the lines that a batch script prints about the job, the training script's configuration
block, its two evaluation tables, and its diagnostics,

    Validation Result @ Iteration 1000; Milestone = 1 (ID: Validation)
    ---  -------
    mse  0.00969
    ---  -------
    [CD-DIAG step=1100] E_pos=982.8 E_neg=1069.2 margin=86.3

which become the metrics ``validation/mse`` (the table's label in lower case, a slash, its row) and
``CD-DIAG/E_pos``. A metric whose step goes back begins a new attempt within the log: a requeued job appends
to it, and what was logged from that step on is ended. A last line without a newline is a write that was
cut: nothing is read from it, because it may hold half a number. A table or a diagnostic may stand behind a
progress bar, where both streams went into one file.

Progress bars (``progress_series``) are read from the ``.err`` file, else from the ``.out`` file; a ``.err``
file or a text log that holds bars is read alone too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.finding import Finding
from ired_diag.json_text import MOST_BYTES, parse_first_json
from ired_diag.readers import progress_series, slurm_job
from ired_diag.readers.death import DiedWithoutMetrics
from ired_diag.readers.evaluation_ending import evaluation_ending, provenance_of
from ired_diag.readers.printed_results import is_evaluation_log, read_job_results
from ired_diag.readers.slurm_ending import find_ending
from ired_diag.readers.task_seeds import SEED_IS_TASK
from ired_diag.runs.attempt import Attempt, experiment_number
from ired_diag.runs.history import History, Row, Series
from ired_diag.runs.place import parse_place

HEAD, HEAD_OF_BARS = 4096, 1 << 20
PROGRESS_BAR = b"%|"
DRAWN_BAR = re.compile(rb"\d%\|[^|\r\n]*\| *\d+/\d+ \[")
LONGEST_END = 4096  # bytes in which the last line is looked for

MARKERS = re.compile(
    rb"^(?:Job started at |Running on host: |Job ID: |Loading configuration from: |Configuration: ?\{"
    rb"|Validation Result @ Iteration |\[[\w-]*DIAG step=|Setting random seed: |SLURM_JOB_ID)",
    re.MULTILINE,
)
CONFIGURATION = re.compile(rb"^Configuration:\s*(?=\{)", re.MULTILINE)
EVALUATION = re.compile(
    rb"(?:^|[\r\]])Validation Result @ Iteration (?P<step>\d{1,18}); Milestone = \d+ "
    rb"\((?P<label>[^)\n]*)\)[ \t\r]*\n"
    rb"-[- \t\r]*\n"
    rb"(?P<table>(?:[^\n-][^\n]*\n)*)",
    re.MULTILINE,
)
TABLE_ROW = re.compile(rb"(\S+)[ \t]+(\S+)[ \t\r]*\n")
DIAGNOSTIC = re.compile(
    rb"(?:^|[\r\]])\[(?P<tag>[\w-]*DIAG) step=(?P<step>\d{1,18})\](?P<pairs>[^\n]*)\n", re.MULTILINE
)
PAIR = re.compile(rb"(\S+?)=(\S+)")

Event = tuple[int, int, dict[str, float]]  # position in the file, step, metrics


def accepts(path: Path) -> bool:
    """Say whether ``path`` is a SLURM output file, by its first 4 KiB: text, and named or written so.

    A ``.err`` file is one where it stands alone and holds progress bars, in its first MiB.
    """
    if path.suffix == ".err" and path.with_suffix(".out").is_file():
        return False
    with path.open("rb") as file:
        head = file.read(HEAD if path.suffix != ".err" else HEAD_OF_BARS)
    if not head:
        errors = path.with_suffix(".err")
        return path.suffix == ".out" and errors.is_file() and errors.stat().st_size > 0
    if b"\0" in head[:HEAD]:
        return False
    if path.suffix == ".out":
        return True
    if path.suffix != ".err" and (MARKERS.search(head) is not None or is_evaluation_log(path)):
        return True
    return DRAWN_BAR.search(head) is not None


def read(path: Path) -> Attempt:
    """Return what one job's ``.out`` file, and the ``.err`` file next to it, say.

    Raises:
        DiedWithoutMetrics: The files say what the job died of, and nothing of a training.
        UnreadableFile: The file is missing, empty, binary, or says nothing of a training job.
    """
    beside = path.with_suffix(".err")
    errors = _read_bytes(beside) if path.suffix != ".err" and beside.is_file() else None
    content = _read_bytes(path)
    if b"\0" in content[:HEAD]:
        raise UnreadableFile(f"{path}: expected a text log, found binary data.")
    whole = content[: content.rfind(b"\n") + 1]
    job = slurm_job.read_job(whole, path)
    printed = read_job_results(content, errors, path)
    configuration, findings = _configuration(whole, path)
    events, unreadable = _events(whole)
    rows = tuple(_rows(events))
    series, notes = _progress(path, content, beside, errors)
    findings.extend(notes)
    evaluated = bool(printed.results) and not printed.trains
    if not (events or configuration is not None or series or evaluated or MARKERS.search(content)):
        if printed.results:
            raise UnreadableFile(
                f"{path}: shows training in lines of no known format, and prints {printed.results[-1].words}."
            )
        return _died_before_training(path, content, errors, job)
    if evaluated:  # a block for each part of an evaluation, and each is used
        findings = [finding for finding in findings if finding.rule != "several_configurations"]
    if unreadable:
        statement = f"{unreadable} logged values are no numbers and were left out."
        findings.append(Finding("values_not_numbers", "warning", statement, {"values": unreadable}))
    if len(whole) < len(content):
        statement = "The last line is only half written; nothing was read from it."
        findings.append(Finding("torn_tail", "note", statement, {"bytes": len(content)}))
    seed = _seed(job, configuration, path)
    if seed is None and job.task is not None and not job.is_sweep:
        seed = job.task
        job.provenance[SEED_IS_TASK] = True
    named = (configuration or {}).get("experiment_name")
    name = named if isinstance(named, str) and named else None
    return Attempt(
        source=(path, beside) if errors is not None else (path,),
        experiment=_experiment(name, path),
        name=name,
        seed=seed,
        job=job.job,
        configuration=configuration,
        rows=rows,
        evaluations=_evaluations(rows),
        ending=evaluation_ending(find_ending(content, errors), printed, trained=bool(events)),
        provenance=job.provenance | provenance_of(printed),
        findings=tuple(findings),
        series=series,
        format="slurm",
        last_line=_last_line(whole),
        results=printed.results,
    )


def _progress(
    path: Path, content: bytes, beside: Path, errors: bytes | None
) -> tuple[dict[str, Series], list[Finding]]:
    """Return what the progress bars say of training: those of the ``.err`` file, else of the log itself."""
    findings: list[Finding] = []
    for file, text in ((beside, errors), (path, content)):
        if text and PROGRESS_BAR in text:
            series, notes = progress_series.read(file)
            findings.extend(notes)
            if series:
                return series, findings
    return {}, findings


def _died_before_training(path: Path, content: bytes, errors: bytes | None, job: slurm_job.Job) -> Attempt:
    """Return the attempt of a job that died in its batch script, before anything of a training was logged."""
    source = (path,) if errors is None else (path, path.with_suffix(".err"))
    seed = job.seed if job.seed is not None or job.is_sweep else job.task
    ending = find_ending(content, errors)
    experiment = _experiment(None, path)
    attempt = Attempt(
        source, experiment, None, seed, job.job, None, (), 0, ending, job.provenance, format="slurm"
    )
    if attempt.never_started:
        return attempt
    if ending.cause:
        raise DiedWithoutMetrics(f"{path}: {ending.label}: {ending.detail}")
    if not content.strip():
        raise UnreadableFile(f"{path}: is empty: the job wrote nothing, or its log was not copied whole.")
    raise UnreadableFile(
        f"{path}: expected the log of a training job (a configuration block, evaluation tables, or "
        "lines such as 'Job started at') or a progress bar with numbers, found none of it."
    )


def _last_line(content: bytes) -> str:
    """Return the last line that says something: two words at least."""
    for line in reversed(content[-LONGEST_END:].split(b"\n")):
        if len(re.findall(rb"[A-Za-z]{2,}", line)) > 1:
            return line.decode("utf-8", "replace").strip()
    return ""


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error


def _configuration(content: bytes, path: Path) -> tuple[dict[str, Any] | None, list[Finding]]:
    """Return the first configuration block, and what is odd about the blocks."""
    starts = [match.end() for match in CONFIGURATION.finditer(content)]
    if not starts:
        return None, []
    findings = []
    if len(starts) > 1:
        statement = f"The log holds {len(starts)} configuration blocks; the first is used."
        findings.append(Finding("several_configurations", "warning", statement, {"blocks": len(starts)}))
    try:
        text = content[starts[0] : starts[0] + MOST_BYTES].decode("utf-8", "replace")
        block, _ = parse_first_json(text)
        if not isinstance(block, dict):
            raise ValueError("a list, where an object is expected")
        return block, findings
    except ValueError:
        statement = "The configuration block is cut or damaged and was not read."
        findings.append(Finding("configuration_torn", "warning", statement, {"file": path.name}))
        return None, findings


def _events(content: bytes) -> tuple[list[Event], int]:
    """Return every evaluation and diagnostic in the order of the file, and how many values are no numbers."""
    events, unreadable = [], 0
    for at, step, label, pairs in sorted(_labelled(content)):
        values = {}
        for key, text in pairs:
            try:
                if b"_" in text:  # a number to Python, not to a logger
                    raise ValueError
                values[f"{label}/{key.decode('utf-8', 'replace')}"] = float(text)
            except ValueError:
                unreadable += 1
        if values:
            events.append((at, step, values))
    return events, unreadable


def _labelled(content: bytes) -> Iterator[tuple[int, int, str, list[tuple[bytes, bytes]]]]:
    """Yield position, step, label and (key, value) pairs of each evaluation table and diagnostic line."""
    for match in EVALUATION.finditer(content):
        label = match["label"].decode("utf-8", "replace").removeprefix("ID: ").lower()
        yield match.start(), int(match["step"]), label, list(_table_rows(match["table"]))
    for match in DIAGNOSTIC.finditer(content):
        yield match.start(), int(match["step"]), match["tag"].decode(), PAIR.findall(match["pairs"])


def _table_rows(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield key and value of each row, up to the first line that is no row of the table."""
    position = 0
    while match := TABLE_ROW.match(table, position):
        yield match[1], match[2]
        position = match.end()


def _evaluations(rows: Sequence[Row]) -> int:
    """Return at how many steps an evaluation stands that no later start has ended."""
    if rows and rows[-1].attempt == 1:
        return sum(any("DIAG/" not in name for name in row.values) for row in rows)
    series = History.of(rows).series
    return len({step for name, s in series.items() if "DIAG/" not in name for step in s.steps.tolist()})


def _rows(events: list[Event]) -> Iterator[Row]:
    """Yield a row a step; a metric whose step goes back begins a new attempt.

    A table of step 1000 that is printed after a diagnostic of step 1100 is no restart: each metric counts
    for itself. A metric that is logged again at its last step replaces its value.
    """
    attempt = 1
    rows: dict[int, dict[str, float]] = {}
    last: dict[str, int] = {}
    for _, step, values in events:
        if any(step < last[name] for name in values if name in last):
            yield from (Row(at, rows[at], attempt) for at in rows)
            attempt, rows, last = attempt + 1, {}, {}
        rows.setdefault(step, {}).update(values)
        last |= dict.fromkeys(values, step)
    yield from (Row(at, rows[at], attempt) for at in rows)


def _experiment(name: str | None, path: Path) -> str:
    if name:
        return experiment_number(name) or name
    return experiment_number(path.name) or slurm_job.stem_without_job(path)


def _seed(job: slurm_job.Job, configuration: dict[str, Any] | None, path: Path) -> int | None:
    """Return the seed: set, announced, configured, or in the file name; None where none states it."""
    if job.seed is not None:
        return job.seed
    configured = (configuration or {}).get("seed")
    if isinstance(configured, int) and not isinstance(configured, bool):
        return configured
    return parse_place(slurm_job.stem_without_job(path)).seed

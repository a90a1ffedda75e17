"""SLURM's ``.out`` files, with the ``.err`` beside them.

What is read: the lines that a batch script prints about the job, the training script's configuration
block, its two evaluation tables, and its diagnostics,

    Validation Result @ Iteration 1000; Milestone = 1 (ID: Validation)
    ---  -------
    mse  0.00969
    ---  -------
    [CD-DIAG step=1100] E_pos=982.8 E_neg=1069.2 margin=86.3

which become the metrics ``validation/mse`` (the table's label in lower case, a slash, its row) and
``CD-DIAG/E_pos``. A step told again, or a step back, begins a new attempt within the log. A last line
without a newline is a write that was cut: nothing is read from it, because it may hold half a number. A
table or a diagnostic may stand behind a progress bar, where both streams went into one file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile
from ired_diag.finding import Finding
from ired_diag.readers import slurm_job, tqdm_lines
from ired_diag.readers.evaluation_ending import evaluation_ending, provenance_of
from ired_diag.readers.printed_results import is_evaluation_log, read_job_results
from ired_diag.readers.scalar_log import Points
from ired_diag.readers.slurm_ending import find_ending
from ired_diag.readers.tqdm_grammar import ELAPSED, RATE
from ired_diag.runs.attempt import Attempt, experiment_number
from ired_diag.runs.history import Row, Series

HEAD = 4096
PROGRESS_BAR = b"%|"
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
    """Say whether ``path`` is a SLURM output file, by its first 4 KiB: text, and named or written so."""
    if path.suffix == ".err":
        return False
    with path.open("rb") as file:
        head = file.read(HEAD)
    if b"\0" in head or not head:
        return False
    return path.suffix == ".out" or bool(MARKERS.search(head)) or is_evaluation_log(path)


def read(path: Path) -> Attempt:
    """Return what one job's ``.out`` file, and the ``.err`` file beside it, tell.

    Raises:
        UnreadableFile: The file is missing, empty, binary, or tells nothing of a training job.
    """
    content = _text_of(path)
    beside = path.with_suffix(".err")
    errors = _read_bytes(beside) if path.suffix != ".err" and beside.is_file() else None
    whole = content[: content.rfind(b"\n") + 1]
    job = slurm_job.read_job(whole, path)
    printed = read_job_results(content, errors, path)
    configuration, findings = _configuration(whole, path)
    events, unreadable = _events(whole)
    evaluated = bool(printed.results) and not printed.trains
    if not (events or configuration is not None or evaluated or MARKERS.search(content)):
        if printed.results:
            raise UnreadableFile(
                f"{path}: shows training in lines of no known format, and prints {printed.results[-1].words}."
            )
        raise UnreadableFile(
            f"{path}: expected the log of a training job or of an evaluation (a configuration block, "
            "evaluation tables, printed results, or lines such as 'Job started at'), found none of it."
        )
    if evaluated:  # a block for each part of an evaluation, and each is used
        findings = [finding for finding in findings if finding.rule != "several_configurations"]
    if unreadable:
        statement = f"{unreadable} logged values are no numbers and were left out."
        findings.append(Finding("values_not_numbers", "warning", statement, {"values": unreadable}))
    if len(whole) < len(content):
        statement = "The last line is only half written; nothing was read from it."
        findings.append(Finding("torn_tail", "note", statement, {"bytes": len(content)}))
    named = (configuration or {}).get("experiment_name")
    name = named if isinstance(named, str) and named else None
    return Attempt(
        source=(path, beside) if errors is not None else (path,),
        experiment=_experiment(name, path),
        name=name,
        seed=_seed(job, configuration),
        job=job.job,
        configuration=configuration,
        rows=tuple(_rows(events)),
        evaluations=len({step for _, step, values in events if _is_evaluation(values)}),
        ending=evaluation_ending(find_ending(content, errors), printed, trained=bool(events)),
        provenance=job.provenance | provenance_of(printed),
        findings=tuple(findings),
        series=_progress(beside) if errors and PROGRESS_BAR in errors else {},
        format="slurm",
        last_line=_last_line(whole),
        results=printed.results,
    )


def _progress(path: Path) -> dict[str, Series]:
    """Return what the longest progress bar tells of training, a point a step; later drawings win."""
    bars = tqdm_lines.read(path).bars
    if not bars:
        return {}
    clock = (ELAPSED, RATE)
    told = {f"train/{name}": column for name, column in bars[0].columns.items() if name not in clock}
    return {name: Points(bars[0].steps, column).series for name, column in told.items()}


def _last_line(content: bytes) -> str:
    """Return the last line that says something: two words at least."""
    for line in reversed(content[-LONGEST_END:].split(b"\n")):
        if len(re.findall(rb"[A-Za-z]{2,}", line)) > 1:
            return line.decode("utf-8", "replace").strip()
    return ""


def _text_of(path: Path) -> bytes:
    content = _read_bytes(path)
    if not content.strip():
        raise UnreadableFile(f"{path}: is empty: the job wrote nothing, or its log was not copied whole.")
    if b"\0" in content[:HEAD]:
        raise UnreadableFile(f"{path}: expected a text log, found binary data.")
    return content


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be read: {error.strerror or error}.") from error


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
        block, _ = json.JSONDecoder().raw_decode(content[starts[0] :].decode("utf-8", "replace"))
        return dict(block), findings
    except (json.JSONDecodeError, RecursionError):
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


def _is_evaluation(values: dict[str, float]) -> bool:
    return not any("DIAG/" in name for name in values)


def _rows(events: list[Event]) -> Iterator[Row]:
    """Yield a row a step; a step back, or a metric told again at its step, begins a new attempt."""
    attempt, step, told = 1, None, dict[str, float]()
    for _, at_step, values in events:
        if step is not None and (at_step < step or (at_step == step and told.keys() & values.keys())):
            yield Row(step, told, attempt)
            attempt, step, told = attempt + 1, at_step, {}
        elif step is not None and at_step > step:
            yield Row(step, told, attempt)
            told = {}
        step = at_step
        told = told | values
    if step is not None:
        yield Row(step, told, attempt)


def _experiment(name: str | None, path: Path) -> str:
    if name:
        return experiment_number(name) or name
    return experiment_number(path.name) or slurm_job.stem_without_job(path)


def _seed(job: slurm_job.Job, configuration: dict[str, Any] | None) -> int | None:
    """Return the seed: as set, as announced, as configured, else the array task's number."""
    if job.seed is not None:
        return job.seed
    configured = (configuration or {}).get("seed")
    if isinstance(configured, int) and not isinstance(configured, bool):
        return configured
    return job.task

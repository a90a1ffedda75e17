"""SLURM's ``.out`` files, with the ``.err`` files next to them.

What is read: the lines that a batch script prints about the job, the training script's configuration block,
and its evaluation tables and diagnostics (``slurm_events``). A last line without a newline is a write that
was cut: nothing is read from it, because it may hold half a number.

Progress bars (``progress_series``) are read from the ``.err`` file, else from the ``.out`` file; a ``.err``
file or a text log that holds bars is read alone too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.finding import Finding
from ired_diag.json_text import MOST_BYTES, parse_first_json
from ired_diag.readers import progress_series, slurm_job
from ired_diag.readers.death import DiedWithoutMetrics
from ired_diag.readers.evaluation_ending import evaluation_ending, provenance_of
from ired_diag.readers.line_search import places_at_line_starts
from ired_diag.readers.long_logs import read_log_bytes
from ired_diag.readers.printed_results import is_evaluation_log, read_job_results
from ired_diag.readers.slurm_ending import find_ending
from ired_diag.readers.slurm_events import read_events
from ired_diag.readers.task_seeds import SEED_IS_TASK
from ired_diag.runs.history import History, Series
from ired_diag.runs.job_kind import never_started
from ired_diag.runs.labels import experiment_number
from ired_diag.runs.place import parse_place
from ired_diag.runs.run import Run
from ired_diag.runs.stated_settings import experiment_name

HEAD, HEAD_OF_BARS = 4096, 1 << 20
PROGRESS_BAR = b"%|"
DRAWN_BAR = re.compile(rb"\d%\|[^|\r\n]*\| *\d+/\d+ \[")
LONGEST_END = 4096  # bytes in which the last line is looked for

MARKERS = re.compile(
    rb"^(?:Job started at |Running on host: |Job ID: |Loading configuration from: |Configuration: ?\{"
    rb"|Validation Result @ Iteration |\[[\w-]*DIAG step=|Setting random seed: |SLURM_JOB_ID)",
    re.MULTILINE,
)
CONFIGURATION = re.compile(rb"Configuration:\s*(?=\{)")


def accepts(path: Path) -> bool:
    """Say whether ``path`` is a SLURM output file, by its first 4 KiB: text, and named or written so.

    A ``.err`` file is accepted where it stands alone and holds progress bars, in its first MiB.
    """
    is_err = path.suffix == ".err"
    is_out = path.suffix == ".out"
    errors = path.with_suffix(".err")
    if is_err and path.with_suffix(".out").is_file():
        return False
    with path.open("rb") as file:
        head = file.read(HEAD_OF_BARS if is_err else HEAD)
    if not head:
        return is_out and errors.is_file() and errors.stat().st_size > 0
    if b"\0" in head[:HEAD]:
        return False
    if is_out:
        return True
    if not is_err and (MARKERS.search(head) is not None or is_evaluation_log(path)):
        return True
    return DRAWN_BAR.search(head) is not None


def read(path: Path) -> Run:
    """Return what one job's ``.out`` file, and the ``.err`` file next to it, say.

    Raises:
        DiedWithoutMetrics: The files say what the job died of, and nothing of a training.
        UnreadableFile: The file is missing, empty, binary, or says nothing of a training job.
    """
    files = _read_files(path)
    content = files.content
    if b"\0" in content[:HEAD]:
        raise UnreadableFile(f"{path}: expected a text log, found binary data.")
    whole = content[: content.rfind(b"\n") + 1]
    job = slurm_job.read_job(whole, path)
    printed = read_job_results(content, files.errors, path)
    configuration, findings = _configuration(whole, path)
    printed_history, unreadable_values = read_events(whole)
    has_events = bool(printed_history.starts)
    series, notes = _progress(files)
    findings.extend(notes)
    only_evaluates = bool(printed.results) and not printed.trains
    says_something = has_events or configuration is not None or series or only_evaluates
    if not says_something and not MARKERS.search(content):
        if printed.results:
            raise UnreadableFile(
                f"{path}: shows training in lines of no known format, and prints {printed.results[-1].words}."
            )
        return _died_before_training(files, job)
    if only_evaluates:  # a block for each part of an evaluation, and each is used
        findings = [finding for finding in findings if finding.rule != "several_configurations"]
    if unreadable_values:
        findings.append(_left_out_values(unreadable_values))
    if len(whole) < len(content):
        statement = "The last line is only half written; nothing was read from it."
        findings.append(Finding("torn_tail", "note", statement, evidence={"bytes": path.stat().st_size}))
    seed = _seed(job, configuration, path)
    if seed is None and job.task is not None and not job.is_sweep:
        seed = job.task
        job.provenance[SEED_IS_TASK] = True
    name = experiment_name(configuration)
    ending = find_ending(content, files.errors)
    return Run(
        path=files.path,
        sources=files.paths,
        experiment=_experiment(name, path),
        name=name,
        seed=seed,
        configuration=configuration,
        history=printed_history.joined(series),
        evaluations=_evaluations(printed_history),
        ending=evaluation_ending(ending, printed, trained=has_events),
        provenance=job.provenance | provenance_of(printed),
        findings=tuple(findings),
        format="slurm",
        last_line=_last_line(whole),
        results=printed.results,
    )


@dataclass(frozen=True)
class _Files:
    """The files of a job.

    Attributes:
        path: The log.
        content: Bytes of the log.
        errors: The bytes of the ``.err`` file next to it; None where there is none.
    """

    path: Path
    content: bytes
    errors: bytes | None

    @property
    def error_path(self) -> Path:
        """The path of the ``.err`` file."""
        return self.path.with_suffix(".err")

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are there."""
        return (self.path,) if self.errors is None else (self.path, self.error_path)


def _read_files(path: Path) -> _Files:
    errors = None
    error_path = path.with_suffix(".err")
    if path.suffix != ".err" and error_path.is_file():
        errors = _read_bytes(error_path)
    return _Files(path, _read_bytes(path), errors)


def _left_out_values(values: int) -> Finding:
    statement = f"{values} logged values are no numbers and were left out."
    return Finding("values_not_numbers", "warning", statement, evidence={"values": values})


def _progress(files: _Files) -> tuple[dict[str, Series], list[Finding]]:
    """Return what the progress bars say of training: those of the ``.err`` file, else of the log itself."""
    findings: list[Finding] = []
    for path, content in ((files.error_path, files.errors), (files.path, files.content)):
        if content and PROGRESS_BAR in content:
            series, notes = progress_series.read(path)
            findings.extend(notes)
            if series:
                return series, findings
    return {}, findings


def _died_before_training(files: _Files, job: slurm_job.Job) -> Run:
    """Return the record of a job that died in its batch script, before anything of a training was logged."""
    path = files.path
    seed = job.seed
    if seed is None and not job.is_sweep:
        seed = job.task
    ending = find_ending(files.content, files.errors)
    run = Run(
        path=path,
        sources=files.paths,
        experiment=_experiment(None, path),
        seed=seed,
        ending=ending,
        provenance=job.provenance,
        format="slurm",
    )
    if never_started(run):
        return run
    if ending.cause:
        raise DiedWithoutMetrics(f"{path}: {ending.label}: {ending.detail}")
    if not files.content.strip():
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
        return read_log_bytes(path)
    except OSError as error:
        raise unreadable(path, error) from error


def _configuration(content: bytes, path: Path) -> tuple[dict[str, Any] | None, list[Finding]]:
    """Return the first configuration block, and what is odd about the blocks."""
    starts = []
    for place in places_at_line_starts(content, b"Configuration:"):
        block = CONFIGURATION.match(content, place)
        if block:
            starts.append(block.end())
    if not starts:
        return None, []
    findings = []
    if len(starts) > 1:
        statement = f"The log holds {len(starts)} configuration blocks; the first is used."
        findings.append(
            Finding("several_configurations", "warning", statement, evidence={"blocks": len(starts)})
        )
    first = content[starts[0] : starts[0] + MOST_BYTES]
    try:
        configuration, _ = parse_first_json(first.decode("utf-8", "replace"))
        if not isinstance(configuration, dict):
            raise ValueError("a list, where an object is expected")
    except ValueError:
        statement = "The configuration block is cut or damaged and was not read."
        findings.append(Finding("configuration_torn", "warning", statement, evidence={"file": path.name}))
        return None, findings
    return configuration, findings


def _evaluations(history: History) -> int:
    """Return at how many steps an evaluation stands that no later start has ended."""
    steps = [series.steps for name, series in history.series.items() if _is_evaluation(name)]
    return len(np.unique(np.concatenate(steps))) if steps else 0


def _is_evaluation(name: str) -> bool:
    return "DIAG/" not in name


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

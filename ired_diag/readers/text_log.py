r"""Any text log: lines of ``key: value``, ``key=value`` or ``key value`` with a step, and box tables.

    step:125/3225 val_loss:4.62997 train_time:23.965s
    iter 100: loss 3.1000, time 159.00ms
     iteration 20/ 1000 | lm loss: 6.1E+00 | grad norm: 9.847 |
    Epoch 3/10 [100/938]  Loss: 0.53

What a line states is in ``text_fields``, which lines are rows in ``text_layout``, which counter is the step
in ``text_rows``, the program that may be printed at the head in ``text_head``. A metric keeps its printed
name. What was decided, and the forms of the lines that were not understood, are shown by ``ired-diag ls
--explain`` (``text_explained``). This reader comes last: a file that any other one accepts is not read by it.
A file is accepted where one metric stands at two steps or more in its first 256 KiB after the program, or in
its last 64 KiB.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import UnreadableFile, unreadable
from ired_diag.finding import Finding
from ired_diag.readers.catboost_lines import judged_metric
from ired_diag.readers.completed import last_completion
from ired_diag.readers.death import death, death_of
from ired_diag.readers.foreign_configuration import SEED_KEYS
from ired_diag.readers.long_logs import read_log_bytes
from ired_diag.readers.printed_settings import printed_settings, settings_differ
from ired_diag.readers.prose import LONGEST, is_document, is_prose
from ired_diag.readers.restarts import find_restarts, starts_of
from ired_diag.readers.row_logs import look_like_runs
from ired_diag.readers.row_table import CLOCK, RowTable
from ired_diag.readers.runs_in_text import RunOfText, runs_in_text, stated_seed
from ired_diag.readers.scalar_attempt import run_of
from ired_diag.readers.scalar_log import Damage, ScalarLog
from ired_diag.readers.step_key import torn_message
from ired_diag.readers.text_head import Head, read_head
from ired_diag.readers.text_rows import TextRows, rows_of
from ired_diag.readers.text_scan import Scan, scan
from ired_diag.runs.ending import Ending
from ired_diag.runs.metric_words import measures_in, words_of
from ired_diag.runs.run import Run

FORMAT_NAME = "text_log"
HEAD, TAIL, FIRST = 1 << 18, 1 << 16, 4096
MOST_BACKS = 200  # steps that go back more often are no restarts: several processes write into the log
MOST_OTHERS = 40  # lines around a single row
NO_LOGS = frozenset(
    """
    .bash .bib .c .cfg .conf .cpp .css .csv .err .h .htm .html .ini .ipynb .java .js .json .jsonl .lock .md
    .npy .npz .patch .pdf .png .ps1 .py .pyi .rs .rst .sbatch .sh .sql .svg .tex .toml .ts .tsv .xml .yaml
    .yml
    """.split()
)
WITH_ERRORS = (".out", ".log", ".txt", ".stdout")  # suffixes of logs that have a ``.err`` next to them
SOURCE_KEY = "source_code"
OF_LINES = ("damaged_records", "torn_tail")  # findings of ``ScalarLog`` on the file, and on no single run
NO_STEP = "a line whose step is not a whole number, or too large"
LAST_OF_TRAINER = "train_runtime"  # Hugging Face's trainer prints it when training ends


@dataclass(frozen=True)
class TextLog:
    """A text log that was read: its head, its lines, its rows, and what they say."""

    head: Head
    scan: Scan
    rows: TextRows
    log: ScalarLog


def accepts(path: Path) -> bool:
    """Say whether one metric stands at several steps in the first or the last lines of ``path``."""
    if path.suffix.lower() in NO_LOGS:
        return False
    size = path.stat().st_size
    with path.open("rb") as file:
        first = file.read(FIRST)
        if first[:1] == b"\0":
            file.seek(read_head(path).length)
            first = file.read(FIRST)
    if not first.strip() or b"\0" in first or is_document(path):
        return False
    if size <= LONGEST and is_prose(path.read_text(errors="replace")):
        return False
    start = read_head(path).length
    if _has_rows(scan(path, start=start, most=HEAD), alone=size - start < HEAD):
        return True
    has_further = size - start > HEAD
    return has_further and _has_rows(scan(path, start=max(start, size - TAIL), most=TAIL), alone=False)


def _has_rows(scanned: Scan, *, alone: bool) -> bool:
    """Say whether a metric stands at two steps, or, in a short log, a measure of quality at one."""
    rows = rows_of(scanned)
    if rows is None:
        return False
    for name, column in rows.table.columns.items():
        steps = rows.table.steps[column.rows]
        if len(steps) > 1 and bool(np.any(steps != steps[0])):
            return True
        if alone and scanned.counts["other"] <= MOST_OTHERS and measures_in(words_of(name)):
            return True
    return False


def read(path: Path, *, allow_torn_tail: bool = False) -> ScalarLog:
    """Return the metrics of a text log.

    Args:
        path: The file.
        allow_torn_tail: Leave a half-written last line out.

    Raises:
        UnreadableFile: No line states a step and a metric, or the last line is torn.
    """
    return read_text(path, allow_torn_tail=allow_torn_tail).log


def read_text(path: Path, *, allow_torn_tail: bool = True) -> TextLog:
    """Return a text log with all that was decided about it.

    Raises:
        UnreadableFile: No line states a step and a metric, or the last line is torn.
    """
    head = read_head(path)
    scanned = scan(path, start=head.length)
    if scanned.torn and not allow_torn_tail:
        raise UnreadableFile(torn_message(f"{path}:{scanned.total}", scanned.torn.decode("utf-8", "replace")))
    rows = rows_of(scanned)
    if rows is None:
        raise UnreadableFile(
            f"{path}: expected lines with a step and metrics, such as 'step 100 loss 3.1', found none."
        )
    first = int(rows.lines[0])
    settings = {**printed_settings(path, start=head.length, most_lines=first), **head.settings}
    return TextLog(head, scanned, rows, _log(head, scanned, rows, settings))


def read_run(path: Path) -> Run:
    """Return the run of a text log, of several the last, with how it ended (``with_ending``)."""
    text = read_text(path)
    return with_ending(_run_of(path, text, text.log), path)


def read_runs(path: Path) -> list[Run]:
    """Return the runs of a text log, in its order; where their numbers part them, each is one.

    What comes before another run ended: only the last one ends as the log does.
    """
    text = read_text(path)
    parts = runs_in_text(text.scan, text.rows)
    if not parts or settings_differ(path, start=text.head.length):  # other settings are no repetitions
        return [with_ending(_run_of(path, text, text.log), path)]
    runs = []
    for part in parts:
        log = scalar_log(part.table, stated=_stated_of_run(text.log.stated, part), torn=False, notes=[])
        runs.append(_run_of(path, text, log))
    last = max(run.history.last_step or 0 for run in runs)
    earlier = [replace(run, ending=_ended_by_next(run.history.last_step or 0, last)) for run in runs[:-1]]
    return [*earlier, with_ending(_with_findings_on_lines(runs[-1], text), path)]


def _stated_of_run(stated: Mapping[str, Any], part: RunOfText) -> dict[str, Any]:
    """Return what a log says of one of its runs: a seed that is stated once for all is not that run's."""
    shared = {key: value for key, value in stated.items() if key != "seed"}
    config = shared.get("config")
    if config and "seed" not in part.stated:
        shared["config"] = {key: value for key, value in config.items() if key.lower() not in SEED_KEYS}
    return {**shared, **part.stated}


def _with_findings_on_lines(run: Run, text: TextLog) -> Run:
    """Return a run with what is to be said of the lines of its log, whosever they are."""
    notes = [*text.rows.notes, *_notes(text.scan, text.rows)]
    damaged = [finding for finding in text.log.findings if finding.rule in OF_LINES]
    return replace(run, findings=(*run.findings, *notes, *damaged))


def _ended_by_next(step: int, last: int) -> Ending:
    """Return how a run ended before another one of its log began: as far as the longest, or before."""
    if step < last:
        return Ending("unexplained", f"the next run of the log begins after step {step} of {last}")
    return Ending("complete", "the next run of the log begins", inferred=True)


def _run_of(path: Path, text: TextLog, log: ScalarLog) -> Run:
    """Return the run of a log that was read from a text, without how it ended."""
    run = run_of(path, log, format=FORMAT_NAME)
    if recorded := judged_metric(run.history):
        run = replace(run, recorded_metric=recorded, evaluations=len(run.history.series[recorded.name]))
    if text.head.sha256:
        run = replace(run, provenance={**run.provenance, "source_sha256": text.head.sha256})
    return run


def with_ending(run: Run, path: Path) -> Run:
    """Return the run of a printed log with how it ended, by its own words or those of its ``.err`` file.

    Raises:
        UnreadableFile: One of them cannot be read.
    """
    errors = _error_stream(path)
    if errors is not None:
        run = replace(run, sources=(*run.sources, errors))
    try:
        fatal = death_of(path) if errors is None else _death_with(path, errors)
        if run.ending.complete:
            return run
        if fatal is not None:
            return replace(run, ending=fatal)
        if _ends_complete(path):
            return replace(run, ending=Ending("complete", "the log says that training is complete"))
    except OSError as error:
        raise unreadable(path, error) from error
    return run


def _error_stream(path: Path) -> Path | None:
    """Return the ``.err`` file of the same job; None where there is none."""
    errors = path.with_suffix(".err")
    is_named_alike = path.suffix.lower() in WITH_ERRORS and errors.is_file()
    return errors if is_named_alike else None


def _death_with(path: Path, errors: Path) -> Ending | None:
    """Return how a job died, by its error stream, else by its log."""
    of_errors = death(read_log_bytes(errors), trained=True)
    if of_errors is not None:
        return replace(of_errors, detail=f"{of_errors.detail} ({errors.name})")
    return death_of(path)


def _ends_complete(path: Path) -> bool:
    """Say whether a log says that training is complete, with no row of a training after that."""
    size = path.stat().st_size
    start = max(0, size - TAIL)
    with path.open("rb") as file:
        file.seek(start)
        end = last_completion(file.read())
    return end is not None and rows_of(scan(path, start=start + end)) is None


def _log(head: Head, scanned: Scan, rows: TextRows, settings: Mapping[str, Any]) -> ScalarLog:
    return scalar_log(
        rows.table,
        stated=_stated(head, rows, settings, stated_seed(scanned, rows)),
        torn=bool(scanned.torn),
        notes=[*rows.notes, *_notes(scanned, rows)],
        damaged=[Damage(line + 1 + head.lines, NO_STEP) for line in rows.refused],
    )


def scalar_log(
    table: RowTable,
    *,
    stated: Mapping[str, Any],
    torn: bool,
    notes: list[Finding],
    damaged: Sequence[Damage] = (),
) -> ScalarLog:
    """Return the log of rows, with its restarts.

    Args:
        table: The rows.
        stated: What the log says of its run.
        torn: Whether its end is half written.
        notes: Findings of the reader.
        damaged: The lines that were skipped.
    """
    restarts: list[int] = []
    backs = int(np.sum(np.diff(table.steps) < 0))
    if backs <= MOST_BACKS:
        restarts = find_restarts(table)
    else:
        statement = f"The steps go back {backs} times; the last value of a step counts."
        notes = [*notes, Finding("steps_go_back", "warning", statement, evidence={"times": backs})]
    starts = starts_of(len(table), restarts)
    return ScalarLog(
        points=table.points(starts),
        damaged=tuple(damaged),
        torn_tail=torn,
        stated=stated,
        restarts=tuple(int(table.steps[row]) for row in restarts),
        notes=(*notes, *_repeated(table, starts), *_several_trainings(table, starts)),
    )


def _several_trainings(table: RowTable, starts: NDArray[np.int64]) -> list[Finding]:
    """Return a warning that the starts of a log look like several runs, one after another, if so."""
    count = int(starts.max(initial=0))
    if not look_like_runs([table.steps[starts == start] for start in range(1, count + 1)]):
        return []
    statement = (
        f"The log holds {count} trainings of the same steps one after another, and only the last one is "
        "read. If they are several runs (of a sweep, or seeds), save a log for each."
    )
    return [Finding("several_trainings", "warning", statement, evidence={"trainings": count})]


def _stated(head: Head, rows: TextRows, settings: Mapping[str, Any], seed: int | None) -> dict[str, Any]:
    stated: dict[str, Any] = {} if seed is None else {"seed": seed}
    if rows.planned is not None and rows.planned > 0:
        stated["train_steps"] = rows.planned
    if LAST_OF_TRAINER in rows.table.columns:
        stated["ended"] = f"the trainer reports its total run time ({LAST_OF_TRAINER})"
    if head.sha256:
        settings = {**settings, SOURCE_KEY: f"sha256 {head.code_sha256}"}
    if settings:
        stated["config"] = dict(settings)
    return stated


def _notes(scanned: Scan, rows: TextRows) -> list[Finding]:
    """Return findings about lines that were not read."""
    notes = []
    if rows.before:
        lines = "1 line" if rows.before == 1 else f"{rows.before} lines"
        statement = f"{lines} with metrics before the first step were not read."
        notes.append(Finding("metrics_before_first_step", "note", statement, evidence={"lines": rows.before}))
    if scanned.too_long:
        statement = f"{scanned.too_long} lines are longer than 16 KiB and were not read."
        notes.append(Finding("lines_too_long", "warning", statement, evidence={"lines": scanned.too_long}))
    return notes


def _repeated(table: RowTable, starts: NDArray[np.int64]) -> list[Finding]:
    """Return a note that a metric stands at one step with several values, if so; clocks do not count."""
    repeated: set[int] = set()
    for name, column in table.columns.items():
        if CLOCK.search(name):
            continue
        steps = table.steps[column.rows]
        own_starts = starts[column.rows]
        if np.all(steps[1:] > steps[:-1]):
            continue
        order = np.lexsort((np.arange(len(steps)), steps, own_starts))
        steps, own_starts, values = steps[order], own_starts[order], column.values[order]
        same = (steps[1:] == steps[:-1]) & (own_starts[1:] == own_starts[:-1])
        both_nan = np.isnan(values[1:]) & np.isnan(values[:-1])
        repeated.update(np.unique(steps[1:][same & (values[1:] != values[:-1]) & ~both_nan]).tolist())
    if not repeated:
        return []
    steps_in_words = "1 step stands" if len(repeated) == 1 else f"{len(repeated)} steps stand"
    statement = f"{steps_in_words} in several lines with different values; the last value of a step counts."
    return [Finding("repeated_steps", "note", statement, evidence={"steps": len(repeated)})]

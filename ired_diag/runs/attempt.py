"""An attempt: what one job's files tell of one seed of one experiment.

Readers of foreign logs yield attempts; ``arrange`` decides which of them are runs, which are retries of a
run, and which are variants of an experiment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ired_diag.finding import Finding
from ired_diag.runs.ending import Cause, Ending
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.history import History, Row, Series

NUMBER = re.compile(r"(?:^|[_\-])(q\d+)(?=$|[_\-.])")

BY_SCRIPT: tuple[Cause, ...] = ("git", "shell", "error")
BY_SCRIPT_OR_PROGRAM: tuple[Cause, ...] = ("file_not_found", "permission")
EXCEPTION = re.compile(r"(?:inferred from [^:]*: )?[\w.]+(?:Error|Exception)\b")


@dataclass(frozen=True)
class Attempt:
    """One job's go at a seed.

    Attributes:
        source: The files it was read from, the log first.
        experiment: Its number (``q101``), else its full name, else the stem of its file.
        name: The configuration's ``experiment_name``, where one was logged.
        seed: The random seed, where one is told.
        job: The (array) job's id.
        configuration: The configuration block as logged.
        rows: What was logged, in order.
        series: What was logged as columns, by metric: of a table, or of a progress bar. No metric stands in
            both.
        evaluations: Steps with an evaluation logged; without one, nothing can be said of the result.
        ending: How the job ended.
        provenance: Host, GPU, commit, start and end, and the like, as logged.
        findings: What is odd about the files.
        format: Which reader read it.
        last_line: The last line of its log that holds a word.
        names: Of its file and the folders above, the nearest first, where the log itself names no experiment.
        label: What distinguishes it among the runs of its experiment, where the seed does not.
        results: What an evaluation of a finished model measured, as printed or saved.
    """

    source: tuple[Path, ...]
    experiment: str
    name: str | None
    seed: int | None
    job: str | None
    configuration: Mapping[str, Any] | None
    rows: tuple[Row, ...]
    evaluations: int
    ending: Ending
    provenance: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    series: Mapping[str, Series] = field(default_factory=dict)
    format: str = ""
    last_line: str = ""
    names: tuple[str, ...] = ()
    label: str = ""
    results: tuple[EvaluationResult, ...] = ()

    @property
    def seed_label(self) -> str:
        """What it is called among the runs of its experiment, as ``label_of`` says."""
        return label_of(self.seed, self.label, self.job)

    @property
    def history(self) -> History:
        """What was logged, as one series a metric."""
        return History.of(self.rows).joined(self.series)

    def all_rows(self) -> Iterator[Row]:
        """Yield what was logged as rows, then the columns, each step by the attempt that reached it last."""
        yield from self.rows
        begins: dict[int, int] = {}
        for row in self.rows:
            begins.setdefault(row.attempt, row.step)
        told: dict[int, dict[str, float]] = {}
        for name, series in self.series.items():
            for step, value in zip(series.steps.tolist(), series.values.tolist(), strict=True):
                told.setdefault(step, {})[name] = value
        first = min(begins, default=1)
        for step in sorted(told):
            owner = max((attempt for attempt, begin in begins.items() if begin <= step), default=first)
            yield Row(step, told[step], owner)

    @property
    def only_evaluates(self) -> bool:
        """Whether the job was an evaluation and not a training.

        It logged no step of training, and its configuration asks for an evaluation, its log announces one, or
        it printed what one measured.
        """
        if self.rows or self.series or self.provenance.get("training_started"):
            return False
        configured = bool((self.configuration or {}).get("evaluation_mode"))
        return configured or bool(self.results) or bool(self.provenance.get("evaluation_announced"))

    @property
    def never_started(self) -> bool:
        """Whether the job died in its batch script, before the program that trains was started."""
        by_script = self.ending.cause in BY_SCRIPT or (
            self.ending.cause in BY_SCRIPT_OR_PROGRAM and not EXCEPTION.match(self.ending.detail)
        )
        logged = self.rows or self.series or self.configuration or self.provenance.get("training_started")
        return by_script and not logged

    @property
    def commit(self) -> str | None:
        """The git commit, in the seven characters that every log gives."""
        commit = self.provenance.get("git_commit")
        return str(commit)[:7] if commit else None

    @property
    def order(self) -> tuple[str, int]:
        """When it started, as a key to sort by; jobs without a date sort by their id."""
        digits = re.sub(r"\D", "", self.job or "")
        return str(self.provenance.get("started") or ""), int(digits or 0)


def label_of(seed: int | None, label: str, job: object) -> str:
    """Return what a run is called among the runs of its experiment.

    >>> label_of(3, "version_0", None), label_of(None, "version_0", None), label_of(None, "", "4711")
    ('seed3', 'version_0', 'unseeded-4711')
    """
    if seed is not None:
        return f"seed{seed}"
    return label or (f"unseeded-{job}" if job else "unseeded")


def is_seed_label(label: str) -> bool:
    """Say whether a run is called by its seed, so that a run of the same label in another group is its pair.

    >>> is_seed_label("seed3"), is_seed_label("4711-seed3"), is_seed_label("seedling")
    (True, False, False)
    """
    return re.fullmatch(r"seed\d+", label) is not None


def experiment_number(name: str) -> str | None:
    """Return the number in an experiment's or a file's name.

    >>> experiment_number("q101_multiseed_baseline"), experiment_number("ired_q103_seed%a_5_1.out")
    ('q101', 'q103')
    >>> experiment_number("sequel") is None
    True
    """
    found = NUMBER.search(name)
    return found[1] if found else None

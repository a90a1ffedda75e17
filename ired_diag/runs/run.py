"""A run: one seed of one experiment, as the files of one job or one run folder record it.

There is one record from the reader to the comparison. A reader fills in what a log states; ``arrange`` says
which of several records of a seed counts, which others were attempts at it (``Run.attempts``), and what each
is called; a run folder keeps all of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ired_diag.finding import Finding
from ired_diag.runs.configured_metric import configured_metric
from ired_diag.runs.dead_end import as_judged
from ired_diag.runs.direction import Direction, Source, direction_of
from ired_diag.runs.direction_by_training import lower_by_training
from ired_diag.runs.ending import Ending
from ired_diag.runs.evaluation_metric import evaluation_metric
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.history import History, Series
from ired_diag.runs.labels import is_seed_label, label_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RecordedMetric:
    """What a trainer recorded that a run is judged by, and where the direction stands."""

    name: str
    higher_is_better: bool
    source: Source = "configuration"


@dataclass(frozen=True, kw_only=True, repr=False)
class Run:
    """One seed of one experiment.

    Attributes:
        experiment: Number of the experiment (``q101``), else its full name, else the stem of the file.
        name: The configuration's ``experiment_name``, where it states one.
        variant: What distinguishes the variant of this run from the others of its experiment, if any.
        seed: The random seed, where it is recorded.
        path: The run folder, or the log of another program.
        configuration: The configuration as recorded, unchecked.
        history: What was logged.
        ending: How the run ended.
        provenance: Job, commit, host, GPU, start, end, and the like.
        attempts: Earlier attempts at the same seed, the earliest first.
        checkpoints: Checkpoint files, the earliest first.
        findings: What is odd about the files.
        metric: The metric that the user chose to judge the run by; None: configuration or name decide.
        run_name: Name of the run within its group, where seed and job do not distinguish it.
        identity_keys: Keys of the configuration that only identify the run, or that the user ignores.
        higher_is_better: Direction of the metric that the user chose; None: configuration and name decide.
        results: What an evaluation of a finished model measured, as printed or saved.
        of_table: Whether the run stands for one number of a table, and has no log.
        task: The name of the task that the run was trained on; empty where it is not recorded.
        recorded_metric: The metric that the trainer recorded as the one to judge by.
        paired_by: Keys of the configuration that, by its task, determine the data.
        sources: The files that the run was read from, the log first.
        format: Name of the reader; empty for a run folder.
        evaluations: Number of steps with an evaluation that no later start replaced; without one, nothing
            can be said of the result.
        last_line: The last line of the log that holds a word.
        names: Names of the file and the folders above it, the nearest first, where the log names no
            experiment.
        file_label: What distinguishes the run among those of its experiment by its files, without a seed.
    """

    experiment: str
    path: Path
    ending: Ending
    name: str | None = None
    variant: str | None = None
    seed: int | None = None
    configuration: Mapping[str, Any] | None = None
    history: History = field(default_factory=History)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    attempts: tuple[Run, ...] = ()
    checkpoints: tuple[Path, ...] = ()
    findings: tuple[Finding, ...] = ()
    metric: str | None = None
    run_name: str = ""
    identity_keys: frozenset[str] = frozenset()
    higher_is_better: bool | None = None
    results: tuple[EvaluationResult, ...] = ()
    of_table: bool = False
    task: str = ""
    recorded_metric: RecordedMetric | None = None
    paired_by: tuple[str, ...] = ()
    sources: tuple[Path, ...] = ()
    format: str = ""
    evaluations: int = 0
    last_line: str = ""
    names: tuple[str, ...] = ()
    file_label: str = ""

    @property
    def job(self) -> str | None:
        """The id of the (array) job, where it is recorded."""
        job = self.provenance.get("job")
        return None if job is None else str(job)

    @property
    def started(self) -> str | None:
        """When the run started, as recorded."""
        started = self.provenance.get("started")
        return None if started is None else str(started)

    @property
    def commit(self) -> str | None:
        """The git commit, in the seven characters that every log gives."""
        commit = self.provenance.get("git_commit")
        if not commit:
            return None
        return str(commit)[:7]

    @property
    def start_order(self) -> tuple[str, int]:
        """When the run started, as a key to sort by; jobs without a date sort by their id."""
        digits = re.sub(r"\D", "", self.job or "")
        return self.started or "", int(digits or 0)

    def frame(self) -> pd.DataFrame:
        """Return what was logged as a DataFrame: a row for each step, a column for each metric."""
        from ired_diag.runs.frames import frame_of_history

        return frame_of_history(self.history)

    def __repr__(self) -> str:
        metrics = len(self.history.series)
        return f"<Run {self.label}: {self.ending.label}, {metrics} metrics, at {self.path}>"

    def _repr_html_(self) -> str:
        from ired_diag.notebook import frame_as_html, heading_as_html
        from ired_diag.runs.frames import last_values

        judged = [f"judged by {self.judging_metric}"] if self.judging_metric else []
        heading = heading_as_html(self.label, [self.ending.label, *judged, str(self.path)])
        return heading + frame_as_html(last_values(self.history))

    @cached_property
    def evaluated(self) -> tuple[str, Series] | None:
        """The metric that says how good the model is, and its values; None where none is logged.

        It is the user's, else the configuration's (``configured_metric``), else the most telling one by its
        name (``evaluation_metric``). Where a constant stands for NaN (``dead_end``), its values are NaN.
        """
        name = self.judging_metric
        if not name:
            return None
        series = self.as_judged(name)
        if series is None or not len(series):
            return None
        return name, series

    @cached_property
    def is_judged(self) -> bool:
        """Whether ``evaluated`` has values; asking this reads none."""
        series = self.history.series.get(self.judging_metric or "")
        return series is not None and len(series) > 0

    @cached_property
    def judging_metric(self) -> str | None:
        """The name of the metric that judges the run; None where no metric is known to."""
        return self.metric or self.configured_metric or evaluation_metric(self.history.series)

    @cached_property
    def configured_metric(self) -> str | None:
        """The logged metric that its trainer recorded, or its configuration says to watch; None: neither."""
        if self.recorded_metric is not None and self.recorded_metric.name in self.history.series:
            return self.recorded_metric.name
        return configured_metric(self.configuration, self.history.series)

    def as_judged(self, metric: str) -> Series | None:
        """Return a metric with NaN where a logged constant stands for it; None where it is not logged."""
        return as_judged(self.history.series, metric)

    @cached_property
    def direction(self) -> Direction:
        """In which direction the metric that judges the run improves, and who says so."""
        return self.direction_of(self.judging_metric or "")

    @property
    def lower_is_better(self) -> bool:
        """Whether a smaller value of the metric that judges the run is a better one."""
        return self.direction.lower_is_better

    def direction_of(self, metric: str) -> Direction:
        """Return the direction of a metric that the run may log."""
        if self.recorded_metric is not None and self.recorded_metric.name == metric:
            if self.higher_is_better is None:
                return Direction(not self.recorded_metric.higher_is_better, self.recorded_metric.source)
        direction = direction_of(
            metric, higher_is_better=self.higher_is_better, configuration=self.configuration
        )
        if direction.source != "assumed":
            return direction
        lower = lower_by_training(metric, self.history.series)
        return direction if lower is None else Direction(lower, "log")

    @cached_property
    def group(self) -> str:
        """The name that all seeds of the same variant share: ``q101``, ``q201@61186975``."""
        if not self.variant:
            return self.experiment
        return f"{self.experiment}@{self.variant}"

    @cached_property
    def seed_label(self) -> str:
        """What the run is called among those of its group: ``seed0``, ``version_3``, ``unseeded-<job>``."""
        return self.run_name or label_of(self.seed, self.file_label, self.job)

    @property
    def is_called_by_its_seed(self) -> bool:
        """Whether its seed is known, and no other run of its group has the same."""
        return is_seed_label(self.seed_label)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The configuration without the keys that only identify the run; empty where it is unknown."""
        configuration = self.configuration or {}
        return {key: value for key, value in configuration.items() if key not in self.identity_keys}

    @property
    def label(self) -> str:
        """The run's name in messages: ``q101/seed0``."""
        return f"{self.group}/{self.seed_label}"

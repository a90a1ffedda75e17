"""A run: one seed of one experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ired_diag.finding import Finding
from ired_diag.runs.attempt import is_seed_label, label_of
from ired_diag.runs.configured_metric import configured_metric
from ired_diag.runs.dead_end import as_judged
from ired_diag.runs.direction import Direction, direction_of
from ired_diag.runs.ending import Ending
from ired_diag.runs.evaluation_metric import evaluation_metric
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.history import History, Series


@dataclass(frozen=True)
class EarlierAttempt:
    """An attempt at the same seed that is not the run: where it is, and how it ended."""

    path: Path
    job: str | None
    ending: Ending
    evaluations: int
    started: str | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class RecordedMetric:
    """What a trainer recorded that a run is judged by."""

    name: str
    higher_is_better: bool


@dataclass(frozen=True)
class Run:
    """One seed of one experiment.

    Attributes:
        experiment: Its number (``q101``), else its full name.
        name: The configuration's ``experiment_name``, where one is told.
        variant: What tells this run's variant from the others of its experiment, where there are several.
        seed: The random seed, where one is told.
        path: The run folder, or the foreign log.
        configuration: The configuration as it was told, unchecked.
        history: What was logged.
        ending: How it ended.
        provenance: Job, commit, host, GPU, start, end, sources.
        attempts: Earlier attempts at the same seed.
        checkpoints: Checkpoint files, the earliest first.
        findings: What is odd about its files.
        metric: The metric that the user judges it by; None: the one of its configuration, else by name.
        run_name: What it is called among the runs of its group, where seed or job do not say.
        identity_keys: Keys of the configuration that only identify the run, or that the user ignores.
        higher_is_better: What the user says of the metric's direction; None: configuration and name tell.
        results: What an evaluation after training measured, as printed or saved.
        of_table: Whether it stands for one number of a table, and has no log.
        task: The name of the task that it was trained on; empty where it is not recorded.
        recorded_metric: What its trainer recorded that it is judged by: name and direction.
        paired_by: Keys of the configuration that its task says name the data.
    """

    experiment: str
    name: str | None
    variant: str | None
    seed: int | None
    path: Path
    configuration: Mapping[str, Any] | None
    history: History
    ending: Ending
    provenance: Mapping[str, Any] = field(default_factory=dict)
    attempts: tuple[EarlierAttempt, ...] = ()
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

    @property
    def evaluated(self) -> tuple[str, Series] | None:
        """The metric that tells how good the model is, and its values; None where none is logged.

        It is the user's, else the configuration's (``configured_metric``), else the most telling one by its
        name (``evaluation_metric``). Where a constant stands for NaN (``dead_end``), its values are NaN.
        """
        name = self.judging_metric
        series = self.as_judged(name) if name else None
        return (name, series) if name and series is not None and len(series) else None

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

    @property
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
                return Direction(not self.recorded_metric.higher_is_better, "configuration")
        return direction_of(metric, higher_is_better=self.higher_is_better, configuration=self.configuration)

    @property
    def group(self) -> str:
        """The name that all seeds of the same variant share: ``q101``, ``q201@61186975``."""
        return f"{self.experiment}@{self.variant}" if self.variant else self.experiment

    @property
    def seed_label(self) -> str:
        """What it is called among the runs of its group: ``seed0``, ``version_3``, ``unseeded-<job>``."""
        return self.run_name or label_of(self.seed, "", self.provenance.get("job"))

    @property
    def is_called_by_its_seed(self) -> bool:
        """Whether its seed is known, and no other run of its group has the same."""
        return is_seed_label(self.seed_label)

    @property
    def settings(self) -> dict[str, Any]:
        """The configuration without the keys that only identify the run; empty where it is unknown."""
        return {k: v for k, v in (self.configuration or {}).items() if k not in self.identity_keys}

    @property
    def label(self) -> str:
        """The run's name in messages: ``q101/seed0``."""
        return f"{self.group}/{self.seed_label}"

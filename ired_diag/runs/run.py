"""A run: one seed of one experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ired_diag.config import Config, parse_config
from ired_diag.finding import Finding
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
        metric: Which logged metric tells how good the model is, where the user says so.
        results: What an evaluation after training measured, as printed or saved.
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
    results: tuple[EvaluationResult, ...] = ()

    @property
    def evaluated(self) -> tuple[str, Series] | None:
        """The metric that tells how good the model is, and its values; None where none is logged.

        It is the one chosen, else the one that its name tells (``evaluation_metric``).
        """
        name = self.metric or evaluation_metric(self.history.series)
        series = self.history.series.get(name) if name else None
        return (name, series) if name and series is not None and len(series) else None

    @property
    def group(self) -> str:
        """The name that all seeds of the same variant share: ``q101``, ``q201@61186975``."""
        return f"{self.experiment}@{self.variant}" if self.variant else self.experiment

    @property
    def seed_label(self) -> str:
        """``seed0``, or ``unseeded-<job>`` where no seed is told."""
        if self.seed is not None:
            return f"seed{self.seed}"
        return f"unseeded-{self.provenance.get('job') or 'unknown'}"

    @property
    def label(self) -> str:
        """The run's name in messages: ``q101/seed0``."""
        return f"{self.group}/{self.seed_label}"

    def config(self) -> Config:
        """Return the configuration, checked.

        Raises:
            WrongConfiguration: It holds what this project does not implement, or none was told.
        """
        return parse_config(self.configuration or {}, where=self.label)

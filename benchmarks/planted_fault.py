"""What a planted mistake is: a study in, the same study with the mistake out, and where it is to be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ired_diag.finding import Finding, Severity
from ired_diag.forensics import WORST_FIRST
from ired_diag.runs.study import Study

MAGNITUDES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Bed:
    """Where a mistake is planted.

    Attributes:
        study: A healthy study.
        magnitude: How large the mistake is, from none (0) to gross (1).
        rng: What else of it is drawn.
        folder: An empty folder, for mistakes of files.
    """

    study: Study
    magnitude: float
    rng: np.random.Generator
    folder: Path


Planted = tuple[Study, str]  # and a name that stands in a finding about it


@dataclass(frozen=True)
class Fault:
    """A mistake that can be planted.

    Attributes:
        rule: The rule that is to find it.
        title: What it is, from none to gross.
        severity: The least that the finding is to have.
        plant: Plants it.
        graded: Whether there is anything between none and gross.
    """

    rule: str
    title: str
    severity: Severity
    plant: Callable[[Bed], Planted]
    graded: bool = True

    @property
    def magnitudes(self) -> tuple[float, ...]:
        """Those that it is planted with."""
        return MAGNITUDES if self.graded else (MAGNITUDES[0], MAGNITUDES[-1])

    def is_reported(self, findings: list[Finding], name: str) -> bool:
        """Say whether one of the findings is about the mistake."""
        return any(
            finding.rule == self.rule
            and WORST_FIRST[finding.severity] <= WORST_FIRST[self.severity]
            and name in finding.statement
            for finding in findings
        )

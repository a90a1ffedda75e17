"""What a near miss is: a healthy study that looks like a mistake, which the mistake's rule leaves alone."""

from __future__ import annotations

import itertools
import tempfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.planted_fault import Bed
from ired_diag.finding import Finding
from ired_diag.forensics import diagnose
from ired_diag.runs.study import Study


@dataclass(frozen=True)
class NearMiss:
    """A healthy study that looks like a mistake.

    Attributes:
        rule: The rule that is to leave it alone.
        title: What it looks like, and why it is none.
        make: Makes it of a healthy study.
        not_even_a_note: Whether the rule is to say nothing at all, since its findings are notes.
    """

    rule: str
    title: str
    make: Callable[[Bed], Study]
    not_even_a_note: bool = False

    def accusations(self, findings: Sequence[Finding]) -> list[str]:
        """Return the errors and warnings of any rule, and what the rule itself is not to say, in words."""
        return [
            f"{finding.rule}: {finding.statement}"
            for finding in findings
            if finding.severity != "note" or (self.not_even_a_note and finding.rule == self.rule)
        ]


def accusations_of(near_miss: NearMiss, study: Study, seeds: Sequence[int], draws: int) -> list[str]:
    """Return what is said against a near miss, in as many draws for each seed; nothing where all is well."""
    accusations: list[str] = []
    for seed, draw in itertools.product(seeds, range(draws)):
        with tempfile.TemporaryDirectory() as folder:
            rng = np.random.default_rng([seed, zlib.crc32(near_miss.title.encode()), draw])
            accusations += near_miss.accusations(diagnose(near_miss.make(Bed(study, 1.0, rng, Path(folder)))))
    return accusations

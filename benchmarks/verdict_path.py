"""What the comparison says of a study, by the functions that ``ired_diag.comparison.compare`` calls too.

``compare`` also computes power, ranks and success criteria, which take most of its time and decide nothing.
Here only the seeds are chosen, the curves read out, the deciding tests made, and their verdicts corrected for
the number of pairs. That the decisions are those that ``compare`` prints is tested in
``tests/test_verdicts_benchmark.py``.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.verdict_studies import METRIC
from ired_diag.comparison.deciding import Deciding, decide
from ired_diag.comparison.decisions import (
    PLATEAU,
    Claim,
    Corrected,
    corrected_claims,
    readout_compared,
    sample_between,
)
from ired_diag.comparison.members import members_of
from ired_diag.comparison.noise import GroupNoise, noise_of
from ired_diag.comparison.pairing import pairing_of
from ired_diag.comparison.readouts import Readouts, read_out
from ired_diag.comparison.sample import Question
from ired_diag.comparison.seeds import Members
from ired_diag.runs.run import Run
from ired_diag.stats.verdict import Decision


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What is decided of a study.

    Attributes:
        readout: By which it is compared.
        tests: What decides each pair of groups, in the order of ``itertools.combinations``.
        corrected: The verdicts on them, corrected for their number.
        members: The seeds of each group.
        read: All readouts.
    """

    readout: str
    tests: Sequence[Deciding]
    corrected: Sequence[Corrected]
    members: Sequence[Members]
    read: Readouts

    @property
    def decisions(self) -> list[Decision]:
        """Of each pair: better, worse, equivalent or undecided."""
        return [pair.verdict.decision for pair in self.corrected]

    @property
    def differ(self) -> bool:
        """Whether any two groups are called different."""
        return any(decision in ("better", "worse") for decision in self.decisions)

    def values_of(self, group: str) -> list[float]:
        """Return the readout of each seed of a group."""
        return list(self.read.values[self.readout][group].values())

    def noise(self) -> list[GroupNoise]:
        """Return how the spread of each group splits."""
        return [noise_of(self.read.windows[member.name], self.read.plateau_reason) for member in self.members]


def decision_of(groups: Mapping[str, Sequence[Run]], readout: str = PLATEAU) -> Decided:
    """Return what is decided of each pair of groups."""
    members = members_of(groups, METRIC, [], lower_is_better=True)
    read = read_out(members, lower_is_better=True)
    readout = readout_compared(read, readout)
    tests = [_decide(a, b, read, readout) for a, b in itertools.combinations(members, 2)]
    claims = [Claim(test.verdict, test.p, test.equivalence.p) for test in tests]
    return Decided(
        readout=readout, tests=tests, corrected=corrected_claims(claims), members=members, read=read
    )


def _decide(a: Members, b: Members, read: Readouts, readout: str) -> Deciding:
    return decide(sample_between(a, b, read.values[readout], pairing_of(a, b)), Question())

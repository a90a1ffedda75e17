"""What the comparison says of a study, by the functions that ``ired_diag.comparison.compare`` calls too.

``compare`` also computes power, ranks and success criteria, which take most of its time and decide nothing.
Here only the seeds are chosen, the curves read out, and the deciding test made. That the decisions are those
of ``compare`` is tested in ``tests/test_verdicts_benchmark.py``.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.verdict_studies import METRIC
from ired_diag.comparison import LAST, PLATEAU
from ired_diag.comparison.members import members_of
from ired_diag.comparison.noise import GroupNoise, noise_of
from ired_diag.comparison.outcomes import failed_seeds
from ired_diag.comparison.pairing import pairing_of
from ired_diag.comparison.pairs import ByReadout, Question, line_of, sample_of
from ired_diag.comparison.readouts import Readouts, read_out
from ired_diag.comparison.seeds import Members
from ired_diag.runs.run import Run


@dataclass(frozen=True)
class Decided:
    """The deciding lines of a study.

    Attributes:
        readout: By which it is compared.
        lines: Of each pair of groups, in the order of ``itertools.combinations``.
        members: The seeds of each group.
        read: All readouts.
    """

    readout: str
    lines: Sequence[ByReadout]
    members: Sequence[Members]
    read: Readouts

    @property
    def differ(self) -> bool:
        """Whether any two groups are called different."""
        return any(line.decision in ("better", "worse") for line in self.lines)

    def values_of(self, group: str) -> list[float]:
        """Return the readout of each seed of a group."""
        return list(self.read.values[self.readout][group].values())

    def noise(self) -> list[GroupNoise]:
        """Return how the spread of each group splits."""
        return [noise_of(self.read.windows[one.name], self.read.plateau_reason) for one in self.members]


def decision_of(groups: Mapping[str, Sequence[Run]], readout: str = PLATEAU) -> Decided:
    """Return what is decided of each pair of groups."""
    members = members_of(groups, METRIC, [], lower_is_better=True)
    read = read_out(members, lower_is_better=True)
    if readout in read.reasons:
        readout = LAST
    lines = [_line(a, b, read, readout) for a, b in itertools.combinations(members, 2)]
    return Decided(readout, _corrected(lines), members, read)


def _line(a: Members, b: Members, read: Readouts, readout: str) -> ByReadout:
    values, failed = read.values[readout], (failed_seeds(a), failed_seeds(b))
    pairing = pairing_of(a, b)
    sample = sample_of(
        (a.name, b.name), values[a.name], values[b.name], pairing.shared, pairing.obstacle, failed=failed
    )
    return line_of(readout, sample, Question(), withheld=read.reasons.get(readout, ""))


def _corrected(lines: Sequence[ByReadout]) -> list[ByReadout]:
    """Return the lines with the decisions that are printed."""
    return list(lines)

"""What became of each seed of a group: it finished, it failed, or it was stopped from outside.

A seed fails where its training breaks down: its metric ends not finite, its curve diverges, or its program
dies of an error. Such a seed is a result, the worst there is. A seed that the scheduler or a person stopped
says nothing of the method.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ired_diag.comparison.seeds import Members

FailureKind = Literal["not finite", "diverged", "crashed", "stopped"]


@dataclass(frozen=True)
class Failure:
    """A seed without a result to average.

    Attributes:
        label: Of the seed.
        kind: ``stopped`` is no failure of the method; all others are.
        step: Of its last evaluation; None where it has none.
        reason: One sentence with the numbers.
    """

    label: str
    kind: FailureKind
    step: float | None
    reason: str


def failed_seeds(members: Members) -> int:
    """Return how many seeds of a group failed; those that were stopped from outside do not count."""
    return sum(failure.kind != "stopped" for failure in members.failures)

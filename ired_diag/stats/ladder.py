"""Where an error stands on a ladder of reference errors.

    skill = 1 - error / reference error:    above 0 the reference is beaten, below 0 it is better.

Each reference is judged by the interval of its own skill: beaten where all of it lies above 0, better where
all of it lies below, not distinguished where it holds 0. The rung is the best of those that are beaten.

Reference: Murphy (1988), Skill Scores Based on the Mean Square Error, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Standing:
    """An error among those of references.

    Attributes:
        error: What stands on the ladder.
        references: Error of each reference.
        skill: Against each: value, lower and upper end of its interval; NaN where there is none.
        n: Observations.
        unsure: The references whose interval may be too short, because few observations decide it.
    """

    error: float
    references: Mapping[str, float]
    skill: Mapping[str, tuple[float, float, float]]
    n: int
    unsure: frozenset[str] = frozenset()

    @property
    def below(self) -> str:
        """The best reference that is beaten, or nothing."""
        beaten = [name for name, (_, low, _) in self.skill.items() if low > 0]
        return min(beaten, key=lambda name: self.references[name], default="")

    @property
    def above(self) -> str:
        """The worst reference that is better, or nothing."""
        better = [name for name, (_, _, high) in self.skill.items() if high < 0]
        return max(better, key=lambda name: self.references[name], default="")

    @property
    def beside(self) -> list[str]:
        """The references that it cannot be distinguished from."""
        return [name for name, (_, low, high) in self.skill.items() if low <= 0 <= high]

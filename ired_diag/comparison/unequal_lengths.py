"""Two groups that were trained for different lengths, compared at the last step that all their seeds have.

The last evaluation of a longer training is that of a more trained model, so a difference of last evaluations
mixes what the groups do with how long they did it. At a shared step the lengths are equal; a schedule that
ends later may still be at another stage there, which no step can mend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ired_diag.comparison.by_readout import ByReadout, line_of
from ired_diag.comparison.decisions import sample_between
from ired_diag.comparison.pairing import Pairing
from ired_diag.comparison.sample import Question
from ired_diag.comparison.seeds import Members, Seed


@dataclass(frozen=True, kw_only=True)
class UnequalLengths:
    """Where the seeds of two groups end, and what they say where all of them were evaluated.

    Attributes:
        ends_a: First and last of the last evaluation steps of a's seeds.
        ends_b: The same of b's.
        step: The last step at which all seeds of both have a finite evaluation; None without one.
        line: The comparison of the evaluations at that step, not corrected for several pairs; None without.
    """

    ends_a: tuple[float, float]
    ends_b: tuple[float, float]
    step: float | None
    line: ByReadout | None

    @property
    def longer_ends(self) -> tuple[float, float]:
        """The ends of the group that was trained longer by its last seed."""
        return max(self.ends_a, self.ends_b, key=lambda ends: ends[1])


def unequal_lengths(a: Members, b: Members, question: Question, pairing: Pairing) -> UnequalLengths | None:
    """Return how the trainings of two groups differ in length; None where all seeds end at one step.

    Args:
        a: The first group.
        b: The second group.
        question: How to compare.
        pairing: Whether equal seeds are pairs.
    """
    if a.of_table or b.of_table or not (a.seeds and b.seeds):
        return None
    ends_a = _ends(a.seeds)
    ends_b = _ends(b.seeds)
    if ends_a == ends_b and ends_a[0] == ends_a[1]:
        return None
    step = _last_shared_step([*a.seeds, *b.seeds])
    line = None
    if step is not None:
        values = {a.name: _values_at(a.seeds, step), b.name: _values_at(b.seeds, step)}
        line = line_of("last", sample_between(a, b, values, pairing), question)
    return UnequalLengths(ends_a=ends_a, ends_b=ends_b, step=step, line=line)


def _ends(seeds: Sequence[Seed]) -> tuple[float, float]:
    last_steps = [float(seed.steps[-1]) for seed in seeds]
    return min(last_steps), max(last_steps)


def _last_shared_step(seeds: Sequence[Seed]) -> float | None:
    finite = [seed.steps[np.isfinite(seed.values)] for seed in seeds]
    shared = reduce(np.intersect1d, finite)
    return float(shared[-1]) if len(shared) else None


def _values_at(seeds: Sequence[Seed], step: float) -> dict[str, float]:
    return {seed.label: float(seed.values[seed.steps == step][0]) for seed in seeds}

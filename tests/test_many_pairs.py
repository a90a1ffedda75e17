"""Many pairs at once are what each pair is by itself."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ired_diag.comparison.by_readout import line_of
from ired_diag.comparison.deciding import decide
from ired_diag.comparison.later import ComputedLater, Later, changed
from ired_diag.comparison.many_pairs import paired_differences, summaries_of, unpaired_differences
from ired_diag.comparison.sample import Question, sample_of

GROUPS, SEEDS = 12, 5


def _groups() -> list[NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    groups = [
        1 + 0.01 * rng.normal() + 0.02 * rng.random() * rng.normal(size=SEEDS) for _ in range(GROUPS - 3)
    ]
    return [*groups, np.full(SEEDS, 1.0), np.full(SEEDS, 1.0), rng.normal(size=SEEDS)]


@pytest.mark.parametrize("is_paired", [False, True])
def test_each_pair_is_decided_as_by_itself(is_paired: bool) -> None:
    groups = _groups()
    a, b = np.triu_indices(len(groups), 1)
    summaries = summaries_of(groups)
    if is_paired:
        numbers = np.array(groups)
        differences = paired_differences(summaries, numbers[a] - numbers[b], a, b, share=0.01)
    else:
        differences = unpaired_differences(summaries, a, b, share=0.01)
    decisions = set()
    for place, (first, second) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        labels = [f"seed{seed}" for seed in range(SEEDS)]
        of_a: dict[str, float] = dict(zip(labels, groups[first].tolist(), strict=True))
        of_b: dict[str, float] = dict(zip(labels, groups[second].tolist(), strict=True))
        obstacle = "" if is_paired else "not pairs"
        sample = sample_of(("a", "b"), of_a, of_b, shared=labels, obstacle=obstacle)
        line = line_of("", sample, Question())
        is_undecided = not line.reason and line.decision == "undecided" and line.margin > 0
        assert differences.is_undecided[place] == is_undecided
        decisions.add(line.decision)
        if is_undecided:
            assert differences.half_width[place] == pytest.approx((line.high - line.low) / 2, rel=1e-12)
            assert differences.margin[place] == pytest.approx(line.margin, rel=1e-12)
            mean = decide(sample, Question()).mean
            assert differences.standard_error[place] == pytest.approx(mean.standard_error, rel=1e-12)
            assert differences.df[place] == pytest.approx(mean.df, rel=1e-12)
    assert len(decisions) > 2


class Held:
    """Something with a field that is computed later."""

    value: ComputedLater[int] = ComputedLater()


def test_a_value_is_computed_when_it_is_read_and_once() -> None:
    calls: list[int] = []
    held = Held()

    def compute() -> int:
        calls.append(1)
        return len(calls)

    held.value = Later(compute)
    other = changed(held, name="other")
    assert calls == []
    assert held.value == held.value == 1
    assert other.value == 2

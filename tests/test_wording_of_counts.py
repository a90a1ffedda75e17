"""Sentences of findings about one key, one run, one seed, one split; and what rounding leaves unsaid."""

from __future__ import annotations

import numpy as np
import pytest

from ired_diag.runs.run import Run
from tests.made_runs import falling, findings_of, made_run


def _copies(*betas: float, seed: int = 0, **more: float) -> list[Run]:
    curve = falling(40)
    return [made_run(f"b{beta}", seed, config={"beta": beta, **more}, val__loss=curve) for beta in betas]


def test_one_key_differs_and_two_keys_differ() -> None:
    (finding,) = findings_of("identical_curves", _copies(0.1, 0.2))
    assert "The one key that differs changed nothing: beta." in finding.statement
    (finding,) = findings_of("identical_curves", [*_copies(0.1), *_copies(0.2, gamma=3)])
    assert "The 2 keys that differ changed nothing: beta, gamma." in finding.statement


def test_copies_of_one_seed_are_counted() -> None:
    (finding,) = findings_of("identical_curves", [*_copies(0.1), *_copies(0.1)])
    assert finding.statement.startswith("b0.1: 2 runs of seed0 are the same computation")


@pytest.mark.parametrize(("percents", "words"), [(1, "by 1 run ("), (2, "by 2 runs (")])
def test_runs_in_percent_are_counted(percents: int, words: str) -> None:
    accuracy = 1 - falling(40, level=0.1) / 3
    scales = [100.0] * percents + [1.0]
    runs = [made_run("a", seed, val__accuracy=accuracy * scale) for seed, scale in enumerate(scales)]
    (finding,) = findings_of("impossible_values", runs)
    assert words in finding.statement


def test_one_split_is_no_splits() -> None:
    runs = [
        made_run(
            "a",
            5 * camp + seed,
            provenance={"host": f"n{camp}"},
            val__loss=[1.0] * 20 + [level + 0.001 * seed] * 20,
        )
        for camp, level in enumerate((0.43, 0.48))
        for seed in range(5)
    ]
    (finding,) = findings_of("seed_camps", runs)
    assert "for 1 split, and" in finding.statement


def test_rounding_is_not_called_noise() -> None:
    rng = np.random.default_rng(0)
    fall = np.concatenate([np.geomspace(1, 1e-4, 20), np.full(80, 2e-4)])
    scattered = [fall + 1e-4 * np.concatenate([np.zeros(20), rng.choice([-1, 0, 1], 80)]) for _ in range(4)]
    fine = [made_run("a", seed, val__loss=values + 0.3) for seed, values in enumerate(scattered)]
    assert findings_of("evaluation_noise", fine)
    rounded = [made_run("a", seed, val__loss=np.round(values, 4)) for seed, values in enumerate(scattered)]
    assert findings_of("rounding_floor", rounded)
    assert findings_of("evaluation_noise", rounded) == []
    assert findings_of("best_of_many", rounded) == []

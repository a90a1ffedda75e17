"""Equal numbers at the end of a scale: what is said, and what is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ired_diag import comparison
from ired_diag.comparison.identity_words import is_end_of_scale
from ired_diag.comparison.words import caveats_of, verdict_of
from tests.made_runs import falling, made_run

POINTS = 20
STEP = np.arange(POINTS)


def _sentences(a: Any, b: Any, metric: str, readout: str = "last") -> tuple[str, str]:
    groups = {}
    for name, curve, lr in (("a", a, 0.1), ("b", b, 0.2)):
        runs = []
        for seed in range(4):
            metrics = {metric: curve(seed), "train_loss": falling(POINTS, seed=seed + int(1000 * lr))}
            runs.append(made_run(name, seed, config={"lr": lr}, metrics=metrics))
        groups[name] = runs
    result = comparison.compare(groups, metric=metric, readout=readout)
    (pair,) = result.pairs
    return verdict_of(pair, result), " ".join(caveats_of(pair, result))


def _solving(speed: float) -> Any:
    return lambda _seed: np.minimum(1.0, np.round(STEP / speed, 1))


def test_two_solved_tasks_are_at_the_end_of_the_scale_and_did_not_run_the_same() -> None:
    verdict, caveats = _sentences(_solving(10), _solving(8), "success_rate")
    assert "All are at 1, the end of the scale of success_rate" in verdict
    assert "--readout area" in verdict
    assert "ired-diag when" in verdict
    assert "did they run the same?" not in verdict
    assert "none of it changed" not in caveats


def test_one_number_of_an_open_scale_is_called_no_end() -> None:
    def curve(speed: float) -> Any:
        return lambda seed: np.minimum(500.0, speed * STEP + seed * (STEP % 3))

    verdict, caveats = _sentences(curve(40), curve(50), "episode_reward")
    assert "All are at 500, so that" in verdict
    assert "end of the scale" not in verdict
    assert "none of it changed" not in caveats


def test_several_numbers_that_meet_did_not_run_the_same() -> None:
    def curve(first: float) -> Any:
        return lambda seed: np.where(STEP < POINTS - 1, first + STEP, 0.5 + seed)

    verdict, caveats = _sentences(curve(2.0), curve(3.0), "val_loss")
    assert "they did not run the same" in verdict
    assert "none of it changed" not in caveats


def test_whole_curves_that_agree_ask_and_name_the_metric() -> None:
    verdict, caveats = _sentences(
        lambda seed: falling(POINTS, seed=seed), lambda seed: falling(POINTS, seed=seed), "val_loss"
    )
    assert verdict.endswith("did they run the same?")
    assert "none of it changed val_loss at a common step" in caveats


def test_seeds_that_never_learnt_are_at_the_end_of_the_scale() -> None:
    verdict, _ = _sentences(lambda _seed: np.zeros(POINTS), lambda _seed: np.zeros(POINTS), "val_accuracy")
    assert "All are at 0, the end of the scale of val_accuracy" in verdict
    assert "where equal numbers alone prove nothing." in verdict


@pytest.mark.parametrize(
    ("metric", "level", "is_end"),
    [
        ("success_rate", 1.0, True),
        ("success_rate", 0.9, False),
        ("val_accuracy", 100.0, True),
        ("eval/win_rate", 0.0, True),
        ("test/r2", 1.0, True),
        ("val_mse", 0.0, True),
        ("val_loss", 0.0, False),
        ("episode_reward", 1.0, False),
    ],
)
def test_ends_of_scales(metric: str, level: float, is_end: bool) -> None:
    assert is_end_of_scale(metric, level) is is_end

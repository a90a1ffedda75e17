"""What may be said of mining at a level, one case each."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from ired_diag.model.mining_verdict import Seen, verdict

DOWN = Seen(
    energy=-2.0,
    n=100,
    energy_interval=(-3.0, -1.0),
    advantage=(-2.0, -0.5),
    turn=(0.1, 0.2),
    moved=1.0,
    clamped=1.0,
)
CASES = {
    "it descends": DOWN,
    "it is not seen to end lower than the clamp alone": replace(DOWN, energy_interval=(-1.0, 1.0)),
    "it ends less low than random directions": replace(DOWN, advantage=(0.5, 2.0)),
    "it drifts, no lower than random directions": replace(DOWN, advantage=(-1.0, 1.0)),
    "it cannot be distinguished from noise": replace(DOWN, advantage=(-1.0, 1.0), turn=(-0.1, 0.2)),
    "only the clamp moves its points": replace(DOWN, moved=0.01),
    "it does nothing": replace(DOWN, moved=0.0, clamped=0.0),
    "nothing can be said": replace(DOWN, energy=math.nan),
    "too few problems for a verdict (30 are needed)": replace(DOWN, n=29),
}


@pytest.mark.parametrize("said", CASES)
def test_each_case_has_its_verdict(said: str) -> None:
    assert verdict(CASES[said], "descent") == said


def test_of_one_step_there_is_no_turn_and_no_drift() -> None:
    once = replace(DOWN, advantage=(-1.0, 1.0), turn=(math.nan, math.nan))
    assert verdict(once, "descent") == "it cannot be distinguished from noise"


def test_a_climb_is_judged_upside_down() -> None:
    up = replace(DOWN, energy_interval=(1.0, 3.0), advantage=(0.5, 2.0))
    assert verdict(up, "ascent") == "it climbs"
    assert verdict(DOWN, "ascent") == "it ends less high than random directions"

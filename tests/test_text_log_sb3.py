"""The box tables of stable-baselines3's own logger (2.9.2; tests/formats/make_text_log_sb3.py wrote them)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ired_diag.open import open_run

FORMATS = Path(__file__).parent / "formats"
CUT = {"train/a_very_long_name_of_a_metric_that_is_cut": "train/a_very_long_name_of_a_metric_t..."}
STEP = "time/total_timesteps"


def test_every_recorded_value_is_read_to_its_printed_digits() -> None:
    points = json.loads((FORMATS / "sb3_logger.json").read_text())
    run = open_run(FORMATS / "sb3_logger.txt")
    steps = [values[STEP] for values in points]
    names = [name for name in points[0] if name != STEP]
    assert set(run.history.series) == {CUT.get(name, name) for name in names}
    for name in names:
        series = run.history.series[CUT.get(name, name)]
        expected = [values[name] for values in points]
        assert series.steps.tolist() == steps
        # The logger prints three digits.
        assert series.values.tolist() == pytest.approx(expected, rel=6e-3, nan_ok=True), name
    assert run.judging_metric == "rollout/ep_rew_mean"

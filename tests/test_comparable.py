"""A gate and a curve test refuse groups whose raw numbers cannot be compared, with the reason of stats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ired_diag as ird
from app.agents.answers import gate as answer_of_agent
from app.agents.confinement import Confinement
from ired_diag.errors import DiagError
from ired_diag.runs.run import Run
from tests.made_runs import made_run

MSE = "validation/mse"
SEEDS = 8
STEPS = 6
OTHER_RANK = r"They solve different problems \(rank 3 and 4: linear regression reaches .* is not compared"


def _runs(name: str, level: float, metric: str = MSE, **config: Any) -> list[Run]:
    generator = np.random.default_rng(len(name))
    values = level * (1 + 0.03 * generator.standard_normal((SEEDS, STEPS)))
    return [
        made_run(name, seed, config=config, metrics={metric: values[seed], "loss": values[seed]})
        for seed in range(SEEDS)
    ]


def _matrices(name: str, level: float, **config: Any) -> list[Run]:
    return _runs(name, level, **{"ood": False, "diffusion_steps": 10, "mining_strategy": "none", **config})


def test_a_lower_error_on_an_easier_problem_is_not_kept() -> None:
    with pytest.raises(DiagError, match=OTHER_RANK):
        ird.gate(_matrices("k3", 0.5, rank=3), against=_matrices("k4x", 0.8, rank=4))


def test_an_easier_problem_is_not_reached_sooner() -> None:
    with pytest.raises(DiagError, match=OTHER_RANK):
        ird.when(_matrices("k3", 0.5, rank=3), _matrices("k4x", 0.8, rank=4), target=0.6)


def test_the_same_problem_is_decided() -> None:
    new = _matrices("new", 0.5, rank=3, mining_strategy="none")
    old = _matrices("older", 0.8, rank=3, mining_strategy="random")
    assert ird.gate(new, against=old).decision.verdict == "keep"
    answer = ird.when(new, old, target=0.6)
    assert answer.reaching is not None
    assert answer.reaching.target == 0.6


def test_a_threshold_is_a_number_of_the_same_problem() -> None:
    assert ird.gate(_matrices("k3", 0.5, rank=3), threshold=0.6).decision.verdict == "keep"


def test_a_problem_that_no_configuration_states_refuses_nothing() -> None:
    silent = _runs("silent", 0.8)
    assert ird.gate(_matrices("k3", 0.5, rank=3), against=silent).decision.verdict == "keep"
    assert ird.when(_matrices("k3", 0.5, rank=3), silent, target=0.6).reaching is not None


def test_percent_is_not_above_fractions() -> None:
    percent = _runs("percent", 86.0, "val_accuracy")
    fractions = _runs("fraction", 0.88, "val_accuracy")
    with pytest.raises(DiagError, match=r"val_accuracy is in percent in .* bring both to one scale"):
        ird.gate(percent, against=fractions, metric="val_accuracy")
    with pytest.raises(DiagError, match=r"val_accuracy is in percent in .* bring both to one scale"):
        ird.when(percent, fractions, metric="val_accuracy")


def test_an_agent_is_refused_as_well(tmp_path: Path) -> None:
    table = tmp_path / "accuracy.csv"
    rows = [
        f"{group},{seed},{level + 0.001 * seed}"
        for group, level in (("a", 86), ("b", 0.8))
        for seed in range(6)
    ]
    table.write_text("\n".join(["group,seed,val_accuracy", *rows]) + "\n", encoding="utf-8")
    with pytest.raises(DiagError, match="bring both to one scale"):
        answer_of_agent(Confinement(tmp_path), "a", "b", str(table))

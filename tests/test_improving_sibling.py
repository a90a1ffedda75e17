"""A judged metric that stays flat while another evaluation metric improves; and seeds in folders s0, s1, …"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ired_diag.forensics import curve_shape
from ired_diag.open import open_study
from ired_diag.runs.ending import Ending
from ired_diag.runs.history import History, Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

STEPS = np.arange(1, 41) * 1000

Values = NDArray[np.float64]


def run(rng: np.random.Generator, name: str, values: Values) -> Run:
    flat = 0.031 + 1e-4 * rng.standard_normal(len(STEPS))
    series = {"eval/loss": Series(STEPS, flat), name: Series(STEPS, values)}
    return Run(experiment="ddpm", seed=0, path=Path("x"), ending=Ending("complete"), history=History(series))


def falling(rng: np.random.Generator) -> Values:
    level = 8 + 70 * np.exp(-np.arange(len(STEPS)) / 8)
    return np.asarray(level * np.exp(0.02 * rng.standard_normal(len(STEPS))))


def severities(one_run: Run) -> list[str]:
    return [finding.severity for finding in curve_shape.find(Study.of([one_run]))]


def test_a_flat_loss_is_no_warning_where_the_samples_improve(rng: np.random.Generator) -> None:
    (finding,) = curve_shape.find(Study.of([run(rng, "eval/fid", falling(rng))]))
    assert finding.severity == "note"
    assert "eval/fid improves" in finding.statement
    assert "--metric eval/fid" in finding.advice


def test_a_metric_without_direction_excuses_nothing(rng: np.random.Generator) -> None:
    assert severities(run(rng, "eval/widgets", falling(rng))) == ["warning"]


def test_a_training_loss_that_falls_says_that_the_optimizer_works(rng: np.random.Generator) -> None:
    (finding,) = curve_shape.find(Study.of([run(rng, "train/loss", falling(rng))]))
    assert finding.severity == "note"
    assert "stays within its noise from the first evaluation on while train/loss falls" in finding.statement


def test_an_evaluation_that_is_flat_too_excuses_nothing(rng: np.random.Generator) -> None:
    flat = 75 * np.exp(0.02 * rng.standard_normal(len(STEPS)))
    assert "warning" in severities(run(rng, "eval/fid", flat))


@pytest.mark.parametrize("folder", ["s{}", "s_{}", "S0{}"])
def test_folders_named_by_the_configured_seed_are_seeds_of_the_folder_above(
    tmp_path: Path, folder: str
) -> None:
    for group in ("maml", "protonet"):
        for seed in range(3):
            place = tmp_path / group / folder.format(seed)
            place.mkdir(parents=True)
            (place / "args.json").write_text(json.dumps({"seed": seed, "lr": 0.1}))
            (place / "metrics.csv").write_text(f"epoch,val_loss\n1,0.9{seed}\n2,0.7{seed}\n3,0.5{seed}\n")
    study = open_study(tmp_path)
    seeds = {name: [run.seed for run in runs] for name, runs in study.groups().items()}
    assert seeds == {"maml": [0, 1, 2], "protonet": [0, 1, 2]}

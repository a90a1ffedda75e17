"""Mistakes of a single seed, or of a part of the seeds, that were planted in studies of strangers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.made_runs import falling, findings_of, made_run


def test_a_loss_of_zero_is_not_explained_by_another_that_jumps_with_it() -> None:
    rng = np.random.default_rng(2)
    loss = falling(80, seed=1)
    zero = np.where(np.arange(80) >= 47, 0.0, loss)
    iou = np.where(np.arange(80) >= 47, 0.0389, 0.7 + 0.01 * rng.standard_normal(80))
    run = made_run("unet", train_loss=zero, val_loss=0.9 * zero, val_miou=iou)
    (finding,) = findings_of("dead_run", [run])
    assert finding.severity == "warning"
    assert {"train_loss", "val_loss"} <= set(finding.statement.replace(":", " ").replace(".", " ").split())


def test_a_hinge_loss_of_zero_whose_validation_stays_good_is_left_alone() -> None:
    zero = np.where(np.arange(80) >= 47, 0.0, falling(80, seed=1))
    accuracy = 0.9 + 0.01 * np.random.default_rng(2).standard_normal(80)
    assert findings_of("dead_run", [made_run("svm", train_loss=zero, val_acc=accuracy)]) == []


@pytest.mark.parametrize(("rmse", "expected"), [(0.87, 1), (0.995, 0), (1.36, 0)])
def test_an_rmse_below_the_mae_is_impossible(rmse: float, expected: int) -> None:
    mae = falling(60, seed=3)
    run = made_run("nbeats", val_mae=mae, val_rmse=rmse * mae)
    findings = findings_of("contradictory_metrics", [run])
    assert [finding.severity for finding in findings] == ["warning"] * expected


def test_camps_of_four_that_lie_many_deviations_apart_are_a_warning() -> None:
    rng = np.random.default_rng(5)
    for gap, severity in ((5.5, "warning"), (0.0, None)):
        runs = []
        for seed in range(8):
            level = 5 + rng.normal() * 0.3 + (gap * 0.3 if seed >= 4 else 0)
            curve = level + 0.01 * rng.standard_normal(40)
            config = {"git_commit": "a1" if seed < 4 else "b2", "lr": 0.1}
            runs.append(made_run("sac", seed, config=config, val_loss=curve))
        findings = findings_of("seed_camps", runs)
        assert [finding.severity for finding in findings if finding.severity == "warning"] == (
            [severity] if severity else []
        )


@pytest.mark.parametrize(("value", "expected"), [(244, 1), (192, 0), (448, 0), (250, 0)])
def test_a_number_that_nobody_chooses_in_the_seed_between_others_is_a_slip(value: int, expected: int) -> None:
    runs = []
    for seed in range(4):
        size = value if seed == 2 else 224
        run = made_run("swin", seed, config={"img_size": size, "lr": 0.1}, val_loss=falling(30, seed=seed))
        runs.append(replace(run, variant=f"img_size={size}"))
    assert len(findings_of("setting_slip", runs)) == expected


def test_a_kind_and_what_may_be_its_part_are_a_note_and_two_knobs_a_warning() -> None:
    kinds = {"sac": {"algo": "sac", "batch_norm": False}, "crossq": {"algo": "crossq", "batch_norm": True}}
    knobs = {"a": {"optimizer": "adam", "lr": 0.1}, "bb": {"optimizer": "sgd", "lr": 0.2}}
    for settings, severity in ((kinds, "note"), (knobs, "warning")):
        runs = [
            made_run(
                name,
                seed,
                config={**config, "dataset": "x"},
                val_loss=falling(30, seed=len(name) + 10 * seed),
            )
            for name, config in settings.items()
            for seed in range(3)
        ]
        severities = [finding.severity for finding in findings_of("several_differences", runs)]
        assert severities == [severity]

"""Curves that rise with a logged setting, swings that mean nothing, and metrics of two networks at odds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ired_diag.curves.moving_setting import moving_setting_of
from ired_diag.finding import Finding
from ired_diag.runs.direction import direction_of
from ired_diag.runs.evaluation_metric import evaluation_metric
from tests.made_runs import findings_of, made_run

PLACE = np.arange(60.0)
FALL = 1.0 + 2.0 * np.exp(-PLACE / 5)
RAMP = np.clip((PLACE - 12) / 30, 0, 1)
NOISE = np.exp(0.01 * np.random.default_rng(0).standard_normal(60))


def severities(findings: list[Finding]) -> list[str]:
    return [finding.severity for finding in findings]


@pytest.mark.parametrize(
    ("setting", "metric"),
    [
        ("kl_weight", "val_loss"),
        ("eps", "val_loss"),
        ("train/beta", "val_loss"),
        ("curriculum/level", "val_mse"),
        ("mask_rate", "val_loss"),
        ("temperature", "val_nll"),
        ("sparsity", "val_loss"),
        ("seq_len", "val_loss"),
    ],
)
def test_a_loss_that_rises_with_a_logged_setting_is_a_note(setting: str, metric: str) -> None:
    run = made_run("q1", metrics={metric: (FALL + 3 * RAMP) * NOISE, setting: 0.5 * RAMP + 0.01})
    (finding,) = findings_of("curve_shape", [run])
    assert finding.severity == "note"
    assert f"while {setting} moves" in finding.statement


def test_a_teacher_that_is_withdrawn_explains_a_rise() -> None:
    run = made_run("q1", metrics={"val_loss": (FALL + 3 * RAMP) * NOISE, "teacher_forcing_ratio": 1 - RAMP})
    assert severities(findings_of("curve_shape", [run])) == ["note"]


def test_a_curriculum_in_stages_explains_a_rise() -> None:
    stage = np.floor(PLACE / 15)
    run = made_run("q1", metrics={"val_mse": 0.2 * FALL + stage + 0.5 * (stage > 1), "stage": stage})
    assert moving_setting_of(run) is not None


def test_a_weight_that_is_annealed_in_cycles_explains_swings() -> None:
    beta = np.minimum(1.0, (PLACE % 15) / 8)
    run = made_run("q1", metrics={"val_loss": (10 * FALL - 9.5 + 2 * beta) * NOISE, "beta": beta})
    findings = findings_of("curve_shape", [run])
    assert "error" not in severities(findings)
    assert "warning" not in severities(findings)


@pytest.mark.parametrize(
    "series",
    [
        {"lr": RAMP},  # a learning rate makes runs diverge
        {"kl_weight": np.clip(PLACE / 8, 0, 1)},  # at rest before the rise begins
        {"beta": np.full(60, 0.5)},
        {"grad_norm": RAMP},
        {"eps": 20 * PLACE},  # a count of episodes
        {"temperature": RAMP + 0.05 * np.random.default_rng(1).standard_normal(60)},  # learnt: no schedule
    ],
)
def test_a_divergence_next_to_another_series_stays_an_error(series: dict[str, np.ndarray]) -> None:
    metrics = {"val_loss": (FALL + 3 * RAMP) * NOISE, **series}
    assert severities(findings_of("curve_shape", [made_run("q1", metrics=metrics)])) == ["error"]


def test_a_weight_explains_no_metric_that_it_is_not_part_of() -> None:
    run = made_run("q1", metrics={"val_mse": (FALL + 3 * RAMP) * NOISE, "kl_weight": RAMP})
    assert severities(findings_of("curve_shape", [run])) == ["error"]


def test_a_run_that_diverges_after_its_ramp_stays_an_error() -> None:
    late = 30 * np.clip((PLACE - 44) / 15, 0, 1)
    run = made_run("q1", metrics={"val_loss": (FALL + 2 * RAMP + late) * NOISE, "kl_weight": RAMP})
    assert severities(findings_of("curve_shape", [run])) == ["error"]


def test_a_run_that_ends_not_finite_stays_an_error() -> None:
    loss = np.where(PLACE > 55, np.inf, FALL + 3 * RAMP)
    run = made_run("q1", metrics={"val_loss": loss, "eps": RAMP})
    assert moving_setting_of(run) is None


def test_underdamped_swings_that_die_away_are_no_warning() -> None:
    t = np.arange(200.0)
    loss = 13 * np.exp(-t / 4) * (1.02 + np.sin(t / 2))
    assert "warning" not in severities(findings_of("curve_shape", [made_run("q1", loss=loss)]))


def test_swings_that_stay_as_large_are_a_warning() -> None:
    loss = 1.2 + np.sin(np.arange(200.0) / 2)
    assert severities(findings_of("curve_shape", [made_run("q1", loss=loss)])) == ["warning"]


def test_a_return_that_never_leaves_the_bottom_of_the_scale_is_stuck() -> None:
    rng = np.random.default_rng(2)
    runs = [made_run("q1", seed, eval__return=rng.uniform(0.05, 0.9, 40)) for seed in range(3)]
    runs.append(made_run("q1", 3, eval__return=90 * (1 - np.exp(-np.arange(40) / 5))))
    statements = [finding.statement for finding in findings_of("curve_shape", runs)]
    assert any("has not risen" in statement for statement in statements)
    assert not any("swings" in statement for statement in statements)


def test_a_cycle_around_the_minimum_is_no_divergence() -> None:
    loss = np.concatenate(
        [np.geomspace(50, 1e-40, 60), np.geomspace(1e-38, 1.2e-3, 30), np.full(60, 1.26e-3)]
    )
    (finding,) = findings_of("curve_shape", [made_run("q1", loss=loss)])
    assert finding.severity == "note"
    assert "rests at 0.00126" in finding.statement


def test_a_loss_that_leaves_its_minimum_and_goes_on_rising_is_a_divergence() -> None:
    loss = np.concatenate([np.geomspace(50, 1e-12, 60), np.geomspace(1e-12, 1e-1, 90)])
    assert severities(findings_of("curve_shape", [made_run("q1", loss=loss)])) == ["error"]


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["train_loss", "val_domain_loss", "val_domain_acc", "val_target_acc"], "val_target_acc"),
        (["val_g_loss", "val_d_loss", "val_fid"], "val_fid"),
        (["val/loss_D", "val/loss_G", "val/recon_loss"], "val/recon_loss"),
        (["val_critic_loss", "eval/return"], "eval/return"),
        (["val_domain_loss", "train_loss"], "train_loss"),
        (["val_domain_loss"], None),
        (["val_out_of_domain_loss"], "val_out_of_domain_loss"),
        (["val_domain_1_loss", "lr"], "val_domain_1_loss"),
    ],
)
def test_a_loss_of_two_networks_at_odds_is_never_the_judge(names: list[str], chosen: str | None) -> None:
    assert evaluation_metric(names) == chosen


def test_the_direction_of_an_adversarial_loss_is_unknown() -> None:
    assert direction_of("val_domain_loss").source == "assumed"
    assert direction_of("val_target_acc").in_brief == "higher is better"
    run = made_run("q1", val_domain_loss=0.3 + 0.4 * RAMP)
    chosen = replace(run, metric="val_domain_loss")
    assert "error" not in severities(findings_of("curve_shape", [chosen]))


def _with_weight(loss: np.ndarray) -> list[str]:
    run = made_run("q1", metrics={"val_loss": loss * NOISE, "kl_weight": RAMP})
    return severities(findings_of("curve_shape", [run]))


@pytest.mark.parametrize(
    "divergence",
    [
        np.where(PLACE > 22, 3e4, 0.0),  # jumps at a third of the ramp, and rests there
        np.exp(np.clip(0.7 * (PLACE - 26), 0, 11)) - 1,  # exponential within the ramp
        np.exp(0.35 * np.clip(PLACE - 12, 0, 30)) - 1,  # exponential from its start to its end
    ],
)
def test_a_rise_that_is_out_of_proportion_to_its_ramp_is_an_error(divergence: np.ndarray) -> None:
    assert _with_weight(FALL + 2 * RAMP + divergence) == ["error"]


@pytest.mark.parametrize(
    "loss",
    [
        0.01 * FALL + 5 * RAMP,  # 500 times its best, in proportion to its weight
        0.01 * FALL + 5 * RAMP / (0.2 + RAMP),  # concave, as the least loss is
        0.01 * FALL + 5 * RAMP**2,
    ],
)
def test_a_rise_in_proportion_to_its_ramp_is_a_note_however_large(loss: np.ndarray) -> None:
    assert _with_weight(loss) == ["note"]


def test_a_weight_that_is_switched_on_at_once_explains_the_jump() -> None:
    weight = np.where(PLACE > 20, 1.0, 0.0)
    loss = (0.01 * FALL + 3 * weight) * NOISE
    run = made_run("q1", metrics={"val_loss": loss, "kl_weight": weight})
    assert "error" not in severities(findings_of("curve_shape", [run]))


def test_a_loss_that_becomes_nan_within_its_ramp_is_an_error() -> None:
    assert _with_weight(np.where(PLACE > 30, np.nan, FALL + 2 * RAMP)) == ["error"]


def test_a_resolution_that_grows_in_stages_explains_ends_that_rise() -> None:
    stage, within = np.divmod(PLACE, 15)
    fid = (9 + 3 * stage + (60 + 20 * stage) * np.exp(-within / 3)) * NOISE
    run = made_run("q1", metrics={"fid": fid, "resolution": 32 * 2**stage})
    assert "error" not in severities(findings_of("curve_shape", [run]))
    assert "warning" not in severities(findings_of("curve_shape", [run]))


def test_a_success_rate_that_is_noisy_at_both_ends_of_its_range_does_not_swing() -> None:
    rng = np.random.default_rng(5)
    rise = 1 / (1 + np.exp(-(PLACE - 25) / 3))
    rate = np.clip(rise + 0.04 * rng.standard_normal(60), 0, 1).round(2)
    findings = findings_of("curve_shape", [made_run("q1", test_success_rate=rate)])
    assert not any("swings" in finding.statement for finding in findings)
    swinging = np.where(PLACE % 8 < 4, rate, 0.3 * rate)
    findings = findings_of("curve_shape", [made_run("q1", test_success_rate=swinging)])
    assert any("swings" in finding.statement for finding in findings)


def test_a_level_that_grows_in_stages_explains_swings() -> None:
    stage, within = np.divmod(PLACE, 15)
    loss = (0.1 + 0.05 * stage + 0.5 * np.exp(-within / 3)) * NOISE
    findings = findings_of("curve_shape", [made_run("q1", metrics={"val_loss": loss, "level": stage})])
    assert "warning" not in severities(findings)

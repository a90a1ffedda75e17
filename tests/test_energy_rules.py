"""Rules about logged energies and identities: planted faults are found, twins without them are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.cli.demo import sample_runs
from ired_diag import forensics
from ired_diag.finding import Finding
from ired_diag.open import open_study
from ired_diag.runs.ending import Ending, State
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from tests.made_runs import made_run

SCALES = (1e-6, 1.0, 1e6)


def run(
    metrics: Mapping[str, Any],
    *,
    experiment: str = "a",
    seed: int = 0,
    state: State = "complete",
    **config: Any,
) -> Run:
    """Return a run that logged these metrics every 100 steps."""
    return made_run(experiment, seed, config=config, state=state, path=Path("x"), metrics=metrics)


def found(rule: str, runs: Run | Sequence[Run]) -> list[Finding]:
    study = Study.of([runs] if isinstance(runs, Run) else runs)
    return list(forensics.diagnose(study, [forensics.load(rule)]))


def energies(kind: str, rng: np.random.Generator, n: int = 200) -> tuple[Any, Any]:
    """Return mean energies of positives and negatives, with 1% noise."""
    t = np.arange(n) / n
    level, gap = {
        "rests": (1 + 4 * (1 - np.exp(-10 * t)), np.full(n, 2.0)),
        "rests far up": (np.exp(np.minimum(30 * t, 9)), np.full(n, 5.0)),
        "runs away": (np.exp(12 * t), np.full(n, 2.0)),
        "runs to minus infinity": (-np.exp(12 * t), np.full(n, 2.0)),
        "grows with the gap": (np.exp(12 * t), 0.5 * np.exp(12 * t)),
        "collapses": (3 + 0 * t, 2 * np.exp(-30 * t)),
    }[kind]
    noise = 0.01 * rng.standard_normal((2, n)) * (np.exp(-30 * t) if kind == "collapses" else np.abs(level))
    return level + noise[0], level + gap + noise[1]


KINDS = {
    "rests": None,
    "rests far up": ("grown", "note"),
    "runs away": ("runaway", "warning"),
    "runs to minus infinity": ("runaway", "warning"),
    "grows with the gap": ("in_step", "note"),
    "collapses": ("collapse", "warning"),
}


@pytest.mark.parametrize(
    "names", [("D/E_pos", "D/E_neg"), ("train/energy_positive", "train/energy_negative")]
)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_energies_do_is_told_whatever_their_unit_and_name(
    kind: str, scale: float, names: tuple[str, str]
) -> None:
    pair = energies(kind, np.random.default_rng(0))
    told = found("energy_scale", run({name: scale * e for name, e in zip(names, pair, strict=True)}))
    assert [(f.evidence["kind"], f.severity) for f in told] == ([KINDS[kind]] if KINDS[kind] else [])


@pytest.mark.parametrize(("kind", "verdict"), KINDS.items())
def test_every_second_point_of_energies_says_the_same(kind: str, verdict: tuple[str, str] | None) -> None:
    below, above = energies(kind, np.random.default_rng(1))
    told = found("energy_scale", run({"D/E_pos": below[::2], "D/E_neg": above[::2]}))
    assert [f.evidence["kind"] for f in told] == ([verdict[0]] if verdict else [])


def test_energies_that_calm_down_to_a_tenth_have_not_collapsed() -> None:
    below, above = energies("rests", np.random.default_rng(6))
    calm = np.geomspace(1, 0.05, len(below))
    assert found("energy_scale", run({"D/E_pos": 3 + below * calm, "D/E_neg": 3 + above * calm})) == []


def test_energies_that_are_not_computed_and_logged_settings_are_no_fault() -> None:
    assert (
        found("energy_scale", run({"D/E_pos": [0.0] * 40, "D/E_neg": [0.0] * 40, "D/pred_len": [7] * 40}))
        == []
    )


def test_the_growth_that_is_told_is_the_planted_one() -> None:
    sizes = np.concatenate([[2.0] * 3, np.geomspace(2, 5000, 97)])
    (finding,) = found("energy_scale", run({"D/E_pos": sizes}))
    assert finding.evidence["highest"] == pytest.approx(np.median(sizes[-10:]) / 2)


def test_energies_that_overflow_after_growing_are_an_error() -> None:
    sizes = np.concatenate([np.geomspace(1, 1e30, 80), [np.inf] * 20])
    (finding,) = found("energy_scale", run({"D/E_pos": sizes, "D/E_neg": sizes}))
    assert (finding.severity, finding.evidence["kind"]) == ("error", "overflow")


def test_a_group_is_judged_by_its_complete_runs_where_it_has_any() -> None:
    rng = np.random.default_rng(2)
    calm, wild = (run({"D/E_pos": energies(kind, rng)[0]}) for kind in ("rests", "runs away"))
    cut = replace(wild, seed=1, ending=Ending("cut_off"))
    assert found("energy_scale", [calm, cut]) == []
    assert len(found("energy_scale", cut)) == 1


def test_one_finding_a_group_however_many_seeds() -> None:
    runs = [run({"D/E_pos": energies("runs away", np.random.default_rng(s))[0]}, seed=s) for s in range(6)]
    (finding,) = found("energy_scale", runs)
    assert finding.evidence["runs"] == 6
    assert "2 more" in finding.statement


@pytest.mark.parametrize("size", [0.0, 1e-4, 5e-3])
@pytest.mark.parametrize("target", ["tgt_std", "target_std"])
def test_predictions_that_stay_near_zero_beside_their_target_are_dead(size: float, target: str) -> None:
    noise = 1 + 0.1 * np.random.default_rng(3).standard_normal(60)
    (finding,) = found("energy_scale", run({"D/pred_std": size * noise, f"D/{target}": np.ones(60)}))
    assert finding.evidence["kind"] == "dead_prediction"
    alive = np.where(np.arange(60) < 10, size, 1.0) * noise  # at first every predictor is near zero
    assert found("energy_scale", run({"D/pred_std": alive, f"D/{target}": np.ones(60)})) == []


def test_a_vanished_gradient_is_dead_only_where_no_loss_came_down() -> None:
    noise = 1 + 0.02 * np.random.default_rng(4).standard_normal(60)
    gradient = np.where(np.arange(60) < 5, 1.0, 1e-6) * noise
    (finding,) = found("energy_scale", run({"train/gradient_norm": gradient, "train/loss": noise}))
    assert finding.evidence["kind"] == "dead_gradient"
    solved = run({"train/gradient_norm": gradient, "train/loss": noise * np.geomspace(1, 1e-6, 60)})
    alone = run({"train/gradient_norm": gradient})
    lively = run({"train/gradient_norm": noise, "train/loss": noise})
    assert (
        found("energy_scale", [solved])
        == found("energy_scale", [alone])
        == found("energy_scale", lively)
        == []
    )


def test_a_prediction_or_an_energy_that_is_one_number_is_told() -> None:
    noise = np.random.default_rng(5).standard_normal(40)
    for name in ("D/pred", "D/E_pos"):
        (finding,) = found("energy_scale", run({name: [0.5] * 40, "D/loss": noise}))
        assert (finding.evidence["kind"], finding.evidence["lowest"]) == ("constant", 0.5)


# Identities


def printed(rng: np.random.Generator, decimals: int | None, n: int = 100) -> dict[str, Any]:
    """Return energies up to a million and their margin, as a program computes and prints them."""
    below = np.geomspace(10, 1e6, n) * (1 + 0.1 * rng.standard_normal(n))
    above = below + 1e3 * rng.standard_normal(n)
    told = {"D/E_pos": below, "D/E_neg": above, "D/margin": above - below}
    if decimals is None:
        return {name: np.float32(values) for name, values in told.items()}
    return {name: np.round(values, decimals) for name, values in told.items()}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("decimals", [0, 2, 4, 8, None])
def test_rounding_is_no_contradiction(seed: int, decimals: int | None) -> None:
    metrics = printed(np.random.default_rng(seed), decimals)
    assert found("logged_identities", run(metrics)) == []


@pytest.mark.parametrize("digits", [3, 4, 6])
def test_significant_digits_are_no_contradiction(digits: int) -> None:
    for seed in range(20):
        told = printed(np.random.default_rng(seed), 8)
        metrics = {name: [float(f"{v:.{digits}g}") for v in values] for name, values in told.items()}
        assert found("logged_identities", run(metrics)) == []


@pytest.mark.parametrize("bits", [8, 11, 24])
def test_a_mean_in_low_precision_is_no_contradiction(bits: int) -> None:
    rng = np.random.default_rng(bits)
    below = np.geomspace(1, 1e4, 60) * (1 + 0.1 * rng.standard_normal(60))
    low, high = (_to_bits(e, bits) for e in (below, below + rng.standard_normal(60)))
    metrics = {"D/E_pos": low, "D/E_neg": high, "D/margin": _to_bits(high - low, bits)}
    assert found("logged_identities", run(metrics)) == []


def _to_bits(x: Any, bits: int) -> Any:
    fraction, exponent = np.frexp(x)
    return np.ldexp(np.rint(np.ldexp(fraction, bits)), exponent - bits)


def test_a_mean_of_differences_that_were_rounded_one_by_one_is_no_contradiction() -> None:
    told, rng = printed(np.random.default_rng(0), 8), np.random.default_rng(1)
    told["D/margin"] = told["D/margin"] * (1 + 2.0**-12 * rng.uniform(-1, 1, 100))
    assert found("logged_identities", run(told)) == []


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("share", "severity"), [(0.02, "warning"), (0.5, "error"), (1.0, "error")])
def test_a_margin_that_is_not_the_difference_is_found(scale: float, share: float, severity: str) -> None:
    metrics = {name: scale * e for name, e in printed(np.random.default_rng(0), 4).items()}
    wrong = np.arange(100) < 100 * share
    metrics["D/margin"] = np.where(wrong, 1.1 * metrics["D/margin"] + scale, metrics["D/margin"])
    (finding,) = found("logged_identities", run(metrics))
    assert finding.severity == severity
    assert finding.evidence["share"] == pytest.approx(share, abs=0.02)


def test_either_sign_and_the_size_of_a_gap_are_right_and_a_constant_margin_is_a_setting() -> None:
    told = printed(np.random.default_rng(0), 4)
    for margin in (-told["D/margin"], np.abs(told["D/margin"]), np.full(100, 0.5)):
        assert found("logged_identities", run({**told, "D/margin": margin})) == []


@pytest.mark.parametrize(
    ("names", "rounded"),
    [(("mse_neg", "mse_pos", "mse_gap"), 6), (("mse_neg", "mse_rec", "neg_vs_rec"), 6)],
)
def test_gaps_of_other_quantities_are_checked_too(names: tuple[str, ...], rounded: int) -> None:
    a, b = np.random.default_rng(1).random((2, 50)).round(rounded)
    above, below, gap = names
    right = {f"X/{above}": a, f"X/{below}": b, f"X/{gap}": (a - b).round(rounded)}
    assert found("logged_identities", run(right)) == []
    (finding,) = found("logged_identities", run({**right, f"X/{gap}": (a + b).round(rounded)}))
    assert gap in str(finding.evidence["identity"])


def test_a_root_of_a_mean_may_be_larger_than_a_mean_of_roots_but_not_smaller() -> None:
    mse = np.random.default_rng(2).random(50).round(5)
    for factor, wrong in ((1.0, False), (0.9, False), (1.1, True)):
        metrics = {"validation/mse": mse, "validation/rmse": (factor * np.sqrt(mse)).round(4)}
        assert bool(found("logged_identities", run(metrics))) == wrong


def losses(weight: float, rng: np.random.Generator, *, n: int = 80, decimals: int = 6) -> dict[str, Any]:
    denoise, nce = rng.random((2, n)) + 0.1
    told = {"train/denoise": denoise, "train/nce": nce, "train/loss": denoise + weight * nce}
    return {name: values.round(decimals) for name, values in told.items()}


@pytest.mark.parametrize("decimals", [3, 6, 12])
def test_a_sum_with_the_configured_weight_or_with_terms_already_weighted_is_right(decimals: int) -> None:
    for seed in range(20):
        told = losses(0.5, np.random.default_rng(seed), decimals=decimals)
        assert found("logged_identities", run(told, energy_loss_weight=0.5)) == []
        weighted = {**told, "train/nce": (0.5 * told["train/nce"]).round(decimals)}
        assert found("logged_identities", run(weighted, energy_loss_weight=0.5)) == []
        assert found("logged_identities", run(told)) == []  # no word of a weight


def test_a_weight_in_effect_that_is_not_the_configured_one_is_found() -> None:
    told = losses(0.5, np.random.default_rng(0))
    (finding,) = found("logged_identities", run(told, energy_loss_weight=0.05))
    assert finding.severity == "error"
    assert "in effect is 0.5" in finding.statement


def test_a_sum_that_fails_at_some_steps_is_found_and_one_with_a_term_not_logged_says_nothing() -> None:
    told = losses(0.5, np.random.default_rng(1))
    broken = told["train/loss"] + 0.3 * (np.arange(80) % 6 == 0)
    (finding,) = found("logged_identities", run({**told, "train/loss": broken}))
    assert finding.evidence["share"] == pytest.approx(1 / 6, abs=0.01)
    unlogged = told["train/loss"] + np.random.default_rng(2).random(80)
    assert found("logged_identities", run({**told, "train/loss": unlogged}, energy_loss_weight=0.05)) == []


@pytest.mark.parametrize(("divisor", "batch", "told"), [(256, 256, True), (256, 512, False), (1, 256, False)])
def test_gradients_that_are_divided_by_the_batch_size_are_told(divisor: int, batch: int, told: bool) -> None:
    rng = np.random.default_rng(3)
    gradient = np.geomspace(1, 1e4, 80)
    prediction = gradient / divisor * (1 + 0.005 * rng.standard_normal(80))  # of other noise
    metrics = {"D/gradE": gradient.round(4), "D/pred": prediction.round(4)}
    assert [f.severity for f in found("logged_identities", run(metrics, batch_size=batch))] == [
        "warning"
    ] * told
    assert found("logged_identities", run(metrics)) == []


# Both rules


NOTHING: tuple[list[float], ...] = (
    [],
    [float("nan")] * 40,
    [float("inf")] * 40,
    [1.0],
    [0.0] * 40,
    [1e308, -1e308] * 20,
)


@pytest.mark.parametrize("values", NOTHING)
@pytest.mark.parametrize("rule", ["energy_scale", "logged_identities"])
def test_nothing_and_what_is_not_finite_is_no_crash(rule: str, values: list[float]) -> None:
    names = ["D/E_pos", "D/E_neg", "D/margin", "D/pred", "D/tgt", "D/gradE", "D/loss", "D/nce", "D/denoise"]
    names += ["D/gradient_norm", "D/mse", "D/rmse"]
    odd: dict[str, Any] = {"energy_loss_weight": ["a"], "batch_size": {"x": []}, "nce_weight": float("nan")}
    told = found(
        rule, [run(dict.fromkeys(names, values), **odd), replace(run({"a": [1]}), configuration=None)]
    )
    assert all(f.evidence.get("kind") == "constant" for f in told)


@pytest.mark.parametrize("draw", range(5))
def test_healthy_training_is_left_in_peace(draw: int) -> None:
    rng = np.random.default_rng(draw)
    metrics = losses(0.5, rng, n=100)
    metrics["train/denoise"] = (metrics["train/denoise"] * np.geomspace(1, 0.05, 100)).round(6)
    metrics["train/loss"] = (metrics["train/denoise"] + 0.5 * metrics["train/nce"]).round(6)
    below, above = energies("rests", rng, 100)
    metrics |= {"train/energy_positive": below, "train/energy_negative": above}
    metrics |= {"train/energy_margin": above - below, "train/gradient_norm": 0.5 + 0.1 * rng.random(100)}
    runs = [run(metrics, seed=seed, energy_loss_weight=0.5, batch_size=256) for seed in range(2)]
    assert found("energy_scale", runs) == found("logged_identities", runs) == []


def test_our_own_trainers_logs_agree_with_themselves() -> None:
    study = open_study(sample_runs())
    assert any("train/nce" in one.history.series for one in study.runs)
    for rule in ("energy_scale", "logged_identities"):
        assert [f for f in forensics.diagnose(study, [forensics.load(rule)]) if f.severity != "note"] == []


def test_the_studys_identities_hold_and_its_forks_divided_by_the_batch_size(shared: Path) -> None:
    study = open_study(shared / "ired_logs")
    told = forensics.diagnose(study, [forensics.load("logged_identities")])
    assert {f.evidence["group"]: f.severity for f in told} == dict.fromkeys(
        ("q201@61186975", "q207", "q209"), "warning"
    )
    assert all(f.evidence["ratio"] == pytest.approx(2048, rel=0.001) for f in told)


def test_the_studys_scalar_energies_grew_a_thousandfold_and_rest(shared: Path) -> None:
    study = open_study(shared / "ired_logs")
    told = forensics.diagnose(study, [forensics.load("energy_scale")])
    growth = {f.evidence["group"]: f.evidence["highest"] for f in told}
    assert {f.evidence["kind"] for f in told} == {"grown"}
    assert set(growth) == {"q201@61186975", "q207", "q209"}
    assert all(float(g or 0) > 500 for g in growth.values())


def test_a_digit_changed_in_the_studys_logs_is_found(shared: Path) -> None:
    study = open_study(shared / "ired_logs")
    one = next(r for r in study.runs if "CD-DIAG/margin" in r.history.series and r.group == "q207")
    series = dict(one.history.series)
    margin = np.array(series["CD-DIAG/margin"].values)
    margin[7] += 0.01 * abs(margin[7])
    series["CD-DIAG/margin"] = replace(series["CD-DIAG/margin"], values=margin)
    changed = replace(one, history=replace(one.history, series=series))
    told = [f for f in found("logged_identities", changed) if "identity" in f.evidence]
    assert [(f.severity, f.evidence["worst_step"]) for f in told] == [("warning", 800)]

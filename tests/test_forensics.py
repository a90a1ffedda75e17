"""Forensic rules: each planted mistake is found, nothing in healthy runs; names, scale mean nothing."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from app.cli import main
from app.cli.demo import sample_runs
from ired_diag import forensics
from ired_diag.curves.one_computation import Pair
from ired_diag.finding import Finding
from ired_diag.forensics.identical_curves import _clusters
from ired_diag.open import open_study
from ired_diag.runs.ending import Ending, State
from ired_diag.runs.history import History, Row, Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.verdict import verdict_of
from tests.made_runs import made_run


def run(
    experiment: str,
    seed: int,
    values: Sequence[float],
    *,
    train: Sequence[float] = (),
    state: State = "complete",
    variant: str | None = None,
    attempts: tuple[Run, ...] = (),
    **config: Any,
) -> Run:
    metrics = {"validation/mse": values}
    if len(train):
        metrics["train/mse_error"] = train
    return made_run(
        experiment,
        seed,
        every=1000,
        config={"experiment_name": experiment, "rank": 20, "mining_strategy": "none", **config},
        state=state,
        variant=variant,
        path=Path(experiment),
        provenance={"git_commit": f"commit of {variant}"},
        attempts=attempts,
        metrics=metrics,
    )


def settling(
    rng: np.random.Generator, *, level: float = 0.01, noise: float = 0.003, seed_sd: float = 0.0
) -> Any:
    """Return 100 evaluations that fall to a plateau; noise and spread of seeds are shares of the level."""
    fall = np.exp(-np.arange(100) / 3)
    own = 1 + seed_sd * rng.standard_normal()
    return level * (fall * 10 + own + noise * rng.standard_normal(100))


def healthy(rng: np.random.Generator, *, seed_sd: float = 0.01) -> list[Run]:
    found = []
    for experiment, strategy in (("alpha", "none"), ("beta", "adversarial")):
        for seed in range(5):
            values = settling(rng, seed_sd=seed_sd)
            found.append(run(experiment, seed, values, train=values * 1.1, mining_strategy=strategy))
    return found


def rules_of(runs: Sequence[Run]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in forensics.diagnose(Study.of(runs)):
        found.setdefault(finding.rule, []).append(finding)
    return found


@pytest.mark.parametrize("draw", range(5))
def test_healthy_runs_are_left_in_peace(draw: int) -> None:
    rng = np.random.default_rng(draw)
    found = forensics.diagnose(Study.of(healthy(rng)))
    assert [finding for finding in found if finding.severity != "note"] == []


def test_runs_that_computed_the_same_are_found_with_the_keys_that_did_nothing() -> None:
    rng = np.random.default_rng(0)
    runs = healthy(rng)
    runs += [
        replace(one, experiment="gamma", configuration={**(one.configuration or {}), "replay": 3})
        for one in runs[:2]
    ]
    (finding,) = rules_of(runs)["identical_curves"]
    assert finding.severity == "error"
    assert (finding.evidence["evaluations"], finding.evidence["runs"]) == (100, 4)
    assert finding.evidence["keys"] == "replay"
    assert "changed nothing: replay." in finding.statement
    runs[-1] = replace(runs[-1], configuration=runs[1].configuration)
    runs[-2] = replace(runs[-2], configuration=runs[0].configuration)
    assert "identical_curves" not in rules_of(runs)  # one configuration run twice is no mistake


def test_curves_that_differ_in_one_digit_or_are_constant_are_not_called_the_same() -> None:
    values = settling(np.random.default_rng(0))
    other = values.copy()
    other[50] *= 1 + 1e-12
    assert "identical_curves" not in rules_of([run("a", 0, values), run("b", 0, other, rank=8)])
    assert "identical_curves" not in rules_of([run("a", 0, [1.0] * 50), run("b", 0, [1.0] * 50, rank=8)])


def with_metric(one: Run, name: str, values: Any) -> Run:
    extra = Series(np.arange(1, len(values) + 1) * 1000, np.asarray(values, dtype=float))
    return replace(one, history=replace(one.history, series={**one.history.series, name: extra}))


def test_one_metric_that_differs_once_refutes_that_runs_are_the_same() -> None:
    values = settling(np.random.default_rng(0))
    a, b = run("a", 0, values, rank=4), run("b", 0, values, rank=8)
    energy = np.arange(100.0)
    changed = np.where(energy == 50, 50.1, energy)
    assert len(
        rules_of([with_metric(a, "E_pos", energy), with_metric(b, "E_pos", energy)])["identical_curves"]
    )
    told = rules_of([with_metric(a, "E_pos", energy), with_metric(b, "E_pos", changed)])
    assert "identical_curves" not in told
    for name in ("train/nn_time", "time/fps", "gpu_mem"):  # of the machine: they say nothing
        told = rules_of([with_metric(a, name, energy), with_metric(b, name, changed)])
        assert len(told["identical_curves"]) == 1


def test_digits_that_tell_too_little_prove_nothing() -> None:
    rng = np.random.default_rng(3)
    noise: Any = np.round(1.0346 + 1e-4 * rng.integers(-4, 5, 800), 4)  # the same data, nothing learnt
    assert "identical_curves" not in rules_of([run("a", 0, noise), run("b", 0, noise, rank=8)])
    learnt: Any = np.round(settling(rng, level=1.0), 4)
    assert len(rules_of([run("a", 0, learnt), run("b", 0, learnt, rank=8)])["identical_curves"]) == 1


def test_an_equal_schedule_is_no_equal_result() -> None:
    rng = np.random.default_rng(4)
    a, b = (run(name, 0, settling(rng), rank=8 + i) for i, name in enumerate("ab"))
    rate = np.geomspace(1e-3, 1e-5, 100)
    series = {"lr": Series(np.arange(1, 101) * 1000, rate)}
    only = [replace(one, history=replace(one.history, series=series)) for one in (a, b)]
    assert "identical_curves" not in rules_of(only)


def test_runs_that_agree_are_one_finding_for_all_their_groups_and_seeds() -> None:
    rng = np.random.default_rng(5)
    curves = [settling(rng) for _ in range(3)]
    runs = [run(g, s, curves[s], replay=i) for i, g in enumerate("abcd") for s in range(3)]
    (finding,) = rules_of(runs)["identical_curves"]
    assert (finding.evidence["groups"], finding.evidence["runs"]) == ("a, b, c, d", 12)


def test_runs_that_agree_over_a_short_part_of_one_of_them_are_a_note() -> None:
    values = settling(np.random.default_rng(6))
    (finding,) = rules_of([run("a", 0, values), run("b", 0, values[:20], late=1)])["identical_curves"]
    assert finding.severity == "note"


def test_unfinished_runs_that_agree_so_far_are_a_note() -> None:
    values = settling(np.random.default_rng(6))
    told: dict[str, Any] = {"train_steps": 1_000_000, "state": "cut_off"}
    (finding,) = rules_of([run("a", 0, values, **told), run("b", 0, values, late=1, **told)])[
        "identical_curves"
    ]
    assert (finding.severity, "10% of" in finding.statement) == ("note", True)


def test_keys_of_logging_and_saving_may_differ_between_equal_runs() -> None:
    values = settling(np.random.default_rng(7))
    others: dict[str, Any] = {"log_every": 10, "num_workers": 4, "checkpoint_every": 5}
    assert "identical_curves" not in rules_of([run("a", 0, values), run("b", 0, values, **others)])


@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e5])
@pytest.mark.parametrize(("factor", "told"), [(9.0, False), (11.0, True)])
def test_one_name_with_results_far_apart_is_found_at_any_scale(
    scale: float, factor: float, told: bool
) -> None:
    runs = [
        run("a", 0, [1, scale], variant="1"),
        run("a", 0, [1, scale * factor], variant="2"),
        run("a", 0, [1, scale * 1e4], variant="3", state="cut_off"),
    ]
    found = rules_of(runs).get("same_name", [])
    assert bool(found) == told
    if told:
        assert found[0].evidence["factor"] == pytest.approx(factor)
        assert "commit" in found[0].statement


def test_incomplete_and_repeated_runs_are_counted_by_cause() -> None:
    again = Run(
        experiment="a", path=Path("x"), ending=Ending("out_of_memory"), provenance={"job": "1"}, evaluations=3
    )
    runs = [
        run("a", 0, [1, 2]),
        run("a", 1, [1], state="cut_off", train_steps=2000),
        run("a", 2, [1], state="out_of_memory", attempts=(again, again)),
    ]
    left, repeated = rules_of(runs)["incomplete"]
    assert (left.severity, left.evidence["incomplete"], left.evidence["state_out_of_memory"]) == (
        "warning",
        2,
        1,
    )
    assert (repeated.severity, repeated.evidence["attempts"]) == ("note", 2)
    assert "seed1 at step 1000 of 2000" in left.statement


@pytest.mark.parametrize(
    ("config", "count", "severity"),
    [
        ({"train_steps": 9000}, 1, "warning"),
        ({}, 1, "note"),  # nothing states how far it was to go
        ({"train_steps": 5000}, 1, "note"),  # it went so far
        ({"max_steps": 90_000, "max_epochs": 5000}, 1, "note"),  # the axis is the epoch
        ({"train_steps": 9000}, 3, "note"),  # three runs that end at the same step were not cut
    ],
)
def test_a_log_that_just_stops_is_incomplete_only_before_a_planned_step(
    config: dict[str, Any], count: int, severity: str
) -> None:
    runs = [run("a", seed, [5, 4, 3, 2, 1], state="cut_off", **config) for seed in range(count)]
    (finding,) = rules_of(runs)["incomplete"]
    assert finding.severity == severity


def test_a_log_that_is_being_written_is_no_incomplete_run(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text("{}")
    young = replace(run("a", 0, [3, 2, 1], state="cut_off", train_steps=9000), path=tmp_path)
    (finding,) = rules_of([young])["incomplete"]
    assert (finding.severity, "may still be running" in finding.statement) == ("note", True)
    began_long_ago = replace(young, provenance={"started": "2020-01-01T00:00:00"})
    (finding,) = rules_of([began_long_ago])["incomplete"]
    assert (finding.severity, "running or cut off" in finding.statement) == ("note", True)


@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e5])
def test_a_spread_of_seeds_that_is_evaluation_noise_is_found_and_a_real_one_is_not(scale: float) -> None:
    rng = np.random.default_rng(1)
    same = [run("a", seed, scale * settling(rng)) for seed in range(8)]
    real = [run("b", seed, scale * settling(rng, seed_sd=0.01)) for seed in range(8)]
    (finding,) = rules_of(same + real)["evaluation_noise"]
    assert finding.evidence["group"] == "a"
    assert finding.evidence["evaluation_sd"] == pytest.approx(scale * 3e-5, rel=0.1)


@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e5])
@pytest.mark.parametrize(("factor", "told"), [(1.0, 0), (1.07, 0), (1.3, 1), (2.3, 1), (0.3, 1), (40.0, 1)])
def test_a_seed_that_rests_far_from_its_siblings_is_found_at_any_scale(
    scale: float, factor: float, told: int
) -> None:
    rng = np.random.default_rng(6)
    runs = [run("a", seed, scale * settling(rng, seed_sd=0.01)) for seed in range(5)]
    runs.append(run("a", 5, scale * factor * settling(rng)))
    found = rules_of(runs).get("outlying_seed", [])
    assert [finding.evidence["run"] for finding in found] == ["a/seed5"] * told


FRESH = {"ood": False, "diffusion_steps": 10}  # and so known: matrix inversion draws each batch


def gap_of(validation: Any, train: Any, **config: Any) -> list[tuple[str, object]]:
    found = rules_of([run("a", 0, validation, train=train, **config)]).get("train_validation_gap", [])
    return [(finding.severity, finding.evidence["kind"]) for finding in found]


@pytest.mark.parametrize("factor", [1.0, 8.0, 1 / 8])
def test_a_small_gap_between_training_and_validation_is_none(factor: float) -> None:
    values = settling(np.random.default_rng(2), seed_sd=0.01)
    assert gap_of(values * factor, values, **FRESH) == gap_of(values * factor, values) == []


@pytest.mark.parametrize("factor", [12.0, 300.0, 1 / 300])
def test_a_factor_between_training_and_validation_is_a_mismatch_only_of_fresh_data(factor: float) -> None:
    values = settling(np.random.default_rng(2), seed_sd=0.01)
    assert gap_of(values * factor, values, **FRESH) == [("warning", "mismatch")]
    assert gap_of(values * factor, values) == [("note", "other_quantity")]


def test_a_gap_that_grows_while_the_training_error_falls_is_over_fitting_of_a_finite_set() -> None:
    train, validation = np.geomspace(1, 1e-4, 60), 0.07 + np.geomspace(1, 1e-4, 60)
    assert gap_of(validation, train) == [("note", "over_fitting")]
    assert gap_of(validation, train, **FRESH) == [("warning", "mismatch")]
    assert gap_of(train, validation) == [("note", "below")]
    assert gap_of(np.geomspace(1, 100, 60), np.ones(60)) == []  # training did not fall: it diverges


NAMES = [("train/energy_positive", "train/energy_negative", "train/nce"), ("D/E_pos", "D/E_neg", "D/E_wtd")]


def contrasted(
    names: tuple[str, str, str],
    gap: float,
    loss: float | None = None,
    *,
    config: dict[str, Any] | None = None,
    **more: float,
) -> list[Finding]:
    """Return what is said of a run with these mean energies and, if given, this contrastive loss."""
    config = {"mining_strategy": "adversarial", "energy_loss_weight": 0.05} if config is None else config
    told = {} if loss is None else {names[2]: 0.05 * loss if names[2].endswith("wtd") else loss}
    rows = [Row(i, {names[0]: 1e5 + i, names[1]: 1e5 + i + gap, **told, **more}) for i in range(1, 40)]
    one = replace(run("a", 0, [1, 2]), history=History.of(rows), configuration=config)
    return rules_of([one]).get("contrastive_term", [])


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize(
    ("gap", "loss", "severity"),
    [
        (0.0, math.log(2), "error"),
        (2.0, 0.3, None),
        (6e3, 0.3, None),  # one noise level has all the energy, the samples' weights are not small
        (6e3, 0.004, "warning"),
        (6e3, 6.0, "warning"),
        (6e3, 0.9, None),
        (-5.0, None, "warning"),  # the mean loss is 5 nat at least
        (6e3, None, None),  # of means alone nothing follows
    ],
)
def test_a_contrastive_term_is_judged_by_its_logged_loss(
    names: tuple[str, str, str], gap: float, loss: float | None, severity: str | None
) -> None:
    assert [finding.severity for finding in contrasted(names, gap, loss)] == ([severity] if severity else [])


@pytest.mark.parametrize(
    "config",
    [
        {"mining_strategy": "none"},
        {"mining_strategy": "adversarial", "energy_loss_weight": 0.0},
        {"mining_strategy": "adversarial", "use_cd_loss": True},
        {"mining_strategy": "tam", "use_gradient_contrastive": True},
        {"mining_strategy": "adversarial", "loss_type": "hinge"},
    ],
)
@pytest.mark.parametrize("gap", [0.0, -50.0, 50.0])
def test_a_term_that_is_not_in_the_loss_is_not_judged(config: dict[str, Any], gap: float) -> None:
    assert contrasted(NAMES[1], gap, config=config) == []


def test_a_term_that_is_logged_as_0_is_not_in_the_loss_and_equal_constants_are_not_energies() -> None:
    assert contrasted(NAMES[1], 0.0, 0.0) == []
    rows = [Row(i, {"D/E_pos": 0.0, "D/E_neg": 0.0}) for i in range(1, 40)]
    one = replace(run("a", 0, [1, 2], mining_strategy="adversarial"), history=History.of(rows))
    assert "contrastive_term" not in rules_of([one])


def test_equal_energies_of_a_run_that_states_nothing_are_a_note() -> None:
    (finding,) = contrasted(NAMES[1], 0.0, config={})
    assert finding.severity == "note"
    assert contrasted(NAMES[1], -50.0, config={}) == []  # the sign of its energy is unknown too


def test_the_bounds_on_the_mean_weight_and_the_mean_loss_hold_for_any_samples() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        gaps = rng.standard_cauchy(50) * 10 ** rng.uniform(-2, 3) + rng.normal(0, 5)
        losses = np.logaddexp(0, -gaps)
        assert np.mean(-np.expm1(-losses)) <= losses.mean() + 1e-12
        assert losses.mean() >= np.logaddexp(0, -gaps.mean()) - 1e-12


PGD = {"mining_strategy": "tam", "use_pgd_negatives": True, "use_langevin": False}


@pytest.mark.parametrize(
    ("name", "values", "severity", "config"),
    [
        ("train/mining_accepted", [0.9] * 20 + [0.004] * 20, "warning", {"mining_strategy": "adversarial"}),
        ("train/mining_accepted", [0.0] * 20 + [0.02] * 20, None, {"mining_strategy": "adversarial"}),
        ("TAM/pgd_disp", [0.0] * 40, "warning", PGD),
        ("TAM/pgd_disp", [0.0] * 8, "warning", PGD),  # short, and every line agrees
        ("TAM/pgd_disp", [0.0] * 7 + [0.1], None, PGD),
        ("TAM/pgd_disp", [0.0] * 3, None, PGD),
        ("TAM/pgd_disp", [0.0] * 40, None, {"mining_strategy": "none"}),
        ("TAM/pgd_disp", [0.0] * 40, "note", {}),
        ("TAM/pgd_disp", [0.5] * 20 + [0.0] * 20, "warning", {}),
        ("TAM/pgd_disp", [0.0] * 20 + [1e-9] * 20, None, PGD),
        ("TAM/pgd_disp", [float("nan")] * 40, None, PGD),
        ("TAM/lang_disp", [0.0] * 40, None, PGD),
        ("TAM/lang_disp", [0.0] * 40, None, {"mining_strategy": "adversarial"}),
        ("TAM/lang_disp", [0.0] * 40, "warning", {"mining_strategy": "cd_langevin"}),
        ("TAM/lang_disp", [0.0] * 40, "warning", {"mining_strategy": "x", "use_langevin": True}),
        ("TAM/neg_dist", [0.0] * 40, None, {"mining_strategy": "none"}),
        ("TAM/neg_dist", [0.0] * 40, "warning", {"mining_strategy": "adversarial"}),
        ("train/dispersion", [0.0] * 40, None, PGD),
    ],
)
def test_mining_that_does_not_move_is_a_finding_where_the_run_uses_that_sampler(
    name: str, values: list[float], severity: str | None, config: dict[str, Any]
) -> None:
    rows = [Row(i, {name: value}) for i, value in enumerate(values)]
    one = replace(run("a", 0, [1, 2]), history=History.of(rows), configuration=config)
    found = rules_of([one]).get("unmoved_negatives", [])
    assert [finding.severity for finding in found] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("mse", "floor"),
    [(0.03, "zero"), (0.0207, "zero"), (0.018, "mean_inverse"), (0.0096, "linear"), (0.009, None)],
)
def test_a_result_that_is_no_better_than_a_trivial_predictor_is_found(mse: float, floor: str | None) -> None:
    runs = [run("a", seed, [1.0, mse], ood=False, diffusion_steps=10) for seed in range(3)]
    found = rules_of(runs).get("trivial_floor", [])
    assert [finding.evidence["floor"] for finding in found] == ([floor] if floor else [])
    assert "trivial_floor" not in rules_of([run("a", 0, [1.0, mse])])  # no word of what the data are


SHAPES = {
    "diverged": ([*np.geomspace(1, 0.01, 30), *np.geomspace(0.012, 3, 30)], "error"),
    "stuck": ([1.0] * 60, "warning"),
    "improving": (list(np.geomspace(1, 0.001, 60)), "note"),
    "regressed": ([*np.geomspace(1, 0.01, 30), *[0.012] * 30], "warning"),
}


@pytest.mark.parametrize("word", SHAPES)
@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e3])
def test_a_curve_that_did_not_come_down_and_rest_is_told_by_its_shape(word: str, scale: float) -> None:
    values, severity = SHAPES[word]
    noise = 1 + 0.003 * np.random.default_rng(3).standard_normal(60)
    (finding,) = rules_of([run("a", 0, (scale * np.array(values) * noise).tolist())])["curve_shape"]
    assert (finding.severity, finding.evidence["shape"]) == (severity, word)
    if word == "diverged":
        assert abs(float(finding.evidence["best_step"] or 0) - 30_000) <= 2000
        assert abs(float(finding.evidence["onset"] or 0) - 31_000) <= 2000


def test_a_run_that_early_stopping_ended_above_its_best_is_a_note() -> None:
    values, _ = SHAPES["regressed"]
    stopped = replace(
        run("a", 0, values), ending=Ending("complete", "stopped early at step 9: best at step 5")
    )
    found = rules_of([stopped, run("a", 1, values)])["curve_shape"]
    assert [finding.severity for finding in found] == ["warning", "note"]
    assert "early stopping ended it" in found[1].statement


def test_a_small_gain_that_is_sure_is_a_note_and_no_accusation() -> None:
    values = (1 - 0.012 * (1 - np.exp(-np.arange(60) / 6))) * (
        1 + 2e-4 * np.random.default_rng(3).normal(size=60)
    )
    (finding,) = rules_of([run("a", 0, values.tolist())])["curve_shape"]
    assert finding.severity == "note" and "less than 5%, though beyond its noise" in finding.statement


def test_every_rule_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[1] / "docs" / "diagnose.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page and forensics.load(name).question in page for name in forensics.names())


def test_the_studys_logs_show_its_mistakes(shared: Path) -> None:
    found: dict[str, list[Finding]] = {}
    for finding in forensics.diagnose(open_study(shared / "ired_logs")):
        found.setdefault(finding.rule, []).append(finding)
    (same,) = found["identical_curves"]
    assert same.evidence["groups"] == "q202@60619276, q203@60619287, q204"
    assert (same.severity, same.evidence["runs"], same.evidence["evaluations"]) == ("error", 6, 100)
    assert {f.evidence["experiment"] for f in found["same_name"]} == {"q201", "q202"}
    assert [f.evidence["group"] for f in found["evaluation_noise"]] == ["q101"]
    assert [f.evidence["group"] for f in found["train_validation_gap"]] == ["q209"]
    told = {f.evidence["group"]: f.severity for f in found["contrastive_term"]}
    assert told == {"q207": "warning"}  # q209 mines nothing
    floors = {f.evidence["group"]: f.evidence["floor"] for f in found["trivial_floor"]}
    assert [floors[group] for group in ("q101", "q102", "q103", "q207")] == ["linear"] * 3 + ["zero"]
    best = {f.evidence["run"]: f.evidence["best_step"] for f in found["curve_shape"] if "run" in f.evidence}
    assert best["q201@61186975/seed0"] == 7000
    assert best["q209/seed0"] == 4000
    assert not any(str(label).startswith(("q101", "q102", "q103")) for label in best)
    assert any("1 failed: oom_killer" in f.statement for f in found["incomplete"])


def test_the_command_prints_worst_first_and_can_fail(shared: Path) -> None:
    logs = str(shared / "ired_logs")
    result = CliRunner().invoke(main, ["diagnose", logs, "--fail-on", "error"])
    assert result.exit_code == 3
    assert result.stdout.startswith("1. error, wrong conclusion [trivial_floor] q101: ")
    assert "same computation" in result.stdout
    told = json.loads(CliRunner().invoke(main, ["diagnose", logs, "--json"]).stdout)
    words = {run["run"]: (run["shape"], run["completion"], run["best_step"]) for run in told["runs"]}
    assert words["q201@61186975/seed0"] == ("diverged", "complete", 7000)
    table = [words[f"{group}/seed{seed}"][:2] for group in ("q101", "q102", "q103") for seed in range(10)]
    assert table == [("converged", "complete")] * 30
    order = [finding["severity"] for finding in told["findings"]]
    assert order == sorted(order, key=["error", "warning", "note"].index)
    listed = CliRunner().invoke(main, ["diagnose", "--list"]).stdout
    assert all(name in listed for name in forensics.names())


def test_a_folder_without_runs_is_no_healthy_study(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    result = CliRunner().invoke(main, ["diagnose", str(tmp_path), "--fail-on", "error"])
    assert result.exit_code == 1
    assert "found none" in result.stderr
    assert "notes.txt" in result.stderr


@pytest.mark.parametrize("command", ["diagnose", "stats"])
def test_logs_are_read_and_judged_without_torch(command: str) -> None:
    what = [str(sample_runs() / "slurm_logs")] if command == "diagnose" else ["q101", "q102"]
    arguments = [command, *what, "--runs", str(sample_runs())]
    code = (
        "import sys; from app.cli import main; "
        f"main({arguments!r}, standalone_mode=False); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_no_verdict_rests_on_a_name(shared: Path, tmp_path: Path) -> None:
    logs = sorted((shared / "ired_logs").glob("*.out"))
    order = np.random.default_rng(11).permutation(len(logs))
    for place, path in zip(order, logs, strict=True):
        (tmp_path / f"{chr(97 + place % 26)}{place}.out").symlink_to(path)
    told = [Counter(_seen(open_study(folder))) for folder in (logs[0].parent, tmp_path)]
    assert sum(told[0].values()) > 60
    assert told[0] == told[1]


def _seen(study: Study) -> list[tuple[object, ...]]:
    """Return what is said of each run that evaluated, without any name."""
    verdicts = [verdict_of(run) for run in study.runs]
    return [
        (v.shape, v.best_step, v.onset, v.last, v.plateau_step, v.spikes) for v in verdicts if v.evaluations
    ]


def test_clusters_are_the_connected_sets_of_runs() -> None:
    rng = np.random.default_rng(9)
    for _ in range(50):
        runs = [run("a", seed, [1, 2]) for seed in range(12)]
        chosen = [rng.choice(12, 2, replace=False).tolist() for _ in range(int(rng.integers(1, 14)))]
        found = _clusters(Pair(runs[i], runs[j], {}) for i, j in chosen)
        sets = [{i, j} for i, j in chosen]  # the slow way: join until nothing touches
        while touching := [(x, y) for x, y in itertools.combinations(sets, 2) if x & y]:
            x, y = touching[0]
            sets = [one for one in sets if one is not x and one is not y] + [x | y]
        seeds = [{run.seed or 0 for pair in cluster for run in (pair.a, pair.b)} for cluster in found]
        assert sorted(map(sorted, seeds)) == sorted(map(sorted, sets))
        assert sum(map(len, found)) == len(chosen)


def test_a_longer_training_of_the_same_settings_is_one_that_goes_on() -> None:
    rng = np.random.default_rng(1)
    values = settling(rng)
    short = run("short", 0, values[:75], epochs=15)
    long = run("long", 0, values, epochs=20)
    (finding,) = rules_of([short, long])["identical_curves"]
    assert finding.severity == "note"
    assert "differ in how long they train (epochs)" in finding.statement
    other = run("other", 0, values, epochs=20, dropout=0.5)
    (finding,) = rules_of([short, other])["identical_curves"]
    assert finding.severity == "error"

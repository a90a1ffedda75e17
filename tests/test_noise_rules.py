"""Rules about noise and effort: shared evaluation data, too few seeds, lucky checkpoints, late compute."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag import forensics
from ired_diag.comparison import compare
from ired_diag.finding import Finding
from ired_diag.open import open_study
from ired_diag.runs.ending import State
from ired_diag.runs.history import History, Row
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.stats.power import power_of
from tests.made_runs import made_run

RULES = ("shared_noise", "underpowered", "best_of_many", "late_compute")


def run(
    experiment: str, seed: int, values: Any, *, state: State = "complete", told: Any = None, **config: Any
) -> Run:
    """Return a run that was evaluated every 1000 steps."""
    return made_run(
        experiment,
        seed,
        every=1000,
        config=config,
        state=state,
        path=Path(experiment),
        provenance=told,
        validation__mse=values,
    )


def group(
    name: str,
    rng: np.random.Generator,
    *,
    shared: Any = None,
    seeds: int = 6,
    n: int = 100,
    level: float = 1.0,
    noise: float = 0.003,
    seed_sd: float = 0.01,
    **config: Any,
) -> list[Run]:
    """Return runs that fall to a plateau; ``shared`` is noise of shape (seeds, n) that is added to each."""
    found = []
    for seed in range(seeds):
        own = 1 + seed_sd * rng.standard_normal() + noise * rng.standard_normal(n)
        common = 0.0 if shared is None else noise * shared[seed]
        found.append(run(name, seed, level * (10 * np.exp(-np.arange(n) / 3) + own + common), **config))
    return found


def found(rule: str, runs: Sequence[Run]) -> list[Finding]:
    return list(forensics.diagnose(Study.of(runs), [forensics.load(rule)]))


# Shared noise


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("seeds", [4, 6, 10])
def test_equal_seeds_that_drew_the_same_evaluation_data_are_found_once_for_all_groups(
    seeds: int, scale: float
) -> None:
    rng = np.random.default_rng(1)
    shared = rng.standard_normal((seeds, 100))
    runs = [one for name in "abcd" for one in group(name, rng, shared=shared, seeds=seeds, level=scale)]
    random.Random(1).shuffle(runs)
    (finding,) = found("shared_noise", runs)
    assert (finding.severity, finding.evidence["groups"]) == ("note", "a, b, c, d")
    assert (finding.evidence["pairs_of_groups"], finding.evidence["seeds"]) == (6, seeds)
    low, high = (float(finding.evidence[key] or 0) for key in ("same_low", "same_high"))
    assert 0.25 < low <= high < 0.7  # equal parts of own and of shared noise: 1/2
    assert abs(float(finding.evidence["different"] or 0)) < 0.15


@pytest.mark.parametrize("draw", range(10))
def test_own_noise_is_never_called_shared(draw: int) -> None:
    rng = np.random.default_rng(draw)
    runs = [one for name in "abcdefgh" for one in group(name, rng, seeds=3 + draw % 5)]
    assert found("shared_noise", runs) == []


def test_noise_that_all_seeds_have_in_common_is_not_called_that_of_equal_seeds() -> None:
    rng = np.random.default_rng(0)
    everywhere = np.tile(rng.standard_normal(100), (6, 1))
    assert (
        found("shared_noise", group("a", rng, shared=everywhere) + group("b", rng, shared=everywhere)) == []
    )


def test_two_sets_of_groups_that_share_noise_are_two_findings() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.standard_normal((2, 6, 100))
    runs = [r for name in ("a", "b") for r in group(name, rng, shared=one)]
    runs += [r for name in ("c", "d") for r in group(name, rng, shared=other)]
    assert [f.evidence["groups"] for f in found("shared_noise", runs)] == ["a, b", "c, d"]
    apart = [replace(r, configuration={"rank": 8 if r.experiment == "b" else 20, "ood": False}) for r in runs]
    assert [f.evidence["groups"] for f in found("shared_noise", apart)] == ["c, d"]  # other data: no pairs


def test_shared_noise_of_groups_that_state_no_data_leaves_open_whether_seeds_are_pairs() -> None:
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((6, 100))
    stated: tuple[tuple[dict[str, Any], str], ...] = (
        ({}, "not stated (unknown whether seeds share data: no configuration names it)"),
        ({"dataset": "cifar10"}, "Seeds are pairs."),
    )
    for config, words in stated:
        runs = group("a", rng, shared=shared, **config) + group("b", rng, shared=shared, **config)
        (finding,) = found("shared_noise", runs)
        assert words in finding.statement
        assert finding.advice.endswith("--paired") == (not config)


def test_identical_curves_are_left_to_their_own_rule() -> None:
    runs = group("a", np.random.default_rng(0))
    assert found("shared_noise", runs + [replace(one, experiment="b") for one in runs]) == []


# Power


def test_too_few_seeds_are_told_with_the_difference_that_they_show_with_80_percent_power() -> None:
    rng = np.random.default_rng(3)
    data: dict[str, Any] = {"dataset": "cifar10"}
    runs = [one for name in "ab" for one in group(name, rng, seeds=4, seed_sd=0.05, **data)]
    (finding,) = found("underpowered", runs)
    told = {
        key: float(finding.evidence[key] or 0) for key in ("detectable", "margin", "n", "power_at_margin")
    }
    study = Study.of(runs)
    (pair,) = compare({name: study.groups()[name] for name in "ab"}).pairs
    assert (finding.severity, pair.verdict.decision) == ("note", "undecided")
    assert told["detectable"] == pytest.approx(pair.power.detectable)
    assert finding.evidence["seeds_needed"] == pair.power.at_margin
    x, y = (
        [np.mean(one.history.series["validation/mse"].values[-60:]) for one in study.groups()[n]]
        for n in "ab"
    )
    error = np.std(np.subtract(x, y), ddof=1) / 2  # of four pairs
    assert power_of(float(told["detectable"] / error), 3) == pytest.approx(
        0.8, abs=0.03
    )  # another window's error


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_power_does_not_depend_on_the_unit(scale: float) -> None:
    shares = []
    for level in (1.0, scale):
        rng = np.random.default_rng(3)
        runs = group("a", rng, seed_sd=0.05, level=level) + group("b", rng, seed_sd=0.05, level=level)
        shares.append(found("underpowered", runs)[0].evidence["detectable_share"])
    assert shares[0] == pytest.approx(shares[1])


def test_groups_that_computed_the_same_or_another_task_are_not_compared() -> None:
    rng = np.random.default_rng(6)
    runs = group("a", rng, seed_sd=0.05, dropout=0.1)
    copies = [replace(run, experiment="b", configuration={"dropout": 0.2}) for run in runs]
    assert found("underpowered", runs + copies) == []
    assert found("underpowered", runs + group("c", rng, seed_sd=0.05, latent_dim=8)) == []
    assert len(found("underpowered", runs + group("c", rng, seed_sd=0.05, dropout=0.3))) == 1


def test_decided_pairs_and_equivalent_ones_are_left_in_peace() -> None:
    rng = np.random.default_rng(4)
    base = group("a", rng, seed_sd=0.001, dataset="cifar10")
    assert found("underpowered", base + group("b", rng, seed_sd=0.001, level=1.5)) == []  # worse
    wide = [one for name in "xy" for one in group(name, rng, seed_sd=0.1, level=1 + 2 * (name == "y"))]
    assert found("underpowered", wide) == []  # an interval far wider than the margin, and decided
    assert found("underpowered", base + group("c", rng, seed_sd=0.001)) == []  # equivalent
    assert found("underpowered", base + group("d", rng, seed_sd=0.5, dataset="svhn")) == []  # other data
    assert found("underpowered", base + group("e", rng, seed_sd=0.5, seeds=1)) == []  # no spread


def test_twenty_groups_are_one_finding_with_those_nearest_to_a_decision_first() -> None:
    rng = np.random.default_rng(5)
    runs = [one for i in range(20) for one in group(f"g{i}", rng, seeds=3, seed_sd=0.02 * (1 + 9 * (i == 7)))]
    (finding,) = found("underpowered", runs)
    assert finding.evidence["pairs_compared"] == 190
    assert "g7" not in (finding.evidence["a"], finding.evidence["b"])
    assert len(finding.statement) < 600


# The best of many


def lucky(rng: np.random.Generator, *, seeds: int = 4, **how: Any) -> list[Finding]:
    return found("best_of_many", group("a", rng, seeds=seeds, **how))


def test_a_best_that_luck_explains_is_told_with_its_expected_bias() -> None:
    noise, draws = 0.02, []
    for draw in range(20):
        for finding in lucky(np.random.default_rng(draw), noise=noise, seed_sd=0.03):
            assert finding.severity == "note"
            draws.append([float(finding.evidence[key] or 0) for key in ("gained", "expected", "evaluations")])
    gained, expected, tried = np.mean(draws, axis=0)
    assert len(draws) >= 18
    minima = np.random.default_rng(0).standard_normal((20_000, int(tried))).min(axis=1)
    assert expected == pytest.approx(-noise * minima.mean(), rel=0.1)
    assert gained == pytest.approx(expected, rel=0.1)


def test_luck_that_is_small_beside_the_seeds_is_not_told_nor_a_best_that_is_none() -> None:
    assert lucky(np.random.default_rng(1), noise=0.001, seed_sd=0.05) == []
    falls = [run("a", seed, np.geomspace(1, 0.01, 100)) for seed in range(4)]
    assert found("best_of_many", falls) == []
    short = [run("a", seed, [1.0, 0.5, 0.51]) for seed in range(4)]
    assert found("best_of_many", short) == []


def test_a_group_whose_seeds_are_evaluation_noise_is_told_by_one_rule_only() -> None:
    runs = group("a", np.random.default_rng(2), seeds=8, noise=0.02, seed_sd=0.0)
    assert len(found("evaluation_noise", runs)) == 1
    assert found("best_of_many", runs) == []


# Late compute


def test_the_share_of_steps_after_the_plateau_is_the_planted_one() -> None:
    rng = np.random.default_rng(0)
    times = {"started": "2026-01-01T00:00:00", "ended": "2026-01-01T10:00:00"}
    (finding,) = found("late_compute", group("a", rng, told=times) + group("b", rng))
    share = float(finding.evidence["share_a"] or 0)
    assert 0.55 < share < 0.85  # it falls over 25 of 100 evaluations, and as long is waited at most
    assert float(finding.evidence["hours"] or 0) == pytest.approx(6 * 10 * share)
    assert (finding.evidence["timed_runs"], finding.evidence["runs"]) == (6, 12)


def test_time_that_is_not_told_costs_no_hours_and_stretched_steps_change_no_share() -> None:
    rng = np.random.default_rng(0)
    runs = group("a", rng, told={"started": "yesterday", "ended": None})
    (finding,) = found("late_compute", runs)
    assert (finding.evidence["hours"], finding.evidence["timed_runs"]) == (None, 0)
    stretched = []
    for one in runs:
        series = one.history.series["validation/mse"]
        rows = [
            Row(7 * int(s), {"validation/mse": v}) for s, v in zip(series.steps, series.values, strict=True)
        ]
        stretched.append(replace(one, history=History.of(rows)))
    (again,) = found("late_compute", stretched)
    assert again.evidence["share_a"] == pytest.approx(finding.evidence["share_a"])


def test_runs_that_still_improve_or_did_not_end_have_no_late_compute() -> None:
    rng = np.random.default_rng(1)
    improving = [
        run("a", s, np.geomspace(1, 0.01, 100) * (1 + 0.01 * rng.standard_normal(100))) for s in (0, 1)
    ]
    assert found("late_compute", improving) == []
    assert found("late_compute", group("a", rng, state="cut_off")) == []


# All four


ODD: tuple[list[float], ...] = (
    [],
    [1.0],
    [math.nan] * 40,
    [math.inf] * 40,
    [0.0] * 40,
    [1.0] * 39 + [math.nan],
    [-1.0, 1.0] * 20,
    [1e150] * 40,
)


@pytest.mark.parametrize("values", ODD)
@pytest.mark.parametrize("rule", RULES)
def test_odd_curves_and_configurations_crash_nothing(rule: str, values: list[float]) -> None:
    odd: dict[str, Any] = {"mining_strategy": ["a", {}], "rank": {"x": [1]}}
    runs = [run(name, seed, values, **odd) for name in "ab" for seed in range(3)]
    runs += [replace(run("c", 0, values), seed=None, configuration=None)]
    runs += [replace(run("c", 0, values), seed=None, configuration=None)]  # a seed label that is there twice
    assert all(finding.severity == "note" for finding in found(rule, runs))


@pytest.mark.parametrize("rule", RULES)
def test_names_and_the_order_of_runs_change_no_number(rule: str) -> None:
    rng = np.random.default_rng(6)
    shared = rng.standard_normal((6, 100))
    runs = [one for name in ("a", "b") for one in group(name, rng, shared=shared, seed_sd=0.05, noise=0.01)]
    renamed = [replace(one, experiment={"a": "x9", "b": "y"}[one.experiment]) for one in reversed(runs)]
    numbers = [
        [v for f in found(rule, r) for v in f.evidence.values() if not isinstance(v, str)]
        for r in (runs, renamed)
    ]
    assert numbers[0] == pytest.approx(numbers[1])
    assert numbers[0]


@pytest.mark.slow
def test_the_studys_three_groups_share_noise_and_their_bests_are_luck(shared: Path) -> None:
    study = open_study(shared / "ired_logs")
    told = {rule: forensics.diagnose(study, [forensics.load(rule)]) for rule in RULES}
    (noise,) = told["shared_noise"]
    assert (noise.evidence["groups"], noise.evidence["seeds"]) == ("q101, q102, q103", 10)
    assert 0.34 <= float(noise.evidence["same_low"] or 0) < float(noise.evidence["same_high"] or 0) <= 0.70
    assert {f.evidence["group"] for f in told["best_of_many"]} == {"q102", "q103"}  # q101: evaluation_noise
    (late,) = told["late_compute"]
    assert all(0.75 < float(late.evidence[f"share_{name}"] or 0) < 0.9 for name in ("q101", "q102", "q103"))
    (weak,) = told["underpowered"]
    assert int(weak.evidence["pairs_underpowered"] or 0) < int(weak.evidence["pairs_compared"] or 0)
    only = Study.of(one for one in study.runs if one.experiment in ("q101", "q102", "q103"))
    assert forensics.diagnose(only, [forensics.load("underpowered")]) == []  # all three pairs are decided
    assert all(f.severity == "note" for findings in told.values() for f in findings)

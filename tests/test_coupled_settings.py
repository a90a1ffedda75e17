"""Settings that follow from one another are one choice; a search that varies all is a note."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ired_diag.finding import Finding
from tests.made_runs import falling, findings_of, made_run


def told(*configurations: dict[str, Any]) -> list[Finding]:
    runs = [
        made_run(f"g{i}", seed, config=config, val_loss=falling(20, seed=10 * i + seed))
        for i, config in enumerate(configurations)
        for seed in range(2)
    ]
    return findings_of("several_differences", runs)


@pytest.mark.parametrize(
    ("key", "other", "follows"),
    [
        ("batch_size", "lr", lambda x: 1e-5 * x),
        ("lora_r", "lora_alpha", lambda x: 2 * x),
        ("d_model", "lr", lambda x: float(f"{0.02 / x**0.5:.6g}")),
        ("width", "n_params", lambda x: 12 * x**2 + 50257 * x),
    ],
)
def test_a_number_that_follows_from_another_is_no_second_difference(
    key: str, other: str, follows: Any
) -> None:
    assert told(*({key: x, other: follows(x), "depth": 4} for x in (32, 64, 128, 256))) == []


def test_two_configurations_with_the_linear_scaling_rule_differ_in_one_thing() -> None:
    assert told({"batch_size": 64, "lr": 0.1}, {"batch_size": 256, "lr": 0.4}) == []


def test_two_numbers_that_do_not_follow_from_each_other_are_two_differences() -> None:
    (finding,) = told({"batch_size": 64, "lr": 0.001}, {"batch_size": 256, "lr": 0.0003})
    assert (finding.severity, finding.evidence["count"]) == ("warning", 2)


def test_a_third_thing_next_to_two_coupled_ones_is_told() -> None:
    coupled = [{"batch_size": x, "lr": 1e-5 * x, "act": "relu"} for x in (32, 64, 128)]
    findings = told(*coupled, {"batch_size": 256, "lr": 2.56e-3, "act": "gelu"})
    assert [(f.severity, f.evidence["count"]) for f in findings] == [("warning", 2)]


def test_a_random_search_is_a_note() -> None:
    rng = np.random.default_rng(0)
    trials = [{"lr": 10 ** rng.uniform(-5, -2), "dropout": rng.uniform(0, 0.5)} for _ in range(14)]
    assert [finding.severity for finding in told(*trials)] == ["note"]


CIFAR, IMAGENET = {"dataset": "cifar10"}, {"dataset": "imagenet"}
OTHERWISE = {"lr": 0.1, "act": "relu"}, {"lr": 0.2, "act": "gelu"}


@pytest.mark.parametrize(
    ("first", "second", "is_told"),
    [
        ({}, {}, True),  # one program, one set of data
        (CIFAR, CIFAR, True),
        (CIFAR, IMAGENET, False),
        (CIFAR, {}, False),  # nobody knows
        ({"kernel": 3}, {"n_heads": 8}, False),  # two programs, and nobody knows their data
    ],
)
def test_only_runs_of_the_same_data_are_compared(
    first: dict[str, Any], second: dict[str, Any], is_told: bool
) -> None:
    a, b = OTHERWISE
    assert bool(told({**a, **first}, {**b, **second})) == is_told


def test_runs_that_are_judged_by_other_metrics_are_not_compared() -> None:
    a, b = OTHERWISE
    runs = [made_run("gan", 0, config=a, fid=falling(20)), made_run("net", 0, config=b, val_mse=falling(20))]
    assert findings_of("several_differences", runs) == []


def test_runs_with_identical_curves_are_not_compared() -> None:
    a, b = OTHERWISE
    runs = [made_run(name, 0, config=config, val_loss=falling(20)) for name, config in (("a", a), ("b", b))]
    assert findings_of("several_differences", runs) == []


def test_a_word_that_holds_the_number_of_another_setting_is_its_name() -> None:
    runs = []
    for seed, (arch, experts) in enumerate((("dense", 1), ("moe8", 8), ("wide", 8))):
        config = {"arch": arch, "n_experts": experts, "lr": 0.1}
        runs.append(made_run(arch, config=config, val_loss=falling(20, seed=seed)))
    dense, mixture, wide = runs
    assert findings_of("several_differences", [dense, mixture]) == []
    assert len(findings_of("several_differences", [dense, wide])) == 1

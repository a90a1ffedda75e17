"""Mistakes that a reviewer planted and no rule told, each next to a healthy study that looks like it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.runs.run import Run
from tests.made_runs import falling, findings_of, made_run


def seeds_with(key: str, values: list[float], *, variant: bool = True) -> list[Run]:
    return [
        replace(
            made_run("exp", seed, config={key: value, "width": 64}, val_loss=falling(30, seed=seed)),
            variant=f"{key}={value:g}" if variant else None,
        )
        for seed, value in enumerate(values)
    ]


def test_a_label_made_of_the_setting_does_not_say_that_the_value_is_meant() -> None:
    (finding,) = findings_of("setting_slip", seeds_with("hidden", [512, 512, 512, 521, 512]))
    assert (finding.severity, finding.evidence["value"]) == ("warning", 521)


def test_one_of_five_seeds_with_a_tenth_of_the_rate_is_a_warning() -> None:
    (finding,) = findings_of("setting_slip", seeds_with("lr", [1e-3, 1e-3, 1e-4, 1e-3, 1e-3]))
    assert (finding.severity, finding.evidence["run"]) == ("warning", "exp@lr=0.0001/seed2")


@pytest.mark.parametrize(
    "rates", [[1e-3, 1e-3, 1e-4, 1e-4, 1e-3], [1e-3, 1e-3, 2e-3, 1e-3, 1e-3], [1e-3, 1e-4]]
)
def test_a_sweep_over_seeds_and_a_doubled_rate_are_left_alone(rates: list[float]) -> None:
    assert findings_of("setting_slip", seeds_with("lr", rates)) == []


def test_a_validation_loss_that_equals_the_training_loss_is_an_error() -> None:
    loss = falling(30)
    (finding,) = findings_of("identical_curves", [made_run("a", train_loss=loss, val_loss=loss)])
    assert (finding.severity, finding.evidence["train"]) == ("error", "train_loss")


def test_losses_that_differ_once_or_are_printed_coarsely_are_left_alone() -> None:
    loss = falling(30)
    other = np.where(np.arange(30) == 20, loss * 1.001, loss)
    assert findings_of("identical_curves", [made_run("a", train_loss=loss, val_loss=other)]) == []
    coarse = np.round(0.1 * np.ones(30), 2)
    assert findings_of("identical_curves", [made_run("a", train_loss=coarse, val_loss=coarse)]) == []


def test_a_constant_metric_is_said_to_never_change() -> None:
    (finding,) = findings_of("curve_shape", [made_run("a", train_loss=falling(60), val_loss=[2.3127] * 60)])
    assert finding.severity == "warning"
    assert "never changes" in finding.statement
    assert "come down" not in finding.statement


def test_an_accuracy_that_changes_from_percent_to_fractions_within_a_run_is_a_warning() -> None:
    accuracy = 0.9 - 0.8 * np.exp(-np.arange(40) / 6)
    mixed = np.where(np.arange(40) < 20, 100 * accuracy, accuracy)
    (finding,) = findings_of("impossible_values", [made_run("a", val_acc=mixed)])
    assert (finding.severity, finding.evidence["step"]) == ("warning", 2100)


def test_an_accuracy_in_percent_that_starts_below_one_percent_is_left_alone() -> None:
    accuracy = 80 * (1 - np.exp(-np.arange(60) / 60)) + 0.2
    assert findings_of("impossible_values", [made_run("a", val_acc=accuracy)]) == []


@pytest.mark.parametrize("key", ["hostname", "git_sha", "env.gpu_name"])
def test_camps_are_told_by_what_configurations_state(key: str) -> None:
    def run(seed: int, level: float) -> Run:
        place = "aaaa" if level < 0.45 else "bbbb"
        return made_run("a", seed, config={key: place}, val_loss=level + falling(30, level=0.001, seed=seed))

    (finding,) = findings_of("seed_camps", [run(seed, 0.4 + 0.1 * (seed % 2)) for seed in range(10)])
    assert finding.severity == "warning"
    assert findings_of("seed_camps", [run(seed, 0.4 + 0.01 * seed) for seed in range(4)]) == []


def table(group: str, values: list[float], metric: str = "test_mse") -> list[Run]:
    return [
        replace(made_run(group, seed, metrics={metric: [value]}), of_table=True)
        for seed, value in enumerate(values)
    ]


def test_a_seed_of_a_table_at_chance_among_good_ones_is_a_warning() -> None:
    values = [91.47, 90.86, 91.32, 10.0, 91.29, 91.02]
    (finding,) = findings_of("outlying_seed", table("ours", values, "accuracy"))
    assert finding.evidence["run"] == "ours/seed3"
    assert findings_of("outlying_seed", table("ours", [91.5, 90.9, 91.3, 88.0, 91.3], "accuracy")) == []


def written(folder: Path, group: str, values: list[float]) -> list[Run]:
    """Return the runs of a table of one number a seed, and write the table."""
    path = folder / f"{group}.csv"
    rows = "".join(f"{seed},{value}\n" for seed, value in enumerate(values))
    path.write_text(f"seed,test_mse\n{rows}")
    return [replace(run, path=path) for run in table(group, values)]


def test_two_tables_with_the_same_numbers_are_a_warning(tmp_path: Path) -> None:
    values = [0.2249942, 0.2335339, 0.200024, 0.1620585]
    first, second = written(tmp_path, "a", values), written(tmp_path, "b", values)
    (finding,) = findings_of("repeated_seed", [*first, *second])
    assert finding.severity == "warning"
    other = written(tmp_path, "b", [*values[:-1], 0.1620586])
    assert findings_of("repeated_seed", [*first, *other]) == []


def configured(method: str, **config: Any) -> list[Run]:
    told = {"method": method, "lr": 0.001, **config}
    first = 10 * len(method)  # no two methods have equal curves
    return [made_run(method, seed, config=told, val_loss=falling(30, seed=first + seed)) for seed in range(3)]


def test_a_baseline_that_is_trained_for_fewer_epochs_is_told_next_to_its_name() -> None:
    (finding,) = findings_of(
        "several_differences", [*configured("baseline", epochs=20), *configured("ours", epochs=60)]
    )
    assert "epochs (20, 60)" in finding.statement
    same = [*configured("baseline", epochs=60), *configured("ours", epochs=60)]
    assert findings_of("several_differences", same) == []


@pytest.mark.parametrize(
    ("odd", "severity"),
    [(0.52, "warning"), (0.40, "note")],  # 73% and a third above four that agree to 1%
)
def test_a_seed_at_thirty_times_the_spread_and_half_as_far_again_is_a_warning(
    odd: float, severity: str
) -> None:
    levels = [0.299, 0.300, 0.302, 0.301, odd]
    runs = [made_run("a", seed, val_loss=falling(60, level=x, noise=0.003)) for seed, x in enumerate(levels)]
    (finding,) = findings_of("outlying_seed", runs)
    assert finding.severity == severity

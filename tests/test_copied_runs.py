"""Copies of a log are one piece of evidence: within a group, between two groups, and at the gate."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import ired_diag as ird
from ired_diag import comparison
from ired_diag.comparison.when import when
from ired_diag.runs.run import Run
from tests.made_runs import falling, findings_of, made_run, made_series


def group(group_name: str, size: int, *, level: float, first: int = 0, **config: object) -> list[Run]:
    runs = []
    for seed in range(size):
        curve = falling(40, level=level, seed=first + seed)
        runs.append(made_run(group_name, seed, config=config, val_loss=curve, train_loss=curve / 2))
    return runs


def copied(run: Run, group_name: str, seed: int | None, **config: object) -> Run:
    return made_run(group_name, seed, config=config, metrics=run.history.series)


def compare(a: list[Run], b: list[Run]) -> comparison.Comparison:
    return comparison.compare({"a": a, "b": b}, metric="val_loss", readout="last")


def test_copies_within_a_group_count_once_and_are_said_first() -> None:
    a, b = group("a", 4, level=0.1), group("b", 4, level=0.3, first=10)
    expected = compare(a, b).groups[0].summary
    with_copies = [*a, copied(a[0], "a", 7), copied(a[0], "a", 8)]
    result = compare(with_copies, b)
    assert (result.groups[0].summary.n, result.groups[0].summary.mean) == (4, expected.mean)
    assert result.left_out == [
        "a: 2 of 6 seeds were left out as no evidence of their own: every digit is that of another run "
        "(seed7: a copy of seed0, seed8: a copy of seed0)."
    ]
    assert result.groups[0].outcomes.success_rate == 1.0


def test_a_shorter_copy_is_the_one_left_out() -> None:
    (a,) = group("a", 1, level=0.1)
    half = {name: series.values[:30] for name, series in a.history.series.items()}
    short = made_run("a", 1, metrics=half)
    result = compare([short, a], group("b", 2, level=0.3, first=10))
    assert list(result.groups[0].values) == ["seed0"]


def test_one_other_digit_makes_a_run_of_its_own() -> None:
    a = group("a", 2, level=0.1)
    values = a[0].history.series["val_loss"].values.copy()
    values[20] *= 1 + 1e-9
    series = {**a[0].history.series, "val_loss": made_series(values)}
    other = made_run("a", 2, metrics=series)
    result = compare([*a, other], group("b", 2, level=0.3, first=10))
    assert (result.groups[0].summary.n, result.left_out) == (3, [])


def test_a_log_in_two_groups_without_a_setting_that_differs_counts_in_neither() -> None:
    a, b = group("a", 5, level=0.1, lr=0.1, name="a"), group("b", 5, level=0.2, first=10, lr=0.1, name="b")
    b[2] = copied(a[2], "b", 2, lr=0.1, name="b")
    result = compare(a, b)
    assert [each.summary.n for each in result.groups] == [4, 4]
    assert "seed2: the same log as b's seed2" in result.left_out[0]


def test_a_setting_that_may_act_in_some_seeds_only_leaves_all_counted_with_a_note() -> None:
    a, b = group("a", 5, level=0.1, clip=1), group("b", 5, level=0.2, first=10, clip=5)
    b[2] = copied(a[2], "b", 2, clip=5)
    result = compare(a, b)
    assert [each.summary.n for each in result.groups] == [5, 5]
    assert any("share the same log" in note and "seed2" in note for note in result.notes)


def test_a_group_that_is_a_part_of_another_is_not_compared_with_it() -> None:
    a = group("a", 5, level=0.1)
    b = [copied(run, "b", run.seed) for run in a[:3]]
    (pair,) = compare(a, b).pairs
    assert pair.verdict.decision == "identical"
    assert "every run of b (3 seeds) is also in a" in pair.verdict.reason


@pytest.mark.parametrize("points", [4, 40])
def test_equal_settings_do_not_explain_equal_curves_of_unknown_seeds(points: int) -> None:
    curves = [falling(points, seed=seed) for seed in range(3)]
    runs = []
    for name in ("a", "b"):
        for index, curve in enumerate(curves):
            run_name = f"run{index}"
            runs.append(made_run(name, None, config={"lr": 0.1}, run_name=run_name, val_loss=curve))
    (finding,) = findings_of("identical_curves", runs)
    assert (finding.severity, finding.evidence["runs"]) == ("error", 6)


def test_short_copies_of_one_seed_and_equal_settings_are_named() -> None:
    runs = [made_run(name, 3, config={"lr": 0.1}, val_loss=falling(5)) for name in ("a", "b")]
    (finding,) = findings_of("repeated_seed", runs)
    assert finding.evidence["other_group"] == "b"


def test_two_copied_seeds_among_five_are_called_copies_and_accuse_no_key() -> None:
    a, b = group("a", 5, level=0.1, lr=0.1), group("b", 5, level=0.2, first=10, lr=0.2)
    for seed in (1, 3):
        b[seed] = copied(a[seed], "b", seed, lr=0.2)
    (finding,) = findings_of("identical_curves", [*a, *b])
    assert "hold the same logs (seed1, seed3)" in finding.statement
    assert "lr" not in finding.statement


def _text_log(path: Path, seed: int, level: float) -> None:
    rng = np.random.default_rng(seed)
    lines = []
    for step in range(1, 31):
        value = level + 1 / step + 0.02 * rng.random()
        lines.append(f"step {100 * step}: val_loss={value:.6f}")
    path.write_text("\n".join([*lines, "Training complete"]) + "\n")


def test_the_gate_does_not_decide_on_copies_of_text_logs(tmp_path: Path) -> None:
    for seed in range(6):
        _text_log(tmp_path / f"old_seed{seed}.log", seed, 0.5)
        _text_log(tmp_path / f"new_seed{seed}.log", 10 + seed, 0.2)
    assert ird.gate("new", against="old", runs=tmp_path).decision.verdict == "keep"
    for seed in range(1, 6):
        shutil.copy(tmp_path / "new_seed0.log", tmp_path / f"new_seed{seed}.log")
    answer = ird.gate("new", against="old", runs=tmp_path)
    assert (answer.decision.verdict, answer.seeds) == ("undecided", ["seed0"])
    assert "5 of 6 seeds were left out" in answer.comparison.left_out[0]


def test_curves_of_copies_count_once_when_groups_are_followed_over_steps() -> None:
    a, b = group("a", 4, level=0.1), group("b", 4, level=0.3, first=10)
    expected = when({"a": a, "b": b}, metric="val_loss", lower_is_better=True)
    with_copies = [*a, copied(a[0], "a", 7), copied(a[0], "a", 8)]
    result = when({"a": with_copies, "b": b}, metric="val_loss", lower_is_better=True)
    assert [run.label for run in result.runs["a"]] == [run.label for run in expected.runs["a"]]
    assert any("2 of 6 seeds left out as no evidence of their own" in note for note in result.notes)
    assert not any("left out as no evidence" in note for note in expected.notes)

"""Cases of verdicts that went wrong, each with the right answer and with variants of its kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from app.cli import main
from ired_diag.curves.shape import shape_of
from ired_diag.finding import Finding
from ired_diag.forensics import diagnose
from ired_diag.open import open_study
from ired_diag.readers import slurm
from ired_diag.runs.dead_end import dead_end_of
from ired_diag.runs.history import Series
from ired_diag.verdict import Verdict, verdict_of

Array = Any


def told(*arguments: object) -> str:
    result = CliRunner().invoke(main, ["stats", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def numbers(*arguments: object) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(told(*arguments, "--json"))
    return answer


def write(folder: Path, values: Sequence[float], *, log: str = "") -> None:
    folder.mkdir(parents=True)
    rows = "".join(f"{100 * (i + 1)},{value}\n" for i, value in enumerate(values))
    (folder / "metrics.csv").write_text(f"step,val_loss\n{rows}", encoding="utf-8")


def healthy(name: str, seed: int, *, level: float = 0.5, n: int = 100) -> Array:
    rng = np.random.default_rng([ord(name), seed])
    return level + 3 * np.exp(-np.arange(n) / 8) + 0.01 * rng.standard_normal(n)


def study(root: Path, *, broken: dict[int, Callable[[Array], Array]], seeds: int = 5) -> tuple[str, str]:
    """Write a group h with broken seeds and a healthy group k, and return what names them."""
    for seed in range(seeds):
        values = healthy("h", seed)
        write(root / f"h_seed{seed}", broken.get(seed, lambda v: v)(values))
        write(root / f"k_seed{seed}", healthy("k", seed, level=0.52))
    return f"h={root}/h_seed*", f"k={root}/k_seed*"


def nan_from(at: int) -> Callable[[Array], Array]:
    return lambda values: np.where(np.arange(len(values)) >= at, np.nan, values)


def at(place: int, value: float) -> Callable[[Array], Array]:
    return lambda values: np.where(np.arange(len(values)) == place % len(values), value, values)


def blown_up(values: Array) -> Array:
    return np.where(np.arange(len(values)) < 60, values, values * 1.2 ** (np.arange(len(values)) - 59.0))


# Seeds that failed: s_curves/div


def test_two_of_five_diverged_is_the_first_thing_said(shared: Path) -> None:
    place = shared / "cases" / "s_curves" / "div"
    output = told(f"h={place}/h_seed*", f"k={place}/k_seed*")
    first = output.splitlines()[0]
    assert first == "h: 2 of 5 seeds ended in NaN (seed0, seed1); means are among the 3 that ended well."
    assert "0 of 3" not in output
    assert " 3 of 5 " in output  # finished
    outcomes = numbers(f"h={place}/h_seed*", f"k={place}/k_seed*")["groups"][0]["outcomes"]
    assert (outcomes["attempted"], outcomes["finished"], outcomes["success_rate"]) == (5, 3, 0.6)
    assert outcomes["low"] == pytest.approx(stats.beta.ppf(0.025, 3, 3))
    assert outcomes["high"] == pytest.approx(stats.beta.ppf(0.975, 4, 2))


@pytest.mark.parametrize(
    ("broken", "first"),
    [
        ({3: nan_from(5)}, "h: 1 of 5 seeds ended in NaN (seed3)"),
        (
            {0: blown_up, 2: nan_from(99), 4: blown_up},
            "h: 3 of 5 seeds diverged or ended in NaN (seed0, seed2",
        ),
        ({1: at(-1, -np.inf)}, "h: 1 of 5 seeds ended in NaN or infinity (seed1)"),
        (dict.fromkeys(range(5), blown_up), "h: all 5 seeds diverged"),
    ],
)
def test_any_seed_that_breaks_down_is_said_first(
    tmp_path: Path, broken: dict[int, Callable[[Array], Array]], first: str
) -> None:
    output = told(*study(tmp_path, broken=broken))
    assert output.splitlines()[0].startswith(first)
    assert f" {5 - len(broken)} of 5 " in output  # finished


def test_a_crash_and_a_time_limit_are_told_apart(tmp_path: Path, shared: Path) -> None:
    """Whole SLURM logs of the study, cut where a job dies: by a traceback, or by the time limit."""
    for group in ("q101", "q102"):
        for number, log in enumerate(sorted((shared / "ired_logs").glob(f"ired_{group}_*.out"))):
            text = log.read_text(encoding="utf-8")
            if "100000" not in text:
                continue
            cut = text[: len(text) * 2 // 3].rsplit("\n", 1)[0]
            if (group, number % 10) == ("q101", 4):
                text = (
                    f"{cut}\nTraceback (most recent call last):\n  File 'x.py', line 1\nRuntimeError: boom\n"
                )
            if (group, number % 10) == ("q102", 7):
                limit = "CANCELLED AT 2026-01-01T00:00:00 DUE TO TIME LIMIT"
                text = f"{cut}\nslurmstepd: error: *** JOB 1 ON n1 {limit} ***\n"
            (tmp_path / log.name).write_text(text, encoding="utf-8")
    output = told("q101", "q102", "--runs", tmp_path)
    crashed, stopped = output.splitlines()[:2]
    assert crashed.startswith("q101: 1 of 10 seeds died of an error (seed")
    assert stopped.startswith("q102: 1 of 10 seeds was stopped (time limit) and is left out: seed")
    groups = numbers("q101", "q102", "--runs", tmp_path)["groups"]
    assert [one["outcomes"]["attempted"] for one in groups] == [10, 9]


# One evaluation that is not finite: s_curves/nan


def test_one_nan_amid_the_plateau_removes_no_seed(shared: Path) -> None:
    place = shared / "cases" / "s_curves" / "nan"
    found = numbers(f"x={place}/x_seed*", f"y={place}/y_seed*")
    assert found["left_out"] == []
    assert [one["summary"]["n"] for one in found["groups"]] == [5, 5]
    assert [one["readouts"]["best"]["n"] for one in found["groups"]] == [5, 5]
    assert (
        "x: 3 evaluations are not finite (seed0, seed1, seed2); readouts are of the finite ones."
        in found["notes"]
    )


@pytest.mark.parametrize("place", [0, 50, -2])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_evaluation_removes_no_seed_wherever_it_is(tmp_path: Path, place: int, value: float) -> None:
    found = numbers(*study(tmp_path, broken={0: at(place, value), 3: at(place, value)}))
    assert found["left_out"] == []
    for readout in ("last", "best", "last10", "area"):
        assert [one["readouts"][readout]["n"] for one in found["groups"]] == [5, 5]
    assert any(note.startswith("h: 2 evaluations are not finite (seed0, seed3)") for note in found["notes"])


# Pairs that nothing shows to be pairs: s_tables/ov2.csv


def test_two_shared_seeds_of_a_table_are_no_pairs_and_all_twenty_are_compared(shared: Path) -> None:
    table = shared / "cases" / "s_tables" / "ov2.csv"
    (pair,) = numbers(table)["pairs"]
    rows = [line.split(",") for line in table.read_text(encoding="utf-8").splitlines()[1:]]
    a, b = ([float(row[column]) for row in rows if row[column]] for column in (1, 2))
    assert (len(a), len(b), pair["primary"], pair["welch"]["n"]) == (10, 10, "welch", 20)
    assert pair["welch"]["p"] == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue, rel=1e-9)
    assert "a table does not say whether its seeds share data" in told(table)


@pytest.mark.parametrize("shared_count", [0, 3, 6])
def test_tables_are_compared_over_all_their_numbers(tmp_path: Path, shared_count: int) -> None:
    rng = np.random.default_rng(shared_count)
    a = {seed: 1 + 0.1 * rng.standard_normal() for seed in range(6)}
    b = {seed + 6 - shared_count: 1.3 + 0.1 * rng.standard_normal() for seed in range(6)}
    rows = [f"{seed},{a.get(seed, '')},{b.get(seed, '')}" for seed in sorted({*a, *b})]
    table = tmp_path / "t.csv"
    table.write_text("\n".join(["seed,a,b", *rows]) + "\n", encoding="utf-8")
    (pair,) = numbers(table)["pairs"]
    expected = stats.ttest_ind(list(a.values()), list(b.values()), equal_var=False).pvalue
    assert pair["welch"]["p"] == pytest.approx(expected, rel=1e-9)
    assert (pair["primary"], pair["obstacle"] != "") == ("welch", True)


def test_a_nan_in_a_table_is_a_seed_that_failed_and_an_empty_cell_is_none(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("seed,a,b\n0,nan,2\n1,1.1,2.3\n2,1.3,\n3,1.2,2.1\n", encoding="utf-8")
    lines = told(table).splitlines()[:2]
    assert lines == [
        "a: 1 of 4 seeds ended in NaN (seed0); means are among the 3 that ended well.",
        "b: 1 of 4 seeds has no value and is left out: seed2.",
    ]


# What is true of a curve: s_curves and the logs whose loss is 0.0 because it is NaN


def found_by(rule: str, folder: Path) -> list[Finding]:
    return [finding for finding in diagnose(open_study(folder)) if finding.rule == rule]


def verdicts(folder: Path) -> list[Verdict]:
    return [verdict_of(run) for run in open_study(folder).runs]


@pytest.mark.parametrize(
    ("case", "step", "runs"),
    [("c14_hf_loss_zero_nan", 600, 1), ("c15_hf_loss_zero_no_eval", 550, 1), ("l_hf_nan", 2050, 3)],
)
def test_a_loss_that_became_nan_is_an_error_at_its_step_and_never_best(
    shared: Path, case: str, step: int, runs: int
) -> None:
    folder = shared / "cases" / case
    dead, diverged = found_by("dead_run", folder), found_by("curve_shape", folder)
    judged = [finding for finding in dead if finding.evidence["metric"] != "loss" or not diverged]
    steps = [step for finding in judged for step in [finding.evidence["step"]] * runs]
    steps += [finding.evidence["onset"] for finding in diverged if finding.severity == "error"]
    assert steps == [step] * runs
    lost = [verdict for verdict in verdicts(folder) if verdict.shape == "diverged"]
    assert len(lost) == runs
    assert all((verdict.best_step or 0) < step for verdict in lost)


@pytest.mark.parametrize("constant", [0.0, 0.1])
@pytest.mark.parametrize("witness", [np.nan, np.inf])
def test_a_constant_loss_next_to_a_metric_that_is_lost_is_no_number(constant: float, witness: float) -> None:
    steps = np.arange(10, 210, 10)
    loss = Series(steps, np.where(steps > 100, constant, 3.0 / steps))
    norm = Series(steps, np.where(steps > 100, witness, 1.0))
    dead = dead_end_of({"loss": loss, "grad_norm": norm}, "loss")
    assert (dead.step, dead.value, dead.witness) == (110, constant, "grad_norm") if dead else False
    calm = Series(steps, np.ones(len(steps)))
    assert dead_end_of({"loss": loss, "grad_norm": calm}, "loss") is None
    assert (
        dead_end_of({"loss": loss, "grad_norm": Series(steps, np.full(len(steps), np.nan))}, "loss") is None
    )
    moving = Series(steps, 3.0 / steps)
    assert dead_end_of({"loss": moving, "grad_norm": norm}, "loss") is None


def test_no_plateau_across_a_late_drop_and_the_drop_is_improvement(shared: Path) -> None:
    place = shared / "cases" / "s_curves" / "grok"
    found = numbers(f"base={place}/base_*", f"grok={place}/grok_*")
    assert found["plateau_step"] is None
    assert any("No plateau in common (grok/seed0" in note for note in found["notes"])
    assert {v.shape for v in verdicts(place) if v.run.startswith("grok")} == {"improving"}


def test_a_jump_in_the_last_three_evaluations_is_said_first(shared: Path) -> None:
    place = shared / "cases" / "s_curves" / "late"
    first, *_ = told(f"boom={place}/boom_*", f"ok={place}/ok_*").splitlines()
    assert first.startswith("boom: all 5 seeds diverged")


def test_a_step_schedule_rests_after_its_last_drop(shared: Path) -> None:
    found = verdicts(shared / "cases" / "s_curves" / "step")
    assert {verdict.shape for verdict in found} == {"converged"}
    starts = [verdict.plateau_step or 0 for verdict in found]
    assert all(6400 <= start <= 7200 for start in starts)
    assert 6400 <= np.median(starts) <= 6800


def test_a_spike_at_the_very_end_is_said_and_is_no_error(shared: Path) -> None:
    place = shared / "cases" / "s_curves" / "spike"
    (note,) = [f for f in found_by("curve_shape", place) if f.evidence.get("run") == "u/seed0"]
    assert note.severity == "note"
    assert note.evidence["last"] == pytest.approx(15, abs=0.1)
    assert {verdict.shape for verdict in verdicts(place)} == {"converged"}
    assert any(note.startswith("u: the last evaluation is far worse") for note in numbers(place)["notes"])


def test_r_squared_that_fell_from_its_best_to_zero_has_collapsed(shared: Path) -> None:
    found = found_by("curve_shape", shared / "cases" / "s_curves" / "r2")
    assert [finding.severity for finding in found] == ["error"] * 5
    assert all("collapsed" in finding.statement for finding in found)


def test_a_hump_that_still_falls_is_improving_and_its_last_is_no_luck(shared: Path) -> None:
    (verdict,) = verdicts(shared / "cases" / "s_curves" / "hump")
    assert (verdict.shape, verdict.best_is_luck) == ("improving", False)
    assert verdict.best_step == verdict.last_step


@pytest.mark.parametrize("case", ["c44_negative_loss", "c47_loss_quantised_at_zero", "c47_more_draws"])
def test_a_loss_at_or_below_zero_gets_no_relative_verdict_of_failure(shared: Path, case: str) -> None:
    folder = shared / "cases" / case
    assert {verdict.shape for verdict in verdicts(folder)} <= {"converged", "improving", "no_trend"}
    assert not [f for f in found_by("curve_shape", folder) if f.severity in ("error", "warning")]


@pytest.mark.parametrize(
    ("log", "word"),
    [
        ("q202_cd_langevin_61080044_4", "improving"),
        ("q203_cd_replay_61080045_2", "improving"),
        ("q204_cd_full_61080048_1", "improving"),
        ("q211_base_61637386_0", "improving"),
        ("q205_cd_adversarial_61083596_0", "regressed"),
    ],
)
def test_short_curves_get_the_word_that_two_readers_gave(shared: Path, log: str, word: str) -> None:
    series = slurm.read(shared / "ired_logs_2" / f"ired_{log}.out").history.series["validation/mse"]
    assert shape_of(series.steps, series.values).word == word

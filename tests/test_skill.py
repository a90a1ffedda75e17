"""Ranks: raw errors of different problems are refused, skill has its own floor, table and interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from app.cli.stats_output import print_comparison
from app.cli.stats_skill import skill_rows
from ired_diag.comparison import compare, words
from ired_diag.comparison.across import Choices, TaskToCompare, across
from ired_diag.drawing.paired_differences import paired_differences
from ired_diag.drawing.readouts import readout_forest
from ired_diag.errors import DiagError
from ired_diag.inverse.simulated_floors import inverse_floors
from ired_diag.runs.run import Run
from tests.made_runs import made_run

MSE = "validation/mse"


def runs(rank: int, strategy: str, values: Sequence[float], **more: object) -> list[Run]:
    config = {"rank": rank, "ood": False, "mining_strategy": strategy, "diffusion_steps": 10, **more}
    name = f"{strategy}{rank}"
    return [
        made_run(name, seed, config=config, metrics={MSE: [2 * value, value]})
        for seed, value in enumerate(values)
    ]


def linear(rank: int) -> tuple[float, float]:
    (floor,) = (floor for floor in inverse_floors(rank, epsilon=0.5, weight=2.0) if floor.name == "linear")
    return floor.mse, floor.standard_error


GROUPS = {
    "none3": runs(3, "none", [0.050, 0.052, 0.054]),
    "adv3": runs(3, "adversarial", [0.060, 0.061, 0.065]),
    "none5": runs(5, "none", [0.030, 0.031, 0.032]),
    "adv5": runs(5, "adversarial", [0.033, 0.034]),
}


def test_skill_is_relative_to_the_floor_of_each_rank_with_both_errors() -> None:
    table = compare(GROUPS, readout="last").skill
    assert table is not None
    assert (table.problems, table.rows) == (
        ["rank=3", "rank=5"],
        ["mining_strategy=none", "mining_strategy=adversarial"],
    )
    assert table.predictor == "linear regression"
    cell = table.cells[2]
    floor, error = linear(5)
    values = np.array([0.030, 0.031, 0.032])
    half = stats.t.ppf(0.975, 2) * values.std(ddof=1) / math.sqrt(3) / floor
    half = math.sqrt(half**2 + (1.96 * values.mean() * error / floor**2) ** 2)
    assert (cell.group, cell.n, cell.floor) == ("none5", 3, floor)
    assert (cell.skill, cell.low, cell.high) == pytest.approx(
        (1 - 0.031 / floor, 1 - 0.031 / floor - half, 1 - 0.031 / floor + half), rel=1e-9
    )


def test_pairs_of_different_ranks_are_refused_with_the_reason_and_stay_out_of_the_family() -> None:
    comparison = compare(GROUPS, readout="last")
    apart = [pair for pair in comparison.pairs if pair.other_problems]
    assert {(pair.a, pair.b) for pair in apart} == {
        ("none3", "none5"),
        ("none3", "adv5"),
        ("adv3", "none5"),
        ("adv3", "adv5"),
    }
    for pair in apart:
        assert pair.verdict.decision == "undecided"
        assert pair.criteria == ()
        sentence = words.verdict_of(pair, comparison)
        assert "They solve different problems (rank 3 and 5: linear regression reaches" in sentence
        assert "raw validation/mse is not compared" in sentence
    alone = compare({name: GROUPS[name] for name in ("none3", "adv3")}, readout="last").pairs[0]
    within = next(pair for pair in comparison.pairs if (pair.a, pair.b) == ("none3", "adv3"))
    assert alone.p == within.p
    assert within.p_holm <= 2 * within.p  # a family of the two pairs within a rank


def test_the_full_answer_tests_only_what_solves_one_problem() -> None:
    comparison = compare(GROUPS, readout="last")

    runner = CliRunner()
    with runner.isolation() as streams:
        print_comparison(comparison)
        text = streams[0].getvalue().decode()
    tests = text[text.index("Differences, two-sided tests") :]
    assert "none3 - adv3" in tests
    assert "none3 - none5" not in tests
    assert "Skill, 1 - MSE / MSE of linear regression" in text
    assert comparison.skill is not None
    assert skill_rows(comparison.skill)[0][0] == "MSE of linear regression"


def test_tasks_of_different_ranks_are_averaged_as_ratios_and_never_raw() -> None:
    tasks = [
        TaskToCompare(name=str(rank), groups={"none": GROUPS[f"none{rank}"], "adv": GROUPS[f"adv{rank}"]})
        for rank in (3, 5)
    ]
    ratios = across(tasks, Choices())
    assert ratios.scale.name == "relative"
    with pytest.raises(DiagError, match=r"--scale 'raw', tasks 3 and 5: They solve different problems"):
        across(tasks, Choices(scale="raw"))


def test_one_rank_has_no_table_and_is_compared() -> None:
    comparison = compare({name: GROUPS[name] for name in ("none3", "adv3")}, readout="last")
    assert comparison.skill is None
    assert comparison.compared_pairs == list(comparison.pairs)


@pytest.mark.parametrize("missing", ["diffusion_steps", "rank"])
def test_unknown_data_refuse_nothing(missing: str) -> None:
    """Silence of a configuration is no statement that the problems differ."""
    config = {"rank": 5, "ood": False, "mining_strategy": "none", "diffusion_steps": 10}
    config.pop(missing)
    silent = [made_run("silent", seed, config=config, metrics={MSE: [1.0, 0.03 + seed]}) for seed in (0, 1)]
    comparison = compare({"none3": GROUPS["none3"], "silent": silent}, readout="last")
    assert comparison.skill is None
    assert comparison.pairs[0].other_problems == ""


def test_a_sweep_over_what_is_solved_is_refused() -> None:
    groups = {name: GROUPS[name] for name in ("none3", "none5")}
    with pytest.raises(DiagError, match="rank says which problem is solved"):
        compare(groups, readout="last", knob="rank")


def test_one_seed_has_a_skill_without_an_interval() -> None:
    table = compare({"none3": GROUPS["none3"][:1], "none5": GROUPS["none5"]}, readout="last").skill
    assert table is not None
    assert math.isnan(table.cells[0].low)
    assert "(n = 1)" in skill_rows(table)[1][1]
    assert table.rows == ["skill"]


def test_two_groups_of_one_strategy_and_rank_stand_in_rows_of_their_own() -> None:
    again = runs(3, "none", [0.05, 0.06])
    table = compare({**GROUPS, "again": again}, readout="last").skill
    assert table is not None
    assert table.rows == [*GROUPS, "again"]


def test_pictures_of_differences_are_refused_where_only_different_problems_are_left() -> None:
    comparison = compare({"none3": GROUPS["none3"], "none5": GROUPS["none5"]}, readout="last")
    for draw in (paired_differences, readout_forest):
        with pytest.raises(DiagError, match="solve different problems"):
            draw(comparison)

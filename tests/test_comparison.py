"""Comparison: the study's numbers from its logs, and what must be left out or refused."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.cli.output import plain
from ired_diag import comparison
from ired_diag.comparison import words
from ired_diag.errors import DiagError, NotFound
from ired_diag.grouping import group_runs
from ired_diag.runs.ending import State
from ired_diag.runs.run import Run
from tests.made_runs import made_run

compare = partial(comparison.compare, readout="last")


def run(
    experiment: str, seed: int | None, values: Sequence[float], state: State = "complete", **config: Any
) -> Run:
    return made_run(
        experiment,
        seed,
        every=1000,
        config={"rank": 20, "ood": False, **config},
        state=state,
        path=Path(experiment),
        provenance={"job": f"77{seed}"},
        validation__mse=values,
    )


def group(experiment: str, finals: Sequence[float], **config: Any) -> list[Run]:
    return [run(experiment, seed, [1.0, final], **config) for seed, final in enumerate(finals)]


def test_study_gives_its_published_tests_and_the_honest_ones(shared: Path) -> None:
    result = compare(group_runs(["q101", "q102", "q103"], shared / "ired_logs"))
    told = {(p.a, p.b): p for p in result.pairs}
    for pair, t, p in (
        (("q101", "q102"), -1.8025, 0.0882),
        (("q101", "q103"), -8.0080, 2.42e-7),
        (("q102", "q103"), -2.1796, 0.0428),
    ):
        assert told[pair].student.t == pytest.approx(t, abs=5e-5)
        assert told[pair].student.p == pytest.approx(p, rel=2e-3)
    assert told["q101", "q102"].welch.p == pytest.approx(0.098, abs=5e-4)
    assert told["q102", "q103"].welch.p == pytest.approx(0.0505, abs=5e-5)
    assert told["q102", "q103"].paired.p == pytest.approx(0.0090, abs=5e-5)
    assert [g.step for g in result.groups] == [100_000] * 3
    assert [g.strategy for g in result.groups] == ["none", "random", "adversarial"]
    assert result.notes == []


def test_logs_in_place_equal_names_and_group_by_experiment(shared: Path) -> None:
    logs = sorted((shared / "ired_logs").glob("ired_q10[12]_*.out"))
    by_path = compare(group_runs([str(log) for log in logs], Path("nowhere")))
    by_name = compare(group_runs(["q101", "q102"], shared / "ired_logs"))
    assert plain(by_path) == plain(by_name)


def test_seeds_are_paired_by_number_and_only_the_shared_ones() -> None:
    a = [run("a", seed, [v]) for seed, v in ((3, 30.0), (1, 10.0), (2, 21.0), (9, 5.0))]
    b = [run("b", seed, [v]) for seed, v in ((1, 11.0), (2, 22.0), (3, 33.0), (8, 5.0))]
    (pair,) = compare({"a": a, "b": b}).pairs
    assert pair.paired.n == 3
    assert pair.paired.t == pytest.approx(-5 / 3 / (math.sqrt(4 / 3) / math.sqrt(3)))  # -1, -1, -3
    assert (pair.wins_a, pair.wins_b) == (3, 0)
    assert pair.correlation > 0.99


@pytest.mark.parametrize("key", ["rank", "ood", "dataset", "validation_batch_size"])
def test_seeds_are_not_paired_when_data_or_evaluation_differ(key: str) -> None:
    a, b = group("a", [1.0, 2.0, 4.0], **{key: 4}), group("b", [2.0, 3.0, 4.5], **{key: 8})
    (pair,) = compare({"a": a, "b": b}).pairs
    assert math.isnan(pair.paired.t)
    assert pair.paired.reason == f"not paired: {key} is 4 and 8"
    assert math.isfinite(pair.welch.p)


@pytest.mark.parametrize("key", ["dataset", "validation_batch_size"])
def test_seeds_are_not_paired_when_one_group_states_more_of_its_data_or_evaluation(key: str) -> None:
    a, b = group("a", [1.0, 2.0, 4.0]), group("b", [2.0, 3.0, 4.5], **{key: 8})
    (pair,) = compare({"a": a, "b": b}).pairs
    assert pair.obstacle == f"unknown whether seeds share data: only b states {key} (8)"


def test_runs_without_a_seed_are_compared_but_never_paired() -> None:
    a, b = ([run(name, None, [v]) for v in (1.0, 2.0)] for name in "ab")
    named = [[Run(**{**r.__dict__, "provenance": {"job": i}}) for i, r in enumerate(g)] for g in (a, b)]
    result = compare({"a": named[0], "b": named[1]})
    assert result.pairs[0].paired.reason == "not paired: no seed in common"
    assert result.pairs[0].student.n == 4
    assert result.ranks is None


def test_incomplete_runs_are_left_out_first_thing_unless_asked_for() -> None:
    runs = [*group("a", [1.0, 2.0, 3.0]), run("a", 3, [9.0], state="out_of_memory")]
    other = group("b", [1.5, 2.5, 4.0])
    without = compare({"a": runs, "b": other})
    assert without.groups[0].summary.n == 3
    assert without.left_out == [
        "a: 1 of 4 seeds died of an error (seed3: out of memory); means are among the 3 that finished."
    ]
    (failure,) = without.groups[0].outcomes.failures
    assert (failure.kind, failure.step) == ("crashed", 1000)
    assert failure.reason == "out of memory; its last evaluation is at step 1000"
    with_it = compare({"a": runs, "b": other}, include_incomplete=True)
    assert with_it.groups[0].summary.mean == 3.75
    assert with_it.left_out == []
    verdict = words.verdict_of(with_it.pairs[0], with_it)
    assert "The trainings end at different steps (a 1000 to 2000, b 2000)" in verdict


def test_a_seed_that_ends_in_nan_is_a_failure_and_said_first() -> None:
    result = compare({"a": group("a", [1.0, math.nan, 3.0])})
    assert result.groups[0].summary.mean == 2.0
    assert result.left_out == ["a: 1 of 3 seeds ended in NaN (seed1); means are among the 2 that ended well."]
    outcomes = result.groups[0].outcomes
    assert (outcomes.attempted, outcomes.finished) == (3, 2)
    assert outcomes.failures[0].reason == (
        "its validation/mse is not finite from step 2000 on (1 of 2 evaluations)"
    )


def test_direction_turns_wins_and_ranks() -> None:
    groups = {"a": group("a", [1.0, 2.0, 3.0]), "b": group("b", [2.0, 1.0, 4.0])}
    low, high = compare(groups), compare(groups, lower_is_better=False)
    assert low.ranks is not None
    assert high.ranks is not None
    assert (low.ranks.wins, high.ranks.wins) == ({"a": 2, "b": 1}, {"a": 1, "b": 2})
    assert (low.pairs[0].wins_a, high.pairs[0].wins_a) == (2, 1)


def test_a_group_without_the_metric_names_what_it_logs() -> None:
    with pytest.raises(NotFound, match=r"--metric E_pos: no run logs it\. Logged: validation/mse"):
        compare({"a": group("a", [1.0, 2.0])}, metric="E_pos")


def test_unknown_readout_is_refused_with_the_list() -> None:
    with pytest.raises(DiagError, match="There are: plateau, last"):
        compare({"a": group("a", [1.0])}, readout="luckiest")


def test_a_group_whose_runs_were_all_stopped_is_left_out_where_others_have_a_result() -> None:
    groups = {"a": group("a", [1.0, 2.0]), "b": [run("b", 0, [3.0], state="time_limit")]}
    result = compare(groups)
    assert [g.name for g in result.groups] == ["a"]
    assert result.notes == [
        "b: has no run to compare by validation/mse. seed0: time limit; its last evaluation is at step 1000. "
        "The group is left out."
    ]


def test_a_table_of_numbers_is_compared_like_runs(shared: Path, tmp_path: Path) -> None:
    told = compare(group_runs([str(shared / "published_results.json")], Path("nowhere")), paired=True)
    logged = compare(group_runs(["q101", "q102", "q103"], shared / "ired_logs"))
    for pair, other in zip(told.pairs, logged.pairs, strict=True):
        assert pair.paired.p == pytest.approx(other.paired.p, rel=2e-3)
    table = tmp_path / "x.csv"
    table.write_text("seed,a,b\n0,1,2\n1,3,5\n2,,7\n", encoding="utf-8")
    other_table = tmp_path / "y.csv"
    other_table.write_text("seed,b\n0,1\n", encoding="utf-8")
    found = compare(group_runs([str(table)], Path("nowhere"), metric="loss"), metric="loss")
    assert [dict(g.values) for g in found.groups] == [
        {"seed0": 1.0, "seed1": 3.0},
        {"seed0": 2.0, "seed1": 5.0, "seed2": 7.0},
    ]
    assert found.left_out == ["a: 1 of 3 seeds has no loss and is left out: seed2."]
    with pytest.raises(DiagError, match=r"both .* have values of it"):
        group_runs([str(table), str(other_table)], Path("nowhere"))


def test_the_plateau_tells_what_the_last_step_hides(shared: Path) -> None:
    """None against random: FACTS section 3. Random against adversarial: paired at the last step too."""
    found = comparison.compare(group_runs(["q102", "q101", "q103"], shared / "ired_logs"))
    pair = found.pairs[0]
    assert 15_000 <= (found.plateau_step or 0) <= 30_000
    assert (pair.verdict.decision, pair.verdict.smaller_than_margin) == ("worse", True)
    assert pair.primary == "paired"
    assert 0.006 <= pair.welch.p <= 0.012
    by = {line.readout: line for line in pair.by_readout}
    told = [by[name].welch_p for name in ("last", "best", "last10")]
    assert told == pytest.approx([0.098, 0.65, 0.011], rel=0.02)
    assert pair.flips
    assert 100 * pair.ratio == pytest.approx(0.24, abs=0.005)
    low, high = (100 * end / found.groups[1].summary.mean for end in (pair.test.low, pair.test.high))
    assert (low, high) == pytest.approx((0.08, 0.40), abs=0.005)
    icc = {group.name: group.noise.split.icc for group in found.groups}
    assert icc["q101"] < 0.05
    assert 0.06 <= icc["q102"] <= 0.14
    assert 0.42 <= icc["q103"] <= 0.48
    same = {(p.a, p.b): p.shared_noise.same for p in found.pairs}
    assert 0.46 <= same["q102", "q101"] <= 0.50
    assert 0.65 <= same["q101", "q103"] <= 0.70
    assert 0.34 <= same["q102", "q103"] <= 0.41
    assert found.ranks is not None
    assert found.ranks.kendall_w["last"] == pytest.approx(0.49)
    assert found.ranks.kendall_w["plateau"] >= 0.9


def test_what_is_said_of_it_holds_the_numbers(shared: Path) -> None:
    found = comparison.compare(group_runs(["q101", "q102"], shared / "ired_logs"))
    (pair,) = found.pairs
    told = words.verdict_of(pair, found)
    assert told == (
        "q101 is better than q102 by 0.235% (95% interval 0.0737% to 0.396% of q102's mean; paired t test, "
        "10 pairs of seeds, p = 0.0093), smaller than the 1% margin."
    )
    assert "changes with the readout: plateau better" in " ".join(words.caveats_of(pair, found))
    assert "is evaluation noise" in words.noise_of(found.groups[0])
    assert "seeds differ beyond" in words.noise_of(found.groups[1])


def test_a_comparison_in_which_two_things_differ_is_said_to_prove_nothing_of_either(shared: Path) -> None:
    found = comparison.compare(group_runs(["q103", "q201@60619264", "q101"], shared / "ired_logs"))
    told = {(pair.a, pair.b): list(pair.differing) for pair in found.pairs}
    assert told["q103", "q201@60619264"] == ["mining_opt_steps (2, 10)", "mining_noise_scale (3.0, 1.5)"]
    assert [one.split()[0] for one in told["q103", "q101"]] == ["mining_strategy"]
    assert "more than one thing" in " ".join(words.caveats_of(found.pairs[0], found))


def test_swapping_the_groups_mirrors_everything(shared: Path) -> None:
    runs = shared / "ired_logs"
    one, other = (
        comparison.compare(group_runs(names, runs)).pairs[0] for names in (["q101", "q102"], ["q102", "q101"])
    )
    assert (one.verdict.decision, other.verdict.decision) == ("better", "worse")
    assert one.difference == -other.difference
    assert (one.test.low, one.test.high) == (-other.test.high, -other.test.low)
    assert (one.margin, one.wins_a, one.wins_b) == (other.margin, other.wins_b, other.wins_a)
    assert one.equivalence.p == pytest.approx(other.equivalence.p, rel=1e-12)
    assert one.posterior.below == pytest.approx(other.posterior.above, rel=1e-9)
    assert one.sizes.paired.g == -other.sizes.paired.g
    assert one.tests.permutation.p == other.tests.permutation.p
    assert one.shared_noise.p == other.shared_noise.p
    assert one.power.at_margin == other.power.at_margin


def test_the_same_seed_gives_the_same_bytes_and_leaves_numpys_stream_alone() -> None:
    groups = {
        name: group(name, [1.0 + 0.1 * k * (-1) ** k + 0.2 * j for k in range(9)])
        for j, name in enumerate("ab")
    }
    np.random.seed(1)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    told = [json.dumps(plain(compare(groups, seed=3))) for _ in range(2)]
    assert told[0] == told[1]
    assert np.random.random() == expected  # noqa: NPY002


@pytest.mark.parametrize(
    ("finals", "reason"),
    [
        (([1.0], [2.0]), "at least 2 of each"),
        (([1.0, 1.0, 1.0], [1.0, 1.0, 1.0]), "same amount"),
        (([1e-5, 2e-5, 4e-5], [2e-5, 2e-5, 5e-5]), ""),
    ],
)
def test_few_or_constant_seeds_are_undecided_with_a_reason(
    finals: tuple[list[float], list[float]], reason: str
) -> None:
    found = compare({name: group(name, values) for name, values in zip("ab", finals, strict=True)})
    (pair,) = found.pairs
    assert pair.verdict.decision == ("identical" if finals[0] == finals[1] else "undecided")
    assert reason in pair.test.reason
    told = " ".join([words.verdict_of(pair, found), *words.caveats_of(pair, found), words.results_of(found)])
    assert ("did they run the same?" if reason == "same amount" else "undecided") in told
    assert words.methods_of(found)


def test_groups_without_a_seed_in_common_are_compared_unpaired() -> None:
    found = compare({"a": group("a", [1.0, 1.1, 1.2]), "b": group("b", [5.0, 5.1, 5.3], rank=8)})
    (pair,) = found.pairs
    assert pair.primary == "welch"
    assert "rank is 20 and 8" in " ".join(words.caveats_of(pair, found))
    assert pair.verdict.decision == "better"


def test_seeds_that_only_one_group_has_are_kept_and_said() -> None:
    found = compare({"a": group("a", [1.0, 1.1, 1.3, 1.2]), "b": group("b", [2.0, 2.2, 2.1])})
    (pair,) = found.pairs
    assert (pair.primary, pair.estimator, pair.test.n, pair.seeds) == (
        "partial_unequal",
        "partial_unequal",
        4,
        (4, 3, 3),
    )
    assert (pair.paired.n, pair.welch.n) == (3, 7)
    assert pair.difference == pytest.approx(1.15 - 2.1, rel=1e-12)
    assert "1 that only one of them has is kept" in " ".join(words.caveats_of(pair, found))

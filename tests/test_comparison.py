"""Comparison: the study's numbers from its logs, and what must be left out or refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ired_diag.comparison import compare
from ired_diag.errors import DiagError, NotFound
from ired_diag.grouping import group_runs
from ired_diag.runs.ending import Ending, State
from ired_diag.runs.history import History, Row
from ired_diag.runs.run import Run


def run(
    experiment: str, seed: int | None, values: Sequence[float], state: State = "complete", **config: Any
) -> Run:
    rows = [Row(1000 * (i + 1), {"validation/mse": v}) for i, v in enumerate(values)]
    configuration = {"rank": 20, "ood": False, **config}
    provenance = {"job": f"77{seed}"}
    history, ending = History.of(rows), Ending(state)
    return Run(
        experiment, None, None, seed, Path(experiment), configuration, history, ending, provenance=provenance
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
    assert by_path == by_name


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
    a, b = group("a", [1.0, 2.0, 4.0]), group("b", [2.0, 3.0, 4.5], **{key: 8})
    (pair,) = compare({"a": a, "b": b}).pairs
    assert math.isnan(pair.paired.t)
    assert pair.paired.reason.startswith(f"not paired: {key} is ")
    assert math.isfinite(pair.welch.p)


def test_runs_without_a_seed_are_compared_but_never_paired() -> None:
    a, b = ([run(name, None, [v]) for v in (1.0, 2.0)] for name in "ab")
    named = [[Run(**{**r.__dict__, "provenance": {"job": i}}) for i, r in enumerate(g)] for g in (a, b)]
    result = compare({"a": named[0], "b": named[1]})
    assert result.pairs[0].paired.reason == "not paired: no seed in common"
    assert result.pairs[0].student.n == 4
    assert result.ranks is None


def test_incomplete_runs_are_left_out_with_a_note_unless_asked_for() -> None:
    runs = [*group("a", [1.0, 2.0, 3.0]), run("a", 3, [9.0], state="out_of_memory")]
    other = group("b", [1.5, 2.5, 4.0])
    without = compare({"a": runs, "b": other})
    assert without.groups[0].summary.n == 3
    assert without.notes == [
        "a/seed3: out of memory, last evaluation at step 1000; left out (--include-incomplete keeps it)."
    ]
    with_it = compare({"a": runs, "b": other}, include_incomplete=True)
    assert with_it.groups[0].summary.mean == 3.75
    assert "different steps: a at several steps, b at 2000" in with_it.notes[0]


def test_nan_is_left_out_of_the_mean_and_said() -> None:
    result = compare({"a": group("a", [1.0, math.nan, 3.0])})
    assert result.groups[0].summary.mean == 2.0
    assert result.notes == ["a/seed1: its last validation/mse is nan; left out, which flatters the group."]


def test_direction_turns_wins_and_ranks() -> None:
    groups = {"a": group("a", [1.0, 2.0, 3.0]), "b": group("b", [2.0, 1.0, 4.0])}
    low, high = compare(groups), compare(groups, lower_is_better=False)
    assert low.ranks is not None
    assert high.ranks is not None
    assert (low.ranks.wins, high.ranks.wins) == ({"a": 2, "b": 1}, {"a": 1, "b": 2})
    assert (low.pairs[0].wins_a, high.pairs[0].wins_a) == (2, 1)


def test_a_group_without_the_metric_names_what_it_logs() -> None:
    with pytest.raises(NotFound, match=r"a: has no run to compare by the last E_pos.*validation/mse"):
        compare({"a": group("a", [1.0, 2.0])}, metric="E_pos")


def test_unknown_readout_is_refused_with_the_list() -> None:
    with pytest.raises(DiagError, match="There is: last"):
        compare({"a": group("a", [1.0])}, readout="luckiest")


def test_a_group_without_a_usable_run_is_left_out_where_others_have_one() -> None:
    groups = {"a": group("a", [1.0, 2.0]), "b": [run("b", 0, [3.0], state="out_of_memory")]}
    result = compare(groups)
    assert [g.name for g in result.groups] == ["a"]
    assert any(note.startswith("b: has no run to compare") for note in result.notes)


def test_a_table_of_numbers_is_compared_like_runs(shared: Path, tmp_path: Path) -> None:
    told = compare(group_runs([str(shared / "published_results.json")], Path("nowhere")), readout="last")
    logged = compare(group_runs(["q101", "q102", "q103"], shared / "ired_logs"), readout="last")
    for pair, other in zip(told.pairs, logged.pairs, strict=True):
        assert pair.paired.p == pytest.approx(other.paired.p, rel=2e-3)
    table = tmp_path / "x.csv"
    table.write_text("seed,a,b\n0,1,2\n1,3,5\n2,,7\n", encoding="utf-8")
    other_table = tmp_path / "y.csv"
    other_table.write_text("seed,b\n0,1\n", encoding="utf-8")
    found = compare(group_runs([str(table)], Path("nowhere"), metric="loss"), metric="loss", readout="last")
    assert [dict(g.values) for g in found.groups] == [
        {"seed0": 1.0, "seed1": 3.0},
        {"seed0": 2.0, "seed1": 5.0, "seed2": 7.0},
    ]
    assert "a/seed2" in found.notes[0]
    with pytest.raises(DiagError, match="is told by"):
        group_runs([str(table), str(other_table)], Path("nowhere"))

"""Seeds that fail: they are counted, said first, and never average away."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from app.cli.output import plain
from ired_diag.comparison import Comparison, compare
from ired_diag.comparison import words as told_of
from ired_diag.comparison.members import members_of
from ired_diag.comparison.outcomes import divergences, outcomes_of
from ired_diag.comparison.verdict_words import verdict_of
from ired_diag.errors import DiagError, NotFound
from ired_diag.runs.ending import Cause, Ending, State
from ired_diag.runs.history import History
from ired_diag.runs.run import Run
from tests.made_runs import made_run

Array = Any
METRIC = "val_loss"


def healthy(seed: int, *, level: float = 0.5, n: int = 100) -> Array:
    rng = np.random.default_rng([seed, n])
    return level + 3 * np.exp(-np.arange(n) / 8) + 0.01 * rng.standard_normal(n)


def changed(values: Array, change: Callable[[Array], None]) -> Array:
    change(values)
    return values


def run(
    group: str, seed: int, values: Sequence[float], *, state: State = "complete", cause: Cause = ""
) -> Run:
    return made_run(
        group,
        seed,
        config={"dataset": "cifar10"},
        ending=Ending(state, cause=cause),
        path=Path(group),
        metrics={METRIC: values},
    )


def group(name: str, *, level: float = 0.5, seeds: int = 5) -> list[Run]:
    return [run(name, seed, healthy(1000 * seed + sum(map(ord, name)), level=level)) for seed in range(seeds)]


def broken(name: str, seed: int, kind: str) -> Run:
    values = healthy(seed)
    if kind == "nan":
        values[80:] = np.nan
    elif kind == "-inf":
        values[-1] = -np.inf
    elif kind == "diverged":
        values[70:] = values[70] * np.exp(0.3 * np.arange(30))
    elif kind == "traceback":
        return run(name, seed, values[:40], state="traceback", cause="assertion")
    elif kind == "no evaluation":
        return run(name, seed, [], state="out_of_memory", cause="cuda_oom")
    elif kind == "time limit":
        return run(name, seed, values[:40], state="time_limit")
    elif kind == "nan loss":
        return run(name, seed, values, cause="nan_loss")
    return run(name, seed, values)


def with_broken(*kinds: str, seeds: int = 5) -> Comparison:
    """Return a comparison of a healthy group with one whose first seeds are broken."""
    first = [broken("h", seed, kind) for seed, kind in enumerate(kinds)]
    return compare({"h": [*first, *group("h", seeds=seeds)[len(kinds) :]], "k": group("k", level=0.6)})


@pytest.mark.parametrize(
    ("kind", "failure", "reason"),
    [
        ("nan", "not finite", "its val_loss is not finite from step 8100 on (20 of 100 evaluations)"),
        ("-inf", "not finite", "its val_loss is not finite from step 10000 on (1 of 100 evaluations)"),
        ("nan loss", "not finite", "its training loss is NaN at its end"),
        ("diverged", "diverged", "its val_loss ends at"),
        ("traceback", "crashed", "assertion; its last evaluation is at step 4000"),
        ("no evaluation", "crashed", "it never logged val_loss (failed: cuda_oom)"),
        ("time limit", "stopped", "time limit; its last evaluation is at step 4000"),
    ],
)
def test_each_kind_of_failure_has_its_name_and_its_numbers(kind: str, failure: str, reason: str) -> None:
    found = with_broken(kind)
    (told,) = found.groups[0].outcomes.failures
    assert (told.label, told.kind) == ("seed0", failure)
    assert told.reason.startswith(reason)
    assert list(found.groups[0].values) == ["seed1", "seed2", "seed3", "seed4"]
    assert found.left_out[0].startswith("h: 1 of 5 seeds ")
    assert "seed0" in found.left_out[0]


def test_two_of_five_that_end_in_nan_never_read_as_no_divergence() -> None:
    found = with_broken("nan", "nan")
    assert found.left_out == [
        "h: 2 of 5 seeds ended in NaN (seed0, seed1); means are among the 3 that ended well."
    ]
    (pair,) = found.pairs
    assert (pair.failed, pair.primary, pair.verdict.decision) == ((2, 0), "worst_rank", "undecided")
    assert "2 of 5 seeds of h failed" in verdict_of(pair, found)


def test_one_sentence_for_each_group_and_kind() -> None:
    found = with_broken("nan", "diverged", "traceback", "time limit")
    only = "its mean is the number of the only seed that"
    assert found.left_out == [
        f"h: 2 of 5 seeds diverged or ended in NaN (seed0, seed1); {only} ended well.",
        f"h: 1 of 5 seeds died of an error (seed2: assertion); {only} finished.",
        "h: 1 of 5 seeds was stopped (time limit) and is left out: seed3 (--include-incomplete keeps them).",
    ]
    assert with_broken().left_out == []


def test_the_success_rate_has_the_interval_of_clopper_and_pearson() -> None:
    outcomes = with_broken("nan", "traceback", "time limit").groups[0].outcomes
    assert (outcomes.attempted, outcomes.finished) == (4, 2)  # the one that was stopped is no attempt
    assert outcomes.success_rate == 0.5
    assert outcomes.low == pytest.approx(stats.beta.ppf(0.025, 2, 3))
    assert outcomes.high == pytest.approx(stats.beta.ppf(0.975, 3, 2))
    full = with_broken().groups[0].outcomes
    assert (full.low, full.high) == pytest.approx((0.025 ** (1 / 5), 1.0))


def test_means_are_among_the_seeds_that_finished() -> None:
    found = with_broken("nan", "diverged")
    finished = group("h")[2:]
    start = found.plateau_step
    assert start is not None
    expected = [one.history.series[METRIC].values[int(start) // 100 - 1 :].mean() for one in finished]
    assert found.groups[0].summary.mean == pytest.approx(np.mean(expected), rel=1e-12)


@pytest.mark.parametrize("kinds", [("nan",) * 5, ("diverged",) * 5, ("no evaluation",) * 5])
def test_a_group_all_of_whose_seeds_failed_stays_with_no_number(kinds: tuple[str, ...]) -> None:
    found = with_broken(*kinds)
    h, k = found.groups
    assert (h.summary.n, k.summary.n) == (0, 5)
    assert (h.outcomes.attempted, h.outcomes.success_rate) == (5, 0.0)
    assert found.left_out[0].startswith("h: all 5 seeds ")
    did = "finished" if "no evaluation" in kinds else "ended well"
    assert f"no seed {did}, so there is no mean" in found.left_out[0]
    assert found.pairs[0].test.reason
    assert math.isnan(found.pairs[0].difference)
    assert plain(found)["groups"][0]["values"] == {}


@pytest.mark.parametrize("kind", ["nan", "-inf", "nan loss", "traceback", "no evaluation"])
def test_where_every_seed_failed_the_success_rates_are_the_answer(kind: str) -> None:
    found = compare({name: [broken(name, seed, kind) for seed in range(5)] for name in "ab"}, metric=METRIC)
    (pair,) = found.pairs
    assert verdict_of(pair, found) == (
        "a and b: 0 of 5 seeds finished against 0 of 5 (success rates 0%, 95% interval 0 to 52% and 0%, 95% "
        "interval 0 to 52%). No seed has a number, so nothing else can be compared."
    )
    assert [one.outcomes.finished for one in found.groups] == [0, 0]
    assert found.groups[0].outcomes.high == pytest.approx(1 - 0.025 ** (1 / 5))
    assert (pair.verdict.decision, found.no_ranks) == ("undecided", "no seed of any group finished")
    assert {line.reason for line in pair.by_readout} == {"no seed of a or b finished"}
    assert "Means" not in told_of.results_of(found)
    assert plain(found)["groups"][1]["summary"]["mean"] is None


def test_where_all_runs_were_stopped_there_is_nothing_to_compare() -> None:
    groups = {name: [broken(name, seed, "time limit") for seed in range(3)] for name in "ab"}
    with pytest.raises(NotFound, match=r"No group has a run to compare by val_loss. b: has no run"):
        compare(groups)


def test_a_sweep_without_a_seed_that_finished_says_so() -> None:
    groups = {name: [broken(name, seed, "nan") for seed in range(3)] for name in "ab"}
    with pytest.raises(DiagError, match="no sweep over lr: no seed of any group finished"):
        compare(groups, knob="lr")


def test_where_all_groups_diverged_they_are_compared_as_they_ended_and_it_is_said() -> None:
    found = compare({name: [broken(name, s + 5 * len(name), "diverged") for s in range(3)] for name in "ab"})
    assert [one.summary.n for one in found.groups] == [3, 3]
    assert all(
        "all 3 seeds diverged" in line and "is the direction right?" in line for line in found.left_out
    )
    assert [one.outcomes.finished for one in found.groups] == [0, 0]
    assert [one.outcomes.success_rate for one in found.groups] == [0.0, 0.0]


def test_an_assumed_direction_makes_no_seed_diverged() -> None:
    rising = [
        Run(
            experiment=r.experiment,
            name=None,
            variant=None,
            seed=r.seed,
            path=r.path,
            configuration=None,
            history=History({"foo": r.history.series[METRIC]}),
            ending=r.ending,
        )
        for r in (broken("a", seed, "diverged") for seed in range(3))
    ]
    found = compare({"a": rising}, metric="foo")
    assert found.direction == "assumed"
    assert (found.groups[0].summary.n, found.left_out) == (3, [])


def test_include_incomplete_keeps_what_was_cut_short_but_nothing_that_broke_down() -> None:
    kinds = ("traceback", "time limit", "nan", "diverged", "no evaluation")
    runs = [broken("h", seed, kind) for seed, kind in enumerate(kinds)]
    found = compare({"h": runs, "k": group("k")}, include_incomplete=True)
    assert list(found.groups[0].values) == ["seed0", "seed1"]
    assert [one.kind for one in found.groups[0].outcomes.failures] == ["not finite", "diverged", "crashed"]


def test_seeds_kept_although_they_did_not_finish_are_neither_successes_nor_failures() -> None:
    runs = [broken("h", 0, "traceback"), broken("h", 1, "time limit"), broken("h", 2, "nan"), *group("h")[3:]]
    found = compare({"h": runs, "k": group("k")}, include_incomplete=True)
    outcomes = found.groups[0].outcomes
    assert (outcomes.attempted, outcomes.finished, outcomes.unfinished) == (3, 2, 2)
    assert outcomes.low == pytest.approx(stats.beta.ppf(0.025, 2, 2))
    assert found.groups[0].summary.n == 4
    (note,) = [note for note in found.notes if "did not finish" in note]
    assert note.startswith("h: 2 of 5 seeds did not finish (seed0: failed: assertion, seed1: time limit).")
    assert "neither successes nor failures" in note
    assert "1 of 3 seeds of h failed (success rate 67%, 95% interval 9 to 99%, 2 unfinished not counted)" in (
        verdict_of(found.pairs[0], found)
    )
    plainly = compare({"h": [*runs[:2], *group("h")[2:]], "k": group("k")}, include_incomplete=True)
    assert (plainly.groups[0].outcomes.attempted, plainly.groups[0].outcomes.finished) == (3, 3)
    assert plainly.pairs[0].worst_rank is None
    assert not told_of.among_finished(plainly)


def test_runs_that_never_logged_the_metric_are_no_failures() -> None:
    runs = group("h")
    silent = Run(
        experiment="h",
        name=None,
        variant=None,
        seed=9,
        path=Path("h"),
        configuration=None,
        history=History(),
        ending=Ending("complete"),
    )
    found = compare({"h": [*runs, silent], "k": group("k")})
    assert found.left_out == ["h: 1 of 6 seeds has no val_loss and is left out: seed9."]
    assert found.groups[0].outcomes.attempted == 5


def test_many_seeds_are_counted_after_eight_names() -> None:
    found = compare({"h": [*(broken("h", s, "nan") for s in range(11)), *group("h", seeds=14)[11:]]})
    assert "seed0, seed1, seed2, seed3, seed4, seed5, seed6, seed7 and 3 more)" in found.left_out[0]


def test_divergences_count_every_seed_that_was_attempted() -> None:
    runs = [broken("h", s, kind) for s, kind in enumerate(("nan", "diverged", "traceback", "time limit"))]
    (members,) = members_of({"h": [*runs, *group("h")[4:]]}, METRIC, [], lower_is_better=True)
    assert divergences(members) == (2, 4)
    assert outcomes_of(members).attempted == 4


def test_failed_seeds_rank_last_and_tie_with_each_other() -> None:
    found = with_broken("nan", "diverged")
    assert found.ranks is not None
    assert list(found.ranks.seeds) == ["seed2", "seed3", "seed4", "seed0", "seed1"]
    assert found.ranks.mean_ranks == {"h": pytest.approx((3 * 1 + 2 * 2) / 5), "k": pytest.approx(8 / 5)}
    levels = {"h": 0.5, "k": 0.6}
    tied = compare(
        {name: [broken(name, 0, "nan"), *group(name, level=level)[1:]] for name, level in levels.items()}
    )
    assert tied.ranks is not None
    assert (tied.ranks.ties, tied.ranks.wins) == (1, {"h": 4, "k": 0})


# A single evaluation that is not finite


@pytest.mark.parametrize(
    ("at", "value", "readout"),
    [(70, np.nan, "plateau"), (98, np.nan, "last10"), (50, -np.inf, "best"), (0, np.inf, "area")],
)
def test_one_evaluation_that_is_not_finite_removes_neither_seed_nor_readout(
    at: int, value: float, readout: str
) -> None:
    odd = healthy(0)
    odd[at] = value
    runs = [run("h", 0, odd), *group("h")[1:]]
    found = compare({"h": runs, "k": group("k")}, readout=readout)
    assert (found.readout, found.groups[0].summary.n, found.left_out) == (readout, 5, [])
    assert "h: 1 evaluation is not finite (seed0); readouts are of the finite ones." in found.notes
    steps, finite = 100.0 * np.arange(1, 101), np.isfinite(odd)
    expected = {
        "plateau": lambda: odd[finite & (steps >= (found.plateau_step or 0))].mean(),
        "last10": lambda: np.nanmean(odd[-10:]),
        "best": lambda: odd[finite].min(),
        "area": lambda: np.trapezoid(odd[finite], steps[finite]) / np.ptp(steps[finite]),
    }
    assert found.groups[0].values["seed0"] == pytest.approx(expected[readout](), rel=1e-12)
    assert found.plateau_step is None or not found.groups[0].noise.split.reason


def test_the_paragraphs_for_a_paper_say_who_failed() -> None:
    found = with_broken("nan", "nan", "nan", "nan", "nan")
    assert told_of.results_of(found).startswith("h: all 5 seeds ended in NaN")
    assert "nan" not in told_of.results_of(found)
    assert "trained with 5 seeds" in told_of.methods_of(found)


@pytest.mark.parametrize("alive", [1, 2])
def test_a_sweep_goes_over_the_settings_that_have_a_number(alive: int) -> None:
    groups = {}
    for setting in range(3):
        name = f"lr={setting}"
        runs = group(name, level=0.5 + 0.1 * setting) if setting < alive else []
        runs = runs or [broken(name, seed, "nan") for seed in range(5)]
        groups[name] = [replace(one, configuration={"lr": float(setting)}) for one in runs]
    found = compare(groups, knob="lr")
    assert found.sweep is not None
    assert list(found.sweep.groups) == list(groups)[:alive]
    assert len(found.left_out) == 3 - alive

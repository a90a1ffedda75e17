"""Arranging: which records are runs, earlier attempts and variants, and that none is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ired_diag.runs.arrange import arrange
from ired_diag.runs.ending import Ending, State
from ired_diag.runs.history import History, Series
from ired_diag.runs.run import Run

A, B = "a" * 40, "b" * 40

Summary = tuple[str, str | None, str, list[str]]  # experiment, variant, job, jobs of the earlier attempts


def attempt(
    job: int | None,
    *,
    seed: int | None = 0,
    evaluations: int = 3,
    state: State = "complete",
    name: str | None = "q900_synthetic",
    commit: str | None = A,
    task: int = 0,
    **knobs: Any,
) -> Run:
    """An attempt of experiment q900 that started on the day which is its job's number."""
    path = Path(f"q900_{70000000 + (job or 0)}_{task}.out")
    provenance: dict[str, object] = {}
    if job:
        provenance = {"job": str(job), "git_commit": commit, "started": f"2026-01-{job:02}T00:00:00"}
    return Run(
        path=path,
        sources=(path,),
        experiment="q900",
        name=name,
        seed=seed,
        configuration=None if name is None else {"experiment_name": name, "seed": seed, **knobs},
        evaluations=evaluations,
        ending=Ending(state),
        provenance=provenance,
    )


def cut(job: int, **told: Any) -> Run:
    return attempt(job, **{"state": "cut_off", "evaluations": 1, **told})


def untrained(job: int, **told: Any) -> Run:
    return cut(job, **{"evaluations": 0, "name": None, **told})


def summary(runs: list[Run]) -> list[Summary]:
    return [(run.experiment, run.variant, str(run.job), [str(a.job) for a in run.attempts]) for run in runs]


def test_no_attempts_make_no_runs() -> None:
    assert arrange([]) == []


def test_equal_attempts_are_retries_of_the_complete_one_in_order() -> None:
    runs = arrange([cut(3, evaluations=9), attempt(2), cut(1)])
    assert summary(runs) == [("q900", None, "2", ["1", "3"])]


def test_folds_of_one_seed_configuration_and_commit_are_no_retries() -> None:
    runs = arrange(
        [cut(3, fold=1), attempt(2, fold=0), attempt(4, fold=1), untrained(5, name="q900_synthetic", fold=0)]
    )
    assert [(run.seed_label, str(run.job)) for run in runs] == [("fold0", "2"), ("fold1", "4")]
    assert [[str(a.job) for a in run.attempts] for run in runs] == [["5"], ["3"]]


def test_of_two_complete_attempts_the_one_with_more_evaluations_is_the_run() -> None:
    runs = arrange([attempt(1, evaluations=9), attempt(2, evaluations=8)])
    assert summary(runs) == [("q900", None, "1", ["2"])]


def test_of_two_like_complete_attempts_the_later_is_the_run() -> None:
    assert summary(arrange([attempt(2), attempt(1)])) == [("q900", None, "2", ["1"])]


def test_without_a_complete_attempt_the_one_that_got_furthest_is_the_run() -> None:
    runs = arrange([cut(1, evaluations=2), cut(2, evaluations=5), cut(3, evaluations=1)])
    assert summary(runs) == [("q900", None, "2", ["1", "3"])]


def test_each_seed_is_a_run_in_the_order_of_numbers() -> None:
    runs = arrange([attempt(1, seed=seed, task=seed) for seed in (10, 9, 0)])
    assert [run.seed for run in runs] == [0, 9, 10]
    assert {run.variant for run in runs} == {None}


def test_a_log_that_just_stops_before_the_run_ended_without_a_reason() -> None:
    (run,) = arrange([cut(1), attempt(2), cut(3)])
    before, after = run.attempts
    assert before.ending == Ending("unexplained", "the seed was started again by job 2")
    assert after.ending == Ending("cut_off")


def test_a_superseded_log_with_a_cause_keeps_it() -> None:
    (run,) = arrange([cut(1, state="out_of_memory"), attempt(2)])
    assert [a.ending for a in run.attempts] == [Ending("out_of_memory")]


def test_the_run_itself_keeps_its_ending() -> None:
    (run,) = arrange([cut(1), cut(2, evaluations=5)])
    assert run.ending == Ending("cut_off")


def test_attempts_at_different_commits_are_variants_named_by_their_job() -> None:
    runs = arrange([attempt(1, commit=A), attempt(2, commit=B)])
    assert summary(runs) == [("q900", "1", "1", []), ("q900", "2", "2", [])]


def test_attempts_with_different_configurations_are_variants_named_by_their_job() -> None:
    runs = arrange([attempt(1, rank=20), attempt(2, rank=10)])
    assert summary(runs) == [("q900", "1", "1", []), ("q900", "2", "2", [])]


def test_a_variant_is_named_by_its_last_job() -> None:
    runs = arrange([cut(1), attempt(2), attempt(3, seed=1), attempt(4, commit=B)])
    assert summary(runs) == [("q900", "3", "2", ["1"]), ("q900", "3", "3", []), ("q900", "4", "4", [])]


def test_seed_and_metadata_make_no_variants() -> None:
    runs = arrange(
        [
            attempt(1, seed=0, description="first", notes="x", output_dir="a"),
            attempt(2, seed=1, description="second", notes="y", output_dir="b", investigation="z"),
        ]
    )
    assert [run.variant for run in runs] == [None, None]


def test_the_short_commit_is_the_same_commit() -> None:
    assert summary(arrange([cut(1, commit=A[:7]), attempt(2)])) == [("q900", None, "2", ["1"])]


def test_attempts_without_a_seed_are_runs_of_their_own() -> None:
    runs = arrange([attempt(1, seed=None), cut(2, seed=None), attempt(3, seed=None), cut(4, seed=None)])
    assert summary(runs) == [("q900", None, job, []) for job in "1234"]
    assert [run.seed_label for run in runs] == [f"unseeded-{job}" for job in "1234"]


def test_two_logs_of_one_job_and_task_are_tries_at_one_run() -> None:
    task = {"job": "7", "task": 3}
    first = replace(cut(1), seed=None, provenance=task)
    again = replace(attempt(2), seed=None, provenance=task, path=Path("again.out"))
    (run,) = arrange([again, first])
    assert (run.path, [earlier.path for earlier in run.attempts]) == (again.path, [first.path])


def test_the_same_seed_in_another_folder_is_another_run() -> None:
    here, there = attempt(1), replace(attempt(2), path=Path("other/2_0.out"))
    runs = arrange([here, there])
    assert [(run.seed_label, run.attempts) for run in runs] == [("1-seed0", ()), ("2-seed0", ())]


def test_numbered_folders_of_one_seed_are_tries_only_where_the_later_one_got_further() -> None:
    def version(number: int, last: int, seed: int | None = 42) -> Run:
        source = Path(f"x/version_{number}/metrics.csv")
        series = {"val_loss": Series(np.array([1, last]), np.array([1.0, 0.5]))}
        made = replace(cut(1, seed=seed), path=source, sources=(source,), provenance={})
        return replace(made, history=History(series), file_label=f"version_{number}")

    retried = arrange([version(0, 40), version(1, 100)])
    assert [(run.seed_label, len(run.attempts)) for run in retried] == [("seed42", 1)]
    other_curve = replace(
        version(1, 100), history=History({"val_loss": Series(np.array([1, 100]), np.array([0.9, 0.4]))})
    )
    assert [run.seed_label for run in arrange([version(0, 40), other_curve])] == ["version_0", "version_1"]
    repeated = arrange([version(0, 100), version(1, 100), version(2, 100)])
    assert [run.seed_label for run in repeated] == ["version_0", "version_1", "version_2"]
    unseeded = arrange([version(0, 40, None), version(1, 100, None)])
    assert [run.seed_label for run in unseeded] == ["version_0", "version_1"]


def test_a_key_that_is_ignored_makes_no_variant() -> None:
    attempts = [attempt(1, seed=0, rank=20), attempt(2, seed=1, rank=10)]
    assert [run.variant for run in arrange(attempts)] == ["1", "2"]
    assert [run.variant for run in arrange(attempts, ignored_keys=["rank"])] == [None, None]


def test_an_attempt_that_never_trained_goes_to_the_next_run_of_its_seed() -> None:
    runs = arrange(
        [
            untrained(1, commit=B),
            attempt(2, seed=1),
            attempt(3, commit=A),
            untrained(4),
            attempt(5, commit=B),
            untrained(6),
        ]
    )
    assert summary(runs) == [
        ("q900", "3", "3", ["1"]),
        ("q900", "3", "2", []),
        ("q900", "5", "5", ["4", "6"]),
    ]


def test_an_attempt_that_never_trained_and_has_no_seed_goes_to_the_next_run_of_any() -> None:
    runs = arrange([attempt(1, seed=0), untrained(2, seed=None), attempt(3, seed=1)])
    assert summary(runs) == [("q900", None, "1", []), ("q900", None, "3", ["2"])]


def test_attempts_of_a_seed_that_never_trained_are_one_run_without_evaluation() -> None:
    runs = arrange([attempt(1, seed=0), untrained(4, seed=7), untrained(2, seed=7), untrained(3, seed=8)])
    assert summary(runs) == [
        ("q900", None, "1", []),
        ("q900", None, "4", ["2"]),
        ("q900", None, "3", []),
    ]
    assert [run.evaluations for run in runs] == [3, 0, 0]
    assert runs[1].attempts[0].ending.state == "unexplained"
    assert runs[1].ending.state == "cut_off"


def test_a_number_with_several_full_names_is_several_experiments() -> None:
    runs = arrange([attempt(1, name="q900_energy"), attempt(2, name="q900_gradient")])
    assert summary(runs) == [("q900_energy", None, "1", []), ("q900_gradient", None, "2", [])]


def test_a_nameless_attempt_goes_with_the_name_that_was_started_next() -> None:
    runs = arrange(
        [
            untrained(1, name=None),
            attempt(2, name="q900_energy"),
            untrained(3),
            attempt(4, name="q900_gradient"),
            untrained(5),
        ]
    )
    assert summary(runs) == [("q900_energy", None, "2", ["1"]), ("q900_gradient", None, "4", ["3", "5"])]


def test_a_nameless_attempt_without_a_log_of_its_file_name_stays_with_the_number() -> None:
    other = replace(untrained(4, seed=None), path=Path("q900_sweep_70000004_1.out"))
    runs = arrange([attempt(1, name="q900_energy"), attempt(2, name="q900_gradient"), other])
    assert [(run.experiment, run.job) for run in runs if run.path == other.path] == [("q900", "4")]


def test_tasks_of_one_job_that_never_got_far_are_no_tries_at_each_other() -> None:
    tasks = [replace(untrained(4, seed=None, task=n), provenance={"job": "4", "task": n}) for n in (1, 2)]
    runs = arrange([attempt(1, seed=0), *tasks])
    assert [(run.seed_label, run.attempts) for run in runs if run.seed is None] == [
        ("unseeded-4_1", ()),
        ("unseeded-4_2", ()),
    ]


def test_two_configurations_in_one_job_are_named_by_what_differs() -> None:
    runs = arrange(
        [
            attempt(1, task=0, mode="ired", rank=20, data_path="a/b"),
            attempt(1, task=1, mode="cd", rank=20, data_path="a/b"),
            attempt(1, task=2, mode="cd", rank=20, data_path="c/d"),
        ]
    )
    assert [run.variant for run in runs] == [
        "1,data_path=a_b,mode=cd",
        "1,data_path=a_b,mode=ired",
        "1,data_path=c_d,mode=cd",
    ]


def test_two_commits_in_one_job_are_named_by_the_commit() -> None:
    runs = arrange([attempt(1, task=0, commit=A), attempt(1, task=1, commit=B)])
    assert [run.variant for run in runs] == [f"1,commit={A[:7]}", f"1,commit={B[:7]}"]


@pytest.mark.parametrize("job", [None, 1])
def test_attempts_without_a_date_or_a_commit_are_arranged_too(job: int | None) -> None:
    runs = arrange([attempt(job, commit=None), untrained(2, commit=None)])
    assert summary(runs) == [("q900", None, str(job), ["2"])]


ATTEMPTS = st.lists(
    st.fixed_dictionaries(
        {
            "seed": st.sampled_from([None, 0, 1, 2]),
            "evaluations": st.sampled_from([0, 0, 1, 5]),
            "state": st.sampled_from(["complete", "cut_off", "traceback"]),
            "name": st.sampled_from([None, "q900_energy", "q900_gradient"]),
            "commit": st.sampled_from([None, A, B]),
            "rank": st.sampled_from([10, 20]),
        }
    ),
    max_size=9,
)


@given(told=ATTEMPTS, shuffle=st.randoms(use_true_random=False))
def test_every_attempt_is_in_one_place_whatever_the_order(told: list[dict[str, Any]], shuffle: Any) -> None:
    attempts = [attempt(job, **one) for job, one in enumerate(told, start=1)]
    runs = arrange(attempts)
    placed = [a.job for run in runs for a in (run, *run.attempts)]
    assert sorted(placed, key=str) == sorted((a.job for a in attempts), key=str)
    places = [(run.experiment, run.variant, run.seed_label) for run in runs]
    assert len(set(places)) == len(places)
    shuffle.shuffle(attempts)
    assert arrange(attempts) == runs


@given(told=ATTEMPTS)
def test_retries_are_of_the_same_seed_and_never_better(told: list[dict[str, Any]]) -> None:
    attempts = [attempt(job, **one) for job, one in enumerate(told, start=1)]
    for run in arrange(attempts):
        for earlier in run.attempts:
            assert earlier.seed in (None, run.seed)
            assert earlier.evaluations <= run.evaluations or not earlier.ending.complete
            if earlier.start_order < run.start_order:
                assert earlier.ending.state != "cut_off"

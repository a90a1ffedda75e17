"""Experiments and runs by their places: which logs belong together, and what each run is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ired_diag.runs.run_names import distinct_labels, name_runs, shortest_distinct


def named(*paths: str) -> list[tuple[str, str, int | None]]:
    called = name_runs(tuple(reversed(path.split("/"))) for path in paths)
    return [(run.experiment, run.run, run.seed) for run in called]


def test_versions_in_two_folders_are_runs_of_two_experiments() -> None:
    paths = [f"d/{name}/lightning_logs/version_{n}/metrics" for name in ("x", "y") for n in range(2)]
    assert named(*paths) == [
        ("x", "version_0", None),
        ("x", "version_1", None),
        ("y", "version_0", None),
        ("y", "version_1", None),
    ]


def test_equal_folder_names_in_two_folders_are_never_one_run() -> None:
    assert named("d/x/run0/metrics", "d/y/run0/metrics") == [("x", "run0", None), ("y", "run0", None)]
    assert named("x/baseline/run0/metrics", "y/baseline/run0/metrics") == [
        ("x-baseline", "run0", None),
        ("y-baseline", "run0", None),
    ]


def test_a_uuid_is_shown_by_its_first_letters() -> None:
    first, second = "08cd60f9-99e2-4e28-b1ac-19136dd42a05", "1ba806aa-ef41-4517-abbf-38330984ac3f"
    expected = [("x", "08cd60f9", None), ("x", "1ba806aa", None)]
    assert named(f"d/x/{first}", f"d/x/{second}") == expected
    assert named(f"d/x/{first}/metrics", f"d/x/{second}/metrics") == expected


def test_a_seed_above_or_below_the_name_is_the_runs() -> None:
    expected = [("wide", "", 0), ("wide", "", 1)]
    assert named("d/wide/seed0/metrics", "d/wide/seed1/metrics") == expected
    assert named("d/seed0/wide/metrics", "d/seed1/wide/metrics") == expected
    assert named("d/wide_seed0/metrics", "d/wide_seed1/metrics") == expected


def test_the_seed_at_the_end_of_the_folder_is_the_seed_of_what_is_in_it() -> None:
    assert named("d/x_seed0/r", "d/x_seed1/r", "d/y_seed0/r") == [
        ("x-r", "", 0),
        ("x-r", "", 1),
        ("y-r", "", 0),
    ]


def test_a_seed_beyond_the_next_name_is_not_the_runs() -> None:
    assert named("old_seed7_backup/x/run0/metrics")[0][2] is None


@pytest.mark.parametrize(
    ("folders", "experiments"),
    [
        (("ppo_1", "ppo_2", "ppo_3"), {"ppo"}),
        (("ppo_0", "ppo_2", "ppo_5"), {"ppo"}),
        (("x_0", "x_1", "y_0", "y_1"), {"x", "y"}),
        (("net_18", "net_50"), {"net_18", "net_50"}),
        (("exp_1", "exp_2"), {"exp_1", "exp_2"}),
        (("ppo_1",), {"ppo_1"}),
    ],
)
def test_a_number_at_the_end_numbers_runs_where_its_siblings_say_so(
    folders: tuple[str, ...], experiments: set[str]
) -> None:
    assert {called[0] for called in named(*(f"d/{folder}/metrics" for folder in folders))} == experiments


def test_numbered_folders_with_seeds_of_their_own_are_experiments() -> None:
    paths = [f"d/x_{n}/seed{seed}/metrics" for n in range(2) for seed in range(2)]
    assert {called[0] for called in named(*paths)} == {"x_0", "x_1"}


def test_numbered_folders_with_several_logs_each_are_experiments() -> None:
    paths = [f"d/x_{n}/run{run}/metrics" for n in range(2) for run in range(2)]
    assert {called[0] for called in named(*paths)} == {"x_0", "x_1"}


def test_a_date_and_a_time_name_the_run_as_far_as_needed() -> None:
    day = "d/outputs/2026-11-01"
    assert [called[1] for called in named(f"{day}/10-00-00/metrics", f"{day}/11-00-00/metrics")] == [
        "10-00-00",
        "11-00-00",
    ]
    runs = named("d/multirun/2026-11-01/10-00-00/1/log", "d/multirun/2026-11-02/10-00-00/1/log")
    assert [called[1] for called in runs] == ["2026-11-01-10-00-00-1", "2026-11-02-10-00-00-1"]


def test_a_label_that_several_share_gives_way_to_what_tells_them_apart() -> None:
    assert distinct_labels(["seed0", "seed0", "seed1"], [[(), (), ()], [("a",), ("b",), ("c",)]]) == [
        "a",
        "b",
        "seed1",
    ]
    assert distinct_labels(["seed0", "seed0"], [[("a",), ("a",)]]) == ["seed0", "seed0"]


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(tuple), max_size=8))
def test_different_paths_are_shown_differently_and_equal_ones_alike(paths: list[tuple[str, ...]]) -> None:
    shown = dict(zip(paths, shortest_distinct(paths), strict=True))
    assert [shown[path] for path in paths] == shortest_distinct(paths)
    assert len(set(shown.values())) == len(shown)

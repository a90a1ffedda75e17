"""``adamw-s0``, ``adamw-s1``: numbers after an s, which number the runs of a group, are its seeds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ired_diag.open import open_study
from ired_diag.runs.run_names import name_runs


def write(folder: Path, name: str, **configuration: object) -> None:
    path = folder / name
    path.mkdir(parents=True)
    offset = sum(map(ord, name)) / 1000
    rows = [json.dumps({"step": step, "val/loss": offset + 1 / step}) for step in (100, 200, 300)]
    (path / "log.jsonl").write_text("\n".join(rows) + "\n")
    if configuration:
        (path / "config.json").write_text(json.dumps(configuration))


def test_numbers_after_an_s_are_seeds_of_their_group(tmp_path: Path) -> None:
    for group in ("adamw", "lion"):
        for seed in range(3):
            write(tmp_path, f"{group}-s{seed}")
    study = open_study(tmp_path)
    assert [(run.group, run.seed, run.seed_label) for run in study] == [
        (group, seed, f"seed{seed}") for group in ("adamw", "lion") for seed in range(3)
    ]


def test_a_configured_seed_counts_more_than_the_name(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path, f"adamw_s{number}", seed=40 + number, lr=0.1)
    assert sorted(run.seed or 0 for run in open_study(tmp_path)) == [40, 41, 42]


def test_folders_that_are_called_s_and_a_number_are_the_seeds_of_the_folder_around_them(
    tmp_path: Path,
) -> None:
    for group in ("adamw", "lion"):
        for seed in range(3):
            write(tmp_path, f"{group}/s{seed}")
    study = open_study(tmp_path)
    assert [(run.group, run.seed) for run in study] == [
        (group, seed) for group in ("adamw", "lion") for seed in range(3)
    ]


@pytest.mark.parametrize("other", ["wide", "m0", "s1/again"])
def test_next_to_another_name_a_folder_s1_is_an_experiment(other: str, tmp_path: Path) -> None:
    for name in ("s0", "s1", other):
        write(tmp_path, f"adamw/{name}")
    assert all(run.seed is None for run in open_study(tmp_path))


@pytest.mark.parametrize(
    "names",
    [
        ["adamw-1", "adamw-2", "adamw-3"],  # a number alone may be a repetition
        ["adamw-t1", "adamw-t2"],
        ["vits1", "vits2"],  # the s is part of the name
        ["size_s1", "size_s200"],  # too far apart to number runs
        ["adamw-s1"],  # without a sibling nothing is numbered
    ],
)
def test_other_numbers_are_no_seeds(names: list[str]) -> None:
    assert [name.index_seed for name in name_runs([(name, "runs") for name in names])] == [None] * len(names)

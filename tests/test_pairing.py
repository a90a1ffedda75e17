"""Pairs are made on evidence: the configurations state the same data, or the user says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.comparison import Comparison, PairOfGroups, compare
from ired_diag.comparison import words as told_of
from ired_diag.comparison.pairing import SILENT_TABLE, SWITCHED_OFF, UNKNOWN
from ired_diag.comparison.stated_data import stated_data
from ired_diag.grouping import group_runs
from ired_diag.runs.run import Run
from tests.made_runs import made_run

SILENT: dict[str, Any] = {"lr": 0.1}
NAMED: dict[str, Any] = {"dataset": "cifar10"}


def runs(name: str, configs: Sequence[Mapping[str, Any] | None], *, seeded: bool = True) -> list[Run]:
    rng = np.random.default_rng([ord(name), len(configs)])
    members = []
    for seed, config in enumerate(configs):
        run = made_run(
            name,
            seed if seeded else None,
            every=1,
            config=config,
            path=Path(name),
            provenance={"job": f"{name}{seed}"},
            val_loss=[1 + rng.random()],
        )
        members.append(run)
    return members


def compared(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None, **keys: Any) -> Comparison:
    return compare({"a": runs("a", [a] * 4), "b": runs("b", [b] * 4)}, readout="last", **keys)


def pair_of(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None, **keys: Any) -> PairOfGroups:
    return compared(a, b, **keys).pairs[0]


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        ({"rank": 20, "ood": False}, "rank 20 and ood False"),
        ({"dataset": "cifar10", "lr": 0.1}, "dataset cifar10"),
        ({"data.name": "mnist"}, "data.name mnist"),
        ({"dataset_kwargs.path": "sets/ffhq.zip"}, "dataset_kwargs.path sets/ffhq.zip"),
        ({"env_id": "HalfCheetah-v4"}, "env_id HalfCheetah-v4"),
        ({"task_name": "mrpc"}, "task_name mrpc"),
        ({"trainData": "a.bin", "val_file": "b.bin"}, "trainData a.bin and val_file b.bin"),
        ({"datamodule._target_": "src.Mnist"}, "datamodule._target_ src.Mnist"),
        ({"dataset": "openwebtext", "data_seed": 5}, "dataset openwebtext"),
    ],
)
def test_equal_statements_of_the_data_make_pairs(configuration: dict[str, Any], words: str) -> None:
    pair = pair_of(configuration, {**configuration, "lr": 0.3})
    assert (pair.primary, pair.obstacle, pair.pairing) == ("paired", "", f"both state {words}")
    assert pair.test.n == 4


@pytest.mark.parametrize(
    "configuration",
    [
        None,
        {},
        SILENT,
        {"rank": 0, "world_size": 4},  # of a process
        {"lora_rank": 8, "rank": 8},  # of an adapter
        {"data_dir": "./data", "data_root": "/scratch/someone/datasets/"},  # a place and no name
        {"task_name": "train", "dataset": None, "test": True},
        {"num_envs": 8, "envs": 8, "task_id": 3, "batch_size": 64},
        {"task": "classification", "env": "local", "trainer.benchmark": True},  # work, a machine, a switch
        {
            "data_seed": 3,
            "fold": 1,
            "val_split": 0.1,
            "data.split": "a",
        },  # these never show that data are the same
    ],
)
def test_silence_is_unknown_and_welch_decides(configuration: dict[str, Any] | None) -> None:
    pair = pair_of(configuration, configuration)
    assert (pair.primary, pair.obstacle) == ("welch", f"{UNKNOWN}: no configuration names it")
    assert pair.test.n == 8


@pytest.mark.parametrize(
    ("a", "b", "obstacle"),
    [
        (NAMED, SILENT, f"{UNKNOWN}: only a states its data (dataset cifar10)"),
        (None, {"rank": 20, "ood": True}, f"{UNKNOWN}: only b states its data (rank 20 and ood True)"),
        (NAMED, {"dataset": "svhn"}, "dataset is cifar10 and svhn"),
        ({**NAMED, "fold": 0}, {**NAMED, "fold": 1}, "fold is 0 and 1"),
        ({**NAMED, "val_split": 0.1}, {**NAMED, "val_split": 0.2}, "val_split is 0.1 and 0.2"),
        ({**NAMED, "eval_episodes": 5}, NAMED, f"{UNKNOWN}: only a states eval_episodes (5)"),
        (
            NAMED,
            {"data.name": "cifar10"},
            f"{UNKNOWN}: their configurations name it by different keys "
            "(a states dataset cifar10 and b states data.name cifar10)",
        ),
    ],
)
def test_what_is_stated_once_or_differently_makes_no_pairs(
    a: dict[str, Any] | None, b: dict[str, Any], obstacle: str
) -> None:
    assert pair_of(a, b).obstacle == obstacle


def test_all_runs_must_state_the_same_data() -> None:
    mixed = [NAMED, NAMED, {"dataset": "svhn"}, NAMED]
    groups = {"a": runs("a", mixed), "b": runs("b", mixed)}
    pair = compare(groups, readout="last").pairs[0]
    assert pair.obstacle == f"{UNKNOWN}: not all runs of both groups state the same data"


def test_a_fold_for_each_seed_is_shared_by_equal_seeds() -> None:
    folds = [{**NAMED, "fold": seed} for seed in range(4)]
    groups = {"a": runs("a", folds), "b": runs("b", folds)}
    assert compare(groups, readout="last").pairs[0].primary == "paired"
    turned = {"a": runs("a", folds), "b": runs("b", folds[::-1])}
    assert compare(turned, readout="last").pairs[0].obstacle == "fold is 0 and 3 in seed0"


def test_the_user_decides_where_configurations_do_not() -> None:
    assert pair_of(None, None, paired=True).primary == "paired"
    never = pair_of(NAMED, NAMED, paired=False)
    assert (never.primary, never.obstacle) == ("welch", SWITCHED_OFF)
    forced = compared(NAMED, {"dataset": "svhn"}, paired=True)
    assert forced.pairs[0].primary == "paired"
    assert (
        "a and b are paired because --paired says so, although dataset is cifar10 and svhn." in forced.notes
    )
    assert "paired: --paired says so" in " ".join(told_of.caveats_of(forced.pairs[0], forced))
    assert not any("although" in note for note in compared(None, None, paired=True).notes)


def test_the_order_of_files_never_pairs() -> None:
    groups = {name: runs(name, [NAMED] * 4, seeded=False) for name in "ab"}
    for paired in (None, True):
        pair = compare(groups, readout="last", paired=paired).pairs[0]
        assert (pair.primary, pair.obstacle) == ("welch", "no seed in common")
    numbered = {name: runs(name, [NAMED] * 4) for name in "ab"}
    turned = {name: members[::-1] for name, members in numbered.items() if name == "b"}
    first, second = (
        compare({**numbered, **other}, readout="last").pairs[0].paired.t for other in ({}, turned)
    )
    assert first == pytest.approx(second, rel=1e-12)


def test_the_studys_groups_are_paired_and_say_why(shared: Path) -> None:
    found = compare(group_runs(["q101", "q102", "q103"], shared / "ired_logs"))
    assert {pair.pairing for pair in found.pairs} == {"both state rank 20 and ood False"}
    assert {pair.primary for pair in found.pairs} == {"paired"}


def test_a_table_states_nothing(tmp_path: Path) -> None:
    (tmp_path / "loss.csv").write_text("seed,a,b\n0,1,2\n1,1.1,2.3\n2,1.2,2.1\n", encoding="utf-8")
    groups = group_runs([str(tmp_path / "loss.csv")], Path("nowhere"))
    assert compare(groups).pairs[0].obstacle == SILENT_TABLE
    assert compare(groups, paired=True).pairs[0].primary == "paired"


def test_values_that_name_nothing_are_not_stated() -> None:
    assert stated_data({"dataset": "", "data": "none", "env": 4, "data_path": "/home/a/data/"}) == {}
    assert stated_data({"data_path": "/home/a/data/shakespeare/"}) == {
        "data_path": "/home/a/data/shakespeare"
    }
    assert stated_data({"ood": False, "rank": 20}) == {"ood": "False", "rank": "20"}

"""The logs of the processes of one training are one run; ranks of matrices, seeds and settings are not."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from ired_diag.open import open_study
from ired_diag.runs.process_place import process_place
from ired_diag.runs.run import Run

TRACEBACK = """Traceback (most recent call last):
  File "train.py", line 12, in <module>
    main()
ValueError: shapes (3,) and (4,) not aligned
"""


def write(path: Path, values: Iterable[float], *, first: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for epoch, value in enumerate(values, first):
        lines.append(f"epoch {epoch} | train_loss {value / 2:.4f} | val_loss {value:.4f}\n")
    path.write_text("".join(lines))


def curve(rank: int = 0, *, epochs: int = 12, begin: int = 1) -> list[float]:
    return [1 / epoch + 0.01 * rank for epoch in range(begin, begin + epochs)]


def only_run(folder: Path) -> Run:
    (run,) = open_study(folder).runs
    return run


@pytest.mark.parametrize(
    "names",
    [
        ("rank0.log", "rank1.log", "rank2.log"),
        ("train_rank0.txt", "train_rank1.txt", "train_rank2.txt"),
        ("log.txt", "log.txt.rank1", "log.txt.rank2"),  # detectron2
        tuple(f"nemo_log_globalrank-{k}_localrank-{k % 2}.txt" for k in range(3)),
        tuple(f"rank_{k}/train.log" for k in range(3)),
        tuple(f"id7_abcd1_gh/attempt_0/{k}/stdout.log" for k in range(3)),  # torchrun --rdzv-id id7
    ],
)
def test_processes_are_one_run(tmp_path: Path, names: tuple[str, ...]) -> None:
    for seed in range(2):
        for rank, name in enumerate(names):
            write(tmp_path / "mine" / f"seed{seed}" / name, curve(rank))
    study = open_study(tmp_path / "mine")
    assert [run.seed for run in study.runs] == [0, 1]
    assert len({run.experiment for run in study.runs}) == 1
    for run in study.runs:
        assert run.evaluated is not None and run.evaluated[1].values[-1] == pytest.approx(1 / 12, abs=1e-4)
        assert run.provenance["processes"] == 3
        (finding,) = [finding for finding in run.findings if finding.rule == "process_metrics"]
        assert "from 0.0833 to 0.1033" in finding.statement
    others = [skipped for skipped in study.skipped if "of another process" in skipped.reason]
    assert len(others) == 2


def test_what_all_processes_log_alike_is_no_finding(tmp_path: Path) -> None:
    for rank in range(4):
        write(tmp_path / f"x/rank{rank}.log", curve())
    assert not [found for found in only_run(tmp_path).findings if found.rule == "process_metrics"]


@pytest.mark.parametrize(
    "names",
    [
        ("rank4.log", "rank8.log", "rank16.log"),  # a sweep over LoRA's rank
        ("rank0.log", "rank2.log"),  # one is left out
        ("lora_rank0.log", "lora_rank1.log"),
        ("rank1.log", "rank2.log", "rank3.log"),  # of matrices
    ],
)
def test_ranks_of_matrices_are_not_processes(tmp_path: Path, names: tuple[str, ...]) -> None:
    for place, name in enumerate(names):
        write(tmp_path / "sweep" / name, curve(place))
    assert len(open_study(tmp_path).runs) == len(names)


def test_other_steps_are_of_another_training(tmp_path: Path) -> None:
    write(tmp_path / "x/rank0.log", curve())
    write(tmp_path / "x/rank1.log", curve(), first=40)
    assert len(open_study(tmp_path).runs) == 2


@pytest.mark.parametrize(
    ("configurations", "runs"),
    [
        ([{"lr": 0.1, "rank": 0, "seed": 7}, {"lr": 0.1, "rank": 1, "seed": 8}], 1),  # seed + rank
        ([{"lr": 0.1, "seed": 3}, {"lr": 0.1, "seed": 3}], 1),
        ([{"lr": 0.1, "seed": 3}, {"lr": 0.2, "seed": 3}], 2),
        ([{"lr": 0.1, "seed": 3}, {"lr": 0.1, "seed": 9}], 2),
    ],
)
def test_seeds_and_settings_speak_against_it(
    tmp_path: Path, configurations: list[dict[str, float]], runs: int
) -> None:
    for rank, configuration in enumerate(configurations):
        write(tmp_path / f"rank{rank}/train.log", curve(rank))
        (tmp_path / f"rank{rank}/config.json").write_text(json.dumps(configuration))
    study = open_study(tmp_path)
    assert len(study.runs) == runs
    if runs == 1:
        assert study.runs[0].seed == configurations[0]["seed"]


def test_the_lowest_process_that_evaluates_is_read(tmp_path: Path) -> None:
    (tmp_path / "rank0.log").write_text("loading data\nbuilt 32 layers\n")
    for rank in (1, 2):
        write(tmp_path / f"rank{rank}.log", curve(rank))
    assert only_run(tmp_path).path.name == "rank1.log"


def test_a_process_that_died_explains_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "none_abcd1_gh/attempt_0"
    write(folder / "0/stdout.log", curve(epochs=5))
    write(folder / "1/stdout.log", curve(1, epochs=5))
    (folder / "1/stderr.log").write_text(TRACEBACK)
    ending = only_run(tmp_path).ending
    assert ending.failed
    assert ending.detail == "ValueError: shapes (3,) and (4,) not aligned (attempt_0/1/stdout.log)"


def test_restarts_are_one_training(tmp_path: Path) -> None:
    folder = tmp_path / "seed4/none_abcd1_gh"
    for rank in range(2):
        write(folder / f"attempt_0/{rank}/stdout.log", [9.0] * 6)
        write(folder / f"attempt_1/{rank}/stdout.log", [1.0] * 6, first=4)
    run = only_run(tmp_path)
    assert run.seed == 4
    assert run.evaluated is not None
    series = run.evaluated[1]
    assert series.steps.tolist() == list(range(1, 10))
    assert series.values.tolist() == [9.0] * 3 + [1.0] * 6
    assert run.history.attempts == 2


def test_one_process_alone_is_named_by_its_folder(tmp_path: Path) -> None:
    for seed in range(3):
        write(tmp_path / f"wide/seed{seed}/rank0.log", curve())
    study = open_study(tmp_path)
    assert [(run.experiment, run.seed) for run in study.runs] == [("wide", 0), ("wide", 1), ("wide", 2)]


@pytest.mark.parametrize(
    "name", ["frank3.log", "rank10x.log", "lora_rank8/m.csv", "low-rank-4.txt", "r1.log"]
)
def test_names_without_a_process(name: str) -> None:
    assert process_place(Path("/logs") / name) is None


def test_a_rank_above_a_seed_is_a_setting(tmp_path: Path) -> None:
    for rank in range(3):
        for seed in range(2):
            write(tmp_path / f"rank_{rank}/seed_{seed}/log.txt", curve(rank))
    assert len(open_study(tmp_path).runs) == 6


@pytest.mark.parametrize("name", ["adapter-rank0", "svd_rank1", "compress_rank=2", "top_rank3", "fold_rank0"])
def test_ranks_of_other_things(name: str) -> None:
    assert process_place(Path("/logs") / name / "log.txt") is None

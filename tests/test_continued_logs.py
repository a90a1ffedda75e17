"""A log that goes on another is one run with it, and no second seed; other logs of a folder stay apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ired_diag.open import open_study


def write(path: Path, first: int, last: int, *, level: float = 0.0) -> None:
    """Write a log that evaluates every 10 steps."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (
        f"step {k} | loss 9.0 | val_loss {100 / (k + 10) + level:.4f}\n" for k in range(first, last + 1, 10)
    )
    path.write_text("".join(rows))


@pytest.mark.parametrize(
    ("first", "second", "begin"),
    [
        ("seed3/train.log", "seed3/train_resumed.log", 250),
        ("seed3/log_1.txt", "seed3/log_2.txt", 200),  # from a checkpoint before the end
        ("seed3/slurm-1000.out", "seed3/slurm-1007.out", 250),
        ("seed3/2026-03-01_10-00-00.log", "seed3/2026-03-02_10-00-00.log", 260),  # one evaluation is missing
        ("x_seed3/train.log", "x_seed3_resume/train.log", 250),
        ("x_seed3.log", "x_seed3_continued.log", 250),
        ("seed3/version_0/metrics.log", "seed3/version_1/metrics.log", 250),
        ("seed3/exp-part1.log", "seed3/exp-part2.log", 250),
    ],
)
def test_a_log_that_goes_on_another_is_one_run(tmp_path: Path, first: str, second: str, begin: int) -> None:
    write(tmp_path / "mine" / first, 0, 240)
    write(tmp_path / "mine" / second, begin, 490)
    (run,) = open_study(tmp_path).runs
    assert run.seed == 3
    assert run.evaluated is not None
    steps = run.evaluated[1].steps
    assert steps[0] == 0 and steps[-1] == 490 and len(steps) == 50 - (begin == 260)
    assert {source.name for source in run.sources} == {Path(first).name, Path(second).name}
    (finding,) = [finding for finding in run.findings if finding.rule == "continued_log"]
    assert finding.severity == "note"
    assert f"from step {begin}" in finding.statement


def test_three_logs_of_one_training(tmp_path: Path) -> None:
    for part, (first, last) in enumerate([(0, 240), (250, 490), (480, 700)]):
        write(tmp_path / f"seed0/log_{part}.txt", first, last)
    (run,) = open_study(tmp_path).runs
    assert run.evaluated is not None
    assert run.evaluated[1].steps.tolist() == list(range(0, 701, 10))


def test_the_nearest_name_is_gone_on_with(tmp_path: Path) -> None:
    for name, level in (("wide", 0.1), ("deep", 0.2)):
        write(tmp_path / f"{name}.log", 0, 240, level=level)
        write(tmp_path / f"{name}_resumed.log", 250, 490, level=level)
    study = open_study(tmp_path)
    assert sorted(run.path.name for run in study.runs) == ["deep.log", "wide.log"]
    for run in study.runs:
        assert run.evaluated is not None
        level = {"wide.log": 0.1, "deep.log": 0.2}[run.path.name]
        assert run.evaluated[1].values[-1] == pytest.approx(100 / 500 + level, abs=1e-4)


def test_where_names_do_not_decide_a_note_says_so(tmp_path: Path) -> None:
    write(tmp_path / "pretraining.log", 0, 240)
    write(tmp_path / "tuning.log", 250, 490)
    runs = open_study(tmp_path).runs
    assert len(runs) == 2
    (noted,) = [run for run in runs if any(found.rule == "continued_log" for found in run.findings)]
    assert noted.path.name == "tuning.log"
    assert "counts as a run of its own" in noted.findings[0].statement


def test_numbered_logs_stay_apart_without_a_note(tmp_path: Path) -> None:
    for task in range(3):
        write(tmp_path / f"task{task}.log", 250 * task, 250 * task + 240)
    runs = open_study(tmp_path).runs
    assert len(runs) == 3
    assert not any(run.findings for run in runs)


def test_a_method_that_begins_late_is_no_continuation(tmp_path: Path) -> None:
    for seed in range(3):
        write(tmp_path / f"ppo_seed{seed}.log", 0, 240)
        write(tmp_path / f"td3_seed{seed}.log", 100, 490)  # it learns from step 100 on
    for name in ("pendulum", "pendulum_cont", "sgdr", "sgdr_restarts", "run_1", "run_11", "fold_0", "fold_1"):
        begin = 250 if name in ("pendulum_cont", "sgdr_restarts", "run_11", "fold_1") else 0
        write(tmp_path / name[:4] / f"{name}.log", begin, begin + 240)
    assert len(open_study(tmp_path).runs) == 14


def test_what_speaks_against_it(tmp_path: Path) -> None:
    write(tmp_path / "done/train.log", 0, 240)
    with (tmp_path / "done/train.log").open("a") as file:
        file.write("Training complete.\n")
    write(tmp_path / "done/train_resumed.log", 250, 490)
    write(tmp_path / "jump/train.log", 0, 240)
    write(tmp_path / "jump/train_resumed.log", 250, 490, level=90)
    write(tmp_path / "branch/train.log", 0, 490)
    write(tmp_path / "branch/train_resumed.log", 100, 600)
    for name in ("train.log", "train_resumed.log", "train_continued.log"):
        write(tmp_path / "two" / name, 0 if name == "train.log" else 250, 240 if name == "train.log" else 490)
    assert len(open_study(tmp_path).runs) == 9


def test_a_log_of_the_working_directory_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.log", 0, 240)
    write(tmp_path / "b.log", 250, 490)
    monkeypatch.chdir(tmp_path)
    assert len(open_study(".").runs) == len(open_study(Path("a.log")).runs) + 1 == 2


def test_other_logs_stay_apart(tmp_path: Path) -> None:
    write(tmp_path / "same_start/a.log", 0, 240)
    write(tmp_path / "same_start/b.log", 0, 490)
    write(tmp_path / "first_missing/a.log", 0, 240)
    write(tmp_path / "first_missing/b.log", 10, 490)  # no evaluation before training
    write(tmp_path / "far/a.log", 0, 240)
    write(tmp_path / "far/b.log", 400, 490)
    write(tmp_path / "one/a.log", 0, 240)
    write(tmp_path / "other/a.log", 250, 490)
    assert len(open_study(tmp_path).runs) == 8


def test_seeds_and_settings_speak_against_it(tmp_path: Path) -> None:
    write(tmp_path / "x_seed0.log", 0, 240)
    write(tmp_path / "x_seed1.log", 250, 490)
    for name, rate, first, last in (("y", 0.1, 0, 240), ("y_resume", 0.2, 250, 490)):
        write(tmp_path / "configured" / name / "train.log", first, last)
        (tmp_path / "configured" / name / "config.json").write_text(
            json.dumps({"lr": rate, "resume": first > 0})
        )
    assert len(open_study(tmp_path).runs) == 4

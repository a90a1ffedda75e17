"""Files that libraries wrote, point by point against what their own readers return (tests/formats)."""

from __future__ import annotations

import importlib.util
import json
import lzma
import math
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ired_diag.importing import import_logs
from ired_diag.open import open_study
from ired_diag.readers import (
    dvclive_folder,
    metrics_csv,
    metrics_jsonl,
    mlflow_files,
    sb3_evaluations,
    sb3_monitor,
    sqlite_store,
    wandb_run,
)
from ired_diag.readers.scalar_log import ScalarLog
from ired_diag.runs.history import Series
from tests.formats import logged

FORMATS = Path(__file__).parent / "formats"
LARGEST = sys.float_info.max

Value = float | str  # NaN is a text: it is not equal to itself
Plain = list[tuple[int, Value]]
PointsByName = Mapping[str, Plain]


def points_of(log: ScalarLog) -> dict[str, Plain]:
    """Return the points of a log by metric."""
    return {
        name: plain(zip(p.steps.tolist(), p.values.tolist(), strict=True)) for name, p in log.points.items()
    }


def plain(points: Iterable[Sequence[Any]]) -> Plain:
    return [(step, "NaN" if math.isnan(value) else value) for step, value in points]


def expected(file: str) -> dict[str, dict[str, Plain]]:
    runs = json.loads((FORMATS / file).read_text())
    return {run: {name: plain(points) for name, points in by.items()} for run, by in runs.items()}


def unpacked(file: str, folder: Path) -> Path:
    target = folder / Path(file).stem
    target.write_bytes(lzma.decompress((FORMATS / file).read_bytes()))
    return target


def assert_complete(logs: Mapping[str, ScalarLog], runs: Mapping[str, PointsByName]) -> None:
    assert logs.keys() == runs.keys()
    for run, log in logs.items():
        assert points_of(log) == runs[run]
        assert (log.damaged, log.torn_tail) == ((), False)


def test_wandb_offline_is_read_point_by_point() -> None:
    files = sorted((FORMATS / "wandb").glob("*/*.wandb"))
    assert_complete({file.stem: wandb_run.read(file) for file in files}, expected("wandb/points.json"))


def test_wandb_runs_have_group_seed_configuration_and_ending() -> None:
    study = open_study(FORMATS / "wandb")
    assert [run.label for run in study.runs] == ["baseline/seed0", "baseline/seed1"]
    run = study.runs[0]
    assert run.configuration == {"seed": 0, "lr": 0.001, "model.width": 64, "model.act": "relu"}
    assert (run.ending.state, run.ending.detail) == ("complete", "wandb recorded exit code 0")
    assert [note.evidence for note in run.findings] == [{"best_mse": 0.125}]


def infinite(points: Plain) -> Plain:
    """Return the points as they were logged: MLflow's client returns the largest number for infinity."""
    return [
        (step, math.copysign(math.inf, value) if value in (LARGEST, -LARGEST) else value)
        for step, value in points
    ]


def numbered(points: Plain) -> Plain:
    return [(number, value) for number, (_, value) in enumerate(points)]


def as_logged(runs: Mapping[str, PointsByName]) -> dict[str, dict[str, Plain]]:
    logged = {}
    for run, by_name in runs.items():
        logged[run] = {name: infinite(points) for name, points in by_name.items()}
        logged[run]["without_step"] = numbered(by_name["without_step"])
    return logged


def test_mlflow_sqlite_is_read_point_by_point_with_infinity(tmp_path: Path) -> None:
    logs = sqlite_store.read_runs(unpacked("mlflow/mlflow.db.xz", tmp_path))
    by_name = {log.stated["run"]: log for log in logs.values()}
    assert_complete(by_name, as_logged(expected("mlflow/sqlite.json")))
    losses = dict(points_of(by_name["baseline-0"])["loss"])
    assert [losses[step] for step in (50, 60, 70)] == ["NaN", math.inf, -math.inf]
    assert [note.rule for note in by_name["baseline-0"].notes] == ["values_without_step"]


def test_mlflow_files_are_read_point_by_point(tmp_path: Path) -> None:
    with tarfile.open(FORMATS / "mlflow/mlruns.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    logs = {}
    for meta in tmp_path.glob("mlruns/*/*/meta.yaml"):
        log = mlflow_files.read(meta.parent)
        logs[log.stated["run"]] = log
    assert_complete(logs, as_logged(expected("mlflow/files.json")))


@pytest.mark.parametrize("store", ["sqlite", "files"])
def test_mlflow_runs_have_experiment_seed_parameters_and_status(store: str, tmp_path: Path) -> None:
    if store == "sqlite":
        unpacked("mlflow/mlflow.db.xz", tmp_path)
    else:
        with tarfile.open(FORMATS / "mlflow/mlruns.tar.xz") as archive:
            archive.extractall(tmp_path, filter="data")
    study = open_study(tmp_path)
    assert [run.label for run in study.runs] == ["baseline/seed0", "baseline/seed1"]
    run = study.runs[1]
    assert run.configuration == {"seed": 1, "lr": 0.001, "model": "mlp", "tags.variant": "plain"}
    assert run.ending.detail == "MLflow recorded FINISHED"
    assert study.skipped == ()


def test_trackio_is_read_point_by_point_and_keeps_the_restart(tmp_path: Path) -> None:
    path = unpacked("trackio/toy.db.xz", tmp_path)
    logs = sqlite_store.read_runs(path)
    assert_complete({log.stated["run"]: log for log in logs.values()}, expected("trackio/points.json"))
    study = open_study(path)
    assert [run.label for run in study.runs] == ["baseline/seed0", "baseline/seed1"]
    assert study.runs[0].configuration == {"seed": 0, "lr": 0.001, "model": "mlp"}
    restarted = study.runs[1]
    assert restarted.history.last_step == 160
    assert any(note.rule == "log_restarted" for note in restarted.findings)


def test_dvclive_is_read_point_by_point() -> None:
    folders = sorted((FORMATS / "dvclive").glob("*_seed*"))
    assert_complete(
        {folder.name: dvclive_folder.read(folder) for folder in folders}, expected("dvclive/points.json")
    )
    study = open_study(FORMATS / "dvclive")
    assert [run.label for run in study.runs] == ["baseline/seed0", "baseline/seed1"]
    assert study.runs[0].configuration == {"seed": 0, "lr": 0.001, "model": "mlp"}
    assert study.runs[0].findings[0].evidence == {"final": 3.0}


def test_stable_baselines_is_read_point_by_point() -> None:
    folder = FORMATS / "sb3/ppo_seed0"
    runs = expected("sb3/points.json")
    episodes = points_of(sb3_monitor.read(folder / "monitor.csv"))
    assert episodes["episode/reward"] == runs["monitor.csv"]["episode/reward"]
    saved = points_of(sb3_evaluations.read(folder / "evaluations.npz"))
    assert saved["eval/mean_reward"] == runs["evaluations.npz"]["eval/mean_reward"]
    assert points_of(metrics_csv.read(folder / "progress.csv")) == runs["progress.csv"]


def test_the_three_files_of_a_stable_baselines_run_are_one_run() -> None:
    (run,) = open_study(FORMATS / "sb3").runs
    assert run.label == "ppo/seed0"
    assert {"eval/mean_reward", "episode/reward", "train/loss"} <= run.history.series.keys()


def test_ray_trials_are_read_point_by_point_in_groups_of_their_parameters() -> None:
    for trial, points in expected("ray/points.json").items():
        for module, file in ((metrics_csv, "progress.csv"), (metrics_jsonl, "result.json")):
            log = points_of(module.read(FORMATS / "ray/exp" / trial / file))
            assert {name: log[name] for name in points} == points
    labels = [run.label for run in open_study(FORMATS / "ray").runs]
    assert labels == ["exp@lr=0.01/seed0", "exp@lr=0.01/seed1", "exp@lr=0.1/seed0", "exp@lr=0.1/seed1"]


def test_a_multirun_of_hydra_has_its_configurations_and_each_run_once() -> None:
    configurations = json.loads((FORMATS / "hydra/points.json").read_text())
    runs = open_study(FORMATS / "hydra").runs
    assert len(runs) == len(configurations) == 4
    for run in runs:
        configuration = configurations[run.path.parent.name]
        assert dict(run.configuration or {}) == flat(configuration)
        assert run.seed == configuration["seed"]
        assert run.format == "metrics_csv+text_log"
        rows = list(logged.rows(configuration["seed"]))
        errors = [(step, error * configuration["optim"]["lr"]) for step, _, error in rows]
        assert points_in(run.history.series["train/loss"]) == plain([row[:2] for row in rows])
        assert points_in(run.history.series["mse"]) == plain(errors)
    assert {run.group for run in runs} == {
        "hydra@optim.betas=[0.9, 0.999],optim.kind=adam,optim.lr=0.001",
        "hydra@optim.betas=null,optim.kind=sgd,optim.lr=0.1",
    }


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings by dotted keys."""
    by_key: dict[str, Any] = {}
    for key, value in settings.items():
        by_key |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return by_key


def points_in(series: Series) -> Plain:
    return plain(zip(series.steps.tolist(), series.values.tolist(), strict=True))


def test_an_import_of_any_of_them_holds_the_same_points_and_can_be_repeated(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    for name in ("wandb", "dvclive", "sb3", "ray"):
        shutil.copytree(FORMATS / name, sources / name, ignore=shutil.ignore_patterns("points.json"))
    (sources / "mlflow").mkdir()
    unpacked("mlflow/mlflow.db.xz", sources / "mlflow")
    for source in sources.iterdir():
        in_place = open_study(source).runs
        runs = tmp_path / "runs" / source.name
        for _ in range(2):
            import_logs([source], runs)
        imported = open_study(runs).runs
        assert [run.seed for run in imported] == [run.seed for run in in_place]
        for copy, original in zip(imported, in_place, strict=True):
            assert copy.history.series == original.history.series
            assert copy.ending.state == original.ending.state


def test_a_kept_file_is_small_and_names_no_machine() -> None:
    for file in FORMATS.rglob("*"):
        if file.is_file() and file.suffix != ".pyc":
            content = file.read_bytes()
            assert len(content) < 50_000, file
            if file.suffix == ".xz":
                content = lzma.decompress(content)
            for word in (b"/home/", b"/tmp/", b"/root", b"/work/"):
                assert word not in content, (file, word)


FRESH = """
import json, sys
from pathlib import Path
sys.path.insert(0, {formats!r})
import make_{name}
made = make_{name}.write({argument})
print("POINTS" + json.dumps(made))
"""


def written_now(name: str, folder: Path, argument: str) -> dict[str, dict[str, Plain]]:
    """Return what a library's own reader says of a file that it has just written; skip without it."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed: the extra 'formats' brings it")
    code = FRESH.format(formats=str(FORMATS), name=name, argument=argument)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env=dict(os.environ),
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("POINTS"))
    runs = json.loads(line.removeprefix("POINTS"))
    return {run: {name: plain(points) for name, points in by.items()} for run, by in runs.items()}


def test_a_store_that_mlflow_writes_now_is_read_point_by_point(tmp_path: Path) -> None:
    store = tmp_path / "mlflow.db"
    runs = written_now("mlflow", tmp_path, repr(f"sqlite:///{store}"))
    logs = sqlite_store.read_runs(store)
    assert_complete({log.stated["run"]: log for log in logs.values()}, as_logged(runs))


def test_a_store_that_trackio_writes_now_is_read_point_by_point(tmp_path: Path) -> None:
    runs = written_now("trackio", tmp_path, f"Path({str(tmp_path)!r})")
    logs = sqlite_store.read_runs(tmp_path / "toy.db")
    assert_complete({log.stated["run"]: log for log in logs.values()}, runs)


def test_folders_that_dvclive_writes_now_are_read_point_by_point(tmp_path: Path) -> None:
    runs = written_now("dvclive", tmp_path, f"Path({str(tmp_path)!r})")
    assert_complete({name: dvclive_folder.read(tmp_path / name) for name in runs}, runs)


def test_a_run_that_wandb_writes_now_is_read_as_it_was_logged(tmp_path: Path) -> None:
    if importlib.util.find_spec("wandb") is None:
        pytest.skip("wandb is not installed: the extra 'formats' brings it")
    code = FRESH.format(formats=str(FORMATS), name="wandb", argument=f"Path({str(tmp_path)!r})")
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=tmp_path)
    files = sorted(tmp_path.glob("wandb/offline-run-*/*.wandb"))
    kept = expected("wandb/points.json")
    for file in files:
        points = points_of(wandb_run.read(file))
        for name in ("loss", "eval/mse", "eval/by/noise"):
            assert points[name] == kept[file.stem][name]
    assert len(files) == 2


RAY_ERROR = """Failure # 1 (occurred at 2026-11-01_10-00-00)
\x1b[36mray::ImplicitFunc.train()\x1b[39m (pid=1, ip=127.0.0.1, repr=train)
  File "train.py", line 7, in train
    raise ValueError("boom")
ValueError: boom
"""


def test_trials_of_ray_with_nested_settings_are_one_run_each_and_end_as_their_error_says(
    tmp_path: Path,
) -> None:
    for seed in (0, 1):
        for lr in (0.1, 0.2):
            trial = (
                tmp_path / "exp" / f"train_ab12c_0000{seed}_{seed}_lr={lr},seed={seed}_2026-11-01_10-00-00"
            )
            trial.mkdir(parents=True)
            config = {"opt": {"lr": lr}, "seed": seed}
            values = [lr / (1 + i) + seed for i in range(1, 7)]
            rows = [
                {"val_loss": v, "training_iteration": i, "config": config} for i, v in enumerate(values, 1)
            ]
            (trial / "result.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
            table = "".join(f"{v},{i},False\n" for i, v in enumerate(values, 1))
            (trial / "progress.csv").write_text("val_loss,training_iteration,done\n" + table)
            (trial / "params.json").write_text(json.dumps(config))
            if lr == 0.2:
                (trial / "error.txt").write_text(RAY_ERROR)
    runs = open_study(tmp_path).runs
    assert [run.label for run in runs] == [f"exp@opt.lr={lr}/seed{s}" for lr in (0.1, 0.2) for s in (0, 1)]
    assert [dict(run.configuration or {}) for run in runs[:2]] == [{"opt.lr": 0.1, "seed": s} for s in (0, 1)]
    assert [run.ending.state for run in runs[2:]] == ["traceback", "traceback"]
    assert "ValueError: boom" in runs[2].ending.detail


def test_a_table_of_ray_results_has_a_run_for_each_trial(tmp_path: Path) -> None:
    header = "val_loss,done,training_iteration,trial_id,time_total_s,config/opt/lr,config/seed,logdir"
    rows = []
    for number, (lr, seed) in enumerate([(0.1, 0), (0.2, 0), (0.1, 1), (0.2, 1)]):
        trial = f"b4426_{number:05}"
        rows.append(f"{lr / 12 + seed},False,{12 if lr == 0.1 else 6},{trial},1.5,{lr},{seed},{trial}")
    (tmp_path / "trials.csv").write_text("\n".join([header, *rows]) + "\n")
    runs = open_study(tmp_path).runs
    last = {(run.group, run.seed): run.history.series["val_loss"] for run in runs}
    assert {key: (int(s.steps[-1]), float(s.values[-1])) for key, s in last.items()} == {
        (f"trials@opt.lr={lr}", seed): (12 if lr == 0.1 else 6, lr / 12 + seed)
        for lr in (0.1, 0.2)
        for seed in (0, 1)
    }

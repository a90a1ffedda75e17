"""One run told in SLURM's output, TensorBoard's events, CSV, JSON lines and a trainer's state is one run."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cli import main
from ired_diag import forensics
from ired_diag.errors import DiagError
from ired_diag.open import open_run, open_study
from ired_diag.readers.logs import read_log
from ired_diag.runs.completion import completion_of
from ired_diag.runs.evaluation_metric import evaluation_metric
from tests.event_files import NAME, double, event, written

Curve = Sequence[tuple[int, float]]

CONFIG = {
    "experiment_name": "q900_synthetic",
    "mining_strategy": "none",
    "rank": 20,
    "ood": False,
    "diffusion_steps": 10,
    "train_steps": 60_000,
    "seed": 3,
}


def curve(seed: int = 0, *, diverges: bool = True) -> Curve:
    rng = np.random.default_rng(seed)
    fall = np.geomspace(1, 0.01, 30)
    rest = np.geomspace(0.012, 3, 30) if diverges else np.full(30, 0.01)
    values = np.concatenate([fall, rest]) * (1 + 0.003 * rng.standard_normal(60))
    return [(1000 * (i + 1), float(f"{v:.7g}")) for i, v in enumerate(values)]


def as_slurm(folder: Path, told: Curve) -> Path:
    lines = [
        "Setting random seed: 3",
        f"Configuration: {json.dumps(CONFIG, indent=2)}",
        "Training for 60000 steps",
    ]
    for step, value in told:
        head = f"Validation Result @ Iteration {step}; Milestone = {step // 1000} (ID: Validation)"
        lines += [head, "---  ------", f"mse  {value}", "---  ------"]
    path = folder / "ired_q900_synthetic_1001_3.out"
    path.write_text("\n".join([*lines, "training complete", ""]))
    return path


def as_events(folder: Path, told: Curve) -> Path:
    return written(folder, *(event(step, double("validation/mse", value)) for step, value in told))


def as_csv(folder: Path, told: Curve) -> Path:
    path = folder / "metrics.csv"
    lines = ["step,validation/mse,lr", *(f"{step},{value!r},0.0001" for step, value in told)]
    path.write_text("\n".join(lines) + "\n")
    return path


def as_jsonl(folder: Path, told: Curve) -> Path:
    path = folder / "log.jsonl"
    path.write_text("".join(json.dumps({"step": s, "validation/mse": v}) + "\n" for s, v in told))
    return path


def as_trainer_state(folder: Path, told: Curve) -> Path:
    path = folder / "trainer_state.json"
    entries = [{"step": s, "validation/mse": v} for s, v in told]
    path.write_text(json.dumps({"global_step": 60_000, "max_steps": 60_000, "log_history": entries}))
    return path


FORMATS = (as_slurm, as_events, as_csv, as_jsonl, as_trainer_state)

Write = Callable[[Path, Curve], Path]


def diagnosis(folder: Path) -> Any:
    study = open_study(folder)
    return [run.label for run in study.runs], forensics.diagnose(study)


@pytest.mark.parametrize("diverges", [True, False])
def test_one_run_gives_one_diagnosis_whatever_the_format(tmp_path: Path, diverges: bool) -> None:
    told = []
    for write in FORMATS:
        folder = tmp_path / write.__name__ / "q900_seed3"
        folder.mkdir(parents=True)
        write(folder, curve(diverges=diverges))
        if write is not as_slurm:
            (folder / "experiment_config.json").write_text(json.dumps(CONFIG))
        told.append(diagnosis(folder))
    assert told[0][0] == ["q900/seed3"]
    assert {finding.rule for finding in told[0][1]} >= {"curve_shape" if diverges else "trivial_floor"}
    assert all(one == told[0] for one in told[1:])


def test_one_run_told_in_all_formats_at_once_is_one_run(tmp_path: Path) -> None:
    for write in FORMATS:
        write(tmp_path, curve())
    (run,) = open_study(tmp_path).runs
    assert (run.label, run.ending.state, len(run.history.series["validation/mse"])) == (
        "q900/seed3",
        "complete",
        60,
    )
    assert "lr" in run.history.series


@pytest.mark.parametrize("write", [as_events, as_csv, as_jsonl, as_trainer_state])
def test_runs_that_differ_in_one_evaluation_or_stand_in_one_format_are_not_joined(
    tmp_path: Path, write: Write
) -> None:
    other = [(step, value * (1.001 if step == 7000 else 1)) for step, value in curve()]
    for name, told in (("a", curve()), ("b", other), ("c", curve())):
        folder = tmp_path / f"{name}_seed3"
        folder.mkdir()
        write(folder, told)
    joined = 2 if write is as_trainer_state else 3  # a state is saved with every checkpoint
    assert len(open_study(tmp_path).runs) == joined


def test_a_configuration_or_seed_that_differs_keeps_runs_apart(tmp_path: Path) -> None:
    as_slurm(tmp_path, curve())
    (tmp_path / "seed4").mkdir()
    as_csv(tmp_path / "seed4", curve())
    assert len(open_study(tmp_path).runs) == 2


def test_a_single_file_is_opened_by_its_name_and_its_folders(tmp_path: Path) -> None:
    folder = tmp_path / "wide_net" / "seed_7" / "version_0"
    folder.mkdir(parents=True)
    run = open_run(as_csv(folder, curve()))
    assert (run.label, run.ending.state) == ("wide_net/seed7", "unknown")
    (folder / "hparams.yaml").write_text("train_steps: 100000\nrank: 20\n")
    run = open_run(folder / "metrics.csv")
    assert (run.configuration, run.ending.state) == ({"train_steps": 100_000, "rank": 20}, "cut_off")
    for refused in ("- 1\n", "a: [\n"):
        (folder / "hparams.yaml").write_text(refused)
        run = open_run(folder / "metrics.csv")
        assert (run.configuration, [f.rule for f in run.findings]) == (None, ["configuration_torn"])


def test_an_export_of_several_runs_gives_them_all(tmp_path: Path) -> None:
    path = tmp_path / "wandb_export.csv"
    lines = ["Step,q7-seed0 - val/mse,q7-seed1 - val/mse", *(f"{s},{v},{v * 1.01}" for s, v in curve())]
    path.write_text("\n".join(lines) + "\n")
    assert [run.label for run in open_study(path).runs] == ["q7/seed0", "q7/seed1"]
    for name in ("stats", "diagnose"):
        result = CliRunner().invoke(
            main, [name, str(path), *(["--metric", "val/mse"] if name == "stats" else [])]
        )
        assert "Traceback" not in result.output, result.output


def test_the_event_files_of_a_folder_are_one_run(tmp_path: Path) -> None:
    told = curve()
    for number, part in enumerate((told[:30], told[30:])):
        (path := as_events(tmp_path, part)).rename(path.with_name(f"{NAME}.{number}"))
    (run,) = open_study(tmp_path).runs
    assert len(run.history.series["validation/mse"]) == 60
    assert len(read_log(tmp_path)[0].sources) == 2


def test_a_published_curve_without_a_validation_is_judged_by_its_loss(tmp_path: Path) -> None:
    facts = """1: 0.245190, 100: 0.115349, 500: 0.089064, 1000: 0.075008, 1300: 0.072929, 1500: 0.071194,
    1600: 0.075390, 1700: 0.081795, 1800: 0.086109, 2000: 0.098863, 3000: 0.157375, 5000: 0.255318,
    8000: 0.314602, 10000: 0.299966"""
    path = tmp_path / "gaussian_image.csv"
    path.write_text(
        "iteration,loss\n" + "\n".join(f"{a},{b}" for a, b in re.findall(r"(\d+): ([\d.]+)", facts))
    )
    with path.open("a") as file:
        file.write("\n")
    (finding,) = [f for f in forensics.diagnose(open_study(path)) if f.rule == "curve_shape"]
    assert (finding.severity, finding.evidence["best_step"]) == ("error", 1500)
    assert 1500 <= float(finding.evidence["onset"] or 0) <= 1600


NAMES = [
    "a.out",
    "metrics.csv",
    "log.jsonl",
    "trainer_state.json",
    NAME,
    "sacct.txt",
    "a.err",
    "hparams.yaml",
]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_files_of_any_format_side_by_side_are_read_or_named_never_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    for name in data.draw(st.lists(st.sampled_from(NAMES), unique=True)):
        (folder / name).write_bytes(data.draw(st.binary(max_size=120)))
    for write in data.draw(st.lists(st.sampled_from(FORMATS), unique=True)):
        path = write(folder, curve()[: data.draw(st.integers(1, 12))])
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(0, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    forensics.diagnose(open_study(folder))
    for path in folder.iterdir():
        with contextlib.suppress(DiagError):
            forensics.diagnose(open_study(path))


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["train/loss", "val/loss_epoch", "val/acc"], "val/loss_epoch"),
        (["loss", "grad_norm", "epoch"], "loss"),
        (["eval_runtime", "learning_rate"], None),
        (["train_loss", "val_zork", "eval_runtime"], "val_zork"),
        (["zork", "learning_rate"], "zork"),
        (["zork", "quux"], None),
        (["eval_accuracy", "eval_runtime"], "eval_accuracy"),
        (["CD-DIAG/E_pos", "TAM-GC-DIAG/mse_pos", "loss_energy"], None),
        (["test_mse", "validation_mse"], "validation_mse"),
    ],
)
def test_the_metric_that_tells_how_good_a_model_is_is_found_by_its_words(
    names: list[str], chosen: str | None
) -> None:
    assert evaluation_metric(names) == chosen
    assert evaluation_metric(names[::-1]) == chosen


ACCOUNTS = """JobID|JobName|State|ExitCode|Elapsed
1001_3|q900|{state}|{code}|01:00:00
1001_3.batch|batch|{step}|{code}|01:00:00
"""


@pytest.mark.parametrize(
    ("state", "step", "code", "complete", "expected"),
    [
        ("TIMEOUT", "CANCELLED", "0:15", False, "time_limit"),
        ("FAILED", "OUT_OF_MEMORY", "1:0", False, "out_of_memory"),
        ("COMPLETED", "COMPLETED", "0:0", False, "unexplained"),
        ("COMPLETED", "COMPLETED", "0:0", True, "complete"),
        ("FAILED", "FAILED", "1:0", True, "complete"),
        ("RUNNING", "RUNNING", "0:0", False, "cut_off"),
    ],
)
def test_slurms_accounts_say_how_a_job_ended_whose_log_does_not(
    tmp_path: Path, state: str, step: str, code: str, complete: bool, expected: str
) -> None:
    path = as_slurm(tmp_path, curve())
    if not complete:
        path.write_text(path.read_text().replace("training complete\n", ""))
    (tmp_path / "sacct.txt").write_text(ACCOUNTS.format(state=state, step=step, code=code))
    (run,) = open_study(tmp_path).runs
    assert run.ending.state == expected
    shutil.move(tmp_path / "sacct.txt", tmp_path.parent / "dump")
    (again,) = open_study([path, tmp_path.parent / "dump"]).runs
    assert again.ending == run.ending


def test_a_run_is_running_only_while_its_file_is_young(tmp_path: Path) -> None:
    path = as_slurm(tmp_path, curve())
    assert completion_of(open_run(path)) == "complete"
    path.write_text(path.read_text().replace("training complete\n", ""))
    run, now = open_run(path), path.stat().st_mtime
    assert completion_of(run, now=now + 60) == "running"
    assert completion_of(run, now=now + 7200) == "cut off"
    path.write_text("Job started at Sat Jan 24 00:53:55 EST 2026\n" + path.read_text())
    assert completion_of(open_run(path), now=path.stat().st_mtime) == "cut off"  # a copy of an old log

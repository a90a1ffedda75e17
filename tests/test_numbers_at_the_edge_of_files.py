"""Numbers at the edge in logs, reports, weights and knobs: no traceback, no warning of a library.

The commands are ``import``, ``check``, ``probe``, ``train`` and ``verify``; warnings are errors here, as in
``test_numbers_at_the_edge.py``, which holds the commands that compare runs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from app.cli import main
from ired_diag.open import open_study
from tests.conftest import configuration, log_text
from tests.test_cli_probe import TINY

pytestmark = pytest.mark.slow

LAST = 2**63 - 1
TEXTS = ("1e308", "-1e308", "nan", "inf", "-inf", "5e-324", "0", "-0.0", "1e999", "1e-999", "0.1")
KNOBS = [word for knob in (*TINY, "mining_opt_steps=1") for word in ("--set", knob)]


def run(*arguments: str | Path, status: int | None = None) -> Result:
    """Run a command; what it raises beyond an exit is raised here, warnings included."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Warning" not in result.stderr
    assert status is None or result.exit_code == status, result.output
    if result.exit_code == 1:
        assert result.stderr.splitlines()[-1].startswith("ired-diag: ")
    return result


def csv(folder: Path) -> Path:
    rows = "".join(f"{100 * k},{text},{text}\n" for k, text in enumerate(TEXTS, start=1))
    (folder / "q900_seed0.csv").write_text(f"step,val_loss,train_loss\n{rows}")
    return folder


def json_lines(folder: Path) -> Path:
    steps = (-LAST - 1, -1, 0, 1, LAST - 1, LAST)
    values = (1e308, -1e308, math.nan, math.inf, 5e-324, 0.1)
    rows = [json.dumps({"step": step, "val_loss": value}) for step, value in zip(steps, values, strict=True)]
    rows += ['{"step": 1e999, "val_loss": 0.2}', '{"step": 9223372036854775808, "val_loss": 0.3}']
    (folder / "q900_seed0.jsonl").write_text("".join(f"{row}\n" for row in rows))
    return folder


def slurm(folder: Path) -> Path:
    values = [float(text) for text in TEXTS]
    evaluations = [
        (step, value, value) for step, value in zip((*range(1, 10), 10**18, LAST), values, strict=True)
    ]
    text = log_text(config=configuration("q900_x", learning_rate=1e308), evaluations=evaluations)
    (folder / "ired_q900_x_1.out").write_text(text)
    return folder


def trainer_state(folder: Path) -> Path:
    history = [{"step": k, "loss": float(text), "eval_loss": float(text)} for k, text in enumerate(TEXTS)]
    state = {"log_history": history, "global_step": LAST, "epoch": 1e308, "best_metric": -1e308}
    (folder / "trainer_state.json").write_text(json.dumps(state))
    return folder


@pytest.mark.parametrize("write", [csv, json_lines, slurm, trainer_state], ids=lambda write: write.__name__)
def test_logs_are_imported_and_listed_as_in_place(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    logs, runs = tmp_path / "logs", tmp_path / "runs"
    logs.mkdir()
    run("import", write(logs), "--runs", runs, "--json", status=0)
    run("import", logs, "--runs", runs, status=0)
    run("ls", runs, status=0)
    run("diagnose", runs, status=0)
    (imported,), (in_place,) = open_study(runs).runs, open_study(logs).runs
    assert set(imported.history.series) == set(in_place.history.series)
    for name, series in in_place.history.series.items():
        np.testing.assert_array_equal(imported.history.series[name].steps, series.steps)
        np.testing.assert_array_equal(imported.history.series[name].values, series.values)


def test_a_report_of_numbers_at_the_edge_is_checked(tmp_path: Path) -> None:
    numbers = (*TEXTS[:6], "1e-308", "9" * 400, "0." + "0" * 400 + "1", "1e308 ± 1e308", "-1e308%")
    lines = [
        line.replace("X", x).replace("Y", y)
        for x in numbers
        for y in ("0", "-1e308", "nan", "0.1")
        for line in (
            "q900 has a mean of X and q901 of Y (p = X).",
            "q900 is Y% better than q901 (X against Y).",
            "The mean of q900 is X ± Y (n = 3), 95% CI [X, Y].",
            "t(4) = X, p = Y. Cohen's d = X. F(2, 12) = X, p = Y. n = X.",
            "| group | mean | std | n |\n|---|---|---|---|\n| q900 | X | Y | 3 |\n| q901 | Y | X | X |\n",
            "q900: values X, Y, X: mean X, median Y, sd X.",
            "`X - Y = X`; X / Y = Y; from X to Y, a change of X%.",
        )
    ]
    report = tmp_path / "report.md"
    report.write_text("\n\n".join(lines) + "\n")
    run("check", report, status=0)
    runs = tmp_path / "runs"
    for seed in range(3):
        for name in ("q900", "q901"):
            folder = runs / name / f"seed{seed}"
            folder.mkdir(parents=True)
            content: dict[str, Any] = {"format": 1, "experiment": name, "seed": seed, "config": {}}
            (folder / "config.json").write_text(json.dumps(content))
            level = 1e308 if name == "q900" else 5e-324
            rows = [{"step": k, "val_loss": level * (1 - 2 * (k % 2))} for k in range(1, 12)]
            (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run("check", report, "--runs", runs, "--full", status=0)


WEIGHTS: dict[str, Callable[[Tensor], Tensor]] = {
    "zero": torch.zeros_like,
    "NaN": lambda x: torch.full_like(x, math.nan),
    "largest": lambda x: torch.full_like(x, 3.4e38),
    "infinite in one place": lambda x: torch.where(torch.arange(x.numel()).view(x.shape) == 0, math.inf, x),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run's checkpoint."""
    runs = tmp_path_factory.mktemp("runs")
    run("train", "q103", "--runs", runs, "--device", "cpu", *KNOBS, status=0)
    return runs / "q103" / "seed0" / "checkpoints" / "step-000000006.safetensors"


@pytest.mark.parametrize("case", WEIGHTS)
def test_every_probe_of_weights_at_the_edge_answers(tmp_path: Path, trained: Path, case: str) -> None:
    with safe_open(trained, "pt") as file:
        metadata = file.metadata()
    weights = {
        name: WEIGHTS[case](x).contiguous() if x.is_floating_point() else x
        for name, x in load_file(trained).items()
    }
    path = tmp_path / "step-000000006.safetensors"
    save_file(weights, path, metadata=metadata)
    arguments = ("probe", "all", path, "--samples", "8", "--device", "cpu", "--out", tmp_path / "out")
    assert "Traceback" not in run(*arguments).output


TRAININGS: dict[str, tuple[str, ...]] = {
    "a learning rate that makes NaN at once": ("learning_rate=1e30",),
    "the largest learning rate": ("learning_rate=1e308", "optimizer=sgd"),
    "the smallest learning rate": ("learning_rate=5e-324",),
    "an infinite weight of the energy loss": ("energy_loss_weight=1e308",),
    "a vast noise of mining": ("mining_noise_scale=1e308",),
    "the largest seed": (f"seed={LAST}",),
    "no gradient passes the clip": ("gradient_clip=5e-324",),
    "the smallest normalization": ("gradient_normalization=1e-308",),
    "a vast weight decay": ("optimizer=adamw", "weight_decay=1e308"),
    "the smallest bound": ("energy_bound=tanh", "energy_bound_scale=5e-324"),
    "out of distribution in bfloat16": ("precision=bf16", "ood=true", "learning_rate=1e20"),
}


@pytest.mark.parametrize("knobs", TRAININGS.values(), ids=TRAININGS)
def test_a_training_at_the_edge_ends_or_is_refused_and_its_run_is_read(
    tmp_path: Path, knobs: tuple[str, ...]
) -> None:
    settings = [word for knob in knobs for word in ("--set", knob)]
    if run("train", "q103", "--runs", tmp_path, "--device", "cpu", *KNOBS, *settings).exit_code == 0:
        run("ls", tmp_path, status=0)
        run("diagnose", tmp_path, status=0)


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        (("learning_rate=1e39", "optimizer=sgd"), "learning_rate = 1e+39: "),
        (("weight_decay=1e308", "optimizer=adamw"), "weight_decay = 1e+308: "),
        (("weight_decay=1e20", "learning_rate=1e20", "optimizer=adamw"), "learning_rate times weight_decay"),
    ],
)
def test_a_knob_beyond_what_a_weight_can_hold_is_refused(
    tmp_path: Path, knobs: tuple[str, ...], said: str
) -> None:
    settings = [word for knob in knobs for word in ("--set", knob)]
    result = run("train", "q103", "--runs", tmp_path, "--device", "cpu", *KNOBS, *settings, status=1)
    assert said in result.stderr
    assert "more than 3.4e+38" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_at_the_edge_is_compared_with_a_reference(tmp_path: Path, trained: Path) -> None:
    dim, samples = 9, 4
    zeros: dict[str, Any] = {
        name: np.zeros((samples, dim), dtype=np.float32)
        for name in ("matrix", "inverse", "noise", "noisy", "energy_gradient")
    }
    arrays = {**zeros, "t": np.arange(samples), "energy": np.full(samples, 3e38, dtype=np.float32)}
    np.savez(tmp_path / "reference.npz", **arrays)
    run("verify", trained, tmp_path / "reference.npz", "--device", "cpu", status=3)
    huge = {name: np.full_like(value, 3e38) for name, value in arrays.items() if name != "t"}
    np.savez(tmp_path / "huge.npz", **huge, t=arrays["t"])
    run("verify", trained, tmp_path / "huge.npz", "--device", "cpu")

"""The rule about detectors of saddles: real descents, flagged by the signs of the curvature alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ired_diag import tasks
from ired_diag.probing.driver import Request, put_probes
from ired_diag.probing.targets import of_run
from ired_diag.runs.run import Run
from ired_diag.runs.store import read_run
from ired_diag.training.trainer import train
from probes.saddles import PROBE
from tests.made_runs import findings_of, made_run

RULE = "saddle_flags"
Array = NDArray[np.float64]
Surface = tuple[Callable[[Array], Array], Callable[[Array], Array]]


def rosenbrock_gradient(p: Array) -> Array:
    x, y = p
    return np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])


def rosenbrock_hessian(p: Array) -> Array:
    x, y = p
    return np.array([[2 - 400 * (y - 3 * x * x), -400 * x], [-400 * x, 200.0]])


ROSENBROCK: Surface = (rosenbrock_gradient, rosenbrock_hessian)
# ½ x² + ¼ y⁴ - ½ y²: a saddle at 0 between two minima.
TWO_VALLEYS: Surface = (
    lambda p: np.array([p[0], p[1] ** 3 - p[1]]),
    lambda p: np.diag([1.0, 3 * p[1] ** 2 - 1]),
)


def descent(surface: Surface, start: tuple[float, float], *, rate: float, name: str, **more: Any) -> Run:
    """A run of 3000 steps, which flags a saddle wherever the curvature has both signs."""
    gradient, hessian = surface
    p, norms, flags = np.array(start), [], []
    for _ in range(3000):
        g, values = gradient(p), np.linalg.eigvalsh(hessian(p))
        norms.append(float(np.linalg.norm(g)))
        flags.append(float(values[0] < 0 < values[-1]))
        p = p - rate * g
    return made_run("q", every=1, metrics={"grad_norm": norms, name: flags}, **more)


@pytest.mark.parametrize("name", ["is_saddle", "near_saddle", "saddle/detected", "SaddlePoint"])
def test_the_signs_of_the_curvature_alone_are_doubted_on_rosenbrock(name: str) -> None:
    (finding,) = findings_of(RULE, [descent(ROSENBROCK, (-1.5, 2.5), rate=1e-3, name=name)])
    assert (finding.severity, finding.evidence["flagged"]) == ("warning", 1367)
    assert float(finding.evidence["least_flagged"] or 0) > 1.6


@pytest.mark.parametrize("start", [(1.0, 1e-6), (0.1, 1e-3), (0.0, 1e-9)])
def test_a_saddle_that_is_left_for_a_minimum_is_believed(start: tuple[float, float]) -> None:
    run = descent(TWO_VALLEYS, start, rate=0.02, name="is_saddle")
    assert (run.history.series["is_saddle"].values == 1).sum() > 100
    assert findings_of(RULE, [run]) == []


def test_counts_and_columns_without_a_gradient_are_left_alone() -> None:
    run = descent(ROSENBROCK, (-1.5, 2.5), rate=1e-3, name="is_saddle")
    series = {name: column.values for name, column in run.history.series.items()}
    counts = {"grad_norm": series["grad_norm"], "saddles": np.cumsum(series["is_saddle"])}
    assert findings_of(RULE, [made_run("q", metrics=counts)]) == []
    assert findings_of(RULE, [made_run("q", metrics={"is_saddle": series["is_saddle"]})]) == []
    two = {**series, "grad_norm/layer1": series["grad_norm"], "gradient_norm": series["grad_norm"]}
    assert findings_of(RULE, [made_run("q", metrics=two)]) == []  # of which the flags are is unknown


def test_norms_of_small_batches_say_nothing_of_a_saddle() -> None:
    """The gradient of all data may vanish where that of a batch is noise alone."""
    rng = np.random.default_rng(6)
    flags = (np.arange(400) % 100 < 30).astype(float)
    for scatter, count in ((0.02, 1), (0.4, 0)):
        norms = np.exp(scatter * rng.standard_normal(400))
        run = made_run("q", metrics={"grad_norm": norms, "is_saddle": flags})
        assert len(findings_of(RULE, [run])) == count


def probed_run(folder: Path, **knobs: Any) -> Run:
    task = tasks.load("functions")
    quiet = {"experiment_name": "x", "validate_every": 1000, "checkpoint_every": 100, "log_every": 5}
    train(task, tasks.settings_of(task, {**quiet, **knobs}), folder)
    request = Request(probes=[PROBE], figures="none")
    list(put_probes(of_run(read_run(folder), "all", task=task), request))
    return read_run(folder)


def test_our_own_probe_is_believed_at_a_saddle_and_silent_on_rosenbrock(tmp_path: Path) -> None:
    at_saddle = {"function": "saddle", "optimizer": "sgd", "start": [0.5, 1e-4], "train_steps": 1000}
    run = probed_run(tmp_path / "saddle" / "seed0", **at_saddle)
    assert findings_of(RULE, [run]) == []
    assert findings_of(RULE, [probed_run(tmp_path / "rosenbrock" / "seed0", train_steps=300)]) == []

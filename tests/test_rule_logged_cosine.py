"""The bound on a mean cosine, and the rule that holds logged cosines against it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.open import open_study
from ired_diag.stats.mean_cosine import least_error, pooled_cosine
from tests.made_runs import findings_of, made_run

RULE = "logged_cosine"
RANK = {"rank": 3, "ood": False, "mining_strategy": "none", "diffusion_steps": 10}


def _batch(rng: np.random.Generator, *, scatter: float, error: float) -> tuple[Any, Any]:
    """Return predictions and targets of 64 samples of 9 elements, some samples longer than others."""
    length = np.exp(scatter * rng.standard_normal((64, 1)))
    target = length * rng.standard_normal((64, 9))
    return target + error * length * rng.standard_normal((64, 9)), target


def _logged(prediction: Any, target: Any) -> dict[str, float]:
    lengths = [np.linalg.norm(one, axis=1) for one in (prediction, target)]
    return {
        "cos": float(((prediction * target).sum(axis=1) / (lengths[0] * lengths[1])).mean()),
        "mse": float(((prediction - target) ** 2).mean()),
        "pred_norm": float(lengths[0].mean()),
        "pred_std": float(np.sqrt((prediction**2).mean())),
    }


@pytest.mark.parametrize("scatter", [0.0, 0.3, 1.0, 2.0])
@pytest.mark.parametrize("error", [0.1, 1.0, 5.0])
def test_no_batch_has_an_error_below_the_bound(scatter: float, error: float) -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        prediction, target = _batch(rng, scatter=scatter, error=error)
        if rng.random() < 0.5:
            prediction[: rng.integers(64)] *= -1
        told = _logged(prediction, target)
        assert told["mse"] >= least_error(told["cos"], told["pred_norm"] / 3, told["pred_std"]) * (1 - 1e-12)


def test_the_bound_is_reached_by_samples_that_are_right_or_opposite() -> None:
    target = np.random.default_rng(0).standard_normal((10, 9))
    target /= np.linalg.norm(target, axis=1, keepdims=True) / 3
    prediction = np.where(np.arange(10)[:, None] < 5, target, -1e-9 * target)  # of no length, and opposite
    told = _logged(target, prediction)
    assert told["cos"] == pytest.approx(0)
    assert told["mse"] == pytest.approx(float(least_error(0.0, 1.0, 1.0)))


def test_all_samples_together_have_at_least_the_pooled_cosine() -> None:
    rng = np.random.default_rng(2)
    for error in (0.1, 0.5, 0.9):
        prediction, target = _batch(rng, scatter=1.0, error=error)
        cosine = (prediction * target).sum() / np.linalg.norm(prediction) / np.linalg.norm(target)
        mse, rms = ((prediction - target) ** 2).mean(), np.sqrt((target**2).mean())
        assert cosine >= float(pooled_cosine(mse, rms))


def _run(name: str, *, broken: bool, scatter: float) -> Any:
    rng, rows = np.random.default_rng(3), []
    for error in np.geomspace(3, 0.1, 40):
        rows.append(_logged(*_batch(rng, scatter=scatter, error=float(error))))
    told: dict[str, Any] = {f"D__{key}": [row[key] for row in rows] for key in rows[0]}
    if broken:
        told["D__cos"] = 0.001 * rng.standard_normal(40)
    return made_run(name, config=RANK, **told)


def test_a_cosine_of_zero_beside_a_small_error_is_a_warning() -> None:
    runs = [_run("a", broken=True, scatter=0.1), _run("b", broken=False, scatter=0.1)]
    (finding,) = findings_of(RULE, runs)
    assert (finding.severity, finding.evidence["group"]) == ("warning", "a")
    assert float(finding.evidence["share"] or 0) > 0.4


def test_a_cosine_that_scattered_norms_allow_is_left_alone() -> None:
    assert (
        findings_of(RULE, [_run("a", broken=False, scatter=2.0), _run("b", broken=True, scatter=2.0)]) == []
    )


def test_the_archive_logs_cosines_of_zero_beside_errors_that_force_ninety_percent(shared: Path) -> None:
    found = findings_of(RULE, open_study([shared / "ired_logs", shared / "ired_logs_2"]).runs)
    groups = {str(finding.evidence["group"]).partition("@")[0] for finding in found}
    assert groups == {"q220_tam_base", "q211"}
    assert all(float(finding.evidence["forced_cosine"] or 0) > 0.9 for finding in found)

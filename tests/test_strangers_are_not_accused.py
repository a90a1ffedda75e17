"""Healthy studies of other programs, made here: no rule finds an error or a warning in them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ired_diag.forensics import diagnose
from ired_diag.open import open_study

Array = NDArray[np.float64]
Columns = Mapping[str, Sequence[Any] | Array]
N = 60
T: Array = np.arange(N, dtype=np.float64)


def fall(rng: np.random.Generator, low: float, high: float, *, tau: float = 8, noise: float = 0.02) -> Array:
    """Return a curve that falls from ``high`` to ``low``, each seed to a level of its own."""
    own = low * np.exp(0.05 * rng.standard_normal())
    return np.asarray((own + (high - own) * np.exp(-T / tau)) * np.exp(noise * rng.standard_normal(N)))


def gan(rng: np.random.Generator) -> Columns:
    """A generator's loss rises while its samples get better."""
    return {
        "step": T * 1000,
        "loss_G": 1.2 + 0.8 * (1 - np.exp(-T / 20)) + 0.3 * rng.standard_normal(N),
        "loss_D": 1 + 0.2 * rng.standard_normal(N),
        "fid": fall(rng, 12, 300, tau=6),
    }


def reinforcement(rng: np.random.Generator) -> Columns:
    """The value loss rises with the return; the length of episodes and the clip range are constant."""
    level = 3000 * np.exp(0.1 * rng.standard_normal())
    return {
        "time/total_timesteps": T * 2048,
        "rollout/ep_rew_mean": level * (1 - np.exp(-T / 10)) + 60 * rng.standard_normal(N),
        "rollout/ep_len_mean": np.full(N, 1000.0),
        "train/value_loss": 20 + 80 * (1 - np.exp(-T / 30)) * np.exp(0.2 * rng.standard_normal(N)),
        "train/clip_range": np.full(N, 0.2),
    }


def over_fitting(rng: np.random.Generator) -> Columns:
    """A small data set: the training loss goes to 0, the validation loss rests far above it."""
    return {"epoch": T, "loss": fall(rng, 1e-5, 2), "val_loss": fall(rng, 0.3, 1.9, noise=0.01)}


def constants(rng: np.random.Generator) -> Columns:
    """Fields that the program prints and does not compute are 0."""
    unused = ("kl", "E_pos", "E_neg", "neg_dist", "lang_disp", "acceptance", "pred_norm", "aux_loss")
    return {"step": T * 100, "val_loss": fall(rng, 0.2, 3)} | {name: np.zeros(N) for name in unused}


def resumed(rng: np.random.Generator) -> Columns:
    """A run that was started again ten steps back: it logs these steps twice."""
    order = [*range(40), *range(30, N)]
    return {"step": [10 * i for i in order], "val_loss": fall(rng, 0.2, 3)[order]}


def scores(rng: np.random.Generator) -> Columns:
    """Scores of which a high one is right, called energies: negatives lie below positives, as they should."""
    high = 8 * (1 - np.exp(-T / 10))
    return {"step": T * 100, "E_pos": high, "E_neg": -high, "loss": fall(rng, 0.1, 2)}


def triplets(rng: np.random.Generator) -> Columns:
    """The margin of a triplet loss is a setting."""
    columns = {
        "step": T * 100,
        "pos_dist": fall(rng, 0.2, 1),
        "neg_dist": 1.2 + 0.02 * rng.standard_normal(N),
    }
    return columns | {
        "margin": np.full(N, 0.2),
        "val_recall": 0.8 - 0.6 * np.exp(-T / 8) * rng.uniform(0.8, 1),
    }


def sums_and_means(rng: np.random.Generator) -> Columns:
    """The training loss is summed over a batch, the validation loss is a mean."""
    validation = fall(rng, 0.2, 1)
    return {"epoch": T, "train_loss": 64 * 0.9 * validation, "val_loss": validation}


def autoencoder(rng: np.random.Generator) -> Columns:
    """One term of the loss rises while the sum falls."""
    reconstruction, kl = fall(rng, 80, 500, noise=0.005), 25 * (1 - np.exp(-T / 10))
    loss = reconstruction + kl
    return {"epoch": T, "loss": loss, "recon_loss": reconstruction, "kl_loss": kl, "val_loss": 1.02 * loss}


def likelihood(rng: np.random.Generator) -> Columns:
    """A negative log-likelihood of a density goes below 0."""
    level = -3 + 0.2 * rng.standard_normal()
    return {"step": T * 100, "val_nll": level + 6 * np.exp(-T / 8) + 0.02 * rng.standard_normal(N)}


KINDS = (
    gan,
    reinforcement,
    over_fitting,
    constants,
    resumed,
    scores,
    triplets,
    sums_and_means,
    autoencoder,
    likelihood,
)


def write(path: Path, columns: Columns, *, digits: int = 5) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(columns)
        rows.writerows(
            [f"{value:.{digits}f}".rstrip("0").rstrip(".") for value in row]
            for row in zip(*columns.values(), strict=True)
        )


def accusations(folder: Path) -> list[str]:
    return [finding.statement for finding in diagnose(open_study(folder)) if finding.severity != "note"]


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_a_healthy_study_of_another_program_is_not_accused(
    make: Callable[[np.random.Generator], Columns], tmp_path: Path
) -> None:
    for seed in range(3):
        write(tmp_path / f"seed{seed}" / "metrics.csv", make(np.random.default_rng([7, seed])))
    assert len(open_study(tmp_path).runs) == 3
    assert accusations(tmp_path) == []


def test_epochs_on_the_axis_beside_steps_in_the_configuration_are_no_cut(tmp_path: Path) -> None:
    for seed in range(2):
        folder = tmp_path / f"seed{seed}"
        write(folder / "metrics.csv", over_fitting(np.random.default_rng(seed)))
        (folder / "config.json").write_text(json.dumps({"max_steps": 60_000, "max_epochs": N, "seed": seed}))
    assert accusations(tmp_path) == []


def test_a_trainer_of_hugging_face_that_fits_its_set_is_not_accused(tmp_path: Path) -> None:
    for seed in range(3):
        rng = np.random.default_rng([3, seed])
        train, evaluated = fall(rng, 0.02, 1.8), fall(rng, 0.35, 1.6, tau=6)
        history: list[dict[str, float]] = []
        for i in range(N):
            row = {"step": 50 * (i + 1), "epoch": (i + 1) / 20}
            history.append(row | {"loss": round(float(train[i]), 4), "grad_norm": 1.0, "learning_rate": 5e-5})
            if i % 3 == 2:
                history.append(row | {"eval_loss": float(evaluated[i]), "eval_runtime": 12.3})
        folder = tmp_path / f"run-seed{seed}" / "checkpoint-3000"
        folder.mkdir(parents=True)
        state = {"global_step": 3000, "max_steps": 3000, "epoch": 3.0, "log_history": history}
        (folder / "trainer_state.json").write_text(json.dumps(state))
    assert accusations(tmp_path) == []

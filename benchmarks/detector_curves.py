"""Curves on which detectors of a lasting rise are compared: those of a study, labelled by eye, and made ones.

A made curve falls to its floor and rests there, in nats

    y = log(1 + exp(a - k / τ)) + noise,

a and τ drawn so that it arrives in the first quarter. Its noise is autoregressive, φ uniform in 0 … 0.9, its
standard deviation between 0.3% and 20%. A diverging one rises besides, from an onset in the middle half, by
2 to 20 times, as 1 - exp(-t). Noise of 20% and φ near 0.9 hides some of these rises: a perfect score is not
to be had on them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from ired_diag.readers import slurm

METRIC = "validation/mse"
RISING = ("diverged", "regressed")

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Example:
    """A curve with its truth: steps and values of shape (n,), and where it starts to rise, if it does."""

    steps: Array
    values: Array
    onset: int | None


def labelled(logs: Path, labels: Path) -> Iterator[Example]:
    """Yield the curves on which both readings of a table of labels agree.

    Args:
        logs: Folder of the logs that the table names.
        labels: CSV with file, reading1_label, reading2_label and reading1_onset_step.
    """
    with labels.open() as file:
        for row in csv.DictReader(file):
            if row["reading1_label"] != row["reading2_label"]:
                continue
            series = slurm.read(logs / row["file"]).history.series[METRIC]
            steps = series.steps.astype(np.float64)
            rises = row["reading1_label"] in RISING
            onset = int(np.searchsorted(steps, float(row["reading1_onset_step"]))) if rises else None
            yield Example(steps, series.values, onset)


def generated(count: int, *, rng: np.random.Generator) -> Iterator[Example]:
    """Yield ``count`` healthy curves and as many that diverge."""
    for i in range(2 * count):
        size = int(rng.integers(40, 150))
        onset = int(rng.uniform(0.35, 0.65) * size) if i >= count else None
        truth = _fall(size, rng)
        if onset is not None:
            past = np.maximum(0, np.arange(size) - onset + 1)
            truth = truth + np.log(rng.uniform(2, 20)) * -np.expm1(-past / (rng.uniform(0.02, 0.1) * size))
            onset = max(onset, int(np.argmin(truth)) + 1)
        yield Example(np.arange(1.0, size + 1), np.exp(truth + _noise(size, rng)), onset)


def _fall(size: int, rng: np.random.Generator) -> Array:
    drop = rng.uniform(1, 5) - np.arange(size) / (rng.uniform(0.02, 0.045) * size)
    return np.asarray(np.log1p(np.exp(drop)), dtype=np.float64)


def _noise(size: int, rng: np.random.Generator) -> Array:
    """Return autoregressive noise that starts in its stationary state."""
    phi, sd = rng.uniform(0, 0.9), np.exp(rng.uniform(np.log(0.003), np.log(0.2)))
    shocks = rng.standard_normal(size) * np.sqrt(1 - phi**2)
    shocks[0] /= np.sqrt(1 - phi**2)
    return np.asarray(sd * lfilter([1.0], [1.0, -phi], shocks), dtype=np.float64)

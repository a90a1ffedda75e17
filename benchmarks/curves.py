"""Draw docs/images/q101_curves.png: how q101 learns, and how it learns under the study's gradient scaler.

    python -m benchmarks.curves [RUNS]

RUNS (default docs/curves) holds the histories. The line to beat is the best linear map from A to A⁻¹ that
commutes with permutations and changes of sign: off the diagonal a A_ij, on it b A_ii + c tr A + d, fitted by
least squares to matrices drawn here.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.drawing.paper import TEXT, write
from ired_diag.inverse.matrices import MatrixData, draw_matrices
from ired_diag.runs.store import find_runs, read_run

MATRICES = 40_000
LABELS = {
    "q101_bf16": "as published",
    "q101_study_bf16": "clip_scaled_gradients",
}


def main() -> None:
    """Draw the figure."""
    runs = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/curves")
    lines = []
    for folder in find_runs(runs):
        run = read_run(folder)
        if run.experiment in LABELS:
            series = run.history.series["validation/mse"]
            lines.append(Line(LABELS[run.experiment], series.steps, series.values))
    floor = linear_floor()
    steps = np.array([0, max(line.x.max() for line in lines)])
    lines.append(Line("best linear map", steps, np.full(2, floor)))
    figure = FigureData(
        "q101_curves",
        "Learning without mining",
        "training step",
        (Panel("validation MSE", tuple(lines), "log"),),
        f"One seed each; 5632 fresh matrices at each point. Best linear map: {floor:.5f}.",
        "one seed each; 5632 fresh matrices a point",
    )
    write(figure, Path("docs/images"), ("png",), width=TEXT / 1.5)


def linear_floor() -> float:
    """Return the mean squared error of the best equivariant linear map, on matrices it was not fitted to."""
    generator = torch.Generator().manual_seed(0)
    data = MatrixData()
    fit, test = (
        [
            m.numpy().reshape(MATRICES, data.rank, data.rank)
            for m in draw_matrices(data, MATRICES, generator=generator)
        ]
        for _ in range(2)
    )
    off = ~np.eye(data.rank, dtype=bool)
    slope = (fit[0][:, off] * fit[1][:, off]).sum() / (fit[0][:, off] ** 2).sum()
    weights = np.linalg.lstsq(_on_diagonal(fit[0]), _diagonal(fit[1]).ravel(), rcond=None)[0]
    errors = np.empty_like(test[0])
    errors[:, off] = slope * test[0][:, off] - test[1][:, off]
    predicted = (_on_diagonal(test[0]) @ weights).reshape(len(test[0]), -1)
    errors[:, ~off] = predicted - _diagonal(test[1])
    return float((errors**2).mean(dtype=np.float64))


def _diagonal(a: np.ndarray) -> np.ndarray:
    return np.diagonal(a, axis1=1, axis2=2)


def _on_diagonal(a: np.ndarray) -> np.ndarray:
    """Return what predicts a diagonal entry: A_ii, tr A, 1, of shape (matrices x rank, 3)."""
    entries = _diagonal(a)
    trace = np.repeat(entries.sum(1), entries.shape[1])
    return np.stack([entries.ravel(), trace, np.ones_like(trace)], axis=1)


if __name__ == "__main__":
    main()

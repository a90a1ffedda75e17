"""How far the average of the weights is from the weights themselves.

    distance = ‖w̄ - w‖₂ over all weights,        relative distance = ‖w̄ - w‖₂ / ‖w‖₂

An average that lags far behind is another model than the one that is trained: on the calendar of ``ema`` the
raw weights can be ten times better at step 1000. What the lag does to the metric shows only where both are
evaluated on the same problems.
"""

from __future__ import annotations

import math

import torch

from ired_diag.runs.average_metrics import DISTANCE, RELATIVE
from ired_diag.tensors import Tensors


@torch.no_grad()
def average_distance(average: Tensors, weights: Tensors) -> dict[str, float]:
    """Return the distance between average and weights, and its ratio to the norm of the weights.

    Args:
        average: w̄, tensors by name.
        weights: w, of the same names and shapes.

    >>> one, two = {"w": torch.tensor([3.0, 0.0])}, {"w": torch.tensor([0.0, 4.0])}
    >>> average_distance(one, two)
    {'average/distance': 5.0, 'average/relative_distance': 1.25}
    """
    apart = math.sqrt(sum(_squares(average[name].double() - weight) for name, weight in weights.items()))
    norm = math.sqrt(sum(_squares(weight) for weight in weights.values()))
    return {DISTANCE: apart, RELATIVE: apart / norm if norm else math.nan}


def _squares(tensor: torch.Tensor) -> float:
    return float(torch.sum(tensor.detach().double().square()))

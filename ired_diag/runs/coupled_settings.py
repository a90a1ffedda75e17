"""Settings that follow from one another: then they are one choice.

A learning rate that is scaled with the batch size, a LoRA alpha of twice the rank, a minimum rate of a tenth
of the largest, a number of heads that grows with the width: in all configurations of a study,

    log b = c + β log a.

Three different values of a and b on one line are not an accident, whatever β is; of two values, only the
usual scalings are taken: β = ±1 and ±1/2. A number of parameters or of operations is computed from other
settings and never a choice of its own.

Reference: Goyal et al. (2017), Accurate, Large Minibatch SGD, section 2.1 (the linear scaling rule).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.runs.setting_number import number_of

DERIVED = frozenset(
    "n_params num_params params parameters n_parameters num_parameters total_params trainable_params flops "
    "macs model_size".split()
)
USUAL = (1.0, -1.0, 0.5, -0.5)
ON_A_LINE = 0.005  # of the logarithms: rounding to three digits

Array = NDArray[np.float64]


def coupled_settings(configurations: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return each coupled key with the first key that it follows from.

    >>> coupled_settings([{"bs": 32, "lr": 0.1}, {"bs": 64, "lr": 0.2}, {"bs": 128, "lr": 0.4}])
    {'lr': 'bs'}
    """
    columns: dict[str, Array] = {}
    for key in dict.fromkeys(itertools.chain.from_iterable(configurations)):
        logarithms = _logarithms(key, configurations)
        if logarithms is not None:
            columns[key] = logarithms
    coupled: dict[str, str] = {}
    for first, second in itertools.combinations(columns, 2):
        if second not in coupled and _is_line(columns[first], columns[second]):
            coupled[second] = coupled.get(first, first)
    return coupled


def is_derived(key: str) -> bool:
    """Say whether a key is computed from other settings."""
    return key.rpartition(".")[2].lower() in DERIVED


def _logarithms(key: str, configurations: Sequence[Mapping[str, Any]]) -> Array | None:
    """Return the logarithms of a key's values; None unless all are numbers above 0, and not all equal."""
    numbers: list[float] = []
    for configuration in configurations:
        number = number_of(configuration.get(key))
        if number is None or number <= 0:
            return None
        numbers.append(number)
    if len(set(numbers)) < 2:
        return None
    return np.array([math.log(number) for number in numbers])


def _is_line(x: Array, y: Array) -> bool:
    """Say whether one column of logarithms is a line in the other."""
    a, b = x - x[0], y - y[0]
    place = int(np.argmax(np.abs(a)))
    slope = float(b[place] / a[place])
    if not np.allclose(b, slope * a, atol=ON_A_LINE, rtol=0):
        return False
    if min(_distinct_values(x), _distinct_values(y)) >= 3:
        return True
    return any(abs(slope - usual) < 0.01 for usual in USUAL)


def _distinct_values(column: Array) -> int:
    return len(np.unique(np.round(column, 6)))

"""What one device, or one step of an accumulated gradient, has of a setting that holds for all of them.

A program with n devices and gradients accumulated over k steps may log the batch of one step of one device,

    logged = setting / (n k),

or scale its learning rate with them, so that equal logged values need not contradict different settings. Two
settings are explained where their ratio is that of a product of such counts, or its inverse, and two batch
sizes also where both are whole multiples of all that is logged, since not every configuration has the counts.

Reference: Goyal et al. (2017), Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour, section 2.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ired_diag.runs.metric_words import words_of
from ired_diag.runs.setting_number import number_of

OF_COUNTS = frozenset(
    "accum accumulate accumulation device devices gpu gpus node nodes nproc ranks replicas world".split()
)
OF_A_BATCH = frozenset("batch batches bs minibatch samples sequences tokens".split())
NO_COUNT = frozenset("id ids index name type".split())
MOST_COUNTS = 6  # 63 products


def counts_in(configuration: Mapping[str, Any]) -> dict[str, float]:
    """Return how many devices, nodes and accumulated steps a configuration sets, by key.

    >>> counts_in({"grad_accum": 2, "devices": [0, 1, 2], "gpu_id": 7, "lr": 0.1})
    {'grad_accum': 2.0, 'devices': 3.0}
    """
    counts = {}
    for key, value in configuration.items():
        words = set(words_of(key))
        if not words & OF_COUNTS or words & NO_COUNT:
            continue
        count = _count_in(value)
        if count is not None and count >= 1:
            counts[key] = count
    return dict(itertools.islice(counts.items(), MOST_COUNTS))


def _count_in(value: object) -> float | None:
    """Return the count that a value states; a list of devices states its length."""
    if isinstance(value, list | tuple):
        return float(len(value))
    return number_of(value)


def ratio_is_of_counts(ratio: float, a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Say whether the ratio of a setting in two configurations is that of their counts, or its inverse.

    >>> ratio_is_of_counts(2.0, {"grad_accum": 2}, {"grad_accum": 1}), ratio_is_of_counts(2.0, {}, {})
    (True, False)
    """
    counts_a, counts_b = counts_in(a), counts_in(b)
    factors = [counts_a.get(key, 1.0) / counts_b.get(key, 1.0) for key in {**counts_a, **counts_b}]
    for size in range(1, len(factors) + 1):
        for subset in itertools.combinations(factors, size):
            product = math.prod(subset)
            if math.isclose(product, ratio) or math.isclose(product * ratio, 1.0):
                return True
    return False


def is_batch_share(key: str, setting: float, logged: ArrayLike) -> bool:
    """Say whether a batch size is a whole multiple of all its logged values.

    >>> is_batch_share("batch_size", 128, [64, 64]), is_batch_share("batch_size", 96, [64, 64])
    (True, False)
    >>> is_batch_share("learning_rate", 0.01, [0.001, 0.001])
    False
    """
    values = np.asarray(logged, dtype=np.float64)
    if not OF_A_BATCH & set(words_of(key)) or not (values > 0).all():
        return False
    quotients = setting / values
    return bool(np.all(quotients == np.round(quotients)))

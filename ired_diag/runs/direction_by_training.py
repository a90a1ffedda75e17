"""The direction of a metric of an unknown measure, by what the same measure did in training.

    Epoch: 010, Loss: 0.4321, Train: 0.8714, Val: 0.7940       PyTorch Geometric, OGB

Next to the loss, ``Train`` and ``Val`` are one measure on two sets of data. Training improves the loss on its
own data; if ``Train`` rises while the loss falls, higher is better, whatever ``Val`` does: it may over-fit.
Where the loss does not fall (of a critic, say), or the measure has a name (``val_entropy``), nothing follows.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import SPLITS, TEST_SPLITS, TRAINING, words_of

FEWEST = 5  # common steps
CLEAR = 0.5  # rank correlation of the training twin with the loss
OF_DATA = frozenset((*SPLITS, *TEST_SPLITS, *TRAINING))
LOSSES = (("loss",), ("train", "loss"), ("training", "loss"))


def lower_by_training(metric: str, series: Mapping[str, Series]) -> bool | None:
    """Return whether lower is better, by the metric's twin in training and the loss; None: they do not say.

    Args:
        metric: A metric of an evaluation.
        series: All that was logged.
    """
    if not names_only_data(metric):
        return None
    twin, loss = None, None
    for name in series:
        own = words_of(name)
        if own in LOSSES:
            loss = name
        elif own in ((TRAINING[0],), (TRAINING[1],)):
            twin = name
    if twin is None or loss is None:
        return None
    steps = Series(series[loss].steps, series[loss].steps.astype(np.float64))
    if _rank_correlation(series[loss], steps) > -CLEAR:
        return None
    correlation = _rank_correlation(series[twin], series[loss])
    return None if abs(correlation) < CLEAR else correlation > 0


def names_only_data(metric: str) -> bool:
    """Say whether a metric's name holds the data of an evaluation and no measure: ``Val``, ``test``."""
    words = words_of(metric)
    return OF_DATA.issuperset(words) and {*TRAINING}.isdisjoint(words)


def _rank_correlation(first: Series, second: Series) -> float:
    """Return Spearman's rank correlation over the common steps; 0 where it has no value."""
    _, places, others = np.intersect1d(first.steps, second.steps, return_indices=True)
    a, b = first.values[places], second.values[others]
    finite = np.isfinite(a) & np.isfinite(b)
    if finite.sum() < FEWEST or not np.ptp(a[finite]) or not np.ptp(b[finite]):
        return 0.0
    return float(np.corrcoef(_ranks(a[finite]), _ranks(b[finite]))[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks of values; equal ones share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    means: NDArray[np.float64] = (ends - (counts - 1) / 2)[place]
    return means

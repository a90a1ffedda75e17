"""Did early stopping end a run, by its own configuration and curve?

Early stopping with patience p counts the evaluations since the last one that improved by more than δ, and
ends training when they are p. A run whose curve makes that count reach p at its last evaluation, and not
before, was ended by it: by definition it lies p evaluations behind its best. A program may count other
evaluations than it logs; a run that ends before its configured number of epochs, between p - 1 and 2p
evaluations behind its best, is taken to have been ended by it too.

Reference: Prechelt (1998), Early Stopping - But When?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.runs.configured_metric import parts_of
from ired_diag.runs.direction import direction_of
from ired_diag.runs.metric_words import words_of
from ired_diag.runs.run import Run
from ired_diag.runs.setting_number import number_of

OF_A_SCHEDULE = frozenset("lr plateau scheduler sched schedule reduce rate".split())
OF_THE_LEAST_GAIN = frozenset("delta threshold".split())

Array = NDArray[np.float64]


def was_stopped_early(run: Run) -> bool:
    """Say whether a configured patience ran out at the last evaluation of a run, and not before."""
    patiences = list(_numbers(run.configuration or {}, "patience"))
    gains = [0.0, *(gain for word in OF_THE_LEAST_GAIN for gain in _numbers(run.configuration or {}, word))]
    if not patiences or run.evaluated is None:
        return False
    epochs = [n for n in _numbers(run.configuration or {}, "epoch", "epochs") if n > 0]
    is_short = bool(epochs) and len(run.evaluated[1]) < min(epochs)
    return any(
        _ran_out(curve, int(patience), gain) or (is_short and _is_near(curve, int(patience)))
        for curve in _curves(run)
        for patience in patiences
        for gain in gains
        if patience >= 1
    )


def _curves(run: Run) -> Iterator[Array]:
    """Yield each metric that may have been watched, lower is better."""
    if run.evaluated is None:
        return
    name, judged = run.evaluated
    for other, series in {name: judged, **run.history.series}.items():
        direction = run.direction_of(other) if other == name else direction_of(other)
        if len(series) == len(judged) and (other == name or direction.source == "name"):
            values = np.asarray(series.values, dtype=np.float64)
            yield values if direction.lower_is_better else -values


def _ran_out(values: Array, patience: int, gain: float) -> bool:
    """Say whether the count of evaluations without a gain reaches the patience at the last one.

    >>> _ran_out(np.array([3.0, 2.0, 2.1, 2.2]), 2, 0.0), _ran_out(np.array([3.0, 3.1, 3.2, 2.0]), 2, 0.0)
    (True, False)
    """
    best, waited, longest = np.inf, 0, 0
    for value in values[:-1].tolist():
        best, waited = (value, 0) if value < best - gain else (best, waited + 1)
        longest = max(longest, waited)
    last = 0 if values[-1] < best - gain else waited + 1
    return last in (patience, patience + 1) and longest < last  # some programs wait for one more


def _is_near(values: Array, patience: int) -> bool:
    """Say whether the end is about as many evaluations behind the best as the patience.

    >>> _is_near(np.array([3.0, 2.0, 2.1, 2.2, 2.3]), 4), _is_near(np.array([3.0, 2.0, 2.1]), 4)
    (True, False)
    """
    behind = len(values) - 1 - int(np.argmin(values))
    return max(1, patience - 1) <= behind <= 2 * patience


def _numbers(configuration: Mapping[str, Any], *wanted: str) -> Iterator[float]:
    """Yield the numbers of keys with one of the words, but for those of a schedule of the learning rate."""
    for part in parts_of(configuration):
        for key, value in part.values.items():
            words, number = set(words_of(f"{part.where}/{key}")), number_of(value)
            if (
                words.intersection(wanted)
                and not OF_A_SCHEDULE & words
                and number is not None
                and number >= 0
            ):
                yield number

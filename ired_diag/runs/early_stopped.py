"""Did early stopping end a run, by its own configuration and curve?

Early stopping with patience p counts the evaluations since the last one that improved by more than δ, and
ends training when they are p. A run whose curve makes that count reach p at its last evaluation, and not
before, was ended by it: by definition it lies p evaluations behind its best. A program may count other
evaluations than it logs; a run that ends before its configured number of epochs, between p - 1 and 2p
evaluations behind its best, is taken to have been ended by it too.

Reference: Prechelt (1998), Early Stopping - But When?
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.runs.configured_metric import parts_of
from ired_diag.runs.direction import Direction, direction_of
from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import words_of
from ired_diag.runs.run import Run
from ired_diag.runs.setting_number import number_of

STOPPED = re.compile(r"stopped early at step (\d+)")  # how our trainer says that its patience ran out
OF_A_SCHEDULE = frozenset("lr plateau scheduler sched schedule reduce rate".split())
OF_THE_LEAST_GAIN = ("delta", "threshold")

Array = NDArray[np.float64]


def was_stopped_early(run: Run) -> bool:
    """Say whether a configured patience ran out at the last evaluation of a run, and not before."""
    if run.evaluated is None:
        return False
    configuration = run.configuration or {}
    patiences = [int(number) for number in _numbers(configuration, "patience") if number >= 1]
    gains = [0.0, *_numbers(configuration, *OF_THE_LEAST_GAIN)]
    epochs = [number for number in _numbers(configuration, "epoch", "epochs") if number > 0]
    _, judged = run.evaluated
    is_short = bool(epochs) and len(judged) < min(epochs)
    for curve, patience in itertools.product(_curves(run), patiences):
        if is_short and _is_near(curve, patience):
            return True
        if any(_ran_out(curve, patience, gain) for gain in gains):
            return True
    return False


def early_stop_of(run: Run) -> int | None:
    """Return where early stopping ended a run, by its ending or its curve; None where it did not."""
    said = STOPPED.match(run.ending.detail)
    if said is not None:
        return int(said[1])
    if run.evaluated is None or not was_stopped_early(run):
        return None
    return int(run.evaluated[1].steps[-1])


def _curves(run: Run) -> Iterator[Array]:
    """Yield each metric that may have been watched, lower is better."""
    if run.evaluated is None:
        return
    name, judged = run.evaluated
    logged = run.history.series.get(name, judged)
    yield _lower_is_better(logged, run.direction_of(name))
    for other, series in run.history.series.items():
        direction = direction_of(other)
        if other != name and len(series) == len(judged) and direction.source == "name":
            yield _lower_is_better(series, direction)


def _lower_is_better(series: Series, direction: Direction) -> Array:
    values = np.asarray(series.values, dtype=np.float64)
    return values if direction.lower_is_better else -values


def _ran_out(values: Array, patience: int, gain: float) -> bool:
    """Say whether the count of evaluations without a gain reaches the patience at the last one.

    >>> _ran_out(np.array([3.0, 2.0, 2.1, 2.2]), 2, 0.0), _ran_out(np.array([3.0, 3.1, 3.2, 2.0]), 2, 0.0)
    (True, False)
    """
    best, waited, longest_before = np.inf, 0, 0
    for value in values.tolist():
        longest_before = max(longest_before, waited)
        if value < best - gain:
            best, waited = value, 0
        else:
            waited += 1
    is_over = waited in (patience, patience + 1)  # some programs wait for one evaluation more
    return is_over and longest_before < waited


def _is_near(values: Array, patience: int) -> bool:
    """Say whether the end is about as many evaluations behind the best as the patience.

    >>> _is_near(np.array([3.0, 2.0, 2.1, 2.2, 2.3]), 4), _is_near(np.array([3.0, 2.0, 2.1]), 4)
    (True, False)
    """
    behind = len(values) - 1 - int(np.argmin(values))
    return max(1, patience - 1) <= behind <= 2 * patience


def _numbers(configuration: Mapping[str, Any], *wanted: str) -> Iterator[float]:
    """Yield the numbers of keys with any of the words, but for those of a schedule of the learning rate."""
    for part in parts_of(configuration):
        for key, value in part.values.items():
            words = words_of(f"{part.where}/{key}")
            number = number_of(value)
            if number is None or number < 0 or not OF_A_SCHEDULE.isdisjoint(words):
                continue
            if any(word in words for word in wanted):
                yield number

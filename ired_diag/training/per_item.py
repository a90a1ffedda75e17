"""The loss of single items: what a mean over a batch is made of.

A task gives the loss of a batch. Of a batch of one item it is the loss of the item, where the loss is a mean
over items at all; whether it is one is checked on all of them together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import DiagError, NotApplicable
from ired_diag.own_task import check_named_tensors
from ired_diag.tensors import Tensors
from ired_diag.training.compiled import loss_function
from ired_diag.training.ensemble import Ensemble
from ired_diag.training.promise import Twin
from ired_diag.training.state import TrainingState

Values = NDArray[np.float64]

TRAINED, REPORTED = "trained", "reported"
PARTS = ("train", "test")
SAME = 1e-6  # relative difference of the mean over items and the loss of all, up to which they are one


def parts_of(state: TrainingState) -> Mapping[str, Tensors]:
    """Return all items of the training and of the test data, ``train`` and ``test``.

    Raises:
        NotApplicable: The task names no such data.
        DiagError: What its ``splits`` returns lacks a part, or tensors of one part differ in their items.
    """
    task = state.task
    if task.splits is None:
        raise NotApplicable("needs training and test data of a fixed size, and this task names none")
    parts = task.splits(state.config, state.device)
    for name in PARTS:
        if name not in parts:
            raise DiagError(
                f"The task {task.name}: splits() must return 'train' and 'test', found {', '.join(parts)}."
            )
        check_named_tensors(task, "splits", parts[name])
        sizes = {len(tensor) for tensor in parts[name].values()}
        if len(sizes) != 1 or 0 in sizes:
            raise DiagError(
                f"The task {task.name}: splits() must return tensors with the same items on their first "
                f"axis, found {sorted(sizes)} items in {name!r}."
            )
    return parts


def count_of(batch: Tensors) -> int:
    """Return how many items a batch has, on the first axis of its tensors."""
    return len(next(iter(batch.values())))


def values_of_items(twin: Twin, weights: Tensors, batch: Tensors) -> dict[str, Values]:
    """Return what the task measures of each item, each of shape (items,).

    Args:
        twin: The losses in float64.
        weights: Weights, by name.
        batch: The items.

    Returns:
        ``trained``, ``reported`` where that is another loss, and each logged number of the task; only those
        that are means over items.
    """
    columns: dict[str, list[float]] = defaultdict(list)
    count = count_of(batch)
    for place in range(count):
        # A slice, not an index: the item keeps the axis of items.
        item = {name: tensor[place : place + 1] for name, tensor in batch.items()}
        for name, value in values_of(twin, weights, item).items():
            columns[name].append(value)
    means = {}
    for name, value in values_of(twin, weights, batch).items():
        values = np.array(columns[name])
        if len(values) == count and _is_mean(value, values):
            means[name] = values
    return means


def _is_mean(value: float, values: Values) -> bool:
    return math.isclose(
        value,
        float(values.mean()),
        rel_tol=SAME,
        abs_tol=SAME,
    )


def values_of(twin: Twin, weights: Tensors, batch: Tensors) -> dict[str, float]:
    """Return the losses of a batch and the numbers that the task logs of it, by name."""
    measured = twin.numbers_and_logged(weights, batch)
    if not twin.task.reports_other_loss:
        measured.pop(REPORTED)
    return measured


@dataclass(frozen=True)
class Epoch:
    """An epoch of training.

    Attributes:
        batches: Trained loss of each batch, with the weights before its step, of shape (steps,).
        whole: Trained loss of all items with the weights before each step and after the last one, of shape
            (steps + 1,).
    """

    batches: Values
    whole: Values


def epoch_of(state: TrainingState, steps: int, train: Tensors) -> Epoch:
    """Take steps of a training, and return the losses on the way.

    Args:
        state: Where it goes on from; it is moved.
        steps: How many steps to take.
        train: All items of the training.
    """
    twin = Twin(state)
    loss = loss_function(
        state.task,
        state.config,
        state.constants,
        device=state.device,
        compiled=False,
    )
    ensemble = Ensemble([state], loss)
    batches = []
    whole = []
    for _ in range(steps):
        before = twin.numbers(state.weights, train)
        whole.append(before[TRAINED])
        total = ensemble.advance().loss.total
        batches.append(float(total[0].detach()))
    after = twin.numbers(state.weights, train)
    whole.append(after[TRAINED])
    return Epoch(
        batches=np.array(batches),
        whole=np.array(whole),
    )

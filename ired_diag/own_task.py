"""What a user's own task must be: checked when it is loaded, and where its functions return.

A task is a value made of a user's functions (``ired_diag.task``). What is wrong with it is said in one
sentence that names the function, instead of an error of PyTorch further on.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ired_diag.config import TrainingConfig
from ired_diag.errors import DiagError, WrongConfiguration
from ired_diag.task import Losses, LossTerm, Metric, Task

if TYPE_CHECKING:
    from torch import Tensor

FUNCTIONS = ("initial_weights", "draw_batch", "loss", "evaluate")
OPTIONAL_FUNCTIONS = ("project", "splits", "rescaled")


def check_task(task: Task, *, where: str) -> None:
    """Refuse a task whose fields are not what a training needs.

    Args:
        task: The task.
        where: What to call it in an error: its file.

    Raises:
        DiagError: A field is of the wrong kind.
        WrongConfiguration: ``paired_by`` names a key that the settings do not have.
    """
    if not (inspect.isclass(task.settings) and issubclass(task.settings, TrainingConfig)):
        raise DiagError(
            f"{where}: settings must be a class made of ired_diag.config.TrainingConfig, "
            f"found {task.settings!r}."
        )
    if not isinstance(task.metric, Metric):
        raise DiagError(f"{where}: metric must be an ired_diag.task.Metric, found {task.metric!r}.")
    if isinstance(task.terms, LossTerm) or not all(isinstance(term, LossTerm) for term in task.terms):
        raise DiagError(f"{where}: terms must be a tuple of ired_diag.task.LossTerm, found {task.terms!r}.")
    if not task.trained_terms:
        raise DiagError(f"{where}: terms holds no LossTerm that is trained.")
    for name in FUNCTIONS:
        if not callable(getattr(task, name)):
            raise DiagError(f"{where}: {name} must be a function, found {getattr(task, name)!r}.")
    for name in OPTIONAL_FUNCTIONS:
        function = getattr(task, name)
        if function is not None and not callable(function):
            raise DiagError(f"{where}: {name} must be a function or None, found {function!r}.")
    _check_paired_by(task, where)


def _check_paired_by(task: Task, where: str) -> None:
    if isinstance(task.paired_by, str):
        raise DiagError(f"{where}: paired_by must be a tuple of keys: ({task.paired_by!r},).")
    keys = list(task.settings.model_fields)
    for key in task.paired_by:
        if key in keys:
            continue
        close = difflib.get_close_matches(str(key), keys, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise WrongConfiguration(
            f"{where}: paired_by names {key!r}, which is no key of {task.settings.__name__}.{hint} It names "
            "the settings that say which data a seed sees."
        )


def check_losses(task: Task, losses: Losses) -> None:
    """Refuse what ``loss`` returned where a step cannot descend it.

    Raises:
        DiagError: It is no ``Losses``, or a term is unknown, or is not one number for each seed.
    """
    where = f"The task {task.name}: loss()"
    if not isinstance(losses, Losses):
        raise DiagError(
            f"{where} must return ired_diag.task.Losses, found {type(losses).__name__}. "
            f"Write: Losses({{{task.terms[0].name!r}: …}})."
        )
    names = [term.name for term in task.terms]
    unknown = [name for name in losses.terms if name not in names]
    if unknown:
        raise DiagError(
            f"{where} returned the term {unknown[0]!r}, which is no LossTerm of the task. "
            f"There are: {', '.join(names)}."
        )
    if not any(name in losses.terms for name in task.trained_terms):
        raise DiagError(
            f"{where} returned none of the terms that are trained: {', '.join(task.trained_terms)}."
        )
    for name, value in {**losses.terms, **losses.logged}.items():
        _check_number(where, name, value, stacked=task.stacked)


def _check_number(where: str, name: str, value: Tensor, *, stacked: bool) -> None:
    """Refuse a term that is not one number; with an axis of seeds, one for each seed."""
    shape = getattr(value, "shape", None)
    expected = "one number for each seed, of shape (seeds,)" if stacked else "one number, of shape ()"
    if shape is None:
        raise DiagError(f"{where}: {name!r} must be a tensor of {expected}, found {type(value).__name__}.")
    # Of how many seeds a stacked loss is, the ensemble knows (``check_seeds``).
    if len(shape) > int(stacked):
        raise DiagError(
            f"{where}: {name!r} must be {expected}, found shape {tuple(shape)}. Take the mean over the batch."
        )


def check_seeds(task: Task, total: Tensor, seeds: int) -> None:
    """Refuse a stacked loss that is not one number for each seed.

    Raises:
        DiagError: It is not.
    """
    if tuple(total.shape) != (seeds,):
        raise DiagError(
            f"The task {task.name} says stacked=True, so loss() must return terms of shape ({seeds},), one "
            f"number for each seed, found shape {tuple(total.shape)}. Take the mean over the batch alone."
        )


def check_values(task: Task, values: Any) -> dict[str, float]:
    """Return what ``evaluate`` returned as numbers.

    Raises:
        DiagError: It is no mapping, lacks the metric, or holds something that is no number.
    """
    where = f"The task {task.name}: evaluate()"
    if not isinstance(values, Mapping):
        raise DiagError(f"{where} must return a dictionary of numbers, found {type(values).__name__}.")
    if task.metric.name not in values:
        listed = ", ".join(map(str, values)) or "nothing"
        raise DiagError(f"{where} must return its metric {task.metric.name!r}, found {listed}.")
    numbers = {}
    for name, value in values.items():
        try:
            numbers[name] = float(value)
        except (TypeError, ValueError, RuntimeError) as error:
            raise DiagError(f"{where}: {name!r} must be a number, found {value!r}.") from error
    return numbers


def check_named_tensors(task: Task, function: str, tensors: Any) -> None:
    """Refuse what a function returned where tensors by name are expected.

    Raises:
        DiagError: It is no mapping, or a value is no tensor.
    """
    where = f"The task {task.name}: {function}()"
    if not isinstance(tensors, Mapping):
        raise DiagError(f"{where} must return tensors by name, found {type(tensors).__name__}.")
    for name, value in tensors.items():
        if not hasattr(value, "shape"):
            raise DiagError(f"{where}: {name!r} must be a tensor, found {type(value).__name__}.")

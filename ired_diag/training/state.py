"""All that training moves of one seed: weights and average, the optimiser's memory, random streams, step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ired_diag.config import TrainingConfig
from ired_diag.errors import UnreadableFile, WrongCheckpoint
from ired_diag.own_task import check_named_tensors
from ired_diag.runs.files import FORMAT, check_format
from ired_diag.runs.torch_file import read_torch_file
from ired_diag.runs.trainer1d import network_tensors, trainer1d_state
from ired_diag.streams import Streams, make_streams
from ired_diag.task import Task
from ired_diag.tensors import Tensors
from ired_diag.training.optimizer import Moments, new_moments, optimizer_state, read_moments
from ired_diag.training.stored_configuration import check_configuration

MOST_NAMED = 4  # tensors, in an error
STREAMS = "streams."  # before the names of random streams in a step file
EMA_MODEL = "ema_model."  # before the names of averaged weights in the public code's layout


@dataclass(kw_only=True)
class TrainingState:
    """The moving parts of one run. Its tensors may be slices of an ensemble's, which moves them in place.

    Attributes:
        task: What is trained.
        config: The run's configuration.
        constants: Tensors of the model that are not trained.
        weights: Tensors of the model that are trained.
        average: Exponential moving average of the weights.
        moments: The optimiser's memory.
        optimizer_steps: Steps that the optimiser has taken; fewer than ``step`` where a fork reset it.
        streams: The run's random streams.
        step: Steps taken.
        best: The best value of the task's metric so far, NaN-free; infinite before the first.
        best_step: The step of that value.
        broken_since: The first step whose loss was not finite, if any was.
        ended: Why training ended before its last step, if it did.
    """

    task: Task
    config: TrainingConfig
    constants: dict[str, Tensor]
    weights: dict[str, Tensor]
    average: dict[str, Tensor]
    moments: Moments
    streams: Streams
    optimizer_steps: int = 0
    step: int = 0
    best: float = field(default=math.nan)
    best_step: int | None = None
    broken_since: int | None = None
    ended: str = ""

    def __post_init__(self) -> None:
        if math.isnan(self.best):
            self.best = self.task.metric.worst

    @property
    def tensors(self) -> Tensors:
        """The model with the weights that are trained."""
        return {**self.constants, **self.weights}

    @property
    def averaged_tensors(self) -> Tensors:
        """The model with the average of the weights, which evaluation uses."""
        return {**self.constants, **self.average}

    @property
    def config_but_for_seed(self) -> str:
        """The configuration as text, equal for runs that differ in seeds alone."""
        return self.config.without_seeds.model_dump_json()

    @property
    def device(self) -> torch.device:
        """Where its tensors are."""
        return self.streams.data.device

    def rest(self) -> dict[str, Tensor]:
        """Return what training needs besides the weights and their average to go on from here, by name."""
        rest = {}
        for name, moments in self.moments.items():
            for kind, moment in moments.items():
                rest[moment_key(kind, name)] = moment
        for purpose, state in self.streams.state().items():
            rest[f"{STREAMS}{purpose}"] = state
        rest["optimizer_steps"] = torch.tensor(self.optimizer_steps)
        return rest

    def to_trainer1d(self) -> dict[str, Any]:
        """Return all of it in the public code's layout, with what only we need under ``ired_diag``."""
        own = {
            "format": FORMAT,
            "configuration": self.config.model_dump(mode="json"),
            "streams": self.streams.state(),
            "best": self.best,
            "best_step": self.best_step,
            "optimizer_steps": self.optimizer_steps,
            "broken_since": self.broken_since,
            "ended": self.ended,
        }
        optimizer = optimizer_state(self.config, self.weights, self.moments, steps=self.optimizer_steps)
        return trainer1d_state(
            step=self.step,
            constants=self.constants,
            raw=self.weights,
            ema=self.average,
            optimizer=optimizer,
            own=own,
        )


def moment_key(kind: str, name: str) -> str:
    """Return the name of one of the optimiser's moments of a weight in a step file."""
    return f"optimizer.{kind}.{name}"


def new_state(task: Task, config: TrainingConfig, device: torch.device | str) -> TrainingState:
    """Return the state of an untrained run."""
    streams = make_streams(config.seeds, device)
    initial = task.initial_weights(config, streams.weights)
    check_named_tensors(task, "initial_weights", initial)
    return TrainingState(
        task=task,
        config=config,
        constants=_constants(task, config, device),
        weights=initial,
        average={name: weight.clone() for name, weight in initial.items()},
        moments=new_moments(config, initial),
        streams=streams,
    )


def _constants(task: Task, config: TrainingConfig, device: torch.device | str) -> dict[str, Tensor]:
    return _moved_to(device, task.constants(config))


def _moved_to(device: torch.device | str, tensors: Tensors) -> dict[str, Tensor]:
    return {name: tensor.to(device) for name, tensor in tensors.items()}


def read_state(path: Path, task: Task, config: TrainingConfig, device: torch.device | str) -> TrainingState:
    """Return the state in a ``last.pt`` that a run of this configuration wrote.

    Raises:
        UnreadableFile: The file is missing, damaged, of a newer format, or was not written by a trainer of
            ours.
        WrongCheckpoint: It was trained with another configuration.
    """
    content = read_torch_file(path, device=device)
    own = content.get("ired_diag")
    if not isinstance(own, Mapping):
        raise UnreadableFile(
            f"{path}: holds no random streams, so training cannot go on from it as if never stopped; "
            "only a last.pt of this project does."
        )
    check_format(own.get("format"), str(path))
    done = content.get("step") == config.train_steps
    check_configuration(config, own.get("configuration"), checkpoint=path, done=done)
    try:
        state = state_of(content, task, config, device, where=str(path))
        state.streams.restore(own["streams"])
        state.best, state.best_step = own["best"], own["best_step"]
        # The keys below are younger than the format: a file without them is still whole.
        state.optimizer_steps = own.get("optimizer_steps", state.optimizer_steps)
        state.broken_since = own.get("broken_since")
        state.ended = own.get("ended", "")
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise UnreadableFile(
            f"{path}: is not a whole training state ({error!r}), so training cannot go on from it."
        ) from error
    return state


def expected_shapes(task: Task, config: TrainingConfig) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight that a configuration asks for, in the order of the optimiser."""
    initial = task.initial_weights(config, torch.Generator().manual_seed(0))
    return _shapes(initial)


def _shapes(tensors: Tensors) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def check_tensors(task: Task, config: TrainingConfig, weights: Tensors, where: str) -> None:
    """Refuse weights that are not those of a configuration.

    Raises:
        WrongCheckpoint: A tensor is missing, unused, or of another shape.
    """
    if task.check_weights is not None:
        task.check_weights(config, weights, where)
        return
    expected, stored = expected_shapes(task, config), _shapes(weights)
    expected_words, stored_words = [], []
    for name in {**expected, **stored}:
        if expected.get(name) != stored.get(name):
            expected_words.append(f"{name} {expected.get(name, 'unused')}")
            stored_words.append(f"{name} {stored.get(name, 'missing')}")
    if stored_words:
        wanted, listed = ", ".join(expected_words[:MOST_NAMED]), ", ".join(stored_words[:MOST_NAMED])
        raise WrongCheckpoint(f"{where}: expected the run's tensors ({wanted}), found {listed}.")


def state_of(
    content: Mapping[str, Any],
    task: Task,
    config: TrainingConfig,
    device: torch.device | str,
    *,
    where: str,
) -> TrainingState:
    """Return what a Trainer1D checkpoint holds of a training state; its random streams are new.

    Args:
        content: ``model``, ``ema``, ``opt`` and ``step``.
        task: What is trained.
        config: The configuration to train with; its optimiser's memory is taken where there is one.
        device: Where the tensors go.
        where: What to call the file in an error.

    Raises:
        WrongCheckpoint: Its tensors are of another architecture than the configuration's.
        KeyError: Something is missing.
    """
    # The optimiser's memory has no names, only places: the weights are put into its order.
    names = list(expected_shapes(task, config))
    raw = network_tensors(content["model"], names, where)
    average = network_tensors(without_prefix(EMA_MODEL, content["ema"]), names, where)
    check_tensors(task, config, raw, where)
    weights = {name: raw[name].detach().to(device) for name in names}
    moments, steps_taken = read_moments(content["opt"], config, weights)
    return TrainingState(
        task=task,
        config=config,
        constants=_constants(task, config, device),
        weights=weights,
        average={name: average[name].detach().to(device) for name in names},
        moments=moments,
        streams=make_streams(config.seeds, device),
        optimizer_steps=steps_taken,
        step=int(content["step"]),
    )


def without_prefix(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values whose names begin with a prefix, by the rest of their names."""
    chosen = {}
    for name, value in values.items():
        if name.startswith(prefix):
            chosen[name.removeprefix(prefix)] = value
    return chosen

"""All that training moves of one seed: weights and average, the optimiser's memory, random streams, step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ired_diag.config import Config
from ired_diag.errors import UnreadableFile, WrongCheckpoint
from ired_diag.inverse.architecture import initial_parameters, parameter_shapes
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.schedule import Schedule, cosine_schedule
from ired_diag.runs.files import FORMAT, check_format
from ired_diag.runs.state_dict import infer_architecture, split_buffers, strip_prefixes
from ired_diag.runs.torch_file import read_torch_file
from ired_diag.runs.trainer1d import trainer1d_state
from ired_diag.inverse.configured import architecture_of, network_of
from ired_diag.training.optimizer import Moments, new_moments, optimizer_state, read_moments
from ired_diag.training.stored_configuration import check_configuration
from ired_diag.streams import Streams, make_streams


@dataclass
class TrainingState:
    """The moving parts of one run. Its tensors may be slices of an ensemble's, which moves them in place.

    Attributes:
        config: The run's configuration.
        schedule: The noise schedule.
        weights: The network's tensors.
        average: Their exponential moving average.
        moments: The optimiser's memory.
        optimizer_steps: Steps that the optimiser has taken; fewer than ``step`` where a fork began afresh.
        streams: The run's random streams.
        step: Steps taken.
        best: The lowest validation MSE so far, NaN-free; infinite before the first.
        best_step: Its step.
        broken_since: The first step whose loss was not finite, if any was.
        ended: Why training ended before its last step, if it did.
    """

    config: Config
    schedule: Schedule
    weights: dict[str, Tensor]
    average: dict[str, Tensor]
    moments: Moments
    streams: Streams
    optimizer_steps: int = 0
    step: int = 0
    best: float = float("inf")
    best_step: int | None = None
    broken_since: int | None = None
    ended: str = ""

    @property
    def network(self) -> EnergyNetwork:
        """The network with the weights that are trained."""
        return network_of(self.config, self.weights)

    @property
    def averaged_network(self) -> EnergyNetwork:
        """The network with the average of the weights, which evaluation uses."""
        return network_of(self.config, self.average)

    @property
    def device(self) -> torch.device:
        """Where its tensors are."""
        return self.streams.data.device

    def rest(self) -> dict[str, Tensor]:
        """Return what training needs besides the weights and their average to go on from here, by name."""
        moments = {
            f"optimizer.{kind}.{name}": moment
            for name, kinds in self.moments.items()
            for kind, moment in kinds.items()
        }
        streams = {f"streams.{purpose}": state for purpose, state in self.streams.state().items()}
        return {**moments, **streams, "optimizer_steps": torch.tensor(self.optimizer_steps)}

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
        return trainer1d_state(
            step=self.step,
            schedule=self.schedule,
            raw=self.weights,
            ema=self.average,
            optimizer=optimizer_state(self.config, self.weights, self.moments, self.optimizer_steps),
            own=own,
        )


def new_state(config: Config, device: torch.device | str) -> TrainingState:
    """Return the state of an untrained run."""
    streams = make_streams(config.seed, device)
    initial = initial_parameters(architecture_of(config), generator=streams.weights)
    return TrainingState(
        config,
        cosine_schedule(config.diffusion_steps).to(device),
        initial,
        {name: p.clone() for name, p in initial.items()},
        new_moments(config, initial),
        streams,
    )


def read_state(path: Path, config: Config, device: torch.device | str) -> TrainingState:
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
        state = state_of(content, config, device, where=str(path))
        state.streams.restore(own["streams"])
        state.best, state.best_step = own["best"], own["best_step"]
        state.optimizer_steps = own.get("optimizer_steps", state.optimizer_steps)
        state.broken_since, state.ended = own.get("broken_since"), own.get("ended", "")
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise UnreadableFile(
            f"{path}: is not a whole training state ({error!r}), so training cannot go on from it."
        ) from error
    return state


def state_of(
    content: Mapping[str, Any], config: Config, device: torch.device | str, *, where: str
) -> TrainingState:
    """Return what a Trainer1D checkpoint holds of a training state; its random streams start anew.

    Args:
        content: ``model``, ``ema``, ``opt`` and ``step``.
        config: The configuration to train with; its optimiser's memory is taken where there is one.
        device: Where the tensors go.
        where: What to call the file in an error.

    Raises:
        WrongCheckpoint: Its tensors are of another architecture than the configuration's.
        KeyError: Something is missing.
    """
    raw, _ = split_buffers(strip_prefixes(content["model"], where))
    averaged = {k: v for k, v in content["ema"].items() if k.startswith("ema_model.")}
    average, _ = split_buffers(strip_prefixes(averaged, where))
    expected = architecture_of(config)
    if (found := infer_architecture(raw, config.diffusion_steps, where)) != expected:
        raise WrongCheckpoint(f"{where}: expected the run's {expected}, found {found}.")
    names = parameter_shapes(
        expected
    )  # in the order of the optimiser; a scalar head's unused fc4 stays behind
    weights = {name: raw[name].detach().to(device) for name in names}
    moments, taken = read_moments(content["opt"], config, weights)
    return TrainingState(
        config,
        cosine_schedule(config.diffusion_steps).to(device),
        weights,
        {name: average[name].detach().to(device) for name in names},
        moments,
        make_streams(config.seed, device),
        taken,
        int(content["step"]),
    )

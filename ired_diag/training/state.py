"""Everything that training moves: weights, their average, the optimiser, the random streams, the step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ired_diag.config import Config
from ired_diag.errors import UnreadableFile, WrongCheckpoint
from ired_diag.model.network import Architecture, EnergyNetwork, Head, initial_parameters
from ired_diag.model.schedule import Schedule, cosine_schedule
from ired_diag.runs.files import FORMAT, check_format
from ired_diag.runs.state_dict import infer_architecture, split_buffers, strip_prefixes
from ired_diag.runs.torch_file import read_torch_file
from ired_diag.runs.trainer1d import trainer1d_state
from ired_diag.training.ema import update_average
from ired_diag.training.objective import Loss
from ired_diag.training.streams import Streams, make_streams


@dataclass
class TrainingState:
    """The moving parts of one run.

    Attributes:
        config: The run's configuration.
        schedule: The noise schedule.
        weights: The network's tensors, leaves of every loss.
        average: Their exponential moving average.
        optimizer: Adam over the weights.
        streams: The run's random streams.
        step: Steps taken.
        best: The lowest validation MSE so far, NaN-free; infinite before the first.
        best_step: Its step.
    """

    config: Config
    schedule: Schedule
    weights: dict[str, Tensor]
    average: dict[str, Tensor]
    optimizer: torch.optim.Optimizer
    streams: Streams
    step: int = 0
    best: float = float("inf")
    best_step: int | None = None

    @property
    def network(self) -> EnergyNetwork:
        """The network with the weights that are trained."""
        return self._network(self.weights)

    @property
    def averaged_network(self) -> EnergyNetwork:
        """The network with the average of the weights, which evaluation uses."""
        return self._network(self.average)

    def apply(self, loss: Loss) -> float:
        """Take one step of the optimiser, and return the gradient's norm before clipping."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.total.backward()  # type: ignore[no-untyped-call]
        limit = self.config.gradient_clip
        norm = torch.nn.utils.clip_grad_norm_(self.weights.values(), float("inf") if limit is None else limit)
        self.optimizer.step()
        self.step += 1
        update_average(self.average, self.weights, self.step, self.config.ema_decay)
        return float(norm)

    def to_trainer1d(self) -> dict[str, Any]:
        """Return all of it in the public code's layout, with what only we need under ``ired_diag``."""
        own = {
            "format": FORMAT,
            "configuration": self.config.model_dump(mode="json"),
            "streams": self.streams.state(),
            "best": self.best,
            "best_step": self.best_step,
        }
        return trainer1d_state(
            step=self.step,
            schedule=self.schedule,
            raw=self.weights,
            ema=self.average,
            optimizer=self.optimizer.state_dict(),
            own=own,
        )

    def _network(self, parameters: Mapping[str, Tensor]) -> EnergyNetwork:
        return EnergyNetwork(architecture_of(self.config), parameters, self.config.gradient_normalization)


def architecture_of(config: Config) -> Architecture:
    """Return the network that a configuration asks for."""
    head: Head = "scalar" if config.use_scalar_energy else "vector"
    return Architecture(
        config.rank, config.width, head, config.diffusion_steps, config.time_embedding, config.time_width
    )


def new_state(config: Config, device: torch.device | str) -> TrainingState:
    """Return the state of an untrained run."""
    streams = make_streams(config.seed, device)
    initial = initial_parameters(architecture_of(config), generator=streams.weights)
    return _assemble(config, streams, initial, {n: p.clone() for n, p in initial.items()})


def read_state(path: Path, config: Config, device: torch.device | str) -> TrainingState:
    """Return the state in a ``last.pt`` that a run of this configuration wrote.

    Raises:
        UnreadableFile: The file is missing, damaged, of a newer format, or was not written by a trainer of
            ours.
        WrongCheckpoint: Its tensors are of another architecture than the configuration's.
    """
    content = read_torch_file(path, device=device)
    own = content.get("ired_diag")
    if not isinstance(own, Mapping):
        raise UnreadableFile(
            f"{path}: holds no random streams, so training cannot go on from it as if never stopped; "
            "only a last.pt of this project does."
        )
    check_format(own.get("format"), str(path))
    streams = make_streams(config.seed, device)
    try:
        streams.restore(own["streams"])
        raw, _ = split_buffers(strip_prefixes(content["model"], str(path)))
        averaged = {k: v for k, v in content["ema"].items() if k.startswith("ema_model.")}
        average, _ = split_buffers(strip_prefixes(averaged, str(path)))
        expected = architecture_of(config)
        if (found := infer_architecture(raw, config.diffusion_steps, str(path))) != expected:
            raise WrongCheckpoint(f"{path}: expected the run's {expected}, found {found}.")
        state = _assemble(config, streams, raw, average)
        state.optimizer.load_state_dict(content["opt"])
        state.step, state.best, state.best_step = content["step"], own["best"], own["best_step"]
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise UnreadableFile(
            f"{path}: is not a whole training state ({error!r}), so training cannot go on from it."
        ) from error
    return state


def _assemble(
    config: Config, streams: Streams, raw: Mapping[str, Tensor], average: Mapping[str, Tensor]
) -> TrainingState:
    device = streams.weights.device
    weights = {n: p.detach().to(device).clone().requires_grad_() for n, p in raw.items()}
    optimizer = torch.optim.Adam(
        weights.values(), lr=config.learning_rate, betas=config.adam_betas, foreach=True
    )
    schedule = cosine_schedule(config.diffusion_steps).to(device)
    averaged = {n: p.detach().to(device).clone() for n, p in average.items()}
    return TrainingState(config, schedule, weights, averaged, optimizer, streams)

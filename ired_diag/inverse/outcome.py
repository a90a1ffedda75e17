"""What a model makes of given problems, arranged in one way or another.

Four outcomes of each problem x with right answer y*, level t, noise ε and start z:

    denoiser              ∇_yE at q_sample(y*, t, ε)
    negative_corrected    mined from q_sample(y*, t, noise_scale ε), in x₀-space, without quirks (``mining``)
    negative_published    likewise, with the quirks of the public code
    answer                sampled from z, as the public code's evaluation does

The *arrangement* is what none of it should depend on: the number type, the device, how many problems stand in
a batch, and in which order. Levels are mixed in a batch, as in training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from ired_diag.inverse.network import EnergyNetwork, NetworkLandscape
from ired_diag.model.mined_batch import MiningSettings, mine
from ired_diag.model.mining import rescale
from ired_diag.model.sampler import sample
from ired_diag.model.schedule import Schedule

Precision = Literal["float64", "float32", "bfloat16"]
Quantity = Literal["denoiser", "negative_corrected", "negative_published", "answer"]
Outcome = Mapping[Quantity, Tensor]

# Of the network, and of the points: in bfloat16 the points stay float32, as where a run trains in bfloat16.
TYPES: dict[Precision, tuple[torch.dtype, torch.dtype]] = {
    "float64": (torch.float64, torch.float64),
    "float32": (torch.float32, torch.float32),
    "bfloat16": (torch.bfloat16, torch.float32),
}


@dataclass(frozen=True)
class Inputs:
    """What is put to a model.

    Attributes:
        problem: x, of shape (n, problem_dim).
        answer: y*, of shape (n, dim).
        t: Noise level of each, of shape (n,), integers.
        noise: ε, of shape (n, dim).
        start: z, where sampling starts, of shape (n, dim).
    """

    problem: Tensor
    answer: Tensor
    t: Tensor
    noise: Tensor
    start: Tensor

    def __len__(self) -> int:
        """Return the number of problems."""
        return len(self.t)

    def rows(self, index: Tensor | slice) -> Inputs:
        """Return some of the problems."""
        return Inputs(**{name: tensor[index] for name, tensor in vars(self).items()})

    def to(self, device: torch.device, dtype: torch.dtype) -> Inputs:
        """Return the same on a device, all but the levels in a number type."""
        return Inputs(
            problem=self.problem.to(device, dtype),
            answer=self.answer.to(device, dtype),
            t=self.t.to(device),
            noise=self.noise.to(device, dtype),
            start=self.start.to(device, dtype),
        )


@dataclass(frozen=True)
class Arrangement:
    """A model, and how problems are put to it.

    Attributes:
        network: The model.
        schedule: Its noise schedule.
        settings: How negatives are mined; ``faithful`` is not looked at.
        device: Where to compute.
        precision: In which number type.
        batch: Problems to a batch; None for all in one.
        order: The order in which they stand, a permutation of shape (n,); None for that of the inputs.
        faithful: Whether answers are sampled with the public code's quirks.
    """

    network: EnergyNetwork
    schedule: Schedule
    settings: MiningSettings
    device: torch.device
    precision: Precision = "float64"
    batch: int | None = None
    order: Tensor | None = None
    faithful: bool = True

    def outcome(self, inputs: Inputs) -> Outcome:
        """Return each outcome of each problem, in the order of the inputs, of shape (n, dim), in float64."""
        weights, points = TYPES[self.precision]
        network = self.network.to(self.device, weights)
        schedule = self.schedule.to(self.device, points)
        here = replace(self, network=network, schedule=schedule)
        order = self.order
        if order is None:
            order = torch.arange(len(inputs))
        arranged = inputs.rows(order).to(self.device, points)
        size = self.batch or len(inputs)
        parts = []
        for first in range(0, len(inputs), size):
            batch = arranged.rows(slice(first, first + size))
            parts.append(here._of_batch(batch))
        back = torch.argsort(order)
        outcome = {}
        for name in parts[0]:
            whole = torch.cat([part[name] for part in parts])
            outcome[name] = whole[back]
        return outcome

    @torch.no_grad()
    def _of_batch(self, batch: Inputs) -> dict[Quantity, Tensor]:
        landscape = self.network.landscape(batch.problem, batch.t)
        noisy = self.schedule.q_sample(batch.answer, batch.t, batch.noise)
        _, denoised = landscape.energy_and_gradient(noisy)
        sampled = sample(
            self.network,
            batch.problem,
            batch.start,
            self.schedule,
            faithful=self.faithful,
        )
        outcome: dict[Quantity, Tensor] = {
            "denoiser": denoised,
            "negative_corrected": self._negative(landscape, batch, faithful=False),
            "negative_published": self._negative(landscape, batch, faithful=True),
            "answer": sampled.answer,
        }
        return {name: value.to("cpu", torch.float64) for name, value in outcome.items()}

    def _negative(self, landscape: NetworkLandscape, batch: Inputs, *, faithful: bool) -> Tensor:
        mining = self.settings
        start = self.schedule.q_sample(batch.answer, batch.t, mining.noise_scale * batch.noise)
        walk = mine(
            landscape,
            start,
            batch.t,
            self.schedule,
            replace(mining, faithful=faithful),
            record=False,
        )
        return rescale(walk.end, batch.t, self.schedule)

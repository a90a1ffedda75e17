"""Every quantity of a reference file, computed from its inputs alone.

The names are those of the file: ``energy`` and ``energy_gradient`` at (matrix, noisy, t); ``opt_step_<k>``
after k faithful mining steps from ``negative_init``; ``negative_rescaled``, ``negative_noisy`` and
``energy_negative`` of the two-step negative; the losses per sample; the sampler's estimates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ired_diag.errors import DiagError
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.losses import denoising_loss, nce_loss
from ired_diag.model.mining import Descent, descend, rescale
from ired_diag.model.sampler import INNER_STEPS, sample
from ired_diag.model.schedule import Schedule

INPUTS = ("matrix", "inverse", "t", "noise", "noisy", "negative_init", "sampler_start")
BUFFER_PREFIX = "buffer_"
NOISE_SCALE = 3.0
UNIFORM_LEVEL = 4


class MissingInput(DiagError):
    """A quantity that cannot be computed, because the file lacks an input or the key is unknown."""


@dataclass(frozen=True)
class Recomputation:
    """Every quantity of a reference file, computed from its inputs alone.

    Attributes:
        network: The energy network.
        schedule: Its noise schedule.
        inputs: The input arrays that the file holds, by name.
    """

    network: EnergyNetwork
    schedule: Schedule
    inputs: Mapping[str, Tensor]

    def quantity(self, key: str) -> Tensor:
        """Return what the reference file calls ``key``.

        Raises:
            MissingInput: The file lacks an input that it depends on, or the key is unknown.
        """
        if key.startswith(BUFFER_PREFIX):
            buffer = self.schedule.buffers().get(key.removeprefix(BUFFER_PREFIX))
            if buffer is None:
                raise MissingInput("no constant of the noise schedule is called so")
            return buffer
        formulas: dict[str, Callable[[], Tensor]] = {
            "noisy": self.noisy,
            "negative_init": self.negative_init,
            "energy": lambda: self._at_noisy()[0],
            "energy_gradient": lambda: self._at_noisy()[1],
            "opt_step_1_mixed_t": lambda: self._mine(1).end,
            "opt_step_2_mixed_t": lambda: self._mine(2).end,
            "opt_step_5_t4": lambda: self._mine(5, level=UNIFORM_LEVEL).end,
            "negative_rescaled": self.negative,
            "negative_noisy": self.negative_noisy,
            "energy_negative": self.energy_negative,
            "nce_loss": lambda: nce_loss(self._at_noisy()[0], self.energy_negative()),
            "denoise_loss": lambda: self._denoise(self.network),
            "sampler_trajectory": lambda: self._sample(INNER_STEPS),
            "sampler_trajectory_no_opt": lambda: self._sample(0),
        }
        if key not in formulas:
            raise MissingInput("not a quantity that is known here")
        return formulas[key]()

    def noisy(self) -> Tensor:
        """Return q_sample(inverse, t, noise)."""
        return self.schedule.q_sample(*self._need("inverse", "t", "noise"))

    def negative_init(self) -> Tensor:
        """Return q_sample(inverse, t, 3 noise), where mining starts."""
        inverse, t, noise = self._need("inverse", "t", "noise")
        return self.schedule.q_sample(inverse, t, NOISE_SCALE * noise)

    def negative(self) -> Tensor:
        """Return the negative of two mining steps in x₀-space, clamped to ±2."""
        (t,) = self._need("t")
        return rescale(self._mine(2).end, t, self.schedule)

    def negative_noisy(self) -> Tensor:
        """Return that negative, noised again with the same noise."""
        t, noise = self._need("t", "noise")
        return self.schedule.q_sample(self.negative(), t, noise)

    def energy_negative(self) -> Tensor:
        """Return its energy."""
        matrix, t = self._need("matrix", "t")
        return self.network.landscape(matrix, t).energy(self.negative_noisy())

    def denoise_gradients(self) -> dict[str, Tensor]:
        """Return the gradient of the mean denoising loss, by the network's names of its tensors."""
        leaves = {}
        for name, tensor in self.network.parameters.items():
            leaves[name] = tensor.detach().requires_grad_()
        network = replace(self.network, parameters=leaves)
        loss = self._denoise(network).mean()
        # A tensor that the loss does not touch (a scalar head's bias) has a gradient of 0.
        gradients = torch.autograd.grad(
            loss,
            list(leaves.values()),
            allow_unused=True,
            materialize_grads=True,
        )
        return dict(zip(leaves, gradients, strict=True))

    def _need(self, *names: str) -> tuple[Tensor, ...]:
        lacking = [name for name in names if name not in self.inputs]
        if lacking:
            raise MissingInput(f"needs {', '.join(lacking)}, which the file does not hold")
        return tuple(self.inputs[name] for name in names)

    def _given(self, name: str, formula: Callable[[], Tensor]) -> Tensor:
        """Return an input as the file holds it, else what its formula gives."""
        if name in self.inputs:
            return self.inputs[name]
        return formula()

    def _at_noisy(self) -> tuple[Tensor, Tensor]:
        matrix, t = self._need("matrix", "t")
        noisy = self._given("noisy", self.noisy)
        return self.network.landscape(matrix, t).energy_and_gradient(noisy)

    def _mine(self, steps: int, level: int | None = None) -> Descent:
        matrix, t = self._need("matrix", "t")
        if level is not None:
            t = torch.full_like(t, level)
        start = self._given("negative_init", self.negative_init)
        landscape = self.network.landscape(matrix, t)
        return descend(landscape, start, t, self.schedule, steps=steps)

    def _denoise(self, network: EnergyNetwork) -> Tensor:
        matrix, t, noise = self._need("matrix", "t", "noise")
        landscape = network.landscape(matrix, t)
        noisy = self._given("noisy", self.noisy)
        return denoising_loss(landscape, noisy, noise)

    def _sample(self, inner_steps: int) -> Tensor:
        matrix, start = self._need("matrix", "sampler_start")
        answers = sample(
            self.network,
            matrix,
            start,
            self.schedule,
            inner_steps=inner_steps,
        )
        return answers.trajectory

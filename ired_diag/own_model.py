"""A user's own energy: ``file.py:build`` names a function that returns an ``OwnModel``.

The file is Python and is run: name only files that you would run yourself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ired_diag.errors import DiagError
from ired_diag.model.autograd_energy import AutogradEnergy, EnergyFunction
from ired_diag.model.energy import Energy
from ired_diag.model.mined_batch import MiningSettings
from ired_diag.model.own_sampler import Sampler
from ired_diag.model.schedule import Schedule, clean_schedule, cosine_schedule
from ired_diag.python_file import built_by
from ired_diag.subject import Subject
from ired_diag.task import StoredModel

FINGERPRINT_PROBLEMS = 16


@dataclass(frozen=True)
class OwnModel:
    """A user's own energy, its problems, and how its negatives are mined.

    Attributes:
        energy: E(x, y, t) as a function (problems, candidates of shape (batch, dim), levels of shape
            (batch,)) -> (batch,), or an object with ``levels`` and ``landscape`` (the ``Energy`` protocol).
        draw: A function (count, generator) -> (problems, right answers of shape (count, dim)); all
            randomness comes from the generator, which is on the CPU.
        levels: Number of noise levels; 0 of an energy that knows none.
        schedule: The noise schedule; the cosine schedule of ``levels`` levels if none is given.
        mining: How negatives are mined.
        sampler: Of an energy without noise levels: how it finds negatives (``ired_diag.model.own_sampler``).
    """

    energy: EnergyFunction | Energy
    draw: Callable[[int, torch.Generator], tuple[Tensor, Tensor]]
    levels: int = 10
    schedule: Schedule | None = None
    mining: MiningSettings = field(default_factory=MiningSettings)
    sampler: Sampler | None = None


@dataclass(frozen=True)
class OwnProblems:
    """Problems from a user's function."""

    function: Callable[[int, torch.Generator], tuple[Tensor, Tensor]]

    def draw(self, count: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return problems and right answers.

        Raises:
            DiagError: They are not ``count`` of each, or the answers are no vectors.
        """
        x, y = self.function(count, generator)
        if len(x) != count or y.dim() != 2 or len(y) != count:
            raise DiagError(
                f"draw({count}, generator) must return {count} problems and as many answers of shape "
                f"({count}, dim); found shapes {tuple(x.shape)} and {tuple(y.shape)}. Flatten the answers."
            )
        return x, y


def read_own_model(
    name: str, *, device: torch.device | str = "cpu", stored: StoredModel | None = None
) -> Subject:
    """Return the subject that ``file.py:build`` makes.

    Args:
        name: A Python file, a colon, and the name of a function in it that returns an ``OwnModel``. A
            parameter of it called ``device`` is given the device; of a checkpoint, ``weights`` its tensors
            by name, ``step`` its training steps and ``configuration`` its keys.
        device: Where its energy computes.
        stored: The checkpoint of a run that the energy is made of.

    Raises:
        NotFound: There is no such file, or nothing of that name in it.
        UnreadableFile: It cannot be run.
        DiagError: What it returns is no ``OwnModel``.
    """
    device = torch.device(device)
    values: dict[str, Any] = {"device": device}
    if stored is not None:
        values["weights"] = stored.weights
        values["step"] = stored.step
        values["configuration"] = stored.keys
    model = built_by(name, option="--model", **values)
    if not isinstance(model, OwnModel):
        path, _, function = name.rpartition(":")
        raise DiagError(
            f"{path}: {function}() must return an ired_diag.own_model.OwnModel, found {type(model).__name__}."
        )
    return as_subject(model, device=device)


def as_subject(model: OwnModel, *, device: torch.device | str = "cpu") -> Subject:
    """Return what a probe is put to, of a user's own energy.

    Raises:
        DiagError: It has noise levels and a sampler, or neither.
    """
    # The negatives come from the noise levels or from the sampler.
    if (model.levels == 0) is not (model.sampler is not None):
        sampler = "no sampler" if model.sampler is None else "a sampler"
        raise DiagError(
            f"OwnModel: this one has levels={model.levels} and {sampler}. An energy has noise levels "
            "(levels=10), or none and a sampler that finds its negatives (levels=0, sampler=…)."
        )
    return Subject(
        energy=_energy_of(model),
        schedule=_schedule_of(model).to(device),
        problems=OwnProblems(model.draw),
        mining=replace(model.mining, sampler=model.sampler),
        device=torch.device(device),
    )


def _schedule_of(model: OwnModel) -> Schedule:
    if model.schedule is not None:
        return model.schedule
    if model.levels:
        return cosine_schedule(model.levels)
    return clean_schedule()


def _energy_of(model: OwnModel) -> Energy:
    """Return the energy as the protocol has it; a function or a module by automatic differentiation."""
    if isinstance(model.energy, Energy):
        return model.energy
    return AutogradEnergy(model.energy, max(1, model.levels))


@torch.no_grad()
def fingerprint(subject: Subject) -> str:
    """Return a hash of the energies of a few problems: another model, or other weights, has another."""
    x, y = subject.problems.draw(FINGERPRINT_PROBLEMS, generator=subject.generator("fingerprint"))
    noise = torch.randn(y.shape, generator=subject.generator("fingerprint", 1)).to(y.dtype)
    digest = hashlib.sha256()
    for level in range(subject.schedule.levels):
        t = torch.full((len(y),), level, device=subject.device)
        noisy = subject.schedule.q_sample(y.to(subject.device), t, noise.to(subject.device))
        energy = subject.energy.landscape(x.to(subject.device), t).energy(noisy)
        digest.update(energy.double().cpu().numpy().tobytes())
    return digest.hexdigest()

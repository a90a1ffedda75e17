"""A user's own energy: ``file.py:build`` names a function that returns an ``OwnModel``.

The file is Python and is run: name only files that you would run yourself.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

from ired_diag.errors import DiagError, NotFound, UnreadableFile
from ired_diag.model.autograd_energy import AutogradEnergy, EnergyFunction
from ired_diag.model.energy import Energy
from ired_diag.model.mined_batch import MiningSettings
from ired_diag.model.schedule import Schedule, cosine_schedule
from ired_diag.subject import Subject

FINGERPRINT_PROBLEMS = 16


@dataclass(frozen=True)
class OwnModel:
    """A user's own energy, its problems, and how its negatives are mined.

    Attributes:
        energy: E(x, y, t) as a function (problems, candidates of shape (batch, dim), levels of shape
            (batch,)) -> (batch,), or an object with ``levels`` and ``landscape`` (the ``Energy`` protocol).
        draw: A function (count, generator) -> (problems, right answers of shape (count, dim)); all
            randomness comes from the generator, which is on the CPU.
        levels: Number of noise levels.
        schedule: The noise schedule; the cosine schedule of ``levels`` levels if none is given.
        mining: How negatives are mined.
    """

    energy: EnergyFunction | Energy
    draw: Callable[[int, torch.Generator], tuple[Tensor, Tensor]]
    levels: int = 10
    schedule: Schedule | None = None
    mining: MiningSettings = field(default_factory=MiningSettings)


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


def read_own_model(name: str, *, device: torch.device | str = "cpu") -> Subject:
    """Return the subject that ``file.py:build`` makes.

    Args:
        name: A Python file, a colon, and the name of a function in it that returns an ``OwnModel``. A
            parameter of it called ``device`` is given the device.
        device: Where its energy computes.

    Raises:
        NotFound: There is no such file, or nothing of that name in it.
        UnreadableFile: It cannot be run.
        DiagError: What it returns is no ``OwnModel``.
    """
    path, _, function = name.rpartition(":")
    if not path or not Path(path).is_file():
        raise NotFound(f"--model {name!r}: expected FILE.py:FUNCTION, found no file {path or name!r}.")
    build = getattr(_run(Path(path)), function, None)
    if not callable(build):
        raise NotFound(f"{path}: holds no function {function!r}.")
    device = torch.device(device)
    try:
        keys = {"device": device} if "device" in inspect.signature(build).parameters else {}
        model = build(**keys)
    except Exception as error:  # their code: whatever it raises is theirs to mend
        raise UnreadableFile(f"{path}: {function}() failed: {_where(error)}.") from error
    if not isinstance(model, OwnModel):
        raise DiagError(
            f"{path}: {function}() must return an ired_diag.own_model.OwnModel, found {type(model).__name__}."
        )
    schedule = (model.schedule or cosine_schedule(model.levels)).to(device)
    return Subject(_energy_of(model), schedule, OwnProblems(model.draw), model.mining, device=device)


def _energy_of(model: OwnModel) -> Energy:
    """Return the energy as the protocol has it; a function or a module by automatic differentiation."""
    if isinstance(model.energy, Energy):
        return model.energy
    return AutogradEnergy(model.energy, model.levels)


@torch.no_grad()
def fingerprint(subject: Subject) -> str:
    """Return a hash of the energies of a few problems: another model, or other weights, has another."""
    x, y = subject.problems.draw(FINGERPRINT_PROBLEMS, generator=subject.generator("fingerprint"))
    noise = torch.randn(y.shape, generator=subject.generator("fingerprint", 1)).to(y.dtype)
    told = hashlib.sha256()
    for level in range(subject.schedule.levels):
        t = torch.full((len(y),), level, device=subject.device)
        noisy = subject.schedule.q_sample(y.to(subject.device), t, noise.to(subject.device))
        energy = subject.energy.landscape(x.to(subject.device), t).energy(noisy)
        told.update(energy.double().cpu().numpy().tobytes())
    return told.hexdigest()


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"ired_diag_own_model_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UnreadableFile(f"{path}: is no Python file (its name must end in .py).")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # their code again
        raise UnreadableFile(f"{path}: cannot be run: {_where(error)}.") from error
    return module


def _where(error: Exception) -> str:
    """Return what was raised, and the line of the user's file that did."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"

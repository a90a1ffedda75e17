"""What a probe is put to: a model with certain weights, its noise schedule, its problems, how it mined.

A task makes one of a checkpoint (``Task.subject``); ``own_model.as_subject`` makes one of a user's own
energy. A probe that needs more than every energy has declares it: one of ``NEEDS``, or, in words of its own,
what the energy or the problems of its task offer.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

import torch
from torch import Tensor

from ired_diag.config import TrainingConfig
from ired_diag.errors import NotApplicable
from ired_diag.model.energy import Energy, Landscape
from ired_diag.model.mined_batch import MinedBatch, MiningSettings, mine_batch
from ired_diag.model.problems import Problems
from ired_diag.model.schedule import Schedule
from ired_diag.streams import generator_of

SomeKind = TypeVar("SomeKind")

NEEDS = {  # what a probe of any task may need of a model, in words
    "negatives": "mined negatives",
    "levels": "noise levels",
    "energy": "an energy",
    "training": "a whole training state, as a checkpoint of ired-diag train has it",
    "splits": "training and test data of a fixed size, which its task names",
}
CHUNK = 512  # problems mined at a time, whatever the device: memory does not grow with their number


@dataclass(frozen=True)
class Subject:
    """What a probe is put to.

    Attributes:
        energy: The model, with the weights that the probe asked for.
        schedule: Its noise schedule, on the same device.
        problems: Where its problems come from, as in its training.
        mining: How its negatives are mined.
        config: The configuration of its run; None where it is unknown, as of a user's own energy.
        samples: How many problems to look at.
        precision_of: Standard error to reach, as a share of the mean, instead of a number of problems; for
            the probes that can (``Probe.sampling``).
        seed: Random seed of everything that the probe draws.
        device: Where the energy is.
        negatives: The chunk of negatives to look at, for the probes that look at negatives.
        defect: Why every number of it will be NaN, where that is known: its weights are not numbers.
        training: Where its training can go on from (``ired_diag.training.point``); None where it cannot.
        kept: What one probe has computed of this model and another may read, under keys of their own.
            Subjects that were made of each other by ``replace`` share it.
    """

    energy: Energy
    schedule: Schedule
    problems: Problems
    mining: MiningSettings = field(default_factory=MiningSettings)
    config: TrainingConfig | None = None
    samples: int = 1024
    precision_of: float | None = None
    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    negatives: MinedBatch | None = None
    defect: str = ""
    training: object | None = None
    kept: dict[object, object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def offers(self) -> frozenset[str]:
        """What a probe may need and it has: noise levels, a sampler, what its energy and problems offer."""
        # An energy of a user's own need not declare anything.
        offers = {*getattr(self.energy, "offers", ()), *getattr(self.problems, "offers", ())}
        if not self.schedule.is_clean:
            offers |= {"levels", "negatives"}
        elif self.mining.sampler is not None:
            offers.add("negatives")
        if not isinstance(self.energy, NoEnergy):
            offers.add("energy")
        if self.training is not None:
            offers |= {"training", *getattr(self.training, "offers", ())}
        return frozenset(offers)

    def energy_of(self, kind: type[SomeKind]) -> SomeKind:
        """Return the model, where it is of a kind.

        Raises:
            NotApplicable: It is of another kind.
        """
        return _of_kind(self.energy, kind, "model")

    def training_of(self, kind: type[SomeKind]) -> SomeKind:
        """Return where training can go on from.

        Raises:
            NotApplicable: It cannot.
        """
        return _of_kind(self.training, kind, "training state")

    def problems_of(self, kind: type[SomeKind]) -> SomeKind:
        """Return where the problems come from, where that is of a kind.

        Raises:
            NotApplicable: It is of another kind.
        """
        return _of_kind(self.problems, kind, "data set")

    def config_of(self, kind: type[SomeKind]) -> SomeKind:
        """Return the configuration of the run, where it is of a kind.

        Raises:
            NotApplicable: It is of another kind, or unknown.
        """
        return _of_kind(self.config, kind, "configuration")

    @property
    def batch(self) -> MinedBatch:
        """The chunk of negatives to look at."""
        if self.negatives is None:
            raise ValueError("this subject has no negatives: only a chunk of them has")
        return self.negatives

    def generator(self, purpose: str, number: int = 0) -> torch.Generator:
        """Return a stream of random numbers, on the CPU: one of its own for each purpose and number."""
        return generator_of([self.seed, zlib.crc32(purpose.encode()), number])

    @property
    def side_by_side(self) -> bool:
        """Whether pieces of work may be put to the model at once: on a CPU, where its energy says so.

        A user's own code may draw from the random numbers of the process, or hold something between calls.
        """
        return self.device.type == "cpu" and bool(getattr(self.energy, "side_by_side", False))

    @property
    def chunk_numbers(self) -> range:
        """The numbers of the chunks in which negatives are mined."""
        return range(math.ceil(self.samples / CHUNK))

    def chunk(self, number: int) -> Subject:
        """Return this subject with a chunk of negatives, mined now."""
        first = number * CHUNK
        batch = mine_batch(
            self.energy,
            self.schedule,
            self.problems,
            self.mining,
            samples=min(CHUNK, self.samples - first),
            generator=self.generator("negatives", number),
            device=self.device,
            first=first,
        )
        return replace(self, negatives=batch)

    def chunks(self) -> Iterator[Subject]:
        """Yield this subject with one chunk of negatives after the other, mined as they are asked for."""
        return map(self.chunk, self.chunk_numbers)


@dataclass(frozen=True)
class NoEnergy:
    """The model of a task that has no energy; only probes of its training can be put to it."""

    levels: int = 0

    def landscape(self, x: Tensor, t: Tensor) -> Landscape:
        """Refuse: there is none."""
        raise NotApplicable(f"needs {NEEDS['energy']}, and this model has none")


@dataclass(frozen=True)
class NoProblems:
    """The problems of a task that has no energy."""

    def draw(self, count: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Refuse: there are none."""
        raise NotApplicable("needs problems with right answers, and this model has none")


def _of_kind(value: object, kind: type[SomeKind], what: str) -> SomeKind:
    if not isinstance(value, kind):
        raise NotApplicable(f"needs a {what} of the kind {kind.__name__}, and this one is not")
    return value

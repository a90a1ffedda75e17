"""What a probe is put to: a model with certain weights, its noise schedule, its problems, how it mined.

Of a checkpoint, ``probing.subject_of`` makes one; of a user's own energy, ``own_model.read_own_model``. A
probe that needs more than every energy has (the tensors of IRED's network, matrices) asks for ``network`` or
``matrices``, which say so where they are lacking.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from ired_diag.config import Config
from ired_diag.errors import NotApplicable
from ired_diag.model.energy import Energy
from ired_diag.inverse.matrices import MatrixData
from ired_diag.model.mined_batch import MinedBatch, MiningSettings, mine_batch
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.problems import Problems
from ired_diag.model.schedule import Schedule

CHUNK = 512  # problems mined at a time, whatever the device: memory does not grow with their number


@dataclass(frozen=True)
class Subject:
    """What a probe is put to.

    Attributes:
        energy: The model, with the weights that the probe asked for.
        schedule: Its noise schedule, on the same device.
        problems: Where its problems come from, as in its training.
        mining: How its negatives are mined.
        config: The configuration of its run; None where none is told, as of a user's own energy.
        samples: How many problems to look at.
        seed: Of all that the probe draws.
        device: Where the energy is.
        negatives: The chunk of negatives to look at, for the probes that look at negatives.
        defect: Why every number of it will be NaN, where that is known: its weights are not numbers.
    """

    energy: Energy
    schedule: Schedule
    problems: Problems
    mining: MiningSettings = field(default_factory=MiningSettings)
    config: Config | None = None
    samples: int = 1024
    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    negatives: MinedBatch | None = None
    defect: str = ""

    @property
    def network(self) -> EnergyNetwork:
        """The model as IRED's network, tensors and all.

        Raises:
            NotApplicable: It is another kind of energy.
        """
        if not isinstance(self.energy, EnergyNetwork):
            raise NotApplicable("needs the tensors of IRED's network, and this energy is not of that kind")
        return self.energy

    @property
    def matrices(self) -> MatrixData:
        """The problems as a data set of matrices.

        Raises:
            NotApplicable: They are of another kind.
        """
        if not isinstance(self.problems, MatrixData):
            raise NotApplicable("needs problems that are matrices, and these are not")
        return self.problems

    @property
    def batch(self) -> MinedBatch:
        """The chunk of negatives to look at."""
        if self.negatives is None:
            raise ValueError("this subject has no negatives: only a chunk of them has")
        return self.negatives

    def generator(self, purpose: str, number: int = 0) -> torch.Generator:
        """Return a stream of random numbers, on the CPU: one of its own for each purpose and number."""
        words = [self.seed, zlib.crc32(purpose.encode()), number]
        (entropy,) = np.random.SeedSequence(words).generate_state(1, np.uint64)
        return torch.Generator().manual_seed(int(entropy >> np.uint64(1)))

    def chunks(self) -> Iterator[Subject]:
        """Yield this subject with one chunk of negatives after the other, mined as they are asked for."""
        for number, first in enumerate(range(0, self.samples, CHUNK)):
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
            yield replace(self, negatives=batch)

"""Random streams: one for each purpose, so that what one strategy draws moves nothing of another.

Runs of the same seed start from the same weights, see the same problems, noise levels and noise, and are
evaluated on the same fresh problems, whatever their mining. They are pairs, as in the study.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ired_diag.errors import WrongCheckpoint
from ired_diag.seed_sources import Seeds, Source, one_seed

PURPOSES = ("weights", "data", "noise", "mining", "evaluation")
SOURCE_OF: Mapping[str, Source] = {
    "weights": "init",
    "data": "data",
    "noise": "data",
    "mining": "data",
    "evaluation": "eval",
}


@dataclass(frozen=True)
class Streams:
    """One generator for each purpose, all on one device.

    Attributes:
        weights: Initial weights.
        data: Training problems.
        noise: Noise levels and the noise that is to be predicted.
        mining: The contrastive branch: its own noise, and random negatives.
        evaluation: Validation problems, and where sampling starts.
    """

    weights: torch.Generator
    data: torch.Generator
    noise: torch.Generator
    mining: torch.Generator
    evaluation: torch.Generator

    def state(self) -> dict[str, Tensor]:
        """Return the state of each generator by its purpose."""
        return {purpose: getattr(self, purpose).get_state() for purpose in PURPOSES}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put every generator where ``state`` says.

        Raises:
            WrongCheckpoint: They are those of another kind of device.
        """
        for purpose in PURPOSES:
            generator, stored = getattr(self, purpose), state[purpose].cpu()
            # Generators of a CPU and of a GPU have states of different lengths.
            if stored.shape != generator.get_state().shape:
                raise WrongCheckpoint(
                    f"The random streams of this state are those of another kind of device than "
                    f"{generator.device}, and cannot go on here. Choose the device that it was "
                    "trained on with --device."
                )
            generator.set_state(stored)


def make_streams(seeds: int | Seeds, device: torch.device | str) -> Streams:
    """Return the streams of a seed, or of one for each source, independent of those of other seeds."""
    if isinstance(seeds, int):
        seeds = one_seed(seeds)
    generators = {}
    for number, purpose in enumerate(PURPOSES):
        seed = getattr(seeds, SOURCE_OF[purpose])
        generators[purpose] = generator_of([seed, number], device)
    return Streams(**generators)


def generator_of(words: Sequence[int], device: torch.device | str = "cpu") -> torch.Generator:
    """Return a stream of random numbers, independent of those of any other words.

    Args:
        words: Whole numbers, 0 or more: a seed, and what the stream is for.
        device: Device of the generator.
    """
    (entropy,) = np.random.SeedSequence(words).generate_state(1, np.uint64)
    # torch takes seeds of 63 bits.
    return torch.Generator(device).manual_seed(int(entropy >> np.uint64(1)))

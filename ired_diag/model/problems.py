"""Where problems and their right answers come from: what a data set must offer to be probed."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Problems(Protocol):
    """A data set: problems x with right answers y*, drawn at will."""

    def draw(self, count: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return ``count`` problems, of shape (count, problem_dim), and answers, of shape (count, dim).

        Args:
            count: How many.
            generator: Source of all randomness, on the CPU.
        """
        ...

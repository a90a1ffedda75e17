"""A tensor as a column of a table."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from torch import Tensor


def tensor_column(values: Tensor) -> NDArray[Any]:
    """Return the entries of a tensor on any device, the last axis running fastest.

    >>> import torch
    >>> tensor_column(torch.tensor([[1, 2], [3, 4]])).tolist()
    [1, 2, 3, 4]
    """
    column: NDArray[Any] = values.flatten().cpu().numpy()
    return column

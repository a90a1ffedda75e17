"""The matrix products of a piece of code, done again with nothing between them.

What a training step costs beyond its products is only seen next to them: the same shapes, counts, types and
strides, in the same order, in the same process. ``RecordedProducts`` notes them while the code runs;
``Replay`` does them with numbers of its own. Its operands are one tensor for each layout, which lies in the
cache more often than what a step has just computed, so that it is rather too fast than too slow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
# Where the two factors are among the arguments of each operation.
FACTORS: Mapping[Callable[..., Any], int] = {
    aten.mm.default: 0,
    aten.bmm.default: 0,
    aten.addmm.default: 1,
    aten.baddbmm.default: 1,
}


@dataclass(frozen=True)
class Layout:
    """How a factor lies in memory."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype

    def filled(self, device: torch.device) -> Tensor:
        """Return a tensor of this layout, with random numbers."""
        span = 1
        for size, step in zip(self.shape, self.stride, strict=True):
            span += (size - 1) * step
        numbers = torch.randn(span, device=device).to(self.dtype)
        return numbers.as_strided(self.shape, self.stride)


@dataclass(frozen=True)
class Product:
    """One product of two matrices, or of a stack of them."""

    left: Layout
    right: Layout

    @property
    def operations(self) -> float:
        """Its multiplications and additions."""
        return 2.0 * math.prod(self.left.shape) * self.right.shape[-1]


class RecordedProducts(TorchDispatchMode):
    """Notes every matrix product while it is entered.

    Attributes:
        products: The products, in their order.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.products: list[Product] = []

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        first = FACTORS.get(func)
        if first is not None:
            left, right = args[first : first + 2]
            self.products.append(Product(_layout(left), _layout(right)))
        return func(*args, **(kwargs or {}))


class Replay:
    """Does products again."""

    def __init__(self, products: Sequence[Product], device: torch.device) -> None:
        """Make the factors: one tensor for each layout."""
        factors: dict[Layout, Tensor] = {}
        self._pairs: list[tuple[Tensor, Tensor]] = []
        for product in products:
            for layout in (product.left, product.right):
                if layout not in factors:
                    factors[layout] = layout.filled(device)
            self._pairs.append((factors[product.left], factors[product.right]))

    def __call__(self) -> None:
        """Do all of them, one after the other."""
        for left, right in self._pairs:
            multiply = torch.bmm if left.dim() == 3 else torch.mm
            multiply(left, right)


def square(size: int, dtype: torch.dtype) -> Product:
    """Return the product of two square matrices."""
    layout = Layout((size, size), (size, 1), dtype)
    return Product(layout, layout)


def _layout(tensor: Tensor) -> Layout:
    return Layout(tuple(tensor.shape), tensor.stride(), tensor.dtype)

"""What a file of tensors holds: its structure, with descriptions in the place of tensors.

Reading takes memory for the structure only. ``TensorFile.tensor`` reads the numbers of one tensor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ired_diag.pickled.values import Foreign, NumpyArray
from ired_diag.pickled.walk import walk
from ired_diag.runs.tensor_files.stored import Storage, StoredTensor

LEAVES = (StoredTensor, NumpyArray, Foreign)


@dataclass(kw_only=True)
class TensorFile:
    """A file of tensors, or several that belong together, read and still open.

    Attributes:
        where: The file's name, for messages.
        kind: Which format it is, in words.
        content: Its structure; a ``StoredTensor`` stands for each tensor, a ``Foreign`` for each object that
            was not built.
        skipped: How many objects of each class were not built.
        notes: What a reader should know of it.
        damage: What of it is missing or not what it should be.
        metadata: Texts that stand next to the tensors.
        rebuild: Reads the structure again, with what a function makes of each tensor's description.
        numbers: The storages that were read.
    """

    where: str
    kind: str
    content: Any
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    metadata: Mapping[str, str] = field(default_factory=dict)
    rebuild: Callable[[Callable[[StoredTensor], Any]], Any] | None = None
    numbers: dict[Storage, Tensor] = field(default_factory=dict)

    @cached_property
    def values(self) -> list[tuple[str, Any]]:
        """Its tensors, arrays and placeholders, each with the name of its place."""
        return [(name, value) for name, value in walk(self.content) if isinstance(value, LEAVES)]

    def tensor(self, stored: StoredTensor, device: torch.device | str = "cpu") -> Tensor:
        """Return a tensor; those that share a storage in the file share it in memory.

        Raises:
            DamagedTensors: Its numbers are not all there, or not those that its checksum says.
        """
        if stored.storage not in self.numbers:
            self.numbers[stored.storage] = stored.storage.numbers().to(device)
        return stored.view_of(self.numbers[stored.storage])

    def with_tensors(self, device: torch.device | str = "cpu") -> Any:
        """Return the structure with tensors in it.

        Raises:
            DamagedTensors: The numbers of one are not all there.
        """
        if self.rebuild is None:
            return {name: self.tensor(stored, device) for name, stored in self.content.items()}
        return self.rebuild(lambda stored: self.tensor(stored, device))


def not_built(values: Iterable[tuple[str, Any]]) -> Counter[str]:
    """Return how many objects of each class are placeholders, among the values of a file by name."""
    objects = {id(value): value.of for _, value in values if isinstance(value, Foreign)}
    return Counter(objects.values())

"""PyTorch's constructors in a pickle: those that make a plain tensor, by our own code.

Sparse, quantised and nested tensors, tensors without numbers and those of own classes stay placeholders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from ired_diag.pickled.machine import Constructor
from ired_diag.pickled.numpy_constructors import NUMPY_CONSTRUCTORS
from ired_diag.pickled.plain_constructors import PLAIN_CONSTRUCTORS
from ired_diag.pickled.values import Name
from ired_diag.runs.tensor_files.stored import TYPE_OF_STORAGE, StoredTensor, stored_tensor

StorageBytes = Callable[[bytes], Any]  # reads what a storage outside of a PyTorch file is pickled as

Finish = Callable[[StoredTensor], Any]

PLAIN_CLASSES = ("torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer")
PLAIN_FUNCTIONS = ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2")
TYPES = {
    str(value).removeprefix("torch."): value
    for value in vars(torch).values()
    if isinstance(value, torch.dtype)
}


def torch_constructors(load_from_bytes: StorageBytes, finish: Finish) -> Mapping[str, Constructor]:
    """Return our own code for the names that checkpoints use.

    Args:
        load_from_bytes: Reads a storage that is pickled outside of a PyTorch file.
        finish: Makes of a tensor's description what the content is to hold.
    """

    def tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Any:
        return finish(stored_tensor(storage, offset, shape, strides))

    def tensor_of_type(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> Any:
        """Return a tensor whose storage is of untyped bytes: (requires_grad, hooks, type, …) follow."""
        return finish(stored_tensor(storage, offset, shape, strides, type_=_type(rest[2])))

    def of_own_class(function: Any, kind: Any, arguments: Any, state: Any) -> Any:
        """Return a tensor that carries attributes; one of a class of its own is not built."""
        if str(kind) not in PLAIN_CLASSES or str(function) not in PLAIN_FUNCTIONS:
            raise ValueError("a tensor of a class of its own")
        return tensor(*arguments)

    return {
        **PLAIN_CONSTRUCTORS,
        **NUMPY_CONSTRUCTORS,
        "torch._utils._rebuild_tensor": tensor,
        "torch._utils._rebuild_tensor_v2": tensor,
        "torch._utils._rebuild_tensor_v3": tensor_of_type,
        "torch._utils._rebuild_parameter": _parameter,
        "torch._utils._rebuild_parameter_with_state": _parameter,
        "torch._tensor._rebuild_from_type_v2": of_own_class,
        "torch._utils._rebuild_device_tensor_from_numpy": _parameter,
        "torch._utils._rebuild_xla_tensor": _parameter,
        "torch.storage._load_from_bytes": load_from_bytes,
        "torch.serialization._get_layout": _layout,
        "torch.device": _device,
    }


def type_of_storage(kind: Any) -> torch.dtype | None:
    """Return the type of numbers in a storage of a class; None for quantised numbers and unknown classes.

    Raises:
        ValueError: It is not a class of PyTorch.
    """
    if not isinstance(kind, Name) or kind.module.partition(".")[0] != "torch":
        raise ValueError(f"{kind} is not a storage of numbers")
    return TYPE_OF_STORAGE.get(kind.name)


def _type(kind: Any) -> torch.dtype:
    if not isinstance(kind, Name) or kind.module != "torch" or kind.name not in TYPES:
        raise ValueError(f"{kind} is not a type of numbers")
    return TYPES[kind.name]


def _parameter(tensor: Any, *_: Any) -> Any:
    """Return the tensor that a parameter is."""
    return tensor


def _layout(name: str) -> str:
    return str(name)


def _device(kind: str, number: int | None = None) -> str:
    return str(kind) if number is None else f"{kind}:{int(number)}"

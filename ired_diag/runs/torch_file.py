"""PyTorch files, read without running what is in them.

A ``.pt`` file is a pickle, and a pickle can hold code. Here it is read as data (``ired_diag.pickled``): plain
containers, numbers and tensors are built, every other object stays a placeholder that does nothing. Nothing
that a file names is imported or called, and there is no switch to turn that off.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ired_diag.errors import UnreadableFile
from ired_diag.pickled.values import Foreign
from ired_diag.runs.tensor_files.stored import StoredTensor
from ired_diag.runs.tensor_files.tensor_file import TensorFile
from ired_diag.runs.tensor_files.torch_content import open_torch_file


def read_torch_file(path: Path, *, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Return the dictionary in a PyTorch file, its tensors on ``device``.

    Raises:
        UnreadableFile: The file is missing, empty, damaged, not PyTorch's, holds no dictionary, or asks for
            far more memory than it has bytes.
        NotReadable: It may not be read.
    """
    with open_torch_file(path) as file:
        check_dictionary(file)
        content: dict[str, Any] = file.with_tensors(device)
    return content


def check_dictionary(file: TensorFile) -> None:
    """Refuse a file that holds something else than a dictionary.

    Raises:
        UnreadableFile: It does.
    """
    if isinstance(file.content, dict):
        return
    held = type(file.content).__name__
    if isinstance(file.content, Foreign):
        held = file.content.of
    elif isinstance(file.content, StoredTensor):
        held = "Tensor"
    raise UnreadableFile(
        f"{file.where}: expected a dictionary of tensors, found a {held}. "
        "Save the state: torch.save(model.state_dict(), …)."
    )

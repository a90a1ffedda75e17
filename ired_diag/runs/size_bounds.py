"""How much memory a PyTorch file may ask for: about as much as it has bytes.

A file states sizes, and a few bytes can state any: an archive entry that unfolds, a tensor that repeats one
number along every axis, a tensor without a stored value. Memory is taken when such values are first touched,
so sizes are checked before:

- the entries of the archive together are not larger than the file: PyTorch stores them as they are;
- no tensor is larger than the file, and all together at most ``SHARED`` times as large, because several
  names may share one tensor.

``SMALL`` bytes more are always allowed, for small files with repeated numbers.
"""

from __future__ import annotations

from collections.abc import Iterable

from ired_diag.errors import UnreadableFile
from ired_diag.runs.tensor_files.stored import StoredTensor

SMALL = 1 << 20
SHARED = 8


def check_unfolded(unfolded: int, size: int, where: str) -> None:
    """Refuse an archive whose entries unfold into more than the file's own size.

    Args:
        unfolded: Bytes of all entries together.
        size: Bytes of the file.
        where: What to call the file.

    Raises:
        UnreadableFile: They do.
    """
    if unfolded > size + SMALL:
        raise UnreadableFile(
            f"{where}: its parts unfold into {_size(unfolded)}, more than the file holds "
            f"({_size(size)}). PyTorch stores parts as they are: save it with torch.save."
        )


def check_tensors(values: Iterable[tuple[str, object]], *, size: int, where: str) -> None:
    """Refuse tensors that are larger than the file that they come from, before a value is read.

    Args:
        values: What the file holds, by name; a tensor that stands in several places counts as often.
        size: Bytes of the file.
        where: What to call the file.

    Raises:
        UnreadableFile: One tensor is, or all together are many times as large.
    """
    stored = size + SMALL
    total = 0
    for name, tensor in values:
        if not isinstance(tensor, StoredTensor):
            continue
        total += tensor.size
        if tensor.size > stored or total > SHARED * stored:
            raise UnreadableFile(
                f"{where}: expected tensors of about the size of the file, found {name} of shape "
                f"{tensor.shape}, {_size(tensor.size)}. Save it with the values that it stands for: "
                "tensor.contiguous()."
            )


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB"

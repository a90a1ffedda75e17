"""Open whatever a path of tensors is: a file, an index of shards, or a folder that is one checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ired_diag.errors import WrongCheckpoint
from ired_diag.runs.files import check_lookup, exists, is_file
from ired_diag.runs.tensor_files.distributed import open_distributed
from ired_diag.runs.tensor_files.recognition import MODEL_STATES, file_of_folder, is_distributed, is_index
from ired_diag.runs.tensor_files.safetensors_container import read_safetensors
from ired_diag.runs.tensor_files.shards import note_on_shard, open_shards
from ired_diag.runs.tensor_files.tensor_file import TensorFile
from ired_diag.runs.tensor_files.torch_content import as_unreadable, open_torch_file


@contextmanager
def open_tensor_file(path: Path) -> Iterator[TensorFile]:
    """Open a checkpoint.

    Raises:
        UnreadableFile: It is missing, damaged or of another format.
        NotReadable: It may not be read.
        WrongCheckpoint: It is one part of a model that is spread over several files without an index.
    """
    check_lookup(path)
    if exists(path) and not is_file(path):
        path = file_of_folder(path) or path
    if is_distributed(path):
        with open_distributed(path) as whole:
            yield whole
    elif is_index(path):
        with open_shards(path) as whole, as_unreadable(str(path)):
            yield whole
    elif path.suffix == ".safetensors":
        whole = read_safetensors(path)
        whole.notes += note_on_shard(path)
        with as_unreadable(str(path)):
            yield whole
    else:
        _check_model_parallel(path)
        with open_torch_file(path) as whole:
            whole.notes += note_on_shard(path)
            yield whole


def _check_model_parallel(path: Path) -> None:
    """Refuse one part of a model that DeepSpeed split over several processes.

    Raises:
        WrongCheckpoint: It is one.
    """
    if not MODEL_STATES.fullmatch(path.name):
        return
    parts = [
        other.name for other in path.parent.glob("*_model_states.pt") if MODEL_STATES.fullmatch(other.name)
    ]
    if len(parts) > 1:
        raise WrongCheckpoint(
            f"{path}: is one of {len(parts)} parts of a model that DeepSpeed split over processes. Join them "
            "first: python zero_to_fp32.py . pytorch_model.bin, in the folder of the checkpoint."
        )

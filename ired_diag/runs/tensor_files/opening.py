"""Open whatever a path of tensors is: a file, an index of shards, or a folder that is one checkpoint."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ired_diag.errors import UnreadableFile, WrongCheckpoint
from ired_diag.runs.files import check_lookup, exists, is_file, is_special
from ired_diag.runs.tensor_files.distributed import is_distributed, open_distributed
from ired_diag.runs.tensor_files.legacy_container import MAGIC
from ired_diag.runs.tensor_files.safetensors_container import read_safetensors
from ired_diag.runs.tensor_files.shards import is_index, note_on_shard, open_shards
from ired_diag.runs.tensor_files.tensor_file import TensorFile
from ired_diag.runs.tensor_files.torch_content import as_unreadable, open_torch_file
from ired_diag.runs.tensor_files.zip_container import ZIP_MAGIC

SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors")
# Other programs use these too: the content decides.
SHARED_SUFFIXES = (".bin", ".tar", ".pkl", ".pickle", ".p", ".model", ".weights", ".state", ".pyt", "")
MODEL_STATES = re.compile(r"(?:zero_pp_rank_\d+_)?mp_rank_(\d+)_model_states\.pt")
LATEST = "latest"
LONGEST_TAG = 200


def is_checkpoint(path: Path) -> bool:
    """Say whether a path is a checkpoint: by its name, else by its content."""
    if is_special(path):
        return False
    if not is_file(path):
        return exists(path) and file_of_folder(path) is not None
    if path.suffix in SUFFIXES or is_index(path):
        return True
    return path.suffix in SHARED_SUFFIXES and _holds_a_pickle_of_torch(path)


def _holds_a_pickle_of_torch(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(64)
        if head.startswith(ZIP_MAGIC):
            with zipfile.ZipFile(path) as archive:
                return any(name.endswith("/data.pkl") for name in archive.namelist())
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return False
    is_pickle = path.suffix in (".pkl", ".pickle", ".p") and head.startswith(b"\x80")
    return is_pickle or MAGIC in head


def file_of_folder(folder: Path) -> Path | None:
    """Return what to open of a folder that is one checkpoint; None where it is not one.

    A distributed checkpoint is its folder; one of DeepSpeed is its model states, which the file ``latest``
    may name; weights in shards are their index. A folder with ``trainer_state.json`` is a run's.
    """
    if is_file(folder / "trainer_state.json"):
        return None
    if is_distributed(folder):
        return folder
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:
        return None
    for name in names:
        if is_index(folder / name) or MODEL_STATES.fullmatch(name):
            return folder / name
    return _latest(folder) if LATEST in names else None


def _latest(folder: Path) -> Path | None:
    """Return the model states that DeepSpeed's file names."""
    try:
        with (folder / LATEST).open(encoding="utf-8") as file:
            tag = file.read(LONGEST_TAG).strip()
    except (OSError, ValueError):
        return None
    inner = folder / tag
    if Path(tag).name != tag or not inner.is_dir():
        return None
    states = sorted(path for path in inner.iterdir() if MODEL_STATES.fullmatch(path.name))
    return states[0] if states else None


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

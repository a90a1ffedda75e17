"""Which paths are checkpoints: by name, else by content. No tensor library is imported for it."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

from ired_diag.runs.files import exists, is_file, is_special

ZIP_MAGIC = b"PK\x03\x04"
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
MAGIC = b"\x8a\n" + MAGIC_NUMBER.to_bytes(10, "little")  # as its pickle writes it, whatever the protocol
METADATA = ".metadata"  # of a distributed checkpoint
INDEX = re.compile(r".*\.(?:safetensors|bin|pt|pth)\.index(?:\.[\w-]+)?\.json")
SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors")
# Other programs use these too: the content decides.
SHARED_SUFFIXES = (".bin", ".tar", ".pkl", ".pickle", ".p", ".model", ".weights", ".state", ".pyt", "")
MODEL_STATES = re.compile(r"(?:zero_pp_rank_\d+_)?mp_rank_(\d+)_model_states\.pt")
LATEST = "latest"
LOG = re.compile(r".*\.(?:csv|tsv|jsonl|ndjson|log|out|err|wandb|db)|events\.out\..*|trainer_state\.json")
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
    may name; weights in shards are their index. A folder that may hold logs is a run's, or several runs'.
    """
    try:
        with os.scandir(folder) as entries:
            is_folder = {entry.name: entry.is_dir() for entry in entries}
    except OSError:
        return None
    names = sorted(is_folder)
    if any(LOG.fullmatch(name) for name in names):
        return None
    if LATEST not in names and any(is_folder.values()):
        return None
    if is_distributed(folder):
        return folder
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


def is_distributed(folder: Path) -> bool:
    """Say whether a folder is a distributed checkpoint of PyTorch."""
    return is_file(folder / METADATA)


def is_index(path: Path) -> bool:
    """Say whether a file is an index of shards, by its name."""
    return INDEX.fullmatch(path.name) is not None

"""Evaluations of a policy as Stable-Baselines3 saves them, ``evaluations.npz``.

    timesteps    (evaluations,)            steps of training
    results      (evaluations, episodes)   the return of each episode
    ep_lengths   (evaluations, episodes)
    successes    (evaluations, episodes)   only where the environment knows success

Read are the means over the episodes, under the names that the library logs them by: ``eval/mean_reward``,
``eval/mean_ep_length``, ``eval/success_rate``. The arrays are read without pickle, and their sizes are
checked before memory is taken.

Reference: Stable-Baselines3 2.9, common/callbacks.py, EvalCallback.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ired_diag.errors import UnreadableFile
from ired_diag.readers.scalar_log import Damage, Points, ScalarLog
from ired_diag.readers.step_key import step_in

STEPS, RESULTS = "timesteps", "results"
MEANS = {RESULTS: "eval/mean_reward", "ep_lengths": "eval/mean_ep_length", "successes": "eval/success_rate"}
MOST_BYTES = 1 << 28  # of an array
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


def accepts(path: Path) -> bool:
    """Say whether ``path`` is such a file, by its suffix and the names of its arrays."""
    if path.suffix != ".npz":
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return {f"{STEPS}.npy", f"{RESULTS}.npy"} <= set(archive.namelist())
    except DAMAGED:
        return False


def read(path: Path, *, allow_torn_tail: bool = False) -> ScalarLog:
    """Return the means of each evaluation.

    Args:
        path: The file.
        allow_torn_tail: Of no effect: the file is rewritten as a whole.

    Raises:
        UnreadableFile: An array is damaged, holds objects, or has no row for each evaluation.
    """
    arrays: dict[str, NDArray[Any]] = {}
    damaged: list[Damage] = []
    try:
        with zipfile.ZipFile(path) as archive:
            for name in (STEPS, *MEANS):
                if f"{name}.npy" in archive.namelist():
                    arrays[name] = _array(archive, f"{name}.npy")
        steps = np.array([step_in(step) for step in arrays[STEPS].ravel().tolist()], dtype=np.int64)
        points = {name: _means(arrays[key], steps) for key, name in MEANS.items() if key in arrays}
    except (*DAMAGED, KeyError, MemoryError) as error:
        raise UnreadableFile(f"{path}: is a damaged file of evaluations ({error}).") from error
    return ScalarLog(points=points, damaged=tuple(damaged))


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    size = archive.getinfo(name).file_size
    if size > MOST_BYTES:
        raise ValueError(f"{name} holds {size} bytes, where {MOST_BYTES} is the limit")
    with archive.open(name) as file:
        _check_size(file, size, name)
    with archive.open(name) as file:
        return np.asarray(npy.read_array(file, allow_pickle=False))


def _check_size(file: IO[bytes], size: int, name: str) -> None:
    """Refuse an array that says it is larger than its file: numpy would take the memory first."""
    version = npy.read_magic(file)
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read_header(file)
    stated = dtype.itemsize
    for length in shape:
        stated *= length
    if stated > size:
        raise ValueError(f"{name} says that it holds {stated} bytes and has {size}")


def _means(values: NDArray[Any], steps: NDArray[np.int64]) -> Points:
    """Return the mean over all but the first axis."""
    if len(values) != len(steps):
        raise ValueError(f"{len(values)} rows for {len(steps)} evaluations")
    rows = np.asarray(values, dtype=np.float64).reshape(len(steps), -1)
    if rows.shape[1] == 0:
        raise ValueError("no episodes")
    return Points(steps, rows.mean(axis=1))

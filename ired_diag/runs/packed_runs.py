"""Runs as bytes, so that a log that has not changed need not be read twice.

Python's pickle packs them. It unpacks them with a short list of names: the classes that a run consists of,
and two functions of this module. A pickle that names anything else is refused, and nothing that it names is
imported or called. Arrays are packed as their bytes, not by numpy's own constructors.

The bytes are for caches of the same code: they bear no version, and other code may not read them.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from ired_diag.errors import UnreadableFile
from ired_diag.finding import Finding
from ired_diag.runs.direction import Direction
from ired_diag.runs.ending import Ending
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.history import History, Row, Series
from ired_diag.runs.later_series import LaterMetrics
from ired_diag.runs.run import RecordedMetric, Run

CLASSES = (
    Run,
    History,
    Series,
    LaterMetrics,
    Row,
    Ending,
    EvaluationResult,
    Finding,
    RecordedMetric,
    Direction,
)
# What was derived from the fields without the values of a history; it is packed where it was asked for.
DERIVED = ("judging_metric", "configured_metric", "is_judged", "direction", "group", "seed_label")
BUILT_IN = (frozenset, set, bytearray, complex)  # what a configuration or provenance may hold
KINDS = "biuf"  # of numbers in an array: bool, integer, unsigned, float


def pack(runs: Iterable[Run]) -> bytes:
    """Return runs as bytes.

    Raises:
        TypeError: A run holds something that could not be unpacked, as a user's own reader may put there.
    """
    buffer = io.BytesIO()
    try:
        _Packer(buffer, protocol=5).dump(list(runs))
    except (pickle.PicklingError, AttributeError) as error:
        raise TypeError(str(error)) from error
    return buffer.getvalue()


def unpack(content: bytes) -> list[Run]:
    """Return the runs in bytes that ``pack`` returned.

    Raises:
        UnreadableFile: The bytes are damaged, or hold something else than runs.
    """
    try:
        runs = _Unpacker(io.BytesIO(content)).load()
    except Exception as error:
        raise UnreadableFile(f"packed runs are damaged: {error}") from error
    if not isinstance(runs, list) or not all(isinstance(run, Run) for run in runs):
        raise UnreadableFile("packed runs are damaged: something else than runs")
    return runs


class _Packer(pickle.Pickler):
    """Packs arrays and paths by functions of this module."""

    def reducer_override(self, value: Any) -> Any:
        """Return how a value is built again; NotImplemented where pickle knows."""
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in KINDS:
                raise TypeError(f"an array of {value.dtype}")
            return _array, (value.dtype.str, value.shape, value.tobytes())
        if isinstance(value, np.generic):
            return _array, (value.dtype.str, None, value.tobytes())
        if isinstance(value, PurePath):
            return Path, (str(value),)
        if type(value) is Run:
            state = {name: vars(value)[name] for name in _OF_A_RUN if name in vars(value)}
            return copyreg.__newobj__, (Run,), state  # type: ignore[attr-defined]
        is_known_name = callable(value) and any(value is known for known in _KNOWN.values())
        if is_known_name or type(value) in _PLAIN or type(value) in CLASSES:
            return NotImplemented
        raise TypeError(f"a {type(value).__name__}")


class _Unpacker(pickle.Unpickler):
    """Knows the names of this module's list, and no other."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what a name means.

        Raises:
            UnpicklingError: It is not on the list.
        """
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"the name {module}.{name}") from None


def _array(kind: str, shape: tuple[int, ...] | None, content: bytes) -> Any:
    """Return an array of numbers, or one number where there is no shape."""
    dtype = np.dtype(kind)
    if dtype.kind not in KINDS:
        raise UnreadableFile(f"an array of {kind}")
    flat = np.frombuffer(content, dtype)
    if shape is None:
        return flat[0]
    return flat.reshape(shape)


_OF_A_RUN = (*(field.name for field in fields(Run)), *DERIVED)
_PLAIN = frozenset((dict, list, tuple, str, bytes, int, float, bool, type(None), *BUILT_IN))
_KNOWN: dict[tuple[str, str], Any] = {(_array.__module__, _array.__name__): _array}
for _class in (*CLASSES, *BUILT_IN, Path):
    _KNOWN[_class.__module__, _class.__name__] = _class

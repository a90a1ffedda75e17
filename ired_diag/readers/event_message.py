"""The scalars in a TensorBoard event, the start of a session, and the hyperparameters of one.

    Event        wall_time 1 (double), step 2 (int64), summary 5, session_log 7
    SessionLog   status 1 (1: start)
    Summary      value 1, repeated
    Value        tag 1, simple_value 2 (float), tensor 8, metadata 9; histogram 5, image 4, audio 6
    Metadata     plugin_data 1 { plugin_name 1, content 2 }
    Content      of the plugin "hparams": session_start_info 3 { hparams 1, a map from name to Value }
    Value        number_value 2 (double), string_value 3, bool_value 4

A scalar is a ``simple_value``, or a tensor of one number that the plugin "scalars" (or, where a log names
none, no plugin) claims. Writers may name the plugin of a tag in its first event only. A step that is not
told is 0: the format leaves out zeros.

References: TensorFlow, core/util/event.proto, core/framework/summary.proto; TensorBoard,
plugins/hparams/plugin_data.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ired_diag.readers.protobuf_wire import (
    BYTES,
    DOUBLE,
    EIGHT,
    FLOAT,
    FOUR,
    VARINT,
    Malformed,
    fields,
    signed,
)
from ired_diag.readers.tensor_message import number_in_tensor

SCALARS, HPARAMS = "scalars", "hparams"
START = 1


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        wall_time: In seconds since 1970.
        step: As the writer counts them.
        scalars: By tag, in order.
        others: The tags of what is no scalar.
        starts: Whether a session of training starts here, which ends what was logged at this step and later.
        hparams: Hyperparameters by name, where the event states those of a session.
    """

    wall_time: float
    step: int
    scalars: tuple[tuple[str, float], ...]
    others: tuple[str, ...]
    starts: bool = False
    hparams: tuple[tuple[str, Any], ...] | None = None


def read_event(content: bytes, start: int, end: int, plugins: dict[str, str]) -> Event:
    """Return the event in ``content[start:end]``.

    Args:
        content: A file.
        start: First byte of the message.
        end: The byte after its last.
        plugins: The plugin of each tag as far as it is known; what the event tells of it is added.

    Raises:
        Malformed: The bytes are no event.
    """
    wall_time, step = 0.0, 0
    scalars: list[tuple[str, float]] = []
    others: list[str] = []
    starts, hparams = False, None
    for key, a, b in fields(content, start, end):
        if key == 8 * 1 + EIGHT:
            (wall_time,) = DOUBLE.unpack_from(content, a)
        elif key == 8 * 2 + VARINT:
            step = signed(a)
        elif key == 8 * 5 + BYTES:
            for inner, first, last in fields(content, a, b):
                if inner == 8 * 1 + BYTES:
                    tag, value, metadata = _value(content, first, last, plugins)
                    if value is None:
                        others.append(tag)
                        if plugins.get(tag) == HPARAMS and metadata:
                            hparams = _session_hparams(metadata) or hparams
                    else:
                        scalars.append((tag, value))
        elif key == 8 * 7 + BYTES:
            starts = any(
                inner == 8 * 1 + VARINT and first == START for inner, first, _ in fields(content, a, b)
            )
    return Event(wall_time, step, tuple(scalars), tuple(others), starts, hparams)


def _value(
    content: bytes, start: int, end: int, plugins: dict[str, str]
) -> tuple[str, float | None, bytes | None]:
    """Return tag, number and metadata of a Summary.Value; the number is None where it is no scalar."""
    tag, number, tensor, plugin, metadata = "", None, None, None, None
    for key, a, b in fields(content, start, end):
        if key == 8 * 1 + BYTES:
            tag = content[a:b].decode("utf-8", "backslashreplace")
        elif key == 8 * 2 + FOUR:
            (number,) = FLOAT.unpack_from(content, a)
            tensor = None
        elif key == 8 * 8 + BYTES:
            number, tensor = None, (a, b)
        elif key == 8 * 9 + BYTES:
            metadata = content[a:b]
            plugin = _plugin(metadata)
    if not tag:
        raise Malformed("a value without a tag")
    if plugin:
        plugins[tag] = plugin
    if tensor and plugins.get(tag, SCALARS) == SCALARS:
        number = number_in_tensor(content, *tensor)
    return tag, number, metadata


@lru_cache(maxsize=256)  # writers repeat the same metadata in every event
def _plugin(metadata: bytes) -> str | None:
    """Return the plugin that metadata name."""
    for key, a, b in fields(metadata, 0, len(metadata)):
        if key == 8 * 1 + BYTES:
            for inner, first, last in fields(metadata, a, b):
                if inner == 8 * 1 + BYTES:
                    return metadata[first:last].decode("utf-8", "backslashreplace")
    return None


def _session_hparams(metadata: bytes) -> tuple[tuple[str, Any], ...] | None:
    """Return the hyperparameters by name in the metadata of a session's start; None where they hold none."""
    for content in _parts(metadata, 1, 2):
        for start_info in _parts(content, 3):
            return tuple(_hparam(entry) for entry in _parts(start_info, 1))
    return None


def _parts(content: bytes, *path: int) -> Iterator[bytes]:
    """Yield the messages under a path of field numbers."""
    for key, a, b in fields(content, 0, len(content)):
        if key == 8 * path[0] + BYTES:
            if len(path) == 1:
                yield content[a:b]
            else:
                yield from _parts(content[a:b], *path[1:])


def _hparam(entry: bytes) -> tuple[str, Any]:
    """Return name and value of one entry of the map of hyperparameters."""
    name, value = "", None
    for key, a, b in fields(entry, 0, len(entry)):
        if key == 8 * 1 + BYTES:
            name = entry[a:b].decode("utf-8", "backslashreplace")
        elif key == 8 * 2 + BYTES:
            value = _plain_value(entry[a:b])
    return name, value


def _plain_value(content: bytes) -> Any:
    """Return a number, text or truth value; None for anything else. Whole numbers are returned as such."""
    for key, a, b in fields(content, 0, len(content)):
        if key == 8 * 2 + EIGHT:
            (number,) = DOUBLE.unpack_from(content, a)
            return int(number) if number.is_integer() else number
        if key == 8 * 3 + BYTES:
            return content[a:b].decode("utf-8", "backslashreplace")
        if key == 8 * 4 + VARINT:
            return bool(a)
    return None

"""The scalars in a TensorBoard event, the start of a session, and the hyperparameters of a session.

    Event        wall_time 1 (double), step 2 (int64), summary 5, session_log 7
    SessionLog   status 1 (1: start)
    Summary      value 1, repeated
    Value        tag 1, simple_value 2 (float), tensor 8, metadata 9; histogram 5, image 4, audio 6
    Metadata     plugin_data 1 { plugin_name 1, content 2 }
    Content      of the plugin "hparams": session_start_info 3 { hparams 1, a map from name to Value }
    Value        number_value 2 (double), string_value 3, bool_value 4

A scalar is a ``simple_value``, or a tensor of one number that the plugin "scalars" (or, where a log names
none, no plugin) claims. Writers may name the plugin of a tag in its first event only. A step that is not
stated is 0: the format leaves out zeros.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event.

    Attributes:
        wall_time: Time in seconds since 1970.
        step: Step, as the writer counts.
        scalars: Tag and value of each scalar, in order.
        others: The tags of values that are not scalars.
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
        plugins: The plugin of each tag, by the events so far; what this event says of it is added.

    Raises:
        Malformed: The bytes are not an event.
    """
    wall_time = 0.0
    step = 0
    scalars: list[tuple[str, float]] = []
    others: list[str] = []
    starts = False
    hparams = None
    for key, first, last in fields(content, start, end):
        if key == 8 * 1 + EIGHT:
            (wall_time,) = DOUBLE.unpack_from(content, first)
        elif key == 8 * 2 + VARINT:
            step = signed(first)
        elif key == 8 * 5 + BYTES:
            for value_key, value_first, value_last in fields(content, first, last):
                if value_key != 8 * 1 + BYTES:
                    continue
                tag, number, metadata = _value(content, value_first, value_last, plugins)
                if number is not None:
                    scalars.append((tag, number))
                    continue
                others.append(tag)
                if plugins.get(tag) == HPARAMS and metadata:
                    hparams = _session_hparams(metadata) or hparams
        elif key == 8 * 7 + BYTES:
            starts = _is_session_start(content, first, last)
    return Event(
        wall_time=wall_time,
        step=step,
        scalars=tuple(scalars),
        others=tuple(others),
        starts=starts,
        hparams=hparams,
    )


def _is_session_start(content: bytes, start: int, end: int) -> bool:
    for key, status, _ in fields(content, start, end):
        if key == 8 * 1 + VARINT and status == START:
            return True
    return False


def _value(
    content: bytes, start: int, end: int, plugins: dict[str, str]
) -> tuple[str, float | None, bytes | None]:
    """Return tag, number and metadata of a Summary.Value; the number is None where it is not a scalar."""
    tag = ""
    number: float | None = None
    tensor: tuple[int, int] | None = None
    metadata: bytes | None = None
    for key, first, last in fields(content, start, end):
        if key == 8 * 1 + BYTES:
            tag = _text(content[first:last])
        elif key == 8 * 2 + FOUR:
            (number,) = FLOAT.unpack_from(content, first)
            tensor = None
        elif key == 8 * 8 + BYTES:
            number = None
            tensor = (first, last)
        elif key == 8 * 9 + BYTES:
            metadata = content[first:last]
    if not tag:
        raise Malformed("a value without a tag")
    plugin = _plugin(metadata) if metadata is not None else None
    if plugin:
        plugins[tag] = plugin
    if tensor and plugins.get(tag, SCALARS) == SCALARS:
        number = number_in_tensor(content, *tensor)
    return tag, number, metadata


def _text(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")


@lru_cache(maxsize=256)  # writers repeat the same metadata in every event
def _plugin(metadata: bytes) -> str | None:
    """Return the plugin that metadata name."""
    for name in _parts(metadata, 1, 1):
        return _text(name)
    return None


def _session_hparams(metadata: bytes) -> tuple[tuple[str, Any], ...] | None:
    """Return the hyperparameters by name in the metadata of a session's start; None where they hold none."""
    for content in _parts(metadata, 1, 2):
        for start_info in _parts(content, 3):
            entries = _parts(start_info, 1)
            return tuple(map(_hparam, entries))
    return None


def _parts(content: bytes, *path: int) -> Iterator[bytes]:
    """Yield the messages under a path of field numbers."""
    number, *inner = path
    for key, first, last in fields(content, 0, len(content)):
        if key != 8 * number + BYTES:
            continue
        if inner:
            yield from _parts(content[first:last], *inner)
        else:
            yield content[first:last]


def _hparam(entry: bytes) -> tuple[str, Any]:
    """Return name and value of one entry of the map of hyperparameters."""
    name = ""
    value = None
    for key, first, last in fields(entry, 0, len(entry)):
        if key == 8 * 1 + BYTES:
            name = _text(entry[first:last])
        elif key == 8 * 2 + BYTES:
            value = _plain_value(entry[first:last])
    return name, value


def _plain_value(content: bytes) -> Any:
    """Return a number, text or truth value; None for anything else. Whole numbers are returned as such."""
    for key, first, last in fields(content, 0, len(content)):
        if key == 8 * 2 + EIGHT:
            (number,) = DOUBLE.unpack_from(content, first)
            return int(number) if number.is_integer() else number
        if key == 8 * 3 + BYTES:
            return _text(content[first:last])
        if key == 8 * 4 + VARINT:
            return bool(first)
    return None

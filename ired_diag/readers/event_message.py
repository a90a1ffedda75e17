"""The scalars in a TensorBoard event.

    Event        wall_time 1 (double), step 2 (int64), summary 5
    Summary      value 1, repeated
    Value        tag 1, simple_value 2 (float), tensor 8, metadata 9; histogram 5, image 4, audio 6
    Metadata     plugin_data 1 { plugin_name 1 }

A scalar is a ``simple_value``, or a tensor of one number that the plugin "scalars" (or, where a log names
none, no plugin) claims. Writers may name the plugin of a tag in its first event only. A step that is not
told is 0: the format leaves out zeros.

References: TensorFlow, core/util/event.proto, core/framework/summary.proto.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

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

SCALARS = "scalars"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: ``scalars`` by tag, in order; ``others`` the tags of what is no scalar."""

    wall_time: float
    step: int
    scalars: tuple[tuple[str, float], ...]
    others: tuple[str, ...]


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
    for key, a, b in fields(content, start, end):
        if key == 8 * 1 + EIGHT:
            (wall_time,) = DOUBLE.unpack_from(content, a)
        elif key == 8 * 2 + VARINT:
            step = signed(a)
        elif key == 8 * 5 + BYTES:
            for inner, first, last in fields(content, a, b):
                if inner == 8 * 1 + BYTES:
                    tag, value = _value(content, first, last, plugins)
                    if value is None:
                        others.append(tag)
                    else:
                        scalars.append((tag, value))
    return Event(wall_time, step, tuple(scalars), tuple(others))


def _value(content: bytes, start: int, end: int, plugins: dict[str, str]) -> tuple[str, float | None]:
    """Return tag and number of a Summary.Value; None where it is no scalar."""
    tag, number, tensor, plugin = "", None, None, None
    for key, a, b in fields(content, start, end):
        if key == 8 * 1 + BYTES:
            tag = content[a:b].decode("utf-8", "backslashreplace")
        elif key == 8 * 2 + FOUR:
            (number,) = FLOAT.unpack_from(content, a)
            tensor = None
        elif key == 8 * 8 + BYTES:
            number, tensor = None, (a, b)
        elif key == 8 * 9 + BYTES:
            plugin = _plugin(content[a:b])
    if not tag:
        raise Malformed("a value without a tag")
    if plugin:
        plugins[tag] = plugin
    if tensor and plugins.get(tag, SCALARS) == SCALARS:
        number = number_in_tensor(content, *tensor)
    return tag, number


@lru_cache(maxsize=256)  # writers repeat the same metadata in every event
def _plugin(metadata: bytes) -> str | None:
    """Return the plugin that metadata name."""
    for key, a, b in fields(metadata, 0, len(metadata)):
        if key == 8 * 1 + BYTES:
            for inner, first, last in fields(metadata, a, b):
                if inner == 8 * 1 + BYTES:
                    return metadata[first:last].decode("utf-8", "backslashreplace")
    return None

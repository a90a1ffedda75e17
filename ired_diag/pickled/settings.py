"""Settings that a checkpoint stores next to its tensors, as plain values under dotted keys.

A configuration may be a dictionary, an ``argparse.Namespace``, a dataclass, or a container of omegaconf or of
a library's own. Their attributes are what counts; the class is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ired_diag.pickled.values import Foreign, Name

Setting = str | int | float | bool | None

MOST_SETTINGS = 2000
MOST_LEVELS = 20
LONGEST_TEXT = 500  # letters
MOST_BITS = 1024  # of a whole number: Python refuses to write one of many more digits
# omegaconf keeps a container's values in _content and a leaf's in _val, among other attributes.
INNER = ("_content", "_val")


def settings_of(value: Any) -> dict[str, Setting]:
    """Return the settings in a configuration by their dotted keys; empty where there are none.

    >>> settings_of({"optimizer": {"lr": 0.1}, "layers": [3, 4]})
    {'optimizer.lr': 0.1, 'layers.0': 3, 'layers.1': 4}
    """
    settings: dict[str, Setting] = {}
    left: list[tuple[str, Any, int]] = [("", value, 0)]
    while left and len(settings) < MOST_SETTINGS:
        key, item, level = left.pop()
        item = _inner(item)
        children = _children(item)
        if children is None:
            settings[key] = _plain(item)
        elif level < MOST_LEVELS:
            nested = [(f"{key}.{name}" if key else name, child, level + 1) for name, child in children]
            left.extend(reversed(nested))
    settings.pop("", None)
    return settings


def _inner(item: Any) -> Any:
    """Return what a container of omegaconf holds."""
    for _ in range(len(INNER)):
        attributes = item.attributes if isinstance(item, Foreign) else {}
        for name in INNER:
            if name in attributes:
                item = attributes[name]
    return item


def _children(item: Any) -> list[tuple[str, Any]] | None:
    """Return what a container holds; None for a value."""
    if isinstance(item, Foreign):
        item = item.attributes or item.entries or None
    if isinstance(item, Mapping):
        return [(_text(key), value) for key, value in _first(item.items())]
    if isinstance(item, list | tuple):
        return [(str(place), value) for place, value in _first(enumerate(item))]
    return None


def _first(items: Any) -> Iterator[Any]:
    for place, item in enumerate(items):
        if place == MOST_SETTINGS:
            return
        yield item


def _plain(item: Any) -> Setting:
    if item is None or isinstance(item, bool | float):
        return item
    if isinstance(item, int):
        return item if item.bit_length() <= MOST_BITS else _text(item)
    if isinstance(item, Foreign) and len(item.arguments) == 1:
        (argument,) = item.arguments  # an enumeration's value, or a device's name
        if isinstance(argument, str | int | float):
            return f"{item.of}({_text(argument)})"
    return _text(item)


def _text(item: Any) -> str:
    if isinstance(item, str):
        return item[:LONGEST_TEXT]
    if isinstance(item, Foreign):
        return item.of[:LONGEST_TEXT]
    if isinstance(item, int) and item.bit_length() > MOST_BITS:
        return f"a whole number of {item.bit_length()} bits"
    if isinstance(item, bool | int | float | Name):
        return str(item)[:LONGEST_TEXT]
    return type(item).__name__

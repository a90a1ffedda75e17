"""The tensors, arrays and placeholders in nested containers, each with a name that says where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ired_diag.pickled.values import Foreign, Name

MOST_LEVELS = 60
LONGEST_KEY = 200  # letters, in a name
CONTAINERS = (Mapping, list, tuple, set, frozenset, Foreign)
PLAIN = (int, float, str, bytes, bytearray, type(None), Name)
SIZED = (dict, list, tuple)
# A module of torch keeps its parts under these attributes; state dictionaries leave them out of names.
PARTS_OF_A_MODULE = ("_parameters", "_buffers", "_modules")


def walk(content: Any) -> Iterator[tuple[str, Any]]:
    """Yield each value with its name, parents first; a container that is reached twice is entered once.

    Plain values (numbers and texts) and empty containers are left out: a file may hold millions of them. What
    lies deeper than ``MOST_LEVELS`` is not reached.
    """
    left: list[tuple[str, Any, int]] = [("", content, 0)]
    entered: set[int] = set()
    while left:
        name, value, level = left.pop()
        yield name, value
        if isinstance(value, CONTAINERS) and level < MOST_LEVELS and id(value) not in entered:
            entered.add(id(value))
            children = [(child, item, level + 1) for child, item in _children(name, value)]
            left.extend(reversed(children))


def _children(name: str, container: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(container, Mapping):
        yield from _named(name, container.items())
    elif isinstance(container, Foreign):
        yield from _named(name, enumerate(container.arguments))
        for part in container.state:
            yield from _children(name, part) if isinstance(part, Mapping) else [(name, part)]
        yield from _named(name, container.items.items())
        yield from _named(name, enumerate(container.entries))
    else:
        yield from _named(name, enumerate(container))


def _named(name: str, items: Iterable[tuple[Any, Any]]) -> Iterator[tuple[str, Any]]:
    for key, item in items:
        if isinstance(item, PLAIN) or (isinstance(item, SIZED) and not item):
            continue
        if isinstance(key, str) and key in PARTS_OF_A_MODULE:
            yield name, item
            continue
        text = key.of if isinstance(key, Foreign) else str(key)
        if len(text) > LONGEST_KEY:
            text = f"{text[:LONGEST_KEY]}…"
        yield f"{name}.{text}" if name else text, item

"""What takes the place of classes, calls and arrays of a pickle: values that do nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class DamagedPickle(ValueError):
    """Bytes that are not a whole pickle."""


@dataclass(frozen=True)
class Name:
    """A class or function that a pickle names; it is never imported.

    Attributes:
        module: Its module.
        name: Its name within the module.
    """

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Foreign:
    """An object of a class that is not built: what the pickle would have given to it.

    Attributes:
        of: The class or function, such as ``argparse.Namespace``.
        arguments: What it would have been called with.
        state: What would have been set on it, usually its attributes by name.
        entries: What would have been appended to it.
        items: What would have been stored in it by key.
    """

    of: str
    arguments: tuple[Any, ...] = ()
    state: list[Any] = field(default_factory=list)
    entries: list[Any] = field(default_factory=list)
    items: dict[Any, Any] = field(default_factory=dict)

    @property
    def attributes(self) -> Mapping[Any, Any]:
        """Its attributes, or what it holds by key where it is a dictionary of a class of its own."""
        attributes: dict[Any, Any] = {}
        for part in self.state:
            # A class with slots pickles a pair: its dictionary, and its slots by name.
            for values in part[:2] if isinstance(part, tuple) else (part,):
                if isinstance(values, Mapping):
                    attributes.update(values)
        return {**attributes, **self.items}


@dataclass(eq=False)
class NumpyArray:
    """An array of numpy. A pickle makes it empty first and fills it afterwards.

    Attributes:
        values: The array; None until it is filled, or where it holds Python objects.
    """

    values: np.ndarray[Any, Any] | None = None


@dataclass(eq=False)
class NumpyType:
    """A type of numpy's numbers.

    Attributes:
        code: As numpy writes it, ``f8``.
        order: ``<``, ``>``, ``=`` or ``|``.
    """

    code: str
    order: str = "="

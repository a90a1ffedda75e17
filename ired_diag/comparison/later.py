"""A field of a dataclass that is computed when it is first read.

Of a study with a hundred groups, five thousand pairs are compared and a few are looked at: permutations,
posteriors and powers are computed for those alone. A field that is not yet computed holds ``Later``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast, overload

Value = TypeVar("Value")
Holder = TypeVar("Holder")


class Later(Generic[Value]):
    """A value that is not computed yet.

    Args:
        compute: Returns the value.
    """

    def __init__(self, compute: Callable[[], Value]) -> None:
        """Keep how it is computed."""
        self.compute = compute


class ComputedLater(Generic[Value]):
    """A field that takes a value or a ``Later``, and gives the value."""

    def __set_name__(self, owner: type, name: str) -> None:
        """Take the field's name."""
        self.name = name

    @overload
    def __get__(self, holder: None, owner: type) -> ComputedLater[Value]: ...

    @overload
    def __get__(self, holder: object, owner: type) -> Value: ...

    def __get__(self, holder: object | None, owner: type) -> ComputedLater[Value] | Value:
        """Return the value, computed now where it is not yet.

        Raises:
            AttributeError: Of the class itself, which has no value: so a dataclass sees no default.
        """
        if holder is None:
            raise AttributeError(self.name)
        value = holder.__dict__[self.name]
        if isinstance(value, Later):
            value = holder.__dict__[self.name] = value.compute()
        return cast(Value, value)

    def __set__(self, holder: object, value: Value | Later[Value]) -> None:
        """Keep the value, or how it is computed."""
        holder.__dict__[self.name] = value


def changed(holder: Holder, **values: Any) -> Holder:
    """Return a frozen dataclass with other values, as ``dataclasses.replace`` does; nothing is computed."""
    other = copy.copy(holder)
    for name, value in values.items():
        object.__setattr__(other, name, value)
    return other

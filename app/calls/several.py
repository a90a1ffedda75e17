"""An argument that holds several names, where a single one may stand alone: ``only="learning-curves"``."""

from __future__ import annotations

from collections.abc import Iterable

from ired_diag.errors import DiagError


def names_in(argument: str | Iterable[str], *, of: str) -> list[str]:
    """Return the names that an argument holds; of a single text, that name.

    Args:
        argument: One name, or several.
        of: What the argument is called, for the message.

    Raises:
        DiagError: It holds something that is no text.

    >>> names_in("png", of="forms"), names_in(["png", "pdf"], of="forms")
    (['png'], ['png', 'pdf'])
    """
    if isinstance(argument, str):
        return [argument]
    names = list(argument) if isinstance(argument, Iterable) else [argument]
    for name in names:
        if not isinstance(name, str):
            raise DiagError(f"{of}: expected a name or several, found {name!r}.")
    return names

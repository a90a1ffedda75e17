"""One probe, one file: a question put to a checkpoint, a pure measure, declared columns, one figure.

``names()`` lists the folder and ``load(name)`` imports one: adding a probe edits no other file.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ired_diag.probing.probe import Probe


def names() -> list[str]:
    """Return the name of every probe in this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(name: str) -> Probe:
    """Return a probe by its name.

    Raises:
        NotFound: None is called so; the message lists those that are.
    """
    from ired_diag.errors import NotFound

    if name not in names():
        raise NotFound(f"No probe is named {name!r}. There are: {', '.join(names())}, and all.")
    probe: Probe = import_module(f"probes.{name}").PROBE
    return probe


def load_all() -> dict[str, Probe]:
    """Return every probe by its name."""
    return {name: load(name) for name in names()}

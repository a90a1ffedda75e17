"""One probe, one file: a question put to a checkpoint, a pure measure, declared columns, one figure.

``names()`` lists the folder and those of tasks in it (``probes/inverse``); ``load(name)`` imports one: adding
a probe edits no other file.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ired_diag.probing.probe import Probe


def names() -> list[str]:
    """Return the name of every probe."""
    return sorted(_modules())


def _modules() -> dict[str, str]:
    """Return the import path of every probe, by its name: those for any task, then those of one."""
    paths = {}
    for module in pkgutil.walk_packages(__path__, prefix="probes."):
        if not module.ispkg:
            _, _, name = module.name.rpartition(".")
            paths[name] = module.name
    return paths


def load(name: str) -> Probe:
    """Return a probe by its name.

    Raises:
        NotFound: None is called so; the message lists those that are.
    """
    from ired_diag.errors import NotFound

    modules = _modules()
    if name not in modules:
        raise NotFound(f"No probe is named {name!r}. There are: {', '.join(sorted(modules))}, and all.")
    probe: Probe = import_module(modules[name]).PROBE
    return probe


def load_all() -> dict[str, Probe]:
    """Return every probe by its name."""
    return {name: load(name) for name in names()}

"""One probe, one file: a question put to a checkpoint, a pure measure, declared columns, one figure.

``load()`` lists the folder: adding a probe edits no other file.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ired_diag.probe import Probe


def load() -> dict[str, Probe]:
    """Return every probe in this folder by its name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: import_module(f"probes.{name}").PROBE for name in names}

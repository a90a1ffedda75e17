"""The pages of the dashboard: one page, one file, found by its name.

A page is a module with ``TITLE``; ``layout(view, catalog)``, which returns what the page shows first; and
``register(app, catalog)``, which adds its callbacks. Adding a page edits no other file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dash

from app.dashboard.address import View
from app.dashboard.catalog import Catalog

ORDER = (
    "overview",
    "study",
    "curves",
    "negatives",
    "energy",
    "optimizer",
    "statistics",
    "sweeps",
    "findings",
    "journal",
    "run",
)
FIRST = "overview"


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        name: Name in the address.
        title: Title in the navigation.
        layout: Function that returns the first content of the page.
        register: Function that adds the callbacks of the page.
    """

    name: str
    title: str
    layout: Callable[[View, Catalog], Any]
    register: Callable[[dash.Dash, Catalog], None]


def names() -> list[str]:
    """Return the names of the pages, in the order of the navigation; further ones stand last."""
    modules = {module.name for module in pkgutil.iter_modules(__path__)}
    return [name for name in ORDER if name in modules] + sorted(modules - set(ORDER))


def load(name: str) -> Page:
    """Return a page."""
    module = importlib.import_module(f"{__name__}.{name}")
    return Page(name, module.TITLE, module.layout, module.register)

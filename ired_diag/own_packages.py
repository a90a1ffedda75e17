"""Which ``app`` and ``probes`` are imported: those of this project, whatever else is on the path.

These names are common. Python looks for a package in the folders of ``PYTHONPATH`` before it looks where
this project is installed, so that a user's own ``app.py`` would take the place of ours.
``find_own_packages_first`` puts a finder in front that knows only the names of this project and looks for
them next to this package.

The whole folder is not put first on ``sys.path``: where the project is installed, it is ``site-packages``,
which may hold old backports (``argparse``, ``pathlib``) that must stay behind the standard library.

Reference: the Python Language Reference, section 5.3, "Searching" (``sys.meta_path``).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

OWN = ("app", "probes", "ired_diag", "sample_runs")
ROOT = str(Path(__file__).resolve().parents[1])


class OwnPackages(MetaPathFinder):
    """Finds the packages of this project in the folder that this one is in."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a package of this project is; None for every other name."""
        if fullname not in OWN:
            return None
        return PathFinder.find_spec(fullname, [ROOT], target)


def find_own_packages_first() -> None:
    """Look for the packages of this project in its own folder first; calling it again changes nothing."""
    for finder in sys.meta_path:
        if isinstance(finder, OwnPackages):
            return
    sys.meta_path.insert(0, OwnPackages())

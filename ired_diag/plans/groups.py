"""The groups of runs that a plan names: opened once for all of its predictions.

A plain name is one of the runs folder. A path, and the pattern of ``NAME=GLOB``, start at the folder of the
plan, so that a plan means the same wherever it is checked from.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from ired_diag.errors import DiagError, NotFound
from ired_diag.final_values import is_table, open_runs_or_table
from ired_diag.grouping import group_runs
from ired_diag.runs.files import exists
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study


class Groups:
    """Groups of runs, by the names that a plan gives them."""

    def __init__(self, folder: Path, base: Path) -> None:
        """Open nothing yet.

        Args:
            folder: The runs folder, or a table of one number for each seed.
            base: Folder of the plan.
        """
        self.folder = folder
        self.base = base
        self._chosen: dict[tuple[str, str], tuple[str, list[Run]]] = {}

    @cached_property
    def _study(self) -> Study:
        return open_runs_or_table(self.folder)

    def called(self, name: str, metric: str) -> tuple[str, list[Run]]:
        """Return the label of a group, and its seeds in the order of their numbers.

        Args:
            name: A name in the runs folder, a path, or ``NAME=GLOB``.
            metric: The metric that is wanted, of a table with several columns.

        Raises:
            NotFound: There is no such group.
            DiagError: The name means several groups.
        """
        key = (name, metric)
        if key not in self._chosen:
            label, runs = self._choose(name, metric)
            self._chosen[key] = label, sorted(runs, key=_seed_order)
        return self._chosen[key]

    def _choose(self, name: str, metric: str) -> tuple[str, Sequence[Run]]:
        # A variant holds an equals sign too, behind its @: q301@mining_opt_steps=5.
        is_plain = "=" not in name.partition("@")[0] and "/" not in name
        if is_plain and not is_table(self.folder):
            if not exists(self.folder):
                raise NotFound(f"There is no {name!r}: there is no runs folder {self.folder} yet.")
            runs = self._study.select(name)
            return runs[0].group, runs
        groups = group_runs([self._placed(name)], self.folder, metric=metric or None)
        if len(groups) != 1:
            listed = ", ".join(groups)
            raise DiagError(f"{name} means {len(groups)} groups ({listed}). Name one of them, or NAME=GLOB.")
        ((label, members),) = groups.items()
        return label, members

    def _placed(self, name: str) -> str:
        """Return a name in which a relative path starts at the folder of the plan."""
        label, equals, pattern = name.partition("=")
        if equals and "@" not in label and "/" not in label:
            return f"{label}={self.base / pattern}"
        if "/" in name:
            return str(self.base / name)
        return name


def _seed_order(run: Run) -> tuple[bool, int, str]:
    return run.seed is None, run.seed or 0, run.seed_label

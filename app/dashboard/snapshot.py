"""A study at one moment, each run with its verdict and an opaque id."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from app.cli.output import shorten
from app.dashboard.verdict_cache import kept_verdict
from app.next_command import Place
from ired_diag.runs.completion import Completion
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.verdict import Verdict


@dataclass(frozen=True)
class Entry:
    """A run and what is said of it.

    Attributes:
        id: Opaque; the same as long as the run stays where it is.
        run: The run.
        completion: How far it came; of a run that just stopped, the clock changes it.
    """

    id: str
    run: Run
    completion: Completion

    @cached_property
    def verdict(self) -> Verdict:
        """What is said of the run; computed when it is first asked for."""
        return kept_verdict(self.run)


@dataclass(frozen=True)
class Snapshot:
    """A study at one moment.

    Attributes:
        version: Counts the changes that were seen.
        updated: When it was last looked at, in seconds since 1970.
        study: All runs, and what is none.
        entries: The runs by their ids, in the study's order.
        root: The folder that was looked at.
        options: The words of a command line that group the runs in the same way.
        patterns: The arguments ``NAME=GLOB`` by the name of their group.
    """

    version: int
    updated: float
    study: Study
    entries: Mapping[str, Entry]
    root: Path = Path()
    options: Sequence[str] = ()
    patterns: Mapping[str, str] = field(default_factory=dict)

    def skipped(self) -> list[tuple[str, str]]:
        """Return what is no run and why, its place told from the root on."""
        inside = f"{self.root}{os.sep}"
        named = [(str(one.path), one.reason) for one in self.study.skipped]
        return [(path.removeprefix(inside), reason.replace(inside, "")) for path, reason in named]

    def unreadable(self) -> list[str]:
        """Return a line for each file and folder that may not be read, its place told from the root on."""
        inside = f"{self.root}{os.sep}"
        return [place.statement.replace(inside, "") for place in self.study.unreadable]

    def words_for(self, names: Iterable[str]) -> list[str]:
        """Return the words of a command line that mean groups: what they are called, and where they are."""
        words = [self.patterns.get(name, name) for name in names]
        if not self.patterns and str(self.root) != "runs":
            words += ["--runs", shorten(self.root)]
        return [*words, *self.options]

    def place(self) -> Place:
        """Return where the runs are, as a command line says it."""
        paths = tuple(self.patterns.values())
        return Place(paths=paths, runs=Path(shorten(self.root)), options=tuple(self.options))

    def groups(self) -> dict[str, list[Entry]]:
        """Return the runs by group, in the study's order."""
        groups: dict[str, list[Entry]] = {}
        for entry in self.entries.values():
            groups.setdefault(entry.run.group, []).append(entry)
        return groups

"""A study at one moment, each run with its verdict and an opaque id."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from app.dashboard.verdict_cache import kept_verdict
from app.next_command import Place
from ired_diag.named_paths import from_anywhere
from ired_diag.runs.completion import Completion
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.verdict import Verdict


@dataclass(frozen=True)
class Entry:
    """A run with its verdict.

    Attributes:
        id: Opaque name; the same as long as the run stays where it is.
        run: The run.
        completion: How far the run came. In a run that just stopped, it changes with time.
        kept: The verdict on the run's curve where it was made in an earlier session.
    """

    id: str
    run: Run
    completion: Completion
    kept: Verdict | None = field(default=None, compare=False, repr=False)

    @property
    def known_verdict(self) -> Verdict | None:
        """The verdict where it is known without work; None where it must be computed."""
        known: Verdict | None = self.__dict__.get("verdict")
        return known or self.kept

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict on the run, computed at first use."""
        if self.kept is not None:
            return replace(
                self.kept,
                run=self.run.label,
                completion=self.completion,
                direction=self.run.direction if self.kept.metric else None,
            )
        return kept_verdict(self.run)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A study at one moment.

    Attributes:
        version: Number of changes that were seen.
        updated: Time of the last look, in seconds since 1970.
        study: All runs, and the files that are not runs.
        entries: The runs by their ids, in the study's order.
        root: The folder of the study.
        options: Words of a command line that group the runs in the same way.
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
        """Return the files that are not runs, relative to the root, each with the reason."""
        inside = f"{self.root}{os.sep}"
        skipped = []
        for file in self.study.skipped:
            skipped.append((str(file.path).removeprefix(inside), file.reason.replace(inside, "")))
        return skipped

    def unreadable(self) -> list[str]:
        """Return a line for each file and folder that may not be read, its place relative to the root."""
        inside = f"{self.root}{os.sep}"
        return [place.statement.replace(inside, "") for place in self.study.unreadable]

    def words_for(self, names: Iterable[str]) -> list[str]:
        """Return the words of a command line that mean groups: their names, and where they are."""
        words = list(map(self.argument_of, names))
        if not self.patterns:
            words += ["--runs", str(self.root.absolute())]
        return [*words, *self.options]

    def argument_of(self, name: str) -> str:
        """Return the word of a command line that means a group: its ``NAME=GLOB``, else its name."""
        return from_anywhere(self.patterns[name]) if name in self.patterns else name

    def place(self) -> Place:
        """Return where the runs are, as a command line says it."""
        paths = tuple(map(from_anywhere, self.patterns.values()))
        return Place(paths=paths, runs=self.root.absolute(), options=tuple(self.options))

    def groups(self) -> dict[str, list[Entry]]:
        """Return the runs by group, in the study's order."""
        groups: dict[str, list[Entry]] = {}
        for entry in self.entries.values():
            groups.setdefault(entry.run.group, []).append(entry)
        return groups

    def runs_of(self, names: Iterable[str]) -> dict[str, list[Run]]:
        """Return the runs of the named groups, without groups that are not there."""
        groups = self.groups()
        named: dict[str, list[Run]] = {}
        for name in names:
            if name in groups:
                named[name] = [entry.run for entry in groups[name]]
        return named

"""Arguments of a command line that name a group: ``NAME=GLOB``, all runs at the paths that match.

ired-diag stats muonh='logs/muonh/*' normuonh='logs/normuonh/*'
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ired_diag.errors import NotFound
from ired_diag.runs.files import exists


@dataclass(frozen=True)
class NamedPaths:
    """A group's name, and the paths of its runs and logs."""

    name: str
    paths: tuple[Path, ...]


def parse_named_paths(argument: str) -> NamedPaths | None:
    """Return the group and the paths that an argument names; None where it is not of this form.

    A path that exists, and the name of a variant (``q301@mining_opt_steps=5``), mean themselves.

    Raises:
        NotFound: Nothing matches the pattern.
    """
    name, equals, pattern = argument.partition("=")
    if not equals or not name or not pattern or exists(Path(argument)):
        return None
    # The name of a variant has an @, a path a slash, and the name of a group neither.
    if "@" in name or "/" in name:
        return None
    expanded = str(Path(pattern).expanduser())
    paths = sorted(glob.glob(expanded, recursive=True))  # noqa: PTH207 (Path.glob takes no absolute pattern)
    if paths:
        return NamedPaths(name, tuple(map(Path, paths)))
    if "/" in pattern or glob.has_magic(pattern):
        raise NotFound(f"{argument}: nothing matches {pattern!r}. Quote the pattern: {name}='{pattern}'.")
    return None


def split_arguments(arguments: Iterable[str]) -> tuple[dict[str, NamedPaths], list[str]]:
    """Return the arguments that name a group of paths, by argument, and all others.

    Raises:
        NotFound: Nothing matches the pattern of one of them.
    """
    named: dict[str, NamedPaths] = {}
    others: list[str] = []
    for argument in arguments:
        group = parse_named_paths(argument)
        if group is None:
            others.append(argument)
        else:
            named[argument] = group
    return named, others


def from_anywhere(argument: str) -> str:
    """Return an argument ``NAME=GLOB`` that means the same in every working folder.

    >>> from_anywhere("muonh=/logs/muonh/*")
    'muonh=/logs/muonh/*'
    """
    name, _, pattern = argument.partition("=")
    return f"{name}={Path(pattern).expanduser().absolute()}"


def common_folder(groups: Iterable[NamedPaths]) -> Path:
    """Return the folder that holds the paths of all groups."""
    folders = []
    for group in groups:
        for path in group.paths:
            place = path.resolve()
            folders.append(place if place.is_dir() else place.parent)
    return Path(os.path.commonpath(folders))

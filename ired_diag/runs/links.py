"""A walk through folders that follows links, each place once and never far.

Runs often lie on another disk, with a link to them in the runs folder. A link to a folder is followed where
it leads out of the folder that is walked:

- the folder that it leads to is visited, and those of its sub-folders that may be runs (``config.json`` or
  a milestone of a Trainer1D is in them);
- nothing below these: a link to a data set, or to the root of a disk, must not cost a walk through it;
- a folder is visited once, however many links lead to it, and by its own name where it lies under the root.
  A link to a folder above is not followed, so no loop has a second turn.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

Visit = tuple[str, list[str], list[str]]  # as of ``os.walk``: a folder, its sub-folders, its files
OnError = Callable[[OSError], object]
MayBeRun = Callable[[Iterable[str]], bool]  # of the names in a folder


def walk(
    root: Path | str,
    *,
    may_be_run: MayBeRun,
    onerror: OnError | None = None,
) -> Iterator[Visit]:
    """Yield folders as ``os.walk`` does, top down; sub-folders that are removed are not visited.

    Args:
        root: Where to begin; it may be a link itself.
        may_be_run: Says of the names in a folder whether it may be a run.
        onerror: Is called with the error of each folder that cannot be listed.
    """
    top = os.path.realpath(root)
    seen: set[str] = set()
    for visit in os.walk(root, onerror=onerror):
        yield visit
        place, folders, _ = visit
        for name in sorted(folders):
            link = f"{place.rstrip(os.sep)}{os.sep}{name}"
            if not Path(link).is_symlink():
                continue
            if _leads_out(os.path.realpath(link), top, seen):
                yield from _linked(link, may_be_run, onerror)


def _leads_out(target: str, top: str, seen: set[str]) -> bool:
    """Say whether a target is neither under the root nor above it, and note that it was seen."""
    if target in seen:
        return False
    seen.add(target)
    return not _is_under(target, top) and not _is_under(top, target)


def _is_under(path: str, folder: str) -> bool:
    if path == folder:
        return True
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def _linked(
    link: str,
    may_be_run: MayBeRun,
    onerror: OnError | None,
) -> Iterator[Visit]:
    """Yield the folder behind a link, and those of its sub-folders that may be runs."""
    for place, folders, names in os.walk(link, onerror=onerror):
        if place == link:
            folders.sort()
            yield place, folders, names
            continue
        folders_of_run = list(folders)
        folders.clear()
        if may_be_run(names):
            yield place, folders_of_run, names

"""What a shell offers when Tab is pressed: names of experiments, probes and rules, and otherwise paths.

click's script for the shell calls the program with the words typed so far (docs/completion.md). The answer
has to come before a person looks up: nothing here imports torch, and no run is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import click
from click.shell_completion import CompletionItem

RUNS = "runs"  # the runs folder, where neither --runs nor IRED_DIAG_RUNS names another
ALL_PROBES = "all"
PATH = "file"  # click's word for: the shell completes it as a path
BEGINS_A_PATH = ("/", ".", "~")
MOST_NAMES = 200  # a longer list is of no use on a screen

Items = list[CompletionItem]


def names_or_paths(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """Return the names in the runs folder that begin as typed; where none does, the shell offers paths."""
    if typed.startswith(BEGINS_A_PATH):
        return [_path(typed)]
    folder = context.params.get("runs") or RUNS
    names = _folders_in(Path(folder))
    return _items(names, typed) or [_path(typed)]


def probes(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """Return the names of the probes that begin as typed."""
    from probes import names

    choices = [*names(), ALL_PROBES]
    return _items(choices, typed)


def experiments(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """Return the experiments that begin as typed; where none does, the shell offers paths."""
    names: list[str] = []
    # The package ired_diag.experiments reads configurations too, which takes ten times as long.
    folder = resources.files("ired_diag") / "experiments"
    for file in folder.iterdir():
        if file.name.endswith(".json"):
            names.append(file.name.removesuffix(".json"))
    names.sort()
    return _items(names, typed) or [_path(typed)]


def rules(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """Return the names of the rules that begin as typed."""
    from ired_diag.forensics import names

    return _items(names(), typed)


def _items(names: Sequence[str], typed: str) -> Items:
    items: Items = []
    for name in names:
        if name.startswith(typed):
            items.append(CompletionItem(name))
    return items[:MOST_NAMES]


def _path(typed: str) -> CompletionItem:
    """Return the word that lets the shell offer paths."""
    return CompletionItem(typed, type=PATH)


def _folders_in(folder: Path) -> list[str]:
    """Return the names of the folders in one; none where it is missing or may not be listed."""
    names: list[str] = []
    try:
        for path in folder.iterdir():
            is_hidden = path.name.startswith(".")
            if path.is_dir() and not is_hidden:
                names.append(path.name)
    except OSError:
        return []
    return sorted(names)

"""What is under a folder: run folders of this project, Trainer1D results folders, and all other files.

A ``config.json`` is that of a run folder of this project only where it has our ``format`` key: many programs
write a file of that name, and it must hide nothing. One that is damaged is taken for ours where the file that
a training of ours appends to, ``metrics.jsonl``, is next to it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ired_diag.json_text import read_json
from ired_diag.runs.files import is_special

CONFIG, METRICS, ATTEMPTS = "config.json", "metrics.jsonl", "attempts"
RESULTS_CONFIG = "experiment_config.json"
MILESTONE = re.compile(r"model-.*\.pt")
HEAD = 256
BEGINS_WITH_FORMAT = re.compile(rb'\s*\{\s*"format"\s*:\s*\d')


@dataclass
class Contents:
    """What is under a folder, itself included.

    Attributes:
        runs: Run folders of this project; what is inside them belongs to them.
        results: Trainer1D results folders.
        files: All files in neither of these, but for hidden ones.
    """

    runs: list[Path] = field(default_factory=list)
    results: list[Path] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


def contents_of(root: Path, *, results_apart: bool = True) -> Contents:
    """Return what is under a folder, each list sorted.

    Args:
        root: The folder.
        results_apart: Leave the files in results folders out of the list of files.
    """
    contents = Contents()
    inside_results: set[str] = set()
    for folder, folders, names in os.walk(root):
        if ATTEMPTS in folders and CONFIG in names:
            folders.remove(ATTEMPTS)
        if CONFIG in names and is_run_folder(Path(folder)):
            contents.runs.append(Path(folder))
            folders.clear()
            continue
        is_results = results_apart and _is_results(names)
        if is_results:
            contents.results.append(Path(folder))
        if is_results or str(Path(folder).parent) in inside_results:
            inside_results.add(folder)
            continue
        contents.files.extend(Path(folder, name) for name in names if not name.startswith("."))
    contents.runs.sort()
    contents.results.sort()
    contents.files.sort()
    return contents


def _is_results(names: Iterable[str]) -> bool:
    return any(name == RESULTS_CONFIG or MILESTONE.fullmatch(name) for name in names)


def is_run_folder(folder: Path) -> bool:
    """Say whether a folder is a run of this project: its ``config.json`` has our ``format`` key."""
    path = folder / CONFIG
    if is_special(path):
        return False
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
        if BEGINS_WITH_FORMAT.match(head):
            return True
        content = read_json(path)
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return (folder / METRICS).is_file()
    version = content.get("format") if isinstance(content, dict) else None
    return isinstance(version, int) and not isinstance(version, bool)

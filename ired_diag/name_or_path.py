"""Whether an argument means a run of the runs folder or a path: one that could be both is refused.

``q101`` is a name, and also a path where a folder of that name lies in the current directory. Which of them
is read must not depend on where the command happens to be typed. ``./q101`` is a path only.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ired_diag.errors import AmbiguousName, NotFound
from ired_diag.final_values import open_runs_or_table
from ired_diag.named_paths import split_arguments
from ired_diag.runs.files import exists
from ired_diag.runs.regroup import Grouping

USUAL_RUNS = Path("runs")  # the default of every command, which need not exist


def check_one_meaning(arguments: Sequence[str], runs: Path, grouping: Grouping) -> None:
    """Refuse arguments that are both a name in the runs folder and a path.

    Args:
        arguments: Names, paths and ``NAME=GLOB``.
        runs: The runs folder.
        grouping: What the user says of groups and seeds.

    Raises:
        AmbiguousName: An argument is both.
        NotFound: An argument may be both, and the runs folder that would say so does not exist.
    """
    _, others = split_arguments(arguments)
    bare = [argument for argument in others if _may_be_both(argument, runs)]
    if not bare:
        return
    first = bare[0]
    if not exists(runs):
        if runs == USUAL_RUNS:
            return
        raise NotFound(
            f"There is no runs folder {runs}, in which {first!r} may be a name. For the path in the current "
            f"directory, pass ./{first} (or leave out --runs)."
        )
    names, folders = _names_in(runs, grouping)
    for argument in bare:
        if argument not in names and argument in folders:
            raise AmbiguousName(
                f"{argument!r} is both a folder of runs in {runs} and a path. Pass ./{argument} for the "
                f"path, or {runs / argument} for the folder."
            )
        if argument in names:
            raise AmbiguousName(
                f"{argument!r} is both a run name in {runs} and a path. Pass ./{argument} for the path; for "
                "the name, type the command in another folder."
            )


def _may_be_both(argument: str, runs: Path) -> bool:
    """Say whether an argument is a path of the current directory, outside the runs folder, without suffix."""
    path = Path(argument)
    if os.sep in argument or path.suffix or not exists(path):
        return False
    place = path.resolve()
    return not place.is_relative_to(runs.resolve()) and not runs.resolve().is_relative_to(place)


def _names_in(runs: Path, grouping: Grouping) -> tuple[set[str], set[str]]:
    """Return the names of the runs in a runs folder, and of the folders in it that hold runs."""
    try:
        study = open_runs_or_table(runs, grouping=grouping)
    except NotFound:  # a folder without runs has no names
        return set(), set()
    names = set(study.groups())
    for run in study.runs:
        names.update(filter(None, (run.experiment, run.name)))
    return names, {_folder_in(runs, run.path) for run in study.runs}


def _folder_in(runs: Path, path: Path) -> str:
    """Return the name of the folder in the runs folder that holds a run; empty of a run elsewhere."""
    place = path.resolve()
    if not place.is_relative_to(runs.resolve()):
        return ""
    return place.relative_to(runs.resolve()).parts[0]

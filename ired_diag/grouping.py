"""Names and paths from a command line into groups of seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ired_diag.errors import NotFound
from ired_diag.open import open_study
from ired_diag.runs.run import Run
from ired_diag.runs.study import check_seeds


def group_runs(arguments: Sequence[str], runs: Path) -> dict[str, list[Run]]:
    """Return the seeds of each group that names and paths mean, in the order given.

    Args:
        arguments: Names of experiments in the runs folder, and paths, which mean themselves: the runs and
            logs at all paths together are grouped by experiment and variant.
        runs: The runs folder; it may hold run folders or foreign logs.

    Raises:
        NotFound: There is nothing of a name, or no run at the paths.
        AmbiguousName: A name means several experiments or variants.
        DiagError: A seed stands twice in a group.
    """
    paths = [Path(a) for a in arguments if Path(a).exists()]
    names = [a for a in arguments if not Path(a).exists()]
    groups: dict[str, list[Run]] = {}
    if paths:
        study = open_study(paths)
        if not study.runs:
            raise NotFound(f"{', '.join(map(str, paths))}: holds no run.")
        groups |= study.groups()
        for group, members in groups.items():
            check_seeds(group, members)
    if names:
        if not runs.exists():
            raise NotFound(
                f"No run is named {names[0]!r}: there is no runs folder {runs}, and no such path. "
                "Say where the runs are with --runs DIR, or import logs with: ired-diag import LOGS."
            )
        study = open_study(runs)
        for name in names:
            selected = study.select(name)
            groups[selected[0].group] = selected
    return groups

"""Paths, names and studies: what the functions of the Python API take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ired_diag.errors import NotFound
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

if TYPE_CHECKING:
    from ired_diag.runs.regroup import Grouping

RUNS = Path("runs")

Place = Path | str
Groups = Mapping[str, Sequence[Run]]


def study_at(source: Study | Place | Iterable[Place]) -> Study:
    """Return the study at one path or several, or the study itself.

    Args:
        source: Run folders, logs of other programs, tables of one number for each seed, folders of them,
            ``NAME=GLOB``, or a study.

    Raises:
        NotFound: There is nothing at a path, or no run and no evaluation.
    """
    from ired_diag.runs.regroup import Grouping
    from ired_diag.seed_table_runs import open_with_tables

    if isinstance(source, Study):
        return source
    paths = [str(source)] if isinstance(source, Path | str) else [str(path) for path in source]
    study = open_with_tables(paths, grouping=Grouping())
    if not study.runs and not study.evaluations:
        raise NotFound(f"{', '.join(paths)}: expected runs or logs of runs, found none.")
    return study


def groups_of(
    sources: Sequence[Study | Groups | Place],
    *,
    runs: Place,
    notes: list[str] | None = None,
    metric: str | None = None,
    variants: bool = False,
    grouping: Grouping | None = None,
    unreadable: list[str] | None = None,
) -> Groups:
    """Return groups of seeds.

    Args:
        sources: One study, one mapping of groups, or names and paths. Of a study and a mapping the groups are
            as they are: the keywords below are about names and paths.
        runs: The runs folder, in which names are looked up.
        notes: Gets a sentence for each name that means nothing, and on how groups were made. Without it,
            each name must mean something.
        metric: Metric to read from a table of one number for each seed.
        variants: Whether a name means all variants of its experiment, each a group.
        grouping: The user's definition of groups and seeds. Default: both are recognized.
        unreadable: Gets a sentence for what cannot be read. Default: ``notes``.

    Raises:
        NotFound: There is nothing of a name, or no run at a path.
        TypeError: A study or a mapping is not the only source.
    """
    from ired_diag.grouping import group_runs

    if len(sources) == 1:
        (source,) = sources
        if isinstance(source, Study):
            return source.groups()
        if isinstance(source, Mapping):
            return source
    names = []
    for source in sources:
        if not isinstance(source, Path | str):
            raise TypeError(f"Pass one {type(source).__name__} alone, or names and paths.")
        names.append(str(source))
    return group_runs(
        names,
        Path(runs),
        metric=metric,
        variants=variants,
        missing=notes,
        grouping=grouping,
        unreadable=unreadable,
    )

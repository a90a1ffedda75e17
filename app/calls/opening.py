"""Paths, names and studies: what the functions of the Python API take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ired_diag.errors import NotFound
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

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


def groups_of(sources: Sequence[Study | Groups | Place], *, runs: Place, notes: list[str]) -> Groups:
    """Return groups of seeds.

    Args:
        sources: One study, one mapping of groups, or names and paths.
        runs: The runs folder, in which names are looked up.
        notes: Gets a sentence for each thing to say about names that mean nothing and how groups were made.

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
    return group_runs(names, Path(runs), missing=notes)

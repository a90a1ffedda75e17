"""Paths, names, runs and studies: what the functions of the Python API take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.calls.own_groups import Members, groups_of_mapping
from ired_diag.errors import DiagError, NotFound
from ired_diag.runs.grouped import by_group
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

if TYPE_CHECKING:
    from ired_diag.runs.regroup import Grouping

RUNS = Path("runs")

Place = Path | str
Groups = Mapping[str, Sequence[Run]]
Source = Study | Run | Place | Mapping[str, Members] | Sequence[Run] | Sequence[Place]
EXAMPLES = (
    "Pass names of experiments ('q101', 'q103'), paths, runs, a study, or a mapping "
    "such as {'mine': 'logs/mine/*'}."
)


def study_at(source: Study | Place | Iterable[Place]) -> Study:
    """Return the study at one path or several, or the study itself.

    Args:
        source: Run folders, logs of other programs, tables of one number for each seed, folders of them,
            ``NAME=GLOB``, or a study.

    Raises:
        NotFound: There is nothing at a path, or no run and no evaluation.
        DiagError: It is neither paths nor a study.
    """
    from ired_diag.runs.regroup import Grouping
    from ired_diag.seed_table_runs import open_with_tables

    if isinstance(source, Study):
        return source
    paths = list(map(str, paths_of(source)))
    study = open_with_tables(paths, grouping=Grouping())
    if not study.runs and not study.evaluations:
        raise NotFound(f"{', '.join(paths)}: expected runs or logs of runs, found none.")
    return study


def paths_of(source: Place | Iterable[Place]) -> list[Place]:
    """Return one path, or several, as a list.

    Raises:
        DiagError: It is something else.
    """
    if isinstance(source, Path | str):
        return [source]
    paths = list(source) if isinstance(source, Iterable) else [source]
    for path in paths:
        if not isinstance(path, Path | str):
            raise DiagError(f"Expected a path or a study, found {path!r}. A path is text: 'runs/q103'.")
    return paths


def groups_of(
    sources: Sequence[Source],
    *,
    runs: Study | Place,
    notes: list[str] | None = None,
    metric: str | None = None,
    variants: bool = False,
    grouping: Grouping | None = None,
    unreadable: list[str] | None = None,
    skip_missing: bool = False,
) -> Groups:
    """Return groups of seeds.

    Args:
        sources: Names and paths; runs; one mapping of groups; or one study, alone or followed by names of its
            groups. ``metric`` and ``grouping`` are about names and paths: a study and a mapping have their
            groups already.
        runs: The runs folder, or a study, in which names are looked up.
        notes: Gets a sentence on how groups were made, and for each name that is left out.
        metric: Metric to read from a table of one number for each seed.
        variants: Whether a name means all variants of its experiment, each a group.
        grouping: The user's definition of groups and seeds. Default: both are recognized.
        unreadable: Gets a sentence for what cannot be read. Default: ``notes``.
        skip_missing: Whether an unquoted pattern of a shell among paths that matches nothing is left out.
            Default: it is an error.

    Raises:
        NotFound: There is nothing of a name, or no run at a path.
        DiagError: A source is of another kind, or two kinds are mixed.
    """
    from ired_diag.grouping import group_runs

    sources = _flat(sources)
    if not sources:
        raise DiagError(f"Nothing is named. {EXAMPLES}")
    first, *others = sources
    if isinstance(first, Study):
        return _of_study(first, others, variants=variants) if others else first.groups()
    if isinstance(first, Mapping) and not others:
        return groups_of_mapping(first, runs)
    members = [source for source in sources if isinstance(source, Run)]
    if len(members) == len(sources):
        return by_group(members)
    names = _names_in(sources)
    if isinstance(runs, Study):
        return _of_study(runs, names, variants=variants)
    return group_runs(
        names,
        Path(runs),
        metric=metric,
        variants=variants,
        missing=notes,
        grouping=grouping,
        unreadable=unreadable,
        skip_missing=skip_missing,
    )


def _flat(sources: Sequence[Source]) -> list[Study | Run | Place | Mapping[str, Members]]:
    """Return sources one by one: those in a list are meant as if each was an argument."""
    flat: list[Study | Run | Place | Mapping[str, Members]] = []
    for source in sources:
        if isinstance(source, Study | Run | Path | str | Mapping) or not isinstance(source, Sequence):
            flat.append(source)
        else:
            flat += source
    return flat


def _names_in(sources: Sequence[object]) -> list[str]:
    """Return names and paths as text.

    Raises:
        DiagError: There is something else among them.
    """
    names = []
    for source in sources:
        if isinstance(source, Study | Mapping):
            kind = "study" if isinstance(source, Study) else "mapping"
            raise DiagError(f"A {kind} of groups stands first, or alone. {EXAMPLES}")
        if isinstance(source, Run):
            raise DiagError(f"{source.label}: runs and names are mixed. Pass runs alone, or names and paths.")
        if not isinstance(source, Path | str):
            raise DiagError(f"Expected a name, found {source!r}. {EXAMPLES}")
        names.append(str(source))
    return names


def _of_study(study: Study, sources: Sequence[object], *, variants: bool) -> Groups:
    """Return the groups of a study that names mean, in their order."""
    groups: dict[str, Sequence[Run]] = {}
    for name in _names_in(sources):
        if variants:
            groups |= study.variants(name)
        else:
            members = study.select(name)
            groups[members[0].group] = members
    return groups

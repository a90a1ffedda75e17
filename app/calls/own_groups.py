"""Groups that a user names: ``{"muon": "logs/muon/*", "adam": study.select("adam")}``."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path

from ired_diag.errors import DiagError, NotFound
from ired_diag.runs.files import exists
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

Members = Sequence[Run] | Sequence[Path | str] | Run | Path | str


def groups_of_mapping(
    mapping: Mapping[str, Members], runs: Study | Path | str
) -> Mapping[str, Sequence[Run]]:
    """Return the runs of each group.

    Args:
        mapping: By the name of a group its runs; or paths, a pattern of paths, the name of an experiment.
        runs: The runs folder, or a study, in which names of experiments are looked up.

    Raises:
        NotFound: There is nothing at a path or of a name.
        DiagError: A group is empty, or holds something else.
    """
    if not mapping:
        raise DiagError("The mapping has no group. Expected runs by the name of their group.")
    groups = {}
    for name, members in mapping.items():
        if not isinstance(members, Run | Path | str | Sequence):
            raise _no_member(name, members)
        each = [members] if isinstance(members, Run | Path | str) else list(members)
        if not each:
            raise DiagError(f"The group {name!r} has no runs.")
        groups[str(name)] = [run for member in each for run in _runs_of(name, member, runs)]
    return groups


def _runs_of(name: str, member: object, runs: Study | Path | str) -> Sequence[Run]:
    from ired_diag.grouping import group_runs
    from ired_diag.open import open_study

    if isinstance(member, Run):
        return [member]
    if not isinstance(member, Path | str):
        raise _no_member(name, member)
    if exists(Path(member)):
        return _some(open_study(member).runs, member)
    if glob.has_magic(str(member)):
        paths = sorted(glob.glob(str(Path(member).expanduser()), recursive=True))  # noqa: PTH207
        if not paths:
            raise NotFound(f"{name}: nothing matches {str(member)!r}.")
        return _some(open_study(paths).runs, member)
    if isinstance(runs, Study):
        return runs.select(str(member))
    (members,) = group_runs([str(member)], Path(runs)).values()
    return members


def _some(runs: Sequence[Run], place: Path | str) -> Sequence[Run]:
    if not runs:
        raise NotFound(f"{place}: expected runs or logs of runs, found none.")
    return runs


def _no_member(name: object, member: object) -> DiagError:
    return DiagError(
        f"The group {name!r} holds {member!r}. Expected runs (study.select('q103')), paths, or the name of "
        "an experiment. Numbers alone are read from a table: a CSV file with the columns experiment, seed "
        "and the metric."
    )

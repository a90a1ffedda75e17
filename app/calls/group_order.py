"""All groups that a study has, in its order: a group has the same colour in every picture of the study.

The dashboard draws each group in the colour of its place among all groups of the folder. Pictures of some of
them, by name, take the same colours. Where runs are given as paths, there is no folder that could say more,
and the groups that are drawn are all there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from app.calls.opening import Place, Source
from ired_diag.errors import DiagError
from ired_diag.open import open_study
from ired_diag.runs.regroup import Grouping
from ired_diag.runs.study import Study


def group_order(
    sources: Sequence[Source], runs: Study | Place, grouping: Grouping | None, drawn: Iterable[str]
) -> tuple[str, ...]:
    """Return the names of all groups of a study, in its order.

    Args:
        sources: What is drawn, as for ``ired-diag figures``.
        runs: The runs folder, or the study.
        grouping: The user's definition of groups and seeds.
        drawn: Names of the groups that are drawn: where the study lacks one, they are the order.
    """
    names = tuple(drawn)
    if isinstance(runs, Study):
        every = tuple(runs.groups())
    elif all(isinstance(source, str) and not _is_place(source) for source in sources):
        try:
            every = tuple(open_study(Path(runs), grouping=grouping or Grouping()).groups())
        except DiagError:  # the names were found without the folder
            return names
    else:
        return names
    return every if set(names) <= set(every) else names


def _is_place(word: str) -> bool:
    """Say whether a word is a path or a pattern rather than a name in the runs folder."""
    return "=" in word or Path(word).exists()

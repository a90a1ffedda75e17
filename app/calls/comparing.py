"""``ird.compare``: groups of seeds against each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.calls.opening import RUNS, Groups, Place, groups_of
from ired_diag.comparison import Comparison
from ired_diag.comparison import compare as compare_groups
from ired_diag.runs.study import Study

if TYPE_CHECKING:
    from ired_diag.runs.regroup import Grouping


def compare(
    *sources: Study | Groups | Place,
    runs: Place = RUNS,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    sweep: str | None = None,
    grouping: Grouping | None = None,
    **choices: Any,
) -> Comparison:
    """Return the comparison of groups of seeds.

    Args:
        sources: Names of experiments (``"q101", "q103"``), paths or ``NAME=GLOB`` as for ``ired-diag stats``;
            or one study; or one mapping of runs by the name of their group.
        runs: The runs folder, in which names are looked up.
        metric: Metric to compare. Default: detected by name.
        higher_is_better: Its direction. Default: by configuration and name.
        sweep: Configuration key. Experiments and all their variants are treated as a sweep over it.
        grouping: The user's definition of groups and seeds. Default: both are recognized.
        choices: ``readout``, ``margin``, ``paired`` and the other keywords of
            ``ired_diag.comparison.compare``.

    Raises:
        NotFound: There is nothing of a name, or no group has a result.
        DiagError: The readout is unknown, or the configurations contradict each other about the direction.
    """
    notes: list[str] = []
    groups = groups_of(
        sources, runs=runs, notes=notes, metric=metric, variants=sweep is not None, grouping=grouping
    )
    if higher_is_better is not None:
        choices["lower_is_better"] = not higher_is_better
    comparison = compare_groups(groups, metric=metric, knob=sweep, **choices)
    return replace(comparison, notes=[*notes, *comparison.notes])

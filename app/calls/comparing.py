"""``ird.compare``: groups of seeds against each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.calls.opening import RUNS, Groups, Place, groups_of
from ired_diag.comparison import Comparison
from ired_diag.comparison import compare as compare_groups
from ired_diag.runs.study import Study


def compare(*sources: Study | Groups | Place, runs: Place = RUNS, **choices: Any) -> Comparison:
    """Return the comparison of groups of seeds.

    Args:
        sources: Names of experiments (``"q101", "q103"``), paths or ``NAME=GLOB`` as for ``ired-diag stats``;
            or one study; or one mapping of runs by the name of their group.
        runs: The runs folder, in which names are looked up.
        choices: ``metric``, ``readout``, ``margin``, ``paired`` and the other keywords of
            ``ired_diag.comparison.compare``.

    Raises:
        NotFound: There is nothing of a name, or no group has a result.
        DiagError: The readout is not known, or the configurations contradict each other about the direction.
    """
    notes: list[str] = []
    comparison = compare_groups(groups_of(sources, runs=runs, notes=notes), **choices)
    return replace(comparison, notes=[*notes, *comparison.notes])

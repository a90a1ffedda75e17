"""``ird.compare``: groups of seeds against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from app.calls.labelling import label_of_metric, with_labels
from app.calls.opening import RUNS, Place, Source, groups_of
from ired_diag.comparison import Comparison, Margin
from ired_diag.comparison import compare as compare_groups
from ired_diag.runs.study import Study
from ired_diag.runs.training_time import finished, speeds_of

if TYPE_CHECKING:
    from ired_diag.runs.regroup import Grouping


def compare(
    *sources: Source,
    runs: Study | Place = RUNS,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    readout: str = "plateau",
    margin: float | str | Margin = 0.01,
    paired: bool | None = None,
    sweep: str | None = None,
    grouping: Grouping | None = None,
    include_incomplete: bool = False,
    seed: int = 0,
    labels: Mapping[str, str] | None = None,
    metric_labels: Mapping[str, str] | None = None,
    skip_missing: bool = False,
    until: float | None = None,
) -> Comparison:
    """Return the comparison of groups of seeds.

    Args:
        sources: Names of experiments (``"q101", "q103"``), paths or ``NAME=GLOB`` as for ``ired-diag stats``;
            runs; one study, alone or followed by names of its groups; or one mapping by the name of a group
            to its runs, paths or name.
        runs: The runs folder, or a study that is already open, in which names are looked up.
        metric: Metric to compare. Default: detected by name.
        higher_is_better: Its direction. Default: by configuration and name.
        readout: Number of a curve that is compared: ``plateau``, ``last``, ``best``, ``last10`` or ``area``.
        margin: Smallest difference that matters: a share of the mean (``0.01``, ``"1%"``), or in the unit of
            the metric (``"0.05abs"``).
        paired: Whether equal seeds are pairs. Default: only where the configurations state the same data.
        sweep: Configuration key. Experiments and all their variants are treated as a sweep over it.
        grouping: The user's definition of groups and seeds. Default: both are recognized.
        include_incomplete: Keep runs that did not reach the end of their training.
        seed: Random seed of the bootstrap, and of tests that draw.
        labels: Label of a group by its name: ``{"q103": "adversarial mining"}``.
        metric_labels: Label of the metric by its name: ``{"validation/mse": "Validation MSE"}``.
        skip_missing: Leave out a pattern among paths that matches nothing. Default: it is an error.
        until: Step after which all curves are cut. Default: curves are whole.

    Raises:
        NotFound: There is nothing of a name, or no group has a result.
        DiagError: A source, the readout or the margin cannot be used, or the configurations contradict each
            other about the direction.
    """
    notes: list[str] = []
    groups = groups_of(
        sources,
        runs=runs,
        notes=notes,
        metric=metric,
        variants=sweep is not None,
        grouping=grouping,
        skip_missing=skip_missing,
    )
    comparison = compare_groups(
        with_labels(groups, labels or {}),
        metric=metric,
        lower_is_better=None if higher_is_better is None else not higher_is_better,
        readout=readout,
        margin=margin,
        paired=paired,
        knob=sweep,
        include_incomplete=include_incomplete,
        seed=seed,
        until=until,
    )
    metric_label = label_of_metric(comparison.metric, metric_labels or {})
    finished_runs = {name: finished(runs) for name, runs in with_labels(groups, labels or {}).items()}
    speeds = speeds_of(finished_runs)
    notes = [*notes, *comparison.notes, *([speeds] if speeds else [])]
    return replace(comparison, notes=notes, metric_label=metric_label)

"""What pictures and reports are made of: groups of runs under one metric, and their comparison."""

from __future__ import annotations

from collections.abc import Sequence

from app.calls.opening import Groups, Place, groups_of
from app.pictures import QUANTITIES, Material
from ired_diag.comparison import compare
from ired_diag.comparison.margin import Margin
from ired_diag.drawing.distributions import Form
from ired_diag.drawing.over_seeds import Band
from ired_diag.runs.judged import judge_groups
from ired_diag.runs.regroup import Grouping
from ired_diag.runs.study import Study


def material_of(
    sources: Sequence[Study | Groups | Place],
    *,
    runs: Place,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    grouping: Grouping | None = None,
    sweep: str | None = None,
    readout: str = "plateau",
    margin: float | Margin = 0.01,
    paired: bool | None = None,
    smooth: int | None = None,
    band: Band = "t interval",
    start: float | None = None,
    form: Form = "ecdf",
    quantities: Sequence[str] = (),
) -> tuple[Material, list[str]]:
    """Return what pictures are made of, and notes on how the runs were grouped and compared.

    Args:
        sources: Names of experiments and paths; or one study; or one mapping of groups.
        runs: The runs folder, in which names are looked up.
        metric: Metric to judge the runs by. Default: detected by name.
        higher_is_better: Its direction. Default: by configuration and name.
        grouping: The user's definition of groups and seeds. Default: both are recognized.
        sweep: Configuration key. Experiments and all their variants are treated as a sweep over it.
        readout: Number of a curve that is compared.
        margin: Smallest difference that matters: a share of the mean, or a margin.
        paired: Whether equal seeds are pairs. Default: only where the configurations state the same data.
        smooth: Number of evaluations in a running median of the curves. Default: none.
        band: Band around the mean of a learning curve.
        start: First step of the learning curves. Default: all steps.
        form: Form in which distributions are drawn.
        quantities: Quantities whose distributions are drawn. Default: condition number and energy.

    Raises:
        NotFound: There is nothing of a name, or no run logs the metric.
    """
    notes: list[str] = []
    selected = groups_of(
        sources, runs=runs, notes=notes, metric=metric, variants=sweep is not None, grouping=grouping
    )
    groups, shared_metric = judge_groups(selected, metric=metric, higher_is_better=higher_is_better)
    comparison = None
    if len(groups) > 1:
        comparison = compare(
            groups, metric=shared_metric, readout=readout, margin=margin, paired=paired, knob=sweep
        )
        notes += [*comparison.left_out, *comparison.notes]
    material = Material(
        groups=groups,
        comparison=comparison,
        metric=shared_metric,
        smooth=smooth,
        form=form,
        quantities=tuple(quantities) or QUANTITIES,
        band=band,
        start=None if start is None else float(start),
    )
    return material, notes

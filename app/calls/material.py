"""What pictures and reports are made of: groups of runs under one metric, and their comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.calls.group_order import group_order
from app.calls.labelling import label_of_metric, with_labels
from app.calls.opening import Place, Source, groups_of
from app.calls.several import names_in
from app.pictures import QUANTITIES, Material
from ired_diag.comparison import compare
from ired_diag.comparison.margin import Margin
from ired_diag.drawing.distributions import Form
from ired_diag.drawing.over_seeds import Band
from ired_diag.runs.judged import judge_groups
from ired_diag.runs.regroup import Grouping
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.runs.until import runs_until


def material_of(
    sources: Sequence[Source],
    *,
    runs: Study | Place,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    grouping: Grouping | None = None,
    sweep: str | None = None,
    readout: str = "plateau",
    margin: float | str | Margin = 0.01,
    paired: bool | None = None,
    smooth: int | None = None,
    band: Band = "t interval",
    start: float | None = None,
    form: Form = "ecdf",
    quantities: str | Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    metric_labels: Mapping[str, str] | None = None,
    skip_missing: bool = False,
    until: float | None = None,
) -> tuple[Material, list[str]]:
    """Return what pictures are made of, and notes on how the runs were grouped and compared.

    Args:
        sources: As for ``ird.compare``.
        runs: The runs folder, or a study, in which names are looked up.
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
        labels: Label of a group by its name. Default: groups keep their names.
        metric_labels: Label of the metric by its name. Default: its name.
        skip_missing: Leave out a pattern among paths that matches nothing. Default: it is an error.
        until: Step after which all curves are cut. Default: curves are whole.

    Raises:
        NotFound: There is nothing of a name, no run logs the metric, or a label is of nothing that is drawn.
        DiagError: Two groups have the same label, or a label is empty.
    """
    notes: list[str] = []
    selected = groups_of(
        sources,
        runs=runs,
        notes=notes,
        metric=metric,
        variants=sweep is not None,
        grouping=grouping,
        skip_missing=skip_missing,
    )
    judged, shared_metric = judge_groups(selected, metric=metric, higher_is_better=higher_is_better)
    if until is not None:
        judged = runs_until(judged, until, shared_metric or "")
    groups = with_labels(judged, labels or {})
    order = group_order(sources, runs, grouping, judged)
    label_of = dict(zip(judged, groups, strict=True))
    metric_label = label_of_metric(shared_metric or "", metric_labels or {})
    comparison = None
    if len(groups) > 1:
        comparison = compare(
            _baseline_last(groups),
            metric=shared_metric,
            readout=readout,
            margin=margin,
            paired=paired,
            knob=sweep,
            until=until,
        )
        comparison = replace(comparison, metric_label=metric_label)
        notes += [*comparison.left_out, *comparison.notes]
    material = Material(
        groups=groups,
        comparison=comparison,
        metric=shared_metric,
        metric_label=metric_label,
        names=dict(zip(groups, judged, strict=True)),
        order=tuple(label_of.get(name, name) for name in order),
        smooth=smooth,
        form=form,
        quantities=tuple(names_in(quantities, of="quantities")) or QUANTITIES,
        band=band,
        start=None if start is None else float(start),
    )
    return material, notes


def _baseline_last(groups: Mapping[str, Sequence[Run]]) -> dict[str, Sequence[Run]]:
    """Return groups with the first one, the baseline, last: a pair is in percent of its second group."""
    (baseline, runs), *others = groups.items()
    return {**dict(others), baseline: runs}

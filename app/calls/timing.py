"""``ird.when``: from which step on two groups are apart, and how much sooner one reaches a target."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from app.calls.labelling import label_of_metric, with_labels
from app.calls.opening import RUNS, Place, Source, groups_of
from ired_diag.comparison.when import Target, When
from ired_diag.comparison.when import when as when_groups
from ired_diag.errors import DiagError
from ired_diag.runs.study import Study

if TYPE_CHECKING:
    from ired_diag.drawing.data import FigureData
    from ired_diag.runs.regroup import Grouping

NO_LABELS: Mapping[str, str] = MappingProxyType({})


def when(
    new: Source,
    old: Source | None = None,
    *,
    target: Target | str | None = None,
    runs: Study | Place = RUNS,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    stays: bool = False,
    against_time: bool = False,
    time_column: str | None = None,
    paired: bool | None = None,
    alpha: float = 0.05,
    survivors: bool = False,
    include_incomplete: bool = False,
    seed: int = 0,
    grouping: Grouping | None = None,
    labels: Mapping[str, str] = NO_LABELS,
    metric_labels: Mapping[str, str] = NO_LABELS,
) -> When:
    """Return from which step on two groups are apart, and how much sooner one reaches a target.

    Args:
        new: Name, path or ``NAME=GLOB`` of the new group; or a study or mapping of both groups.
        old: The same of the old group.
        target: Value of the metric; ``"final"``: the level at which the old group ends. Default: no target.
        runs: The runs folder, or a study, in which names are looked up.
        metric: Metric to compare. Default: detected by name.
        higher_is_better: Its direction. Default: by configuration and name.
        stays: A run reaches the target where it is there for good, not where it is there first.
        against_time: Compare at equal logged times, not at equal steps.
        time_column: The logged column that tells the time. Default: detected by name.
        paired: Whether equal seeds are pairs. Default: where the configurations state the same data.
        alpha: Chance to call curves apart that are not, over all steps together; intervals have 1 - alpha.
        survivors: Leave seeds that failed out of the curves.
        include_incomplete: Keep runs in the curves that were stopped before the end of their training.
        seed: Random seed of what is drawn.
        grouping: The user's definition of groups and seeds. Default: both are recognized.
        labels: What pictures and text call a group, by its name.
        metric_labels: What pictures call the metric, by its name.

    Raises:
        NotFound: There is nothing of a name, no run logs the metric, or none tells the time.
        DiagError: There are not two groups, or an option is out of range.
    """
    notes: list[str] = []
    sources = [new] if old is None else [new, old]
    groups = groups_of(sources, runs=runs, notes=notes, metric=metric, grouping=grouping)
    groups = with_labels(groups, labels)
    answer = when_groups(
        groups,
        target=target_of(target),
        metric=metric,
        lower_is_better=None if higher_is_better is None else not higher_is_better,
        stays=stays,
        against_time=against_time,
        time_column=time_column,
        paired=paired,
        alpha=alpha,
        survivors=survivors,
        include_incomplete=include_incomplete,
        seed=seed,
    )
    label = label_of_metric(answer.metric, metric_labels)
    return replace(answer, notes=[*notes, *answer.notes], metric_label=label)


def target_of(target: float | str | None) -> float | Literal["final"] | None:
    """Return a target that was given as a number or as text.

    Raises:
        DiagError: It is neither a finite number nor ``final``.
    """
    if target is None or target == "final":
        return target  # type: ignore[return-value]
    try:
        number = float(target)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DiagError(
            f"A target is a finite number, or final: the level at which the old group ends. Found {target!r}."
        )
    return number


def pictures_of(answer: When) -> list[FigureData]:
    """Return the pictures of an answer: of the curves and of the times to the target.

    Args:
        answer: What ``ird.when`` returned.
    """
    from ired_diag.drawing.curves_apart import curves_apart
    from ired_diag.drawing.steps_to_target import steps_to_target

    figures = []
    if answer.apart is not None:
        figures.append(curves_apart(answer))
    if answer.reaching is not None:
        figures.append(steps_to_target(answer))
    return figures

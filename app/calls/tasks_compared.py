"""``ird.across``: groups of seeds against each other over several tasks or metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.calls.labelling import Labels, with_labels
from app.calls.opening import RUNS, Place
from ired_diag.comparison.across import Across, Choices, TaskToCompare
from ired_diag.comparison.across import across as compare_across
from ired_diag.comparison.task_numbers import Directions
from ired_diag.readers.reference_scores import read_references
from ired_diag.runs.run import Run
from ired_diag.runs_over_tasks import runs_over_tasks

if TYPE_CHECKING:
    from ired_diag.runs.regroup import Grouping

References = Mapping[str, tuple[float, float]]
PICTURES = ("task-effects", "aggregate-intervals", "performance-profiles", "improvement-probability")


def across(
    *sources: Place,
    runs: Place = RUNS,
    against: str | None = None,
    tasks: str | None = None,
    metrics: str | Sequence[str] = (),
    metric: str | None = None,
    higher_is_better: bool | None = None,
    higher: str | Sequence[str] = (),
    lower: str | Sequence[str] = (),
    scale: str | None = None,
    references: Place | References | None = None,
    target: float | None = None,
    readout: str = "last",
    paired: bool | None = None,
    separate_runs: bool | None = None,
    grouping: Grouping | None = None,
    include_incomplete: bool = False,
    seed: int = 0,
    labels: Labels | None = None,
) -> Across:
    """Return the comparison of groups over several tasks, all of them fixed.

    Args:
        sources: Tables of one number for each seed and task; or names, paths and ``NAME=GLOB`` of runs.
        runs: The runs folder, or a table, in which names are looked up.
        against: The old group. Default: the last.
        tasks: Column of the table, or key of the configurations, that says the task. Default: by name.
        metrics: Metrics, or columns of numbers, that stand in for tasks: a list, or text with commas.
        metric: The metric of every task. Default: detected by name.
        higher_is_better: Direction of all tasks. Default: by configuration and name.
        higher: Tasks or metrics of which higher is better.
        lower: Tasks or metrics of which lower is better.
        scale: ``relative``, ``spread``, ``reference`` or ``raw``. Default: relative, where all are above 0.
        references: Low and high score of each task, or a CSV file with them.
        target: Score of the optimality gap. Default: that of the scale.
        readout: Number of a curve: ``last``, ``plateau``, ``best``, ``last10`` or ``area``.
        paired: Whether equal seeds are pairs. Default: where the configurations state the same data.
        separate_runs: Whether runs of one seed on different tasks are independent. Default: where each task
            has runs of its own.
        grouping: The user's definition of groups and seeds. Default: both are recognized.
        include_incomplete: Keep runs that did not reach the end of their training.
        seed: Random seed of the bootstrap.
        labels: Label of a group by its name. Default: groups keep their names.

    Raises:
        NotFound: There is nothing of a name, or no run logs a metric.
        DiagError: There are not two groups with two tasks; a direction is unknown; or tasks cannot be brought
            to one unit.
    """
    comparison, _ = across_with_runs(
        sources,
        runs=runs,
        against=against,
        tasks=tasks,
        metrics=_names(metrics),
        metric=metric,
        higher_is_better=higher_is_better,
        higher=_names(higher),
        lower=_names(lower),
        scale=scale,
        references=references,
        target=target,
        readout=readout,
        paired=paired,
        separate_runs=separate_runs,
        grouping=grouping,
        include_incomplete=include_incomplete,
        seed=seed,
        labels=labels,
    )
    return comparison


def _names(names: str | Sequence[str]) -> list[str]:
    """Return names in a list; those of a text stand between commas."""
    if isinstance(names, str):
        names = names.split(",")
    return list(filter(None, map(str.strip, names)))


def across_with_runs(
    sources: Sequence[Place],
    *,
    runs: Place,
    tasks: str | None,
    metrics: Sequence[str],
    metric: str | None,
    grouping: Grouping | None,
    against: str | None,
    separate_runs: bool | None,
    references: Place | References | None,
    higher_is_better: bool | None,
    higher: Sequence[str],
    lower: Sequence[str],
    seed: int = 0,
    labels: Labels | None = None,
    **choices: Any,
) -> tuple[Across, Mapping[str, Sequence[Run]]]:
    """Return the comparison, and the runs of each group on all tasks. Arguments are those of ``across``."""
    found = runs_over_tasks(
        list(map(str, sources)),
        Path(runs),
        task=tasks,
        metrics=metrics,
        metric=metric,
        grouping=grouping,
    )
    label_of = labels or {}
    all_groups: dict[str, Sequence[Run]] = {}
    for task in found.tasks:
        all_groups |= task.groups
    with_labels(all_groups, label_of)  # refuses labels that cannot be meant
    if separate_runs is None:
        separate_runs = found.kind == "trainings"
    if references is not None and not isinstance(references, Mapping):
        references = read_references(Path(references))
    chosen = Choices(
        old=None if against is None else label_of.get(against, against),
        separate=separate_runs,
        references=references,
        directions=Directions(higher_is_better=higher_is_better, higher=higher, lower=lower),
        seed=seed,
        is_one_run=found.kind == "metrics",
        **choices,
    )
    to_compare = []
    members: dict[str, list[Run]] = {}
    for task in found.tasks:
        groups = {label_of.get(name, name): of_group for name, of_group in task.groups.items()}
        to_compare.append(TaskToCompare(name=task.name, groups=groups, metric=task.metric))
        for group, of_group in groups.items():
            members.setdefault(group, []).extend(of_group)
    return compare_across(to_compare, chosen, notes=found.notes), members


def write_pictures_across(
    comparison: Across,
    members: Mapping[str, Sequence[Run]],
    folder: Path,
    *,
    command: Sequence[str],
    width: float,
    font: str = "sans",
) -> list[Path]:
    """Write the pictures of a comparison over tasks, their data and provenance, and return the files.

    Args:
        comparison: The comparison.
        members: The runs of each group, for the provenance.
        folder: Folder for the files.
        command: Words of the command that drew them.
        width: Width of a picture in inches.
        font: ``sans``, ``serif``, or a family of fonts that matplotlib finds.

    Raises:
        CannotWrite: The folder cannot be written.
        NotFound: There is no such font.
    """
    from app.calls.drawing import FORMS, write_pictures
    from app.pictures import Material, make_pictures

    material = Material(groups=members, across=comparison)
    pictures = make_pictures(material, PICTURES)
    return write_pictures(
        pictures,
        material,
        folder,
        command=command,
        forms=FORMS,
        width=width,
        font=font,
    )

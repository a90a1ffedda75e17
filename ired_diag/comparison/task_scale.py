"""Which unit tasks are brought to, and when that is refused.

Tasks of different units have no mean as they are (``stats.score_scale``). The user chooses a scale, or ratios
to the old group's means are taken, where all numbers are above 0; where the choice does not suit the numbers,
it is refused with those that do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ired_diag.comparison.skill import different_problems
from ired_diag.comparison.task_numbers import Array, TaskNumbers
from ired_diag.errors import DiagError
from ired_diag.runs.name_list import first_names
from ired_diag.stats.score_aggregates import fewest_seeds
from ired_diag.stats.score_scale import (
    LEAST_FOR_SPREAD,
    SCALES,
    Scale,
    raw_scale,
    reference_scale,
    relative_scale,
    skewed_tasks,
    spread_scale,
)

MOST_NAMED = 6  # tasks in a sentence
References = Mapping[str, tuple[float, float]]


def scale_of_tasks(
    raw: Mapping[str, Array],
    numbers: Sequence[TaskNumbers],
    *,
    old: str,
    chosen: str | None,
    references: References | None,
) -> Scale:
    """Return the scale on which tasks are compared.

    Args:
        raw: Numbers of each group, of shape (seeds, tasks).
        numbers: The tasks with their directions.
        old: The group that others are compared with.
        chosen: Which of ``SCALES``. None: ``relative``, or ``reference`` where there are references.
        references: Low and high score of each task.

    Raises:
        DiagError: The scale is unknown, or does not suit the numbers.
    """
    sign = np.array([-1.0 if task.lower_is_better else 1.0 for task in numbers])
    name = chosen
    if name is None and references is None:
        name = "relative"
    elif name is None:
        name = "reference"
    if name not in SCALES:
        raise DiagError(f"Scale {name!r} is unknown. There are: {', '.join(SCALES)}.")
    if name == "reference":
        return _reference(numbers, references)
    if references is not None:
        raise DiagError(f"--references is for the scale 'reference', not for {name!r}.")
    if name == "relative":
        _check_positive(raw, numbers, is_chosen=chosen is not None)
        return relative_scale(raw[old], sign)
    if name == "spread":
        _check_spread(raw[old], numbers, old)
        return spread_scale(raw[old], sign)
    _check_one_problem(numbers, old)
    return raw_scale(sign)


def _check_one_problem(numbers: Sequence[TaskNumbers], old: str) -> None:
    """Refuse raw numbers of tasks that are different problems, where the runs' configurations say so."""
    first = numbers[0]
    for other in numbers[1:]:
        if other.metric != first.metric:
            continue
        reason = different_problems(first.members[old], other.members[old], first.metric)
        if reason:
            raise DiagError(
                f"--scale 'raw', tasks {first.name} and {other.name}: {reason.partition(';')[0]}. Leave out "
                "--scale: ratios to the old group's mean are of one unit."
            )


def _reference(numbers: Sequence[TaskNumbers], references: References | None) -> Scale:
    if references is None:
        raise DiagError("The scale 'reference' needs a table of low and high scores: --references FILE.")
    lacking = [task.name for task in numbers if task.name not in references]
    if lacking:
        listed = first_names(lacking, MOST_NAMED)
        raise DiagError(f"--references: no scores of {len(lacking)} tasks ({listed}).")
    low = np.array([references[task.name][0] for task in numbers])
    high = np.array([references[task.name][1] for task in numbers])
    for t, task in enumerate(numbers):
        if task.direction == "option" and (high[t] < low[t]) != task.lower_is_better:
            raise DiagError(
                f"{task.name}: --references has {low[t]:g} as low and {high[t]:g} as high, against the "
                "direction that was chosen."
            )
    return reference_scale(low, high)


def _check_positive(
    raw: Mapping[str, Array],
    numbers: Sequence[TaskNumbers],
    *,
    is_chosen: bool,
) -> None:
    """Refuse ratios of numbers that are not all above 0, or of means that are 0.

    Raises:
        DiagError: There are such numbers.
    """
    lacking = []
    for t, task in enumerate(numbers):
        columns = [values[:, t] for values in raw.values()]
        least = min(float(np.nanmin(column)) for column in columns)
        least_mean = min(float(np.nanmean(column)) for column in columns)
        if least < 0 or least_mean == 0:
            lacking.append(task.name)
    if not lacking:
        return
    listed = first_names(lacking, MOST_NAMED)
    begin = "The scale 'relative'" if is_chosen else "No scale was chosen, and 'relative', the default,"
    raise DiagError(
        f"{begin} needs numbers above 0, and {len(lacking)} of {len(numbers)} tasks have others ({listed}). "
        "Tasks of different units have no mean as they are. Choose: --references FILE (low and high score of "
        f"each task), --scale 'spread' (from {LEAST_FOR_SPREAD} seeds of the old group on), or, only where "
        "all tasks have one unit, --scale 'raw'."
    )


def _check_spread(
    old_numbers: Array,
    numbers: Sequence[TaskNumbers],
    old: str,
) -> None:
    seeds = fewest_seeds(old_numbers)
    if seeds < LEAST_FOR_SPREAD:
        raise DiagError(
            f"--scale 'spread': {old} has {seeds} seeds on a task, and the spread of fewer than "
            f"{LEAST_FOR_SPREAD} is too badly known to be a unit."
        )
    spreads = np.nanmax(old_numbers, axis=0) - np.nanmin(old_numbers, axis=0)
    if spreads.min() == 0:
        task = numbers[int(np.argmin(spreads))].name
        raise DiagError(f"--scale 'spread': all seeds of {old} have the same number on {task}.")


def notes_on_scale(
    raw: Mapping[str, Array],
    scale: Scale,
    numbers: Sequence[TaskNumbers],
) -> list[str]:
    """Return what is to be known of numbers on a scale: skewed ratios, several units, unequal seeds."""
    notes = []
    if scale.name == "relative":
        skewed = max(skewed_tasks(values) for values in raw.values())
        if skewed:
            notes.append(
                f"On {skewed} of {len(numbers)} tasks seeds spread by more than 40% of their mean: ratios "
                "are skewed, and the test of the mean effect may have 7% false alarms instead of 5%."
            )
    if scale.name == "raw":
        metrics = {task.metric for task in numbers}
        if len(metrics) > 1:
            names = first_names(sorted(metrics), MOST_NAMED)
            notes.append(f"--scale 'raw' averages different metrics as they are ({names}): is it one unit?")
    counts = {int(count) for values in raw.values() for count in np.isfinite(values).sum(axis=0)}
    if len(counts) > 1:
        notes.append(
            f"Tasks have {min(counts)} to {max(counts)} seeds: IQM and optimality gap weigh runs alike, "
            "mean, median and effects weigh tasks alike."
        )
    return notes

"""Groups that solve different problems: raw errors are not compared, skill is.

An error of 0.02 may be excellent on one problem and worse than no answer on another. Relative to what a
predictor without training reaches on the same data,

    skill = 1 - MSE / MSE of the predictor,

1 is a right answer everywhere, 0 as good as the predictor, and below 0 worse (probe ``floor``). The
predictor is the best that the task names (``Task.references``; of matrices, linear regression). The interval
is Student's over the seeds of a cell; the standard error s_F of the simulated predictor's F is added to it as

    half² = (t s / √n / F)² + (1.96 m s_F / F²)²,        m the mean MSE of the cell.

Two groups solve different problems where both state their data, differently, and the predictors reach
different errors on them. Skill makes them comparable as shares of what can be won beyond the predictor; how
hard it is to win them still differs from problem to problem.

Reference: Murphy (1988), Skill Scores Based on the Mean Square Error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag import tasks
from ired_diag.comparison.seeds import Members
from ired_diag.stats.quantiles import t_quantile
from ired_diag.stats.summary import CONFIDENCE
from ired_diag.task import Reference

NORMAL = 1.96
DATASET = "dataset"


@dataclass(frozen=True, kw_only=True)
class SkillCell:
    """One group's skill.

    Attributes:
        group: Its name.
        row: What tells it from the groups on the same data: ``mining_strategy=none``.
        problem: The data: ``rank=10``.
        floor: What the predictor reaches on them.
        skill: Mean over seeds; NaN without one.
        low: Lower end of its 95% interval; NaN for one seed.
        high: Upper end.
        n: Seeds.
        failed: Seeds that failed and are not among them.
    """

    group: str
    row: str
    problem: str
    floor: float
    skill: float
    low: float
    high: float
    n: int
    failed: int = 0


@dataclass(frozen=True)
class SkillTable:
    """Skill of groups on several problems.

    Attributes:
        predictor: What a skill of 0 is, in words: "linear regression".
        cells: One for each group, in the order given.
    """

    predictor: str
    cells: Sequence[SkillCell]

    @property
    def problems(self) -> list[str]:
        """The problems, in the order of their first group."""
        return list(dict.fromkeys(cell.problem for cell in self.cells))

    @property
    def rows(self) -> list[str]:
        """What is compared on each problem, likewise."""
        return list(dict.fromkeys(cell.row for cell in self.cells))


def floor_of(members: Members, metric: str) -> Reference | None:
    """Return the best predictor without training on a group's data; None where they are not known."""
    for task in tasks.judged_by(metric):
        references = task.references(members.knobs, None)
        if references is not None:
            return min(references.values, key=lambda reference: task.metric.sign * -reference.value)
    return None


def problem_keys(groups: Sequence[Members], metric: str) -> list[str]:
    """Return which keys of their data groups state differently."""
    keys = []
    for task in tasks.judged_by(metric):
        keys += [*task.paired_by, DATASET]
    differing = []
    for key in dict.fromkeys(keys):
        values = {str(members.knobs[key]) for members in groups if key in members.knobs}
        if len(values) > 1:
            differing.append(key)
    return differing


def different_problems(a: Members, b: Members, metric: str) -> str:
    """Return that two groups solve different problems, in words; empty where they are not known to."""
    keys = problem_keys((a, b), metric)
    if not keys:
        return ""
    floors = [floor_of(members, metric) for members in (a, b)]
    if floors[0] is None or floors[1] is None or floors[0].value == floors[1].value:
        return ""
    told = " and ".join(f"{key} {a.knobs[key]} and {b.knobs[key]}" for key in keys)
    return (
        f"They solve different problems ({told}: {floors[0].title} reaches {floors[0].value:.3g} and "
        f"{floors[1].value:.3g}), so that raw {metric} is not compared; skill is"
    )


def skill_table(
    groups: Sequence[Members], values: Mapping[str, Mapping[str, float]], metric: str
) -> SkillTable | None:
    """Return the skill of groups that solve different problems; None where they do not, or data are unknown.

    Args:
        groups: The groups.
        values: Number of each seed by group.
        metric: What the numbers are of; lower is better.
    """
    keys = problem_keys(groups, metric)
    if any(task.metric.higher_is_better for task in tasks.judged_by(metric)):
        return None
    if not keys or any(key not in members.knobs for members in groups for key in keys):
        return None
    floors = [floor_of(members, metric) for members in groups]
    rows = _rows(groups, keys)
    cells, predictor = [], ""
    for members, floor, row in zip(groups, floors, rows, strict=True):
        if floor is None or not floor.value > 0:
            return None
        predictor = floor.title
        numbers = np.array(list(values[members.name].values()), dtype=np.float64)
        problem = ", ".join(f"{key}={members.knobs[key]}" for key in keys)
        cells.append(_cell(members, floor, numbers[np.isfinite(numbers)], row=row, problem=problem))
    return SkillTable(predictor, cells)


def _cell(
    members: Members, floor: Reference, numbers: NDArray[np.float64], *, row: str, problem: str
) -> SkillCell:
    n = len(numbers)
    mean = float(numbers.mean()) if n else math.nan
    half = math.nan
    if n > 1:
        spread = t_quantile(CONFIDENCE, n - 1) * float(numbers.std(ddof=1)) / math.sqrt(n) / floor.value
        half = math.hypot(spread, NORMAL * mean * floor.standard_error / floor.value**2)
    skill = 1 - mean / floor.value
    return SkillCell(
        group=members.name,
        row=row,
        problem=problem,
        floor=floor.value,
        skill=skill,
        low=skill - half,
        high=skill + half,
        n=n,
        failed=len(members.failed),
    )


def _rows(groups: Sequence[Members], keys: Sequence[str]) -> list[str]:
    """Return what tells each group from the others but its data; its name, where that does not suffice."""
    stated = set.intersection(*(set(members.knobs) for members in groups))
    telling = []
    for key in groups[0].knobs:
        if key in stated and key not in keys and len({str(g.knobs[key]) for g in groups}) > 1:
            telling.append(key)
    rows = [", ".join(f"{key}={members.knobs[key]}" for key in telling) for members in groups]
    places = set()
    for row, members in zip(rows, groups, strict=True):
        places.add((row, *(str(members.knobs[key]) for key in keys)))
    if len(places) < len(groups):
        return [members.name for members in groups]
    return [row or "skill" for row in rows]

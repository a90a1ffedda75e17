"""Final values that are rounding: differences between them say nothing.

Two floors:

- printing: a metric logged with four decimals that ends at 0.0003 is known to ±17% only. Where the last
  values of a run are five units of the last printed place or fewer, its runs cannot be told apart below that;
- arithmetic: a loss that fell by 12 orders of magnitude and then neither rises nor falls has come to what its
  precision leaves (a squared residual of a float64 rests near 1e-31 of its start). Which run is lower there
  is decided by the order of additions.

Whole numbers are counts and have no such floor; neither has a share of few samples, whose steps are its own.

Reference: Higham (2002), Accuracy and Stability of Numerical Algorithms, section 2.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, judged_metric, labels_of, runs_of, seeds_in_words
from ired_diag.runs.metric_limits import share_of
from ired_diag.runs.metric_words import LOWER, measures_in, words_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.stats.printed_numbers import printed

FEWEST = 10  # values
UNITS = 5.0  # of the last printed place
ORDERS = 1e-12  # of the first value
AT_REST = 10.0  # times: between the halves of the last fifth

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Floor:
    """A run at its floor.

    Attributes:
        run: The run.
        level: The median of its last values.
        unit: Of the last printed place; 0 where the floor is that of arithmetic.
        fallen: The level over the first value.
    """

    run: Run
    level: float
    unit: float
    fallen: float


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and kind of floor."""
    cases: dict[tuple[str, str, bool], list[Floor]] = defaultdict(list)
    for run in study.runs:
        floor = floor_of(run)
        if floor is not None:
            is_printed = floor.unit > 0
            cases[run.group, judged_metric(run), is_printed].append(floor)
    for (group, metric, is_printed), floors in cases.items():
        if is_printed:
            yield _finding_on_printing(group, metric, floors)
        else:
            yield _finding_on_arithmetic(group, metric, floors)


def groups_of_rounding(study: Study) -> frozenset[str]:
    """Return the groups of which every run with evaluations ends at a floor."""
    groups = set()
    for group, runs in study.groups().items():
        evaluated = [run for run in runs if run.evaluated]
        if evaluated and all(map(floor_of, evaluated)):
            groups.add(group)
    return frozenset(groups)


def floor_of(run: Run) -> Floor | None:
    """Return the floor that a run's judged metric ends at; None where it ends above one."""
    if run.evaluated is None or not run.lower_is_better or not _is_error(run.evaluated[0]):
        return None
    values = np.asarray(run.evaluated[1].values, dtype=np.float64)
    if len(values) < FEWEST or not np.isfinite(values).all() or (values < 0).any():
        return None
    fifth = len(values) // 5
    first = float(values[: fifth + 1].max())
    late = values[-max(FEWEST // 2, fifth) :]
    level = float(np.median(late))
    unit = 0.0
    if (values > 0).any():
        unit = float(printed(values).unit.min())
    if 0 < unit < 1 and level <= UNITS * unit and first > 4 * UNITS * unit:
        return Floor(run=run, level=level, unit=unit, fallen=level / first)
    if 0 < level <= ORDERS * first and _is_at_rest(late):
        return Floor(run=run, level=level, unit=0.0, fallen=level / first)
    return None


def _is_at_rest(values: Array) -> bool:
    """Say whether the medians of the two halves are equal, or less than a factor of ten apart."""
    halves = np.array_split(values, 2)
    low, high = sorted(float(np.median(half)) for half in halves)
    return low == high or (0 < low and high <= AT_REST * low)


def _is_error(metric: str) -> bool:
    is_loss = LOWER.intersection(measures_in(words_of(metric)))
    return bool(is_loss) and share_of(metric) is None


def _finding_on_printing(group: str, metric: str, floors: list[Floor]) -> Finding:
    worst = min(floors, key=lambda floor: floor.level)
    runs = runs_of(floors)
    percent = 50 * worst.unit / max(worst.level, worst.unit)
    statement = (
        f"{group}: {metric} ends at {worst.level:.3g} and is logged in steps of {worst.unit:.0e}: its last "
        f"values are known to ±{percent:.0f}% only ({seeds_in_words(runs)}). "
        "Smaller differences are rounding."
    )
    advice = f"Log {metric} with more digits before comparing runs by it, or compare its logarithm earlier."
    return Finding(
        rule="rounding_floor",
        severity="note",
        statement=statement,
        evidence=_evidence_of(worst, metric, runs),
        advice=advice,
        runs=labels_of(runs),
    )


def _finding_on_arithmetic(group: str, metric: str, floors: list[Floor]) -> Finding:
    worst = min(floors, key=lambda floor: floor.fallen)
    runs = runs_of(floors)
    statement = (
        f"{group}: {metric} ends at {worst.level:.3g}, {worst.fallen:.1g} times its start, and falls no more "
        f"({seeds_in_words(runs)}): it is at the floor of its precision. Which "
        "run is lowest there is rounding, and no result."
    )
    return Finding(
        rule="rounding_floor",
        severity="note",
        statement=statement,
        evidence=_evidence_of(worst, metric, runs),
        advice=f"Compare by how soon {metric} falls below a threshold, such as 1e-8 of its start.",
        runs=labels_of(runs),
    )


def _evidence_of(worst: Floor, metric: str, runs: list[Run]) -> Evidence:
    return {
        "group": worst.run.group,
        "metric": metric,
        "runs": len(runs),
        "level": worst.level,
        "unit": worst.unit or None,
        "fallen_to": worst.fallen,
    }


RULE = Rule(
    name="rounding_floor",
    question="Are final values more than rounding?",
    find=find,
    refuted_by="The same runs logged with more digits, or computed in higher precision: they end apart.",
    near_miss="Counts; a loss that is still falling; few digits far above their last place.",
    example="val_loss 0.0003, 0.0002, 0.0003 at the end, logged with four decimals.",
)

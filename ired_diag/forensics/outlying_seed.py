"""One seed that rests far from its siblings: a mean over seeds then is of two kinds of runs.

Complete runs of a group, four or more, are compared by the level at which they end: the median of the last
tenth of their evaluations, as a logarithm x. Of m others with mean x̄ and sd s, one more of their kind lies in

    x̄ ± t(m - 1; 1 - α/2) s √(1 + 1/m),    α = 1% divided by the number of seeds,

and a seed is far away where it lies outside, and by a factor of two from their median, or by a tenth that is
ten times s and ten times the grain of the values (accuracies over 50 samples move in steps of 0.02). The
tenth counts only where seeds are known: five files without a seed may be five methods. Only seeds that rest
are compared: one that diverged, or never came down, is said by its curve, and where most diverged the one
that did not is no outlier. A number of a table has no curve.

By less than a factor of two it is a note: four siblings may lie close together by chance, and a healthy seed
that is worse by a third has been seen next to four that agree to 5%. From 1.5 times on, at thirty times their
spread, it is a warning too.

Reference: Hahn & Meeker (1991), Statistical Intervals, section 4.7 (prediction of one observation).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from ired_diag.curves.grain import grain_of
from ired_diag.curves.shape import shape_of
from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import Evidence, Rule
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.stats.printed_numbers import printed

FEWEST = 4  # seeds
FACTOR = 2.0
NEAR_FACTOR = 1.1  # where that is many times the spread of the others
CLEAR = 10.0  # times the spread, or the grain
CLEAR_FACTOR, VERY_CLEAR = 1.5, 30.0  # times, and times the spread: less than a factor of two, and no chance
CHANCE = 0.01  # of a false alarm in a group


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each seed that rests far from the others of its group."""
    groups: dict[tuple[str, str], list[tuple[Run, float]]] = defaultdict(list)
    for run in study.runs:
        level = _level(run)
        if run.evaluated and run.ending.may_be_complete and math.isfinite(level) and _rests(run):
            metric = run.evaluated[0]
            groups[run.group, metric].append((run, level))
    for (_, metric), runs in groups.items():
        if len(runs) >= FEWEST:
            yield from _outliers(metric, runs)


def _outliers(metric: str, runs: Sequence[tuple[Run, float]]) -> Iterator[Finding]:
    levels = np.array([level for _, level in runs])
    for place, (run, level) in enumerate(runs):
        others = np.delete(levels, place)
        if _is_far(run, level, others) and not _is_expected(level, others):
            yield _finding(run, metric, level=level, others=others)


def _is_far(run: Run, level: float, others: NDArray[np.float64]) -> bool:
    """Say whether a level is far from those of the other seeds, as a ratio."""
    middle = float(np.median(others))
    away = abs(level - middle)
    if away >= math.log(FACTOR):
        return True
    if run.seed is None or away < math.log(NEAR_FACTOR):
        return False
    spread = max(float(others.std(ddof=1)), _grain(run) / math.exp(middle))
    return away >= CLEAR * spread


def _grain(run: Run) -> float:
    """Return the step in which a run's values move: of a lattice, else of what is printed."""
    if run.evaluated is None:
        return 0.0
    values = np.asarray(run.evaluated[1].values, dtype=np.float64)
    finite = values[np.isfinite(values)]
    lattice = grain_of(finite, lower_is_better=run.lower_is_better)
    return max(lattice, float(printed(finite).unit[-1]))


def _finding(run: Run, metric: str, *, level: float, others: NDArray[np.float64]) -> Finding:
    """Return the finding on a seed.

    Args:
        run: The seed.
        metric: The name of the metric that judges it.
        level: The logarithm of its level.
        others: The logarithms of the levels of the other seeds.
    """
    middle = float(np.median(others))
    factor = math.exp(abs(level - middle))
    side = "above" if math.exp(level) > math.exp(middle) else "below"
    width = math.exp(float(np.ptp(others))) - 1
    distance = f"{factor:.3g} times {side}"
    severity: Severity = "warning"
    if factor < FACTOR:
        is_clear = factor >= CLEAR_FACTOR and math.log(factor) >= VERY_CLEAR * float(others.std(ddof=1))
        severity = "warning" if is_clear else "note"
        distance = f"{100 * abs(math.expm1(level - middle)):.2g}% {side}"
    statement = (
        f"{run.group}: {run.seed_label} ends at {metric} {math.exp(level):.4g}, {distance} the other "
        f"{len(others)} seeds ({math.exp(middle):.4g}, within {100 * width:.2g}% of each other): a mean over "
        "them all describes none."
    )
    evidence: Evidence = {
        "group": run.group,
        "run": run.label,
        "level": math.exp(level),
        "others": math.exp(middle),
        "factor": factor,
        "seeds": len(others) + 1,
    }
    return Finding(
        rule="outlying_seed",
        severity=severity,
        statement=statement,
        evidence=evidence,
        advice="Compare its commit, machine and log with those of the others.",
    )


def _is_expected(level: float, others: NDArray[np.float64]) -> bool:
    """Say whether a level lies where one more of the same kind would."""
    m = len(others)
    quantile = stdtrit(m - 1, 1 - CHANCE / (2 * (m + 1)))
    half = quantile * float(others.std(ddof=1)) * math.sqrt(1 + 1 / m)
    return bool(abs(level - float(others.mean())) <= half)


def _rests(run: Run) -> bool:
    if run.evaluated is None:
        return False
    series = run.evaluated[1]
    if len(series) == 1:
        return True  # a number of a table
    shape = shape_of(series.steps, series.values, lower_is_better=run.lower_is_better)
    return shape.word in ("converged", "improving")


def _level(run: Run) -> float:
    """Return the log of the level at which a run ends; NaN where it is not defined."""
    if run.evaluated is None:
        return math.nan
    values = run.evaluated[1].values
    tenth = max(1, len(values) // 10)
    last = values[-tenth:]
    # The median of infinities of both signs is not defined.
    if not np.isfinite(last).all():
        return math.nan
    end = float(np.median(last))
    return math.log(end) if end > 0 else math.nan


RULE = Rule(
    name="outlying_seed",
    question="Does one seed rest far from its siblings?",
    find=find,
    refuted_by=("More seeds: if one of ten or so lands there again, it is the group's own spread."),
    near_miss=(
        "Three seeds, of which one is further away; five seeds that spread widely and evenly; a seed that "
        "diverged, which its curve says; the one seed that did not diverge; accuracies over a few samples."
    ),
    example=("Four seeds rest at 0.0097 to 0.0099, the fifth at 0.021."),
)

"""A learning rate that is configured above 0 and logged as 0 from the first row to the last.

Such a run trains nothing: a schedule that was planned for 0 steps, a scheduler stepped before it was set up,
or every parameter frozen. A run is reported that has five logged rates or more, where every logged rate is
exactly 0 (an optimiser's frozen group may be 0 next to one that moves) and the configured one is above 0.

A log may also print too few digits: 2e-5 is 0.0000 with four. So it is a warning only where nothing logged
improved either, or where the configured rate is so large (0.01 or more) that no usual format prints it as 0;
while a loss comes down, it is a note: the field is wrong, or rounded. A warm-up that begins at 0 and a
schedule that ends there have other values between.

Where no configuration states a rate, rates of 0 are a warning if the log has a loss and none comes down: a
run that trains has a rate, whatever it was meant to be. An evaluation may well print its rate as 0, and so
nothing is said of a log without ten values of a loss.

A curve that never comes down and a result at chance follow from it, and are not said of runs that this rule
warns of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from ired_diag.curves.shape import shape_of
from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import Evidence, Rule, labels_of, seeds_in_words
from ired_diag.runs.metric_words import LOWER, measures_in, words_of
from ired_diag.runs.run import Run
from ired_diag.runs.setting_number import number_of
from ired_diag.runs.study import Study

FEWEST = 5  # logged rates
FEWEST_LOSSES = 10  # logged losses, where no configuration says what the rate was to be
VISIBLE = 0.01  # a rate that two decimals show
IMPROVED = 0.95  # of its first fifth: a loss that came down
RATE = ("lr",)


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group whose logged learning rates are all 0."""
    cases: dict[tuple[str, str, float, bool], list[tuple[Run, str]]] = defaultdict(list)
    for run in study.runs:
        names = logged_rates(run)
        if not names or not _are_zero(run, names):
            continue
        improved = has_improved(run)
        setting = configured_rate(run)
        if setting is not None:
            key, rate = setting
            cases[run.group, key, rate, improved].append((run, names[0]))
        elif not _configures_a_rate(run) and _logs_a_loss(run) and not improved:
            cases[run.group, "", 0.0, improved].append((run, names[0]))
    for (_, key, rate, improved), zero in cases.items():
        runs, metrics = zip(*zero, strict=True)
        yield _finding(runs, metrics[0], key=key, rate=rate, improved=improved)


def _are_zero(run: Run, names: Sequence[str]) -> bool:
    """Say whether learning rates are logged often enough, and are 0 in every row."""
    longest = 0
    for name in names:
        rates = np.asarray(run.history.series[name].values, dtype=np.float64)
        if rates.any():
            return False
        longest = max(longest, len(rates))
    return longest >= FEWEST


def _configures_a_rate(run: Run) -> bool:
    """Say whether a configuration has a learning rate, be it 0."""
    return any(words_of(key.rpartition(".")[2]) == RATE for key in run.configuration or {})


def _logs_a_loss(run: Run) -> bool:
    """Say whether a run logs a loss often enough to see whether it comes down."""
    for name, series in run.history.series.items():
        if len(series) >= FEWEST_LOSSES and LOWER.intersection(measures_in(words_of(name))):
            return True
    return False


def configured_rate(run: Run) -> tuple[str, float] | None:
    """Return the key and value of the learning rate above 0 that a run configures; None without one."""
    for key, value in (run.configuration or {}).items():
        number = number_of(value)
        last_part = key.rpartition(".")[2]
        if words_of(last_part) == RATE and number is not None and number > 0:
            return key, number
    return None


def logged_rates(run: Run) -> list[str]:
    """Return the metrics that are learning rates: ``lr``, ``train/learning_rate``, ``lr-AdamW/pg1``."""
    return [name for name, series in run.history.series.items() if "lr" in words_of(name) and len(series)]


def has_improved(run: Run) -> bool:
    """Say whether something was learned: the last fifth of a loss lies below 95% of its first, or so."""
    for name, series in run.history.series.items():
        values = np.asarray(series.values, dtype=np.float64)
        values = values[np.isfinite(values)]
        is_error = LOWER.intersection(measures_in(words_of(name)))
        if len(values) < FEWEST or not is_error:
            continue
        fifth = max(1, len(values) // 5)
        start = np.median(values[:fifth])
        end = np.median(values[-fifth:])
        if end < IMPROVED * start:
            return True
    return _has_learned(run)


def _has_learned(run: Run) -> bool:
    """Say whether a metric of which more is better, such as a return, has risen."""
    if run.evaluated is None or run.lower_is_better:
        return False
    series = run.evaluated[1]
    shape = shape_of(series.steps, series.values, lower_is_better=False)
    return shape.word in ("converged", "improving", "unstable")


def _finding(runs: Sequence[Run], metric: str, *, key: str, rate: float, improved: bool) -> Finding:
    group = runs[0].group
    rows = len(runs[0].history.series[metric])
    is_sure = not improved or rate >= VISIBLE
    severity: Severity = "warning" if is_sure else "note"
    configured = f"the configured {key} is {rate:g}, and " if key else ""
    statement = f"{group}: {configured}the logged {metric} is 0 in all {rows} rows ({seeds_in_words(runs)})"
    if improved:
        statement += ". Something is learned all the same: the field is another one, or rounded to 0."
    elif key:
        statement += ", while no loss comes down: nothing was trained."
    else:
        statement += ", while no loss comes down: nothing was learned."
    evidence: Evidence = {
        "group": group,
        "key": key or None,
        "configured": rate or None,
        "metric": metric,
        "rows": rows,
        "loss_improved": improved,
        "runs": len(runs),
    }
    advice = "Print the optimiser's rate after the first steps, and look at what the schedule is planned for."
    return Finding(
        rule="zero_learning_rate",
        severity=severity,
        statement=statement,
        evidence=evidence,
        advice=advice,
        runs=labels_of(runs),
    )


RULE = Rule(
    name="zero_learning_rate",
    question="Is the learning rate 0 in every logged row?",
    find=find,
    consequence="conclusion",
    refuted_by="The optimiser's own rate, printed in full after some steps: it is above 0.",
    near_miss=(
        "A warm-up that begins at 0, a schedule that ends there, a frozen group next to one that moves, a "
        "rate that the log rounds to 0.0000 while the loss comes down or the return rises."
    ),
    example="learning_rate 5e-05, train/learning_rate 0.0 in all 40 rows, and a loss that stays at 2.30.",
)

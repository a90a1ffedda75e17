"""A dead run: its loss is a constant that stands in place of a number.

Some trainers do not log NaN. transformers filters it out of the training loss and logs 0.0; torchebm puts 0.1
in its place. The judged loss of such a run is the best of all, or rests at a level. Three signs, for the
judged metric and for each training loss (the first also for parts of it that moved before):

- it does not move any more, and another metric, finite until then, is not finite from there on
  (``runs.dead_end``); or it never moved, and a gradient, energy or other loss was never finite: an error;
- it moved with four digits or more, and then is one short constant to the end, reached in one jump and at ten
  logged values or more, with no metric that says why: a warning. A loss that comes to rest by saturation
  approaches its limit, and its last moving values lie near it.

Reference: transformers.TrainingArguments, ``logging_nan_inf_filter``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.dead_end import FEWEST, DeadEnd, dead_end_of
from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import LOWER, TRAINING, measures_in, words_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

TELLING = frozenset("grad gradient gradients gnorm norm loss energy e mse nll logits".split())
FEWEST_ALONE = 10  # logged values, of the constant and of what moved before it
DIGITS, SHORT = 4, 2  # of what moved, and of the constant
NEAR = 0.5  # of the median before: a last moving value below it approaches the constant

Array = NDArray[np.float64]
Key = tuple[str, tuple[str, ...], float, str]


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and metric of which a constant stands in place of a number."""
    alike: dict[Key, list[tuple[Run, int]]] = defaultdict(list)
    for run in study.runs:
        by_witness: dict[str, dict[str, DeadEnd]] = defaultdict(dict)
        for metric, dead in dead_ends_of(run).items():
            by_witness[dead.witness][metric] = dead
        for witness, ends in by_witness.items():
            first = next(iter(ends.values()))
            alike[run.group, tuple(ends), first.value, witness].append((run, first.step))
    for (group, metrics, value, witness), cases in alike.items():
        yield _finding(group, metrics, value=value, witness=witness, cases=cases)


def dead_ends_of(run: Run) -> dict[str, DeadEnd]:
    """Return, by metric, since when a constant stands in place of a number; no witness where none says so."""
    series = run.history.series
    judged = run.evaluated[0] if run.evaluated else ""
    names = [name for name in series if name == judged or _is_training_loss(name)]
    dead = {name: _dead_end(series, name) for name in names}
    parts = [name for name in series if name not in names and _is_loss(name) and _moves(series[name])]
    dead |= {name: dead_end_of(series, name) for name in parts}
    return {name: end for name, end in dead.items() if end is not None}


def _dead_end(series: Mapping[str, Series], name: str) -> DeadEnd | None:
    return dead_end_of(series, name) or _never_alive(series, name) or _replaced(series[name], name)


def _never_alive(series: Mapping[str, Series], name: str) -> DeadEnd | None:
    """Return the first step of a loss that never moved while a telling metric was never finite."""
    values = np.asarray(series[name].values)
    if len(values) < FEWEST or not np.isfinite(values[0]) or (values != values[0]).any():
        return None
    if any(_moves(other) for other_name, other in series.items() if measures_in(words_of(other_name))):
        return None  # something is learned: the two are columns that nobody fills
    for other_name, other in series.items():
        telling = other_name != name and TELLING.intersection(words_of(other_name))
        if telling and len(other) >= FEWEST and not np.isfinite(other.values).any():
            return DeadEnd(int(series[name].steps[0]), float(values[0]), other_name)
    return None


def _moves(series: Series) -> bool:
    finite = series.values[np.isfinite(series.values)]
    return len(finite) > 0 and bool((finite != finite[0]).any())


def _replaced(series: Series, name: str) -> DeadEnd | None:
    """Return since when a loss of many digits is one short constant, reached in one jump."""
    values = np.asarray(series.values, dtype=np.float64)
    if not _is_loss(name) or len(values) < 2 * FEWEST_ALONE or not np.isfinite(values).all():
        return None
    moved = np.flatnonzero(values != values[-1])
    first = int(moved[-1]) + 1 if len(moved) else 0
    before, constant = values[:first], float(values[-1])
    if len(before) < FEWEST_ALONE or len(values) - first < FEWEST_ALONE or _digits(constant) > SHORT:
        return None
    late = before[-FEWEST_ALONE:]
    many = np.median([_digits(value) for value in late.tolist()]) >= DIGITS
    jumps = abs(before[-1] - constant) > NEAR * np.median(np.abs(late - constant)) > 0
    far = np.median(np.abs(late - constant)) > 3 * np.median(np.abs(np.diff(late)))
    if not (many and jumps and far) or constant in before:
        return None
    return DeadEnd(int(series.steps[first]), constant, "")


def _digits(value: float) -> int:
    """Return with how many significant digits a number is written, at least.

    >>> [_digits(value) for value in (0.0, 0.1, 1.5, 0.0123)]
    [0, 1, 2, 3]
    """
    return len(f"{value:.12g}".partition("e")[0].replace(".", "").replace("-", "").strip("0"))


def _is_loss(name: str) -> bool:
    return bool(LOWER.intersection(measures_in(words_of(name))))


def _is_training_loss(name: str) -> bool:
    words = words_of(name)
    return "loss" in measures_in(words) and all(word == "loss" or word in TRAINING for word in words)


def _finding(
    group: str, metrics: tuple[str, ...], *, value: float, witness: str, cases: list[tuple[Run, int]]
) -> Finding:
    steps = sorted(step for _, step in cases)
    where = f"step {steps[0]}" if steps[0] == steps[-1] else f"steps {steps[0]} to {steps[-1]}"
    statement = f"{group}: {metrics[0]} is logged as {value:g} from {where} on to the end"
    severity: Severity = "error" if witness else "warning"
    if witness:
        statement += f", while {witness} is not finite: the constant stands in place of NaN"
    else:
        statement += (
            ", after values of many digits from which it jumps: the constant stands in place of something "
            "else (some trainers write it for NaN), or the loss is clipped and gives no gradient"
        )
    statement += f" ({listed(run.seed_label for run, _ in cases)}). These values are no results."
    if len(metrics) > 1:
        statement += f" The same holds for {listed(metrics[1:])}."
    evidence: Evidence = {"group": group, "metric": metrics[0], "runs": len(cases), "step": steps[0]}
    evidence |= {"last_step": steps[-1], "logged_as": value, "witness": witness or None}
    advice = (
        f"Leave these values out. Train again from a checkpoint before step {steps[0]}, and stop at the "
        "first value that is not finite."
    )
    return Finding(
        "dead_run", severity, statement, evidence, advice, runs=tuple(run.label for run, _ in cases)
    )


RULE = Rule(
    name="dead_run",
    question="Does a constant stand in place of a loss that became NaN?",
    find=find,
    refuted_by=(
        "The program's own loss at these steps, before logging: finite, and equal to the constant. Or a "
        "reason of its own for the other metric to be not finite."
    ),
    near_miss="A loss that approaches a limit and rests there, printed with few digits; one NaN in a metric.",
    consequence="conclusion",
    example="loss 1.50, 1.46, 0, 0, 0 with grad_norm 1.1, 1.2, NaN, NaN, NaN.",
)

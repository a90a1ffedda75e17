"""A dead run: its loss is a constant that stands in place of a number.

Some trainers do not log NaN. transformers filters it out of the training loss and logs 0.0; torchebm puts 0.1
in its place. The judged loss of such a run is the best of all, or rests at a level. Three signs, for the
judged metric and for each training loss (the first also for parts of it that moved before):

- it does not move any more, and another metric, finite until then, is not finite from there on
  (``runs.dead_end``); or it never moved, and a gradient, energy or other loss was never finite: an error;
- it moved with four digits or more, and then is one short constant to the end, reached in one jump and at ten
  logged values or more, with no metric that says why: a warning. A loss that comes to rest by saturation
  approaches its limit, and its last moving values lie near it.

A loss of 0 may be one: that of a perceptron or a hinge, where every sample is right. It is no sign where the
same rows hold an accuracy of 1 or no errors, or where a metric of the validation is as good as before.
Another loss that jumps to 0 at the same step is no such metric.

Reference: transformers.TrainingArguments, ``logging_nan_inf_filter``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, judged_metric, labels_of, listed, seeds_in_words
from ired_diag.runs.dead_end import FEWEST, DeadEnd, dead_end_of
from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import LOWER, TRAINING, measures_in, words_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

TELLING = frozenset("grad gradient gradients gnorm norm loss energy e mse nll logits".split())
OF_ACCURACY = frozenset(("acc", "accuracy"))
OF_MISTAKES = frozenset("mistakes misclassified misclassifications violations".split())
OF_VALIDATION = frozenset("val valid validation eval evaluation test dev heldout".split())
FEWEST_ALONE = 10  # logged values, of the constant and of what moved before it
DIGITS, SHORT = 4, 2  # of what moved, and of the constant
NEAR = 0.5  # of the median before: a last moving value below it approaches the constant

Array = NDArray[np.float64]
Key = tuple[str, tuple[str, ...], float, str]


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and metric of which a constant stands in place of a number."""
    alike: dict[Key, list[tuple[Run, int]]] = defaultdict(list)
    for run in study.runs:
        ends = dead_ends_of(run)
        metrics_of: dict[str, list[str]] = defaultdict(list)
        for metric, end in ends.items():
            metrics_of[end.witness].append(metric)
        for witness, metrics in metrics_of.items():
            first = ends[metrics[0]]
            alike[run.group, tuple(metrics), first.value, witness].append((run, first.step))
    for (_, metrics_at_rest, value, witness), cases in alike.items():
        yield _finding(cases, metrics_at_rest, value=value, witness=witness)


def dead_ends_of(run: Run) -> dict[str, DeadEnd]:
    """Return, by metric, since when a constant stands in place of a number; no witness where none says so."""
    series = run.history.series
    judged = judged_metric(run)
    ends = {}
    parts = {}
    for name in series:
        if name == judged or _is_training_loss(name):
            ends[name] = _dead_end(series, name)
        elif _is_loss(name) and _moves(series[name]):
            parts[name] = dead_end_of(series, name)
    return {name: end for name, end in (ends | parts).items() if end is not None}


def _dead_end(series: Mapping[str, Series], name: str) -> DeadEnd | None:
    end = dead_end_of(series, name) or _never_alive(series, name)
    if end is not None:
        return end
    end = _replaced(series[name], name)
    if end is not None and end.value == 0 and _is_really_zero(series, name, end.step):
        return None
    return end


def _is_really_zero(series: Mapping[str, Series], name: str, step: int) -> bool:
    """Say whether other metrics explain a loss of 0 from a step on: nothing is wrong any more, or worse."""
    for other, other_series in series.items():
        measures = measures_in(words_of(other))
        since = other_series.steps >= step
        after = np.asarray(other_series.values[since], dtype=np.float64)
        before = np.asarray(other_series.values[~since], dtype=np.float64)[-FEWEST_ALONE:]
        if other == name or not len(after) or not np.isfinite(after).all():
            continue
        if _ends_at_zero_with_it(other_series, other, step):
            continue
        if _has_no_mistake(other, after) and _split_of(other) == _split_of(name):
            return True
        is_validation = _split_of(other) != _split_of(name) and measures and len(before)
        if is_validation and _stays_as_good(before, after, lower_is_better=bool(LOWER & set(measures))):
            return True
    return False


def _ends_at_zero_with_it(series: Series, name: str, step: int) -> bool:
    """Say whether another loss jumps to 0 at the same step: it needs a reason itself."""
    end = _replaced(series, name)
    return end is not None and end.value == 0 and end.step == step


def _has_no_mistake(name: str, values: Array) -> bool:
    """Say whether an accuracy is 1 or 100 all along, or a count of errors 0."""
    measures = measures_in(words_of(name))
    if OF_MISTAKES.intersection(words_of(name)) or measures == ["error"]:
        return bool((values == 0).all())
    is_accuracy = OF_ACCURACY.intersection(measures)
    return bool(is_accuracy and (values == values[0]).all() and values[0] in (1, 100))


def _split_of(name: str) -> frozenset[str]:
    """Return the words of a metric that say on which data it was taken; none for training."""
    return frozenset(words_of(name)) & OF_VALIDATION


def _stays_as_good(before: Array, after: Array, *, lower_is_better: bool) -> bool:
    """Say whether values are not worse than those before, by more than these scatter."""
    if not np.isfinite(before).all():
        return False
    worst = before.max() if lower_is_better else before.min()
    middle = np.median(after)
    return bool(middle <= worst if lower_is_better else middle >= worst)


def _never_alive(series: Mapping[str, Series], name: str) -> DeadEnd | None:
    """Return the first step of a loss that never moved while a telling metric was never finite."""
    values = np.asarray(series[name].values)
    if len(values) < FEWEST or not np.isfinite(values[0]) or (values != values[0]).any():
        return None
    if any(_moves(series[other]) for other in series if measures_in(words_of(other))):
        return None  # something is learned: the two are columns that nobody fills
    for other, other_series in series.items():
        is_telling = other != name and TELLING.intersection(words_of(other))
        if is_telling and len(other_series) >= FEWEST and not np.isfinite(other_series.values).any():
            return DeadEnd(step=int(series[name].steps[0]), value=float(values[0]), witness=other)
    return None


def _moves(series: Series) -> bool:
    finite = series.values[np.isfinite(series.values)]
    return bool((finite != finite[:1]).any())


def _replaced(series: Series, name: str) -> DeadEnd | None:
    """Return since when a loss of many digits is one short constant, reached in one jump."""
    values = np.asarray(series.values, dtype=np.float64)
    if not _is_loss(name) or len(values) < 2 * FEWEST_ALONE or not np.isfinite(values).all():
        return None
    constant = float(values[-1])
    moved = np.flatnonzero(values != constant)
    first = int(moved[-1]) + 1 if len(moved) else 0
    before = values[:first]
    repeated = len(values) - first
    if min(len(before), repeated) < FEWEST_ALONE or _digits(constant) > SHORT:
        return None
    if constant in before or not _jumps_to(constant, before[-FEWEST_ALONE:]):
        return None
    return DeadEnd(step=int(series.steps[first]), value=constant, witness="")


def _jumps_to(constant: float, late: Array) -> bool:
    """Say whether values of many digits jump to a constant instead of approaching it."""
    digits = list(map(_digits, late.tolist()))
    if np.median(digits) < DIGITS:
        return False
    distance = np.median(np.abs(late - constant))
    last_distance = abs(late[-1] - constant)
    usual_step = np.median(np.abs(np.diff(late)))
    jumps = last_distance > NEAR * distance > 0
    return bool(jumps and distance > 3 * usual_step)


def _digits(value: float) -> int:
    """Return with how many significant digits a number is written, at least.

    >>> [_digits(value) for value in (0.0, 0.1, 1.5, 0.0123)]
    [0, 1, 2, 3]
    """
    mantissa = f"{value:.12g}".partition("e")[0]
    digits = mantissa.replace(".", "").replace("-", "")
    return len(digits.strip("0"))


def _is_loss(name: str) -> bool:
    return bool(LOWER.intersection(measures_in(words_of(name))))


def _is_training_loss(name: str) -> bool:
    words = words_of(name)
    return "loss" in measures_in(words) and all(word == "loss" or word in TRAINING for word in words)


def _finding(
    cases: list[tuple[Run, int]], metrics: tuple[str, ...], *, value: float, witness: str
) -> Finding:
    runs, steps = zip(*cases, strict=True)
    first, last = min(steps), max(steps)
    where = f"step {first}"
    if first != last:
        where = f"steps {first} to {last}"
    reason = (
        ", after values of many digits from which it jumps: the constant stands in place of something "
        "else (some trainers write it for NaN), or the loss is clipped and gives no gradient"
    )
    if witness:
        reason = f", while {witness} is not finite: the constant stands in place of NaN"
    statement = (
        f"{runs[0].group}: {metrics[0]} is logged as {value:g} from {where} on to the end{reason} "
        f"({seeds_in_words(runs)}). These values are no results."
    )
    if len(metrics) > 1:
        statement += f" The same holds for {listed(metrics[1:])}."
    evidence: Evidence = {
        "group": runs[0].group,
        "metric": metrics[0],
        "runs": len(runs),
        "step": first,
        "last_step": last,
        "logged_as": value,
        "witness": witness or None,
    }
    advice = (
        f"Leave these values out. Train again from a checkpoint before step {first}, and stop at the "
        "first value that is not finite."
    )
    return Finding(
        rule="dead_run",
        severity="error" if witness else "warning",
        statement=statement,
        evidence=evidence,
        advice=advice,
        runs=labels_of(runs),
    )


RULE = Rule(
    name="dead_run",
    question="Does a constant stand in place of a loss that became NaN?",
    find=find,
    refuted_by=(
        "The program's own loss at these steps, before logging: finite, and equal to the constant. Or a "
        "reason of its own for the other metric to be not finite."
    ),
    near_miss=(
        "A loss that approaches a limit and rests there, printed with few digits; one NaN in a metric; the "
        "loss of a perceptron that is 0 next to a training accuracy of 1."
    ),
    consequence="conclusion",
    example="loss 1.50, 1.46, 0, 0, 0 with grad_norm 1.1, 1.2, NaN, NaN, NaN.",
)

"""A checked plan in words: what was predicted, what was measured, what is known of the lock."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ired_diag.plans.times import in_words

if TYPE_CHECKING:
    from ired_diag.plans.checking import Checked, CheckedPlan
    from ired_diag.plans.declared import Cell, Prediction

MOST_CHANGES = 12  # lines


def prediction_in_words(prediction: Prediction) -> str:
    """Return what a prediction says, from its parts."""
    against = prediction.against
    if prediction.threshold is not None:
        against = f"{prediction.threshold:g}"
    words = (
        f"the {_number_in_words(prediction)} of {prediction.group} is {_side_in_words(prediction, against)}"
    )
    seeds = f"{prediction.n} seeds"
    if prediction.stopping == "sequential":
        seeds = f"at any number of seeds up to {prediction.n}"
    return f"{words}; {seeds}"


def _side_in_words(prediction: Prediction, against: str) -> str:
    """Return on which side of what the mean is predicted, and by how much."""
    size = str(prediction.margin).lstrip("-")
    if not isinstance(prediction.margin, str):
        size = f"{abs(prediction.margin):g}"
    if prediction.direction == "equivalent":
        return f"equivalent to {against}, margin {size}"
    _, margin = prediction.margin_parts
    if margin == 0:
        return f"{prediction.direction} than {against}"
    if margin > 0:
        return f"{prediction.direction} than {against} by more than {size}"
    # A negative margin allows for being worse: "higher, margin -0.1" would read as the contrary.
    other = "lower" if prediction.direction == "higher" else "higher"
    return f"not {other} than {against} by {size} or more"


def _number_in_words(prediction: Prediction) -> str:
    if prediction.metric:
        return f"mean of {prediction.metric} ({prediction.readout})"
    if prediction.of_run == "seconds":
        return "mean training time"
    if prediction.of_run == "finished":
        return "share of runs that finish"
    rows = _rows_in_words(prediction.where)
    if prediction.statistic == "share_larger":
        column = f"share of {prediction.column}{rows} larger than{_rows_in_words(prediction.minus)}"
    else:
        column = f"{prediction.statistic} of {prediction.column}{rows}"
        if prediction.minus:
            column += f" minus{_rows_in_words(prediction.minus)}"
    return f"mean over seeds of the {column} (probe {prediction.probe})"


def _rows_in_words(where: Mapping[str, Cell]) -> str:
    if not where:
        return ""
    conditions = [f"{name} {value}" for name, value in where.items()]
    listed = ", ".join(conditions)
    return f" of {listed}"


def effect_in_words(checked: Checked) -> str:
    """Return effect, interval and N; empty without a number."""
    if math.isnan(checked.effect):
        return ""
    prediction = checked.prediction
    unit = ""
    if prediction.of_run == "seconds":
        unit = " seconds"
    against = prediction.against or f"{prediction.threshold:g}"
    words = f"difference to {against} {checked.effect:+.4g}{unit}"
    if prediction.of_run == "finished":
        words = f"a share of {checked.effect:.3g}"
    level = f"{100 * checked.level:.3g}% interval"
    if prediction.stopping == "sequential":
        level += " at any number of seeds"
    if math.isfinite(checked.low) and math.isfinite(checked.high):
        words += f" ({level} {checked.low:.4g} to {checked.high:.4g})"
    else:
        words += " (no interval)"
    words += f"; {_seeds_in_words(checked)}"
    if checked.set_aside:
        words += f"; {checked.set_aside} further seeds are set aside"
    return words


def _seeds_in_words(checked: Checked) -> str:
    counts = " and ".join(map(str, checked.n))
    if checked.prediction.against and len(checked.n) == 1:
        unit = "pair" if checked.n == (1,) else "pairs"
        return f"{counts} {unit} of seeds ({checked.pairing})"
    words = "1 seed" if checked.n == (1,) else f"{counts} seeds"
    if checked.prediction.against and checked.pairing:
        words += f", not paired ({checked.pairing})"
    return words


def lock_in_words(checked: CheckedPlan) -> Iterator[str]:
    """Yield what is known of the lock of a plan, and what was changed since."""
    if checked.lock is None:
        yield "Not locked: every prediction is exploratory. Lock it before runs begin: ired-diag plan lock"
    elif checked.is_changed:
        yield f"Changed after it was locked {in_words(checked.lock.time)}: every prediction is exploratory."
        yield from _changes(checked.changes)
    else:
        yield f"Locked {in_words(checked.lock.time)}, {checked.hash}"
    if checked.earlier_changes and not checked.is_changed:
        yield "It was locked before with another meaning. The last lock changed:"
        yield from _changes(checked.earlier_changes)
    if checked.commit is not None:
        what = "lock" if checked.lock is not None else "plan"
        yield f"git: {what} in {checked.commit.in_words}"


def _changes(changes: Sequence[str]) -> Iterator[str]:
    for line in changes[:MOST_CHANGES]:
        yield f"  {line}"
    more = len(changes) - MOST_CHANGES
    if more > 0:
        yield f"  and {more} more"

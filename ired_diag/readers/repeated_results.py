"""Results that are given twice: by an evaluation and in its summary, by a log and in its results file.

Two numbers are the same where they agree to the last digit of the one that is printed with fewer.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ired_diag.runs.evaluation_result import EvaluationResult

UNKNOWN = (None, "")
COMPLETED = ("spread", "spread_kind", "n", "last_batch", "note", "checkpoint", "dataset", "rank", "ood")


def without_repeats(results: Sequence[EvaluationResult], *, last_counts: bool) -> list[EvaluationResult]:
    """Return each result once, in the order of their lines.

    Args:
        results: Results, as printed.
        last_counts: Whether another number by the same name replaces the first, as in a training that is
            evaluated after every epoch; else both are results.
    """
    kept: list[EvaluationResult] = []
    places: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for result in results:
        own_places = places[_name(result)]
        named_alike = [place for place in own_places if _is_named_alike(kept[place], result)]
        same = [place for place in named_alike if is_same_number(kept[place], result)]
        if same:
            first = same[0]
            kept[first] = completed(kept[first], result)
        elif last_counts and named_alike:
            kept[named_alike[-1]] = result
        else:
            own_places.append(len(kept))
            kept.append(result)
    return sorted(kept, key=lambda result: result.line or 0)


def is_same_number(first: EvaluationResult, second: EvaluationResult) -> bool:
    """Say whether two results give the same number, or the same error."""
    if first.partial != second.partial:
        return False
    if first.error or second.error:
        return first.error == second.error
    if first.value is None or second.value is None:
        return first.value is second.value
    if not math.isfinite(first.value) or not math.isfinite(second.value):
        return repr(first.value) == repr(second.value)
    x, y = _on_one_scale(first, second)
    difference = abs(x - y)
    return difference <= _rounding(x) or difference <= _rounding(y)


def completed(first: EvaluationResult, again: EvaluationResult) -> EvaluationResult:
    """Return a result with what only its repetition says: more digits, a spread, the number of samples."""
    changes: dict[str, Any] = {}
    for name in COMPLETED:
        value = getattr(again, name)
        is_unknown = getattr(first, name) in UNKNOWN
        if is_unknown and value not in UNKNOWN:
            changes[name] = value
    if first.unit == again.unit and first.value is not None:
        changes["value"] = _with_more_digits(first.value, again.value)
        if first.spread is not None and again.value is not None:
            changes["spread"] = _with_more_digits(first.spread, again.spread)
    return replace(first, **changes)


def _with_more_digits(first: float, again: float | None) -> float:
    """Return the number with more digits of a number and its repetition, if there is one."""
    if again is None or len(repr(again)) <= len(repr(first)):
        return first
    return again


def _name(result: EvaluationResult) -> tuple[str, str, str]:
    return result.experiment, result.metric, result.dataset


def _is_named_alike(first: EvaluationResult, second: EvaluationResult) -> bool:
    """Say whether two results may be one: a summary may leave out the model, or what stands in brackets."""
    if _name(first) != _name(second):
        return False
    has_both_notes = first.note and second.note
    if has_both_notes and first.note != second.note:
        return False
    if first.model == second.model:
        return True
    has_both_models = first.model and second.model
    return not has_both_models and is_same_number(first, second)


def _on_one_scale(first: EvaluationResult, second: EvaluationResult) -> tuple[float, float]:
    """Return both values; a share becomes a percentage where the other is a percentage."""
    x = float(first.value or 0)
    y = float(second.value or 0)
    if first.unit == "%" and not second.unit and abs(y) <= 1:
        return x, 100 * y
    if second.unit == "%" and not first.unit and abs(x) <= 1:
        return 100 * x, y
    return x, y


def _rounding(value: float) -> float:
    """Return half a unit of the last digit that a number was printed with."""
    text = repr(value)
    if "e" in text:  # Python's exponent hides how many digits were printed
        return 1e-3 * abs(value)
    _, _, decimals = text.partition(".")
    digits = decimals.rstrip("0") or "0"
    last_digit = 10.0 ** -len(digits)
    return 0.5000001 * last_digit  # a little more than half, because the difference is rounded too

"""Results that are told twice: by an evaluation and in its summary, by a log and in its results file.

Two numbers are the same where they agree to the last digit of the one that is printed with fewer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ired_diag.runs.evaluation_result import EvaluationResult

UNKNOWN = (None, "")
COMPLETED = ("spread", "spread_kind", "n", "last_batch", "note", "checkpoint", "dataset", "rank", "ood")


def without_repeats(results: Sequence[EvaluationResult], *, last_counts: bool) -> list[EvaluationResult]:
    """Return each result once, in the order of their lines.

    Args:
        results: As printed.
        last_counts: Whether another number by the same name replaces the first, as in a training that is
            evaluated after every epoch; else both are results.
    """
    kept: list[EvaluationResult] = []
    for result in results:
        named_alike = [place for place, other in enumerate(kept) if _is_named_alike(other, result)]
        same = [place for place in named_alike if is_same_number(kept[place], result)]
        if same:
            kept[same[0]] = completed(kept[same[0]], result)
        elif last_counts and named_alike:
            kept[named_alike[-1]] = result
        else:
            kept.append(result)
    return sorted(kept, key=lambda result: result.line or 0)


def is_same_number(a: EvaluationResult, b: EvaluationResult) -> bool:
    """Say whether two results give the same number, or the same error."""
    if a.error or b.error or a.partial != b.partial:
        return a.error == b.error and a.partial == b.partial
    if a.value is None or b.value is None:
        return a.value is b.value
    if not math.isfinite(a.value) or not math.isfinite(b.value):
        return repr(a.value) == repr(b.value)
    x, y = _scaled(a, b)
    return abs(x - y) <= max(_rounding(x), _rounding(y))


def completed(first: EvaluationResult, again: EvaluationResult) -> EvaluationResult:
    """Return a result with what only its repetition says: more digits, a spread, the number of samples."""
    changes: dict[str, Any] = {
        name: getattr(again, name)
        for name in COMPLETED
        if getattr(first, name) in UNKNOWN and getattr(again, name) not in UNKNOWN
    }
    if first.unit == again.unit and first.value is not None and again.value is not None:
        if len(repr(again.value)) > len(repr(first.value)):
            changes["value"] = again.value
        if first.spread is not None and again.spread is not None:
            changes["spread"] = max(first.spread, again.spread, key=lambda spread: len(repr(spread)))
    return replace(first, **changes)


def _is_named_alike(a: EvaluationResult, b: EvaluationResult) -> bool:
    """Say whether two results may be one: a summary may leave out the model, or what stands in brackets."""
    if (a.experiment, a.metric, a.dataset) != (b.experiment, b.metric, b.dataset):
        return False
    same_model = a.model == b.model or (is_same_number(a, b) and not (a.model and b.model))
    return same_model and (a.note == b.note or not (a.note and b.note))


def _scaled(a: EvaluationResult, b: EvaluationResult) -> tuple[float, float]:
    """Return both values, a share as a percentage where the other is one."""
    x, y = float(a.value or 0), float(b.value or 0)
    if a.unit == "%" and not b.unit and abs(y) <= 1:
        return x, 100 * y
    if b.unit == "%" and not a.unit and abs(x) <= 1:
        return 100 * x, y
    return x, y


def _rounding(value: float) -> float:
    """Return half a unit of the last digit that a number was printed with."""
    text = repr(value)
    if "e" in text:
        return 1e-3 * abs(value)
    return 0.5000001 * 10.0 ** -len(text.partition(".")[2].rstrip("0") or "0")

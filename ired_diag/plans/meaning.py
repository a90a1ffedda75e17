"""What a plan means, apart from how it is written: comments, order of keys and items, and line breaks go.

The meaning holds every value that is not the default of its key, so that a default may be written out or
left away. Hypotheses, predictions and criteria are sorted by their ids. Its hash is the SHA-256 of this
content as JSON with sorted keys and without blanks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ired_diag.plans.declared import Plan

NOTHING = "nothing"


def meaning_of(plan: Plan) -> dict[str, Any]:
    """Return the meaning of a plan as JSON can hold it."""
    content = plan.model_dump(mode="json", exclude_defaults=True)
    content["format"] = plan.format
    hypotheses = content["hypotheses"]
    for hypothesis in hypotheses:
        hypothesis["predictions"] = _by_identifier(hypothesis["predictions"])
    content["hypotheses"] = _by_identifier(hypotheses)
    if "success" in content:
        for criterion in content["success"]:
            for names in ("all_of", "any_of"):
                if names in criterion:
                    criterion[names] = sorted(criterion[names])
        content["success"] = _by_identifier(content["success"])
    return content


def hash_of(meaning: Mapping[str, Any]) -> str:
    """Return the hash of a meaning.

    >>> hash_of({"b": 1, "a": 2}) == hash_of({"a": 2, "b": 1})
    True
    """
    text = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"sha256:{digest}"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return what differs between two meanings, one value a line: ``H1a margin: 0 → 0.01``.

    >>> differences({"alpha": 0.05}, {"alpha": 0.1, "title": "x"})
    ['alpha: 0.05 → 0.1', 'title: nothing → "x"']
    """
    values_before = dict(_flat(before, ""))
    values_after = dict(_flat(after, ""))
    changed = []
    for name in dict.fromkeys([*values_before, *values_after]):
        old = values_before.get(name, NOTHING)
        new = values_after.get(name, NOTHING)
        if old != new:
            changed.append(f"{name}: {old} → {new}")
    return changed


def values_in_lines(meaning: Mapping[str, Any]) -> list[str]:
    """Return every value of a meaning as a line: ``H1a margin: 0.01``."""
    lines = []
    for name, value in _flat(meaning, ""):
        lines.append(f"{name}: {value}")
    return lines


def _by_identifier(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(parts, key=lambda part: str(part["id"]))


def _are_parts(values: list[Any]) -> bool:
    """Say whether values are hypotheses, predictions or criteria."""
    if not values:
        return False
    return all(isinstance(value, Mapping) and "id" in value for value in values)


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield each value of a meaning under the ids and keys that lead to it."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{name} {key}".strip())
    elif isinstance(value, list) and _are_parts(value):
        for part in value:
            # An id is unique in the whole plan, so it says where this is.
            yield from _flat(part, str(part["id"]))
    else:
        yield name, json.dumps(value, ensure_ascii=False)

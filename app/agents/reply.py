"""A reply: a verdict with its sample sizes, its noise and its caveats, never the rows that it was made from.

JSON has no NaN and no infinity. Where a number is neither, the reply has null and says so under ``unknown``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from app.cli.output import plain

NumberOrNone = float | None


@dataclass(kw_only=True)
class Reply:
    """What a tool answers.

    Attributes:
        verdict: The answer in a few words.
        statements: The answer in sentences, with numbers and intervals.
        n: Sample sizes by the name of what was counted.
        noise: Standard deviation over seeds by group; null where it is unknown.
        numbers: The numbers behind the statements.
        caveats: What can turn the verdict around, and what was left out.
        unknown: Why a number is null.
        next: A command that a person can run to see more.
    """

    verdict: str
    statements: list[str]
    n: dict[str, int] = field(default_factory=dict)
    noise: dict[str, NumberOrNone] = field(default_factory=dict)
    numbers: dict[str, Any] = field(default_factory=dict)
    caveats: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    next: str = ""


def as_json(reply: Reply) -> dict[str, Any]:
    """Return a reply as JSON can hold it: Python's own numbers, null for what is not finite, with a reason.

    >>> reply = Reply(verdict="undecided", statements=[], noise={"q101": float("nan")})
    >>> as_json(reply)["noise"], as_json(reply)["unknown"]
    ({'q101': None}, ['noise.q101 is null: not a number, it cannot be computed from what is there'])
    """
    content = asdict(reply)
    reasons = list(_not_finite(content, ""))
    as_plain: dict[str, Any] = plain(content)
    as_plain["unknown"] = [*as_plain["unknown"], *reasons]
    return as_plain


def _not_finite(content: Any, place: str) -> Iterator[str]:
    """Yield the place of each number that is not finite, with the reason."""
    if hasattr(content, "tolist"):
        content = content.tolist()
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _not_finite(value, f"{place}.{key}" if place else str(key))
    elif isinstance(content, list | tuple):
        for number, value in enumerate(content):
            yield from _not_finite(value, f"{place}[{number}]")
    elif isinstance(content, float) and not math.isfinite(content):
        reason = "not a number, it cannot be computed from what is there"
        if math.isinf(content):
            reason = "infinite, there is no bound yet"
        yield f"{place} is null: {reason}"

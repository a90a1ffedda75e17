"""Numbers behind the sentence of a probe, under their names, and how such a sentence prints them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

ENDS = ("", "_low", "_high")  # of the names of a value and of its interval


def with_ends(
    name: str,
    row: Mapping[str, Any],
    column: str,
    *,
    after: str = "",
) -> dict[str, float]:
    """Return a value and the ends of its interval as evidence.

    Args:
        name: Name of the number in the evidence.
        row: Row of a comparison.
        column: Name of its column; those of the ends have the same name with ``_low`` and ``_high``.
        after: What follows the name and the end in the evidence.

    >>> with_ends("gap", {"x": 1, "x_low": 0, "x_high": 2}, "x", after="_random")
    {'gap_random': 1.0, 'gap_low_random': 0.0, 'gap_high_random': 2.0}
    """
    evidence = {}
    for end in ENDS:
        value = row[f"{column}{end}"]
        evidence[f"{name}{end}{after}"] = float(value)
    return evidence


def percent_of(evidence: Mapping[str, Any], name: str, *, after: str = "") -> str:
    """Return a share with its interval in percent.

    Args:
        evidence: Numbers as ``with_ends`` names them.
        name: Name of the share.
        after: What follows the name and the end.

    >>> percent_of({"lower": 0.5, "lower_low": 0.4, "lower_high": 0.625}, "lower")
    '50.0% (40.0 to 62.5%)'
    """
    percents = []
    for end in ENDS:
        share = evidence[f"{name}{end}{after}"]
        percents.append(100 * share)
    value, low, high = percents
    if math.isnan(value):
        return "an unknown share"
    return f"{value:.1f}% ({low:.1f} to {high:.1f}%)"


def levels_in_words(levels: Sequence[int]) -> str:
    """Return noise levels in words.

    >>> levels_in_words([3]), levels_in_words([0, 3])
    ('level 3', 'levels 0, 3')
    """
    listed = ", ".join(map(str, levels))
    if len(levels) > 1:
        return f"levels {listed}"
    return f"level {listed}"

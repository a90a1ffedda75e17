"""Effects of a comparison over tasks as they are printed and drawn: with sign and unit.

Within the comparison a larger effect is better. It is printed in the direction of the metric where all tasks
share one: a loss that is 10% lower is ``-10%``. Where directions differ, more is better.
"""

from __future__ import annotations

import math

from ired_diag.comparison.across import Across


def amount(across: Across, effect: float) -> str:
    """Return an effect in words: ``+4.1%``, ``-0.32 sd of a``, ``+0.05``."""
    if not math.isfinite(effect):
        return "unknown"
    number = displayed(across, effect)
    if across.scale.name == "relative":
        return f"{number:+.3g}%{_direction(across)}"
    if across.scale.name == "raw":
        return f"{number:+.4g}{_direction(across)}"
    units = {
        "spread": f"sd of {across.old}",
        "reference": "of the reference range",
    }
    unit = units[across.scale.name]
    return f"{number:+.4g} {unit}"


def short_amount(across: Across, effect: float) -> str:
    """Return an effect as a cell of a table."""
    if not math.isfinite(effect):
        return "unknown"
    number = displayed(across, effect)
    return f"{number:+.3g}{_sign_of_unit(across)}"


def interval_in_words(across: Across, low: float, high: float) -> str:
    """Return an interval in the unit of effects, the smaller number first."""
    first, last = ends_of(across, low, high)
    return f"{first:+.3g} to {last:+.3g}{_sign_of_unit(across)}"


def ends_of(across: Across, low: float, high: float) -> tuple[float, float]:
    """Return the ends of an interval as they are printed and drawn, the smaller first."""
    first = displayed(across, low)
    last = displayed(across, high)
    return min(first, last), max(first, last)


def displayed(across: Across, effect: float) -> float:
    """Return an effect as it is printed and drawn: in percent, or in the unit of the scale."""
    if not math.isfinite(effect):
        return effect
    signed = effect
    if is_lower_better(across):
        signed = -effect
    if across.scale.name == "relative":
        return 100 * math.expm1(signed)
    return signed


def is_lower_better(across: Across) -> bool:
    """Say whether effects are printed of metrics of which all are better where they are lower."""
    if across.scale.name not in ("relative", "raw"):
        return False
    return bool((across.scale.sign < 0).all())


def p_in_words(p: float) -> str:
    """Return a p value."""
    if not math.isfinite(p):
        return "unknown"
    return f"{p:.2g}"


def _direction(across: Across) -> str:
    signs = set(across.scale.sign.tolist())
    if signs == {-1.0}:
        return " (lower is better)"
    if signs == {1.0}:
        return ""
    return " (turned so that more is better)"


def _sign_of_unit(across: Across) -> str:
    if across.scale.name == "relative":
        return "%"
    return ""

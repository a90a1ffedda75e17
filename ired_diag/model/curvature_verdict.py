"""What the curvature of a loss, and of an energy at the right answers, allows to say.

λ_min is a Rayleigh quotient: below 0 it proves negative curvature on its batch, above 0 it proves nothing. It
was chosen on that batch, and therefore speaks of others only through the same direction on fresh problems.

The numbers come by name: a mean or an eigenvalue under ``name``, the ends of its interval (of an eigenvalue:
as far as its residual) under ``name_low`` and ``name_high``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

RESOLVED = 0.1  # of an eigenvalue: with a larger residual, Lanczos has not converged to it
ROUNDING = 1e-5  # of λ_max: products in float32 cannot separate a smaller eigenvalue from 0

FLAT = 0.01  # of λ_max: directions that training hardly saw bend a little either way, which moves no sampler

Numbers = Mapping[str, float]


def loss_verdict(numbers: Numbers, batch: int, note: str = "") -> str:
    """Return how sharp a loss is, and whether it is at a minimum.

    Args:
        numbers: ``loss``, ``highest``, ``highest_fresh``, ``lowest``, ``lowest_fresh``, ``gradient_norm``,
            ``doubling`` and ``doubling_measured``.
        batch: Problems in its batch.
        note: In what it is not the loss of training; or, of a loss that is NaN, why.
    """
    if math.isnan(numbers["loss"]):
        return f"Of the training loss nothing can be said: {note}."
    remark = ""
    if note:
        remark = f" ({note})"
    loss = numbers["loss"]
    highest = _eigenvalue(numbers, "highest")
    lowest = _eigenvalue(numbers, "lowest")
    verdict = minimum_verdict(numbers)
    return (
        f"On a batch of {batch} the training loss {loss:.3g}{remark} has "
        f"λ_max = {highest} and λ_min = {lowest}: "
        f"{verdict}{_doubling(numbers)}."
    )


def _doubling(numbers: Numbers) -> str:
    """Return what a random change of the weights does to the loss, as a clause; empty where it is unknown."""
    if not math.isfinite(numbers["doubling"]):
        return ""
    step = _with_interval(numbers, "doubling", 100)
    factor = numbers["doubling_measured"]
    return (
        f"; a random change of all weights by {step} % doubles a parabola of "
        f"its curvature, and makes the loss x{factor:.2g}"
    )


def minimum_verdict(numbers: Numbers) -> str:
    """Return whether the loss is at a minimum."""
    rounding = ROUNDING * abs(numbers["highest"])
    if numbers["lowest"] >= -rounding:
        return "no negative curvature was found, which is no proof that there is none"
    if numbers["lowest_fresh_high"] < 0:
        gradient_norm = numbers["gradient_norm"]
        slope = f"with a gradient of {gradient_norm:.2g}; a saddle has none"
        return f"negative curvature that fresh problems confirm, so that it is at no minimum ({slope})"
    return "its negative curvature is not confirmed on fresh problems, and may be this batch's alone"


def energy_verdict(
    numbers: Numbers,
    problems: int,
    indefinite: Mapping[int, float],
    over: Mapping[str, Sequence[int]],
) -> str:
    """Return whether the energy bends down at the right answers, and whether steps down it are stable.

    Args:
        numbers: ``step_over_limit_first`` and ``…_later``, at the worst level of each problem, and
            ``share_over_limit_first`` and ``…_later``, of problems that are over it at some level.
        problems: Their number.
        indefinite: Share of problems in which the energy bends down, at each level.
        over: Of the ``first`` step and the ``later`` ones, the levels at which most problems are over.
    """
    places = []
    for level, share in indefinite.items():
        if share > 0:
            places.append(f"{_percent(share)} at level {level}")
    where = ", ".join(places) or "none"
    bowl = f"bends down by more than {_percent(FLAT)} of λ_max in {where}"
    if math.isnan(numbers["step_over_limit_first"]):  # an energy without inner steps
        return f"At the right answers of {problems} problems the energy {bowl}."
    first, later = (_step(numbers, name, levels) for name, levels in over.items())
    return (
        f"At the right answers of {problems} problems the energy {bowl}; in units of the limit of stability "
        f"2/λ_max, at its worst level, the first inner step is {first}, a later one {later} (intervals 95%)."
    )


def _step(numbers: Numbers, name: str, levels: Sequence[int]) -> str:
    size = _with_interval(numbers, f"step_over_limit_{name}")
    share = numbers[f"share_over_limit_{name}"]
    if levels:
        noun = "levels" if len(levels) > 1 else "level"
        where = ", ".join(map(str, levels))
        return f"{size} and overshoots in most problems at {noun} {where}"
    if share:
        return f"{size} and overshoots at some level in {_percent(share)} of problems"
    return f"{size} and overshoots in none"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _eigenvalue(numbers: Numbers, name: str) -> str:
    value = numbers[name]
    width = numbers[f"{name}_high"] - numbers[f"{name}_low"]
    residual = width / 2
    doubt = ", not converged"
    if residual <= RESOLVED * abs(value):
        doubt = ""
    fresh = _with_interval(numbers, f"{name}_fresh")
    return f"{value:.3g} (residual {residual:.1g}{doubt}; fresh problems {fresh})"


def _with_interval(numbers: Numbers, name: str, scale: float = 1.0) -> str:
    mean = scale * numbers[name]
    low = scale * numbers[f"{name}_low"]
    high = scale * numbers[f"{name}_high"]
    return f"{mean:.3g} ({low:.3g} to {high:.3g})"

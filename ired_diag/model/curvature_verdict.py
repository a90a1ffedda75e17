"""What the curvature of a loss, and of an energy at the right answers, allows to say.

λ_min is a Rayleigh quotient: below 0 it proves negative curvature on its batch, above 0 it proves nothing. It
was chosen on that batch, and therefore speaks of others only through the same direction on fresh problems.

The numbers come by name: a mean or an eigenvalue under ``name``, the ends of its interval (of an eigenvalue:
as far as its residual) under ``name_low`` and ``name_high``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

RESOLVED = 0.1  # of an eigenvalue: a residual beyond says that Lanczos has not found it
ROUNDING = 1e-5  # of λ_max: products in float32 tell no smaller eigenvalue from 0

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
    double = ""
    if math.isfinite(numbers["doubling"]):
        double = (
            f"; a random change of all weights by {_told(numbers, 'doubling', 100)} % doubles a parabola of "
            f"its curvature, and makes the loss x{numbers['doubling_measured']:.2g}"
        )
    return (
        f"On a batch of {batch} the training loss {numbers['loss']:.3g}{f' ({note})' if note else ''} has "
        f"λ_max = {_eigenvalue(numbers, 'highest')} and λ_min = {_eigenvalue(numbers, 'lowest')}: "
        f"{minimum_verdict(numbers)}{double}."
    )


def minimum_verdict(numbers: Numbers) -> str:
    """Return whether the loss is at a minimum."""
    if numbers["lowest"] >= -ROUNDING * abs(numbers["highest"]):
        return "no negative curvature was found, which is no proof that there is none"
    if numbers["lowest_fresh_high"] < 0:
        slope = f"with a gradient of {numbers['gradient_norm']:.2g}; a saddle has none"
        return f"negative curvature that fresh problems confirm, so that it is at no minimum ({slope})"
    return "its negative curvature is not confirmed on fresh problems, and may be this batch's alone"


def energy_verdict(
    numbers: Numbers, problems: int, indefinite: Mapping[int, float], over: Mapping[str, Sequence[int]]
) -> str:
    """Return whether the energy bends down at the right answers, and whether steps down it are stable.

    Args:
        numbers: ``step_over_limit_first`` and ``…_later``, at the worst level of each problem, and
            ``share_over_limit_first`` and ``…_later``, of problems that are over it at some level.
        problems: Their number.
        indefinite: Share of problems in which the energy bends down, at each level.
        over: Of the ``first`` step and the ``later`` ones, the levels at which most problems are over.
    """
    found = [f"{100 * share:.0f}% at level {level}" for level, share in indefinite.items() if share > 0]
    down = f"by more than {100 * FLAT:.0f}% of λ_max"
    bowl = f"bends down {down} in {', '.join(found)}" if found else f"bends down {down} in none"
    if math.isnan(numbers["step_over_limit_first"]):  # an energy without inner steps
        return f"At the right answers of {problems} problems the energy {bowl}."
    first, later = (_step(numbers, name, levels) for name, levels in over.items())
    return (
        f"At the right answers of {problems} problems the energy {bowl}; in units of the limit of stability "
        f"2/λ_max, at its worst level, the first inner step is {first}, a later one {later} (intervals 95%)."
    )


def _step(numbers: Numbers, name: str, levels: Sequence[int]) -> str:
    size, share = _told(numbers, f"step_over_limit_{name}"), numbers[f"share_over_limit_{name}"]
    if levels:
        where = f"level{'s' * (len(levels) > 1)} {', '.join(map(str, levels))}"
        return f"{size} and overshoots in most problems at {where}"
    return (
        f"{size} and overshoots {f'at some level in {100 * share:.0f}% of problems' if share else 'in none'}"
    )


def _eigenvalue(numbers: Numbers, name: str) -> str:
    value, residual = numbers[name], (numbers[f"{name}_high"] - numbers[f"{name}_low"]) / 2
    found = "" if residual <= RESOLVED * abs(value) else ", not converged"
    return f"{value:.3g} (residual {residual:.1g}{found}; fresh problems {_told(numbers, f'{name}_fresh')})"


def _told(numbers: Numbers, name: str, scale: float = 1.0) -> str:
    mean, low, high = (scale * numbers[f"{name}{end}"] for end in ("", "_low", "_high"))
    return f"{mean:.3g} ({low:.3g} to {high:.3g})"

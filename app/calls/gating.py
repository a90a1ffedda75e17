"""``ird.gate``: keep a change, drop it, or run more seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.calls.comparing import compare
from app.calls.opening import RUNS, Place, Source
from ired_diag.comparison import Comparison, Group
from ired_diag.comparison.comparable import check_comparable
from ired_diag.comparison.gate import BUDGET, Compared, Decision, against_group, against_threshold, decide
from ired_diag.comparison.gate_of_folds import decide_by_folds
from ired_diag.errors import DiagError
from ired_diag.runs.study import Study

if TYPE_CHECKING:
    from ired_diag.runs.regroup import Grouping

LAST = "last"  # a plateau is found anew with every seed, which would change the numbers of earlier ones


@dataclass(frozen=True, kw_only=True)
class KnownSigma:
    """A rule of one's own: a z test that takes the standard deviation of a seed as known.

    Attributes:
        sigma: The standard deviation that the user states.
        z: Mean improvement over the margin, in standard errors.
        p: One-sided p value.
    """

    sigma: float
    z: float
    p: float


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A decision and what it was made on.

    Attributes:
        decision: Keep, drop or undecided, with interval and reason.
        comparison: The groups and their seeds.
        new: Name of the new group.
        against: Name of the old group, or the threshold.
        seeds: Labels of the seeds that were looked at, in their order.
        in_order: Whether that is the order in which they finished, as the caller stated.
        known_sigma: The user's own rule next to it; None where no standard deviation was stated.
    """

    decision: Decision
    comparison: Comparison
    new: str
    against: str
    seeds: Sequence[str]
    in_order: bool = False
    known_sigma: KnownSigma | None = None


def gate(
    new: Source,
    *,
    against: Source | None = None,
    threshold: float | None = None,
    margin: float = 0.0,
    alpha: float = 0.05,
    budget: int = BUDGET,
    sigma: float | None = None,
    runs: Study | Place = RUNS,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    readout: str = LAST,
    paired: bool | None = None,
    grouping: Grouping | None = None,
    order: Sequence[str] | None = None,
) -> Gate:
    """Return whether to keep a change, which holds at any number of seeds looked at.

    Args:
        new: Name, path or ``NAME=GLOB`` of the new group.
        against: The same of the old group.
        threshold: Instead of a group: a number that was fixed beforehand, which has no noise.
        margin: By how much the mean must be better, in the unit of the metric.
        alpha: Chance to keep, and chance to drop, a change whose mean is at the margin.
        budget: Most seeds of the new group that would be trained.
        sigma: Standard deviation of a seed that is taken as known: a z test stands next to the decision.
        runs: The runs folder, or a study, in which names are looked up.
        metric: Metric to judge by. Default: detected by name.
        higher_is_better: Its direction. Default: by configuration and name.
        readout: Number of a curve: ``last``, ``best``, ``last10``, ``area`` or ``plateau``.
        paired: Whether equal seeds are pairs. Default: where the configurations state the same data.
        grouping: The user's definition of groups and seeds. Default: both are recognized.
        order: Labels of the seeds of the new group in the order in which they finished: then the first at
            which the margin lies outside decides. Default: unknown, and the interval of all seeds decides.

    Raises:
        DiagError: Neither or both of ``against`` and ``threshold``; an option is out of range; the old group
            has one number; no seed has a number; the groups solve different problems, or their numbers are on
            two scales.
        NotFound: There is nothing of a name.
    """
    check_gate(against, threshold, margin=margin, alpha=alpha, sigma=sigma)
    sources = [new] if against is None else [new, against]
    comparison = compare(
        *sources,
        runs=runs,
        metric=metric,
        higher_is_better=higher_is_better,
        readout=readout,
        paired=paired,
        grouping=grouping,
    )
    groups = comparison.groups
    if len(groups) != len(sources):
        names = ", ".join(group.name for group in groups)
        raise DiagError(
            f"Expected {len(sources)} groups, found {len(groups)} ({names}). Name each by NAME=GLOB."
        )
    if comparison.sharing_seeds:
        listed = " and ".join(comparison.sharing_seeds)
        raise DiagError(
            f"{listed}: runs share seeds of single sources (initialisation, data), and the gate needs "
            "independent ones. Compare them with 'ired-diag stats', or split them with 'ired-diag variance'."
        )
    for pair in comparison.pairs:
        check_comparable((pair.a, pair.b), problems=pair.other_problems, scales=pair.mixed_scales)
    _check_order(order, groups[0])
    values = _in_order(groups[0].values, order or ())
    compared, name = _compared(comparison, values, threshold)
    seeds = list(values)
    if compared.design == "paired":
        seeds = [seed for seed in seeds if seed in groups[1].values]
    failed = _failed(groups[0])
    failed_base = sum(_failed(group) for group in groups[1:])
    if comparison.has_folds:
        if sigma is not None:
            raise DiagError("--sigma takes runs as independent, and folds share training data. Leave it out.")
        decision = decide_by_folds(
            groups,
            threshold,
            lower_is_better=comparison.lower_is_better,
            is_paired=compared.design == "paired",
            margin=margin,
            alpha=alpha,
            failed=failed + failed_base,
            is_followed=order is not None,
        )
    else:
        decision = decide(
            compared,
            margin=margin,
            alpha=alpha,
            budget=budget,
            failed=failed,
            failed_base=failed_base,
            in_order=order is not None,
        )
    return Gate(
        decision=decision,
        comparison=comparison,
        new=groups[0].name,
        against=name,
        seeds=seeds,
        in_order=order is not None,
        known_sigma=_known(compared, margin, sigma),
    )


def check_gate(
    against: Source | None,
    threshold: float | None,
    *,
    margin: float,
    alpha: float,
    sigma: float | None = None,
) -> None:
    """Refuse options of a gate that are out of range.

    Raises:
        DiagError: One is; the message names it.
    """
    if (against is None) == (threshold is None):
        raise DiagError(
            "Name either a group (--against) or a number that was fixed beforehand (--threshold)."
        )
    if threshold is not None and not math.isfinite(threshold):
        raise DiagError(f"A threshold is a finite number, found {threshold:g}.")
    if not 0 <= margin < math.inf:
        raise DiagError(f"A margin is 0 or larger, in the unit of the metric, found {margin:g}.")
    if not 0 < alpha < 0.5:
        raise DiagError(f"alpha lies between 0 and 0.5, found {alpha:g}.")
    if sigma is not None and not 0 < sigma < math.inf:
        raise DiagError(f"sigma is positive and finite, found {sigma:g}.")


def _check_order(order: Sequence[str] | None, group: Group) -> None:
    """Refuse an order that names a seed which is not there, or one twice.

    Raises:
        DiagError: It does.
    """
    labels = [*group.values, *(failure.label for failure in group.outcomes.failures)]
    for label in order or ():
        if label not in labels:
            raise DiagError(f"The order names {label!r}. The seeds of {group.name} are: {', '.join(labels)}.")
    if len(set(order or ())) < len(order or ()):
        raise DiagError("The order names a seed twice.")


def _in_order(values: Mapping[str, float], order: Sequence[str]) -> dict[str, float]:
    """Return the numbers of the seeds in an order; seeds that it does not name come last."""
    place = {label: i for i, label in enumerate(order)}
    labels = sorted(values, key=lambda label: place.get(label, len(place)))
    return {label: values[label] for label in labels}


def _compared(
    comparison: Comparison,
    values: Mapping[str, float],
    threshold: float | None,
) -> tuple[Compared, str]:
    """Return how much better each seed is, and the name of what it is compared with."""
    lower = comparison.lower_is_better
    if threshold is not None:
        return against_threshold(values, threshold, lower_is_better=lower), f"{threshold:g}"
    old = comparison.groups[1]
    (pair,) = comparison.pairs
    compared = against_group(values, old.values, lower_is_better=lower, is_paired=not pair.obstacle)
    return compared, old.name


def _failed(group: Group) -> int:
    """Return how many seeds failed; those that were stopped from outside say nothing of the method."""
    return sum(failure.is_of_method for failure in group.outcomes.failures)


def _known(compared: Compared, margin: float, sigma: float | None) -> KnownSigma | None:
    from scipy.stats import norm

    if sigma is None or not compared.gains:
        return None
    n = len(compared.gains)
    better_by = sum(compared.gains) / n
    variance = sigma**2 / n
    if compared.base:
        better_by -= sum(compared.base) / len(compared.base)
        variance += sigma**2 / len(compared.base)
    z = (better_by - margin) / math.sqrt(variance)
    return KnownSigma(sigma=sigma, z=z, p=float(norm.sf(z)))

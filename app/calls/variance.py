"""``ird.variance``: where the variance of results comes from, and what to pay for next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.calls.opening import RUNS, Place, Source, groups_of
from ired_diag.comparison import Comparison
from ired_diag.comparison import compare as compare_groups
from ired_diag.comparison.crossed_runs import NOT_INDEPENDENT
from ired_diag.comparison.members import members_of
from ired_diag.comparison.readouts import read_out
from ired_diag.comparison.source_variance import SourceVariance, source_variance
from ired_diag.errors import DiagError
from ired_diag.runs.study import Study
from ired_diag.seed_sources import SOURCES
from ired_diag.stats.purchases import MORE_EVALUATIONS, SEEDS, Advice, advise

if TYPE_CHECKING:
    from ired_diag.runs.regroup import Grouping

EVAL = "eval"
PRICED = (SEEDS, *SOURCES)


@dataclass(frozen=True, kw_only=True)
class Variance:
    """Where the variance of a group's results comes from.

    Attributes:
        group: Name of the group.
        against: Name of the base whose runs are subtracted; empty where there is none.
        comparison: The groups and how they were read.
        result: The components of the variance, and the precision of the mean.
        advice: What to pay for next.
        unit: Unit of prices and budget; empty where the user named prices.
    """

    group: str
    against: str
    comparison: Comparison
    result: SourceVariance
    advice: Advice
    unit: str = ""


def variance(
    source: Source,
    *,
    against: Source | None = None,
    sources: Mapping[str, str] | None = None,
    cost: Mapping[str, float] | None = None,
    budget: float | None = None,
    runs: Study | Place = RUNS,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    readout: str = "plateau",
    paired: bool | None = None,
    grouping: Grouping | None = None,
    include_incomplete: bool = False,
    seed: int = 0,
) -> Variance:
    """Return where the variance of a group's results comes from, and what to pay for next.

    Args:
        source: Name, path or ``NAME=GLOB`` of the group.
        against: The same of a base: then the differences of runs with equal seeds are split.
        sources: Key of the configurations for each source: ``{"init": "model_seed", "data": "shuffle"}``.
            Default: recognized.
        cost: Price of one of each: ``seeds`` (a run with new seeds in everything), ``init``, ``data`` (a run
        in
            which only that is new), ``eval`` (one more evaluation of one run). Default: in runs, by steps.
        budget: What may be spent next. Default: the price of as many new runs as there are.
        runs: The runs folder, or a study, in which names are looked up.
        metric: Metric to use. Default: detected by name.
        higher_is_better: Its direction. Default: by configuration and name.
        readout: Result of a run: ``plateau``, ``last``, ``best``, ``last10`` or ``area``.
        paired: Whether runs of group and base with equal seeds are pairs. Default: by the configurations.
        grouping: The user's definition of groups and seeds. Default: both are recognized.
        include_incomplete: Keep runs that did not reach the end of their training.
        seed: Random seed of the intervals.

    Raises:
        NotFound: There is nothing of a name, or no run has a result.
        DiagError: An option cannot be used, the source means several groups, or runs cannot be paired.
    """
    notes: list[str] = []
    named = [source]
    if against is not None:
        named.append(against)
    groups = groups_of(named, runs=runs, notes=notes, metric=metric, grouping=grouping)
    if len(groups) != len(named):
        listed = ", ".join(groups)
        raise DiagError(
            f"Expected {len(named)} groups, found {len(groups)} ({listed}). Name each by NAME=GLOB."
        )
    lower_is_better = None
    if higher_is_better is not None:
        lower_is_better = not higher_is_better
    comparison = compare_groups(
        groups,
        metric=metric,
        lower_is_better=lower_is_better,
        readout=readout,
        include_incomplete=include_incomplete,
        paired=paired,
        seed=seed,
    )
    lower = comparison.lower_is_better
    members = members_of(
        groups,
        comparison.metric,
        [],
        lower_is_better=lower,
        include_incomplete=include_incomplete,
        judge_shape=comparison.direction != "assumed",
    )
    if len(members) != len(named):
        raise DiagError(f"No run has a result to split by {comparison.metric}. {' '.join(comparison.notes)}")
    base = None
    if against is not None:
        base = members[1]
    result = source_variance(
        members[0],
        groups[members[0].name],
        read_out(members, lower_is_better=lower),
        comparison.readout,
        base=base,
        paired=paired,
        named=sources,
        draw=seed,
    )
    prices = prices_of(result, cost)
    if budget is None:
        budget = len(result.values) * prices[SEEDS]
    try:
        advice = advise(
            result.design,
            result.components,
            prices,
            budget=budget,
            evaluations=result.evaluations,
        )
    except ValueError as error:
        raise DiagError(str(error)) from error
    return Variance(
        group=members[0].name,
        against=base.name if base is not None else "",
        comparison=_with_notes(comparison, [*notes, *comparison.notes, *result.notes]),
        result=result,
        advice=advice,
        unit="" if cost else "runs",
    )


def _with_notes(comparison: Comparison, notes: Sequence[str]) -> Comparison:
    """Return the comparison with these notes, but for those on shared seeds: the answer itself says so."""
    kept = [note for note in dict.fromkeys(notes) if NOT_INDEPENDENT not in note]
    return replace(comparison, notes=tuple(kept))


def prices_of(result: SourceVariance, cost: Mapping[str, float] | None) -> dict[str, float]:
    """Return the price of one of each thing that can be bought.

    A run costs the same whichever of its seeds is new, and one more evaluation of a run costs the steps to
    it, as a part of a run: unless the user says otherwise.

    Raises:
        DiagError: The user prices something that is not sold.
    """
    cost = dict(cost or {})
    for name in cost:
        if name not in PRICED:
            raise DiagError(f"--cost {name}: expected a price of {', '.join(PRICED)}.")
    of_runs = [price for name, price in cost.items() if name != EVAL]
    run = cost.get(SEEDS, max(of_runs, default=1.0))
    prices = {SEEDS: run}
    singles = [factor for factor in result.design.factors if (factor,) in result.design.terms]
    # A run that reuses a level of a factor without a component would share what is unknown.
    if len(singles) > 1 and len(singles) == len(result.design.factors):
        for factor in singles:
            if factor != EVAL or EVAL in cost:
                prices[factor] = cost.get(factor, run)
    if EVAL in result.design.factors or result.components.noise is None:
        return prices
    share = result.spacing / result.last_step
    each = cost.get(EVAL, share * run)
    if math.isfinite(each) and each > 0:
        prices[MORE_EVALUATIONS] = each
    return prices

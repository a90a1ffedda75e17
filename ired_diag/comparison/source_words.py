"""The variance of a group by source, in words: its seeds, what each makes, what is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ired_diag.comparison.names_in_words import joined
from ired_diag.comparison.source_levels import OVERALL
from ired_diag.comparison.source_variance import SourceVariance
from ired_diag.runs.name_list import counted
from ired_diag.seed_sources import NAMES, PLURALS
from ired_diag.stats.crossed_design import Term
from ired_diag.stats.purchases import MORE_EVALUATIONS, SEEDS, Advice, Purchase
from ired_diag.stats.variance_components import EVALUATIONS, REST

ONE: Mapping[str, str] = dict([*NAMES.items(), (OVERALL, "seed")])
SEVERAL: Mapping[str, str] = dict([*PLURALS.items(), (OVERALL, "seeds")])
EVALUATION_DRAW = "eval"
FEW_LEVELS = 4  # with fewer, the upper end is more than 14 times the estimate


def runs_in_words(result: SourceVariance) -> str:
    """Return how many runs there are and by which seeds: ``25 runs: 5 initialisations x 5 data seeds``."""
    count = len(result.values)
    runs = counted(count, "run")
    varied = result.levels.varied
    if not varied:
        return (
            f"{runs}, taken as independent: their configurations name no seed of a single source that varies"
        )
    if not result.levels.are_crossed:
        return f"{runs}, each with seeds of its own"
    parts = []
    combinations = 1
    for source, levels in varied.items():
        different = len(set(levels))
        combinations *= different
        parts.append(f"{different} {SEVERAL[source]}")
    product = " x ".join(parts)
    columns = list(varied.values())
    cells = len(set(zip(*columns, strict=True)))
    if cells < combinations:
        return f"{runs}: {product}, {cells} of the {combinations} combinations"
    if count == combinations:
        return f"{runs}: {product}"
    times = count / combinations
    return f"{runs}: {product}, every combination {times:.3g} times"


def term_in_words(term: Term, result: SourceVariance) -> str:
    """Return what a component is called."""
    if term == EVALUATIONS:
        return "evaluation noise"
    if term == REST:
        return _rest_in_words(result)
    name = " x ".join(ONE[factor] for factor in term)
    others: dict[str, None] = {}
    for alias in result.design.aliases.get(term, ()):
        others.update(dict.fromkeys(alias))
    names = [ONE[factor] for factor in others if factor not in term]
    if names:
        name += f" (with {joined(names)})"
    return name


def _rest_in_words(result: SourceVariance) -> str:
    """Return what the residual holds: interactions of one run each, or runs with seeds of their own."""
    design = result.design
    if not design.terms:
        return "seeds"
    singles = []
    for term in design.in_residual:
        if len(term) == 1:
            singles.append(ONE[term[0]])
    if singles:
        return f"{joined(singles)} and the rest"
    if design.in_residual:
        return "interaction and the rest"
    return "rest"


def limits_in_words(result: SourceVariance) -> Iterator[str]:
    """Yield what these runs cannot tell."""
    shared = []
    for source, seed in result.levels.fixed.items():
        shared.append(f"{ONE[source]} {seed}")
    for key, seed in result.levels.fixed_keys.items():
        shared.append(f"{key} {seed}")
    if shared:
        yield (
            f"All runs have {joined(shared)}: what another one would change is not in these numbers, and new "
            "seeds below are seeds of the rest."
        )
    yield from _confounded(result)
    yield from _few_levels(result)
    yield from _negative_estimates(result)


def _confounded(result: SourceVariance) -> Iterator[str]:
    """Yield which sources change together."""
    unique = []
    for source, levels in result.levels.varied.items():
        if len(set(levels)) == len(levels):
            unique.append(SEVERAL[source])
    if len(unique) > 1 and not result.design.terms:
        yield (
            f"Every run has other {joined(unique)}, so they cannot be told apart: cross them "
            "(ired-diag train --seed-init 0-4 --seed-data 0-4)."
        )
    for term, aliases in result.design.aliases.items():
        factors = dict.fromkeys(term)
        for alias in aliases:
            factors.update(dict.fromkeys(alias))
        names = [SEVERAL[factor] for factor in factors]
        # An interaction is the alias of a source that alone decides on the other one.
        if len(names) > 1:
            yield f"In these runs {joined(names)} change together and cannot be told apart."


def _few_levels(result: SourceVariance) -> Iterator[str]:
    few = []
    for contrasts in result.design.contrasts:
        count = contrasts.df + 1
        if len(contrasts.term) == 1 and count < FEW_LEVELS:
            (factor,) = contrasts.term
            few.append(f"{count} {SEVERAL[factor]}")
    if few:
        yield (
            f"{joined(few)} say little of how far others lie: the upper end of an interval is many times the "
            "estimate. Take 5 or more."
        )


def _negative_estimates(result: SourceVariance) -> Iterator[str]:
    negative = []
    for component in result.components.components:
        if component.variance < 0:
            name = term_in_words(component.term, result)
            negative.append(f"{name} ({component.variance:.3g})")
    if negative:
        yield (
            f"Negative estimates count as 0: {joined(negative)}. Runs differ less there than the rest of the "
            "noise makes likely."
        )


def purchase_in_words(purchase: Purchase) -> str:
    """Return what is bought: ``3 runs with new seeds and 2 more evaluations of each run``."""
    parts = []
    for name, count in purchase.counts.items():
        if count == 0:
            continue
        if name == SEEDS:
            runs = counted(count, "run")
            parts.append(f"{runs} with new seeds in everything")
        elif name == EVALUATION_DRAW:
            evaluations = counted(count, "evaluation")
            parts.append(f"{evaluations} of runs that are there, each with a new draw")
        elif name == MORE_EVALUATIONS:
            evaluations = counted(count, "more evaluation")
            parts.append(f"{evaluations} of each run")
        else:
            runs = counted(count, "run")
            parts.append(f"{runs} with a new {ONE[name]} alone")
    return joined(parts) or "nothing"


def advice_in_words(advice: Advice) -> Iterator[str]:
    """Yield what to pay for next, by how much it helps, and whether that can be told."""
    if advice.recommended is None or advice.equal is None:
        yield f"What to pay for next is unknown: {advice.reason}."
        return
    best = advice.recommended
    effect = _effect(best)
    if len(advice.prices) > 1:
        effect += f", instead of {advice.equal.ratio:.2f} for a budget in equal parts"
    if advice.is_clear:
        yield f"Pay for {purchase_in_words(best)}: {effect}."
        return
    rival = advice.rival
    yield (
        f"Cannot tell what is best: the intervals of the components leave it open. Safest is "
        f"{purchase_in_words(best)}: {effect}."
    )
    if rival is not None:
        yield f"It may be {purchase_in_words(rival)} that is best ({_effect(rival)})."


def _effect(purchase: Purchase) -> str:
    return (
        f"standard error {purchase.standard_error:.3g}, {purchase.ratio:.2f} times today's "
        f"({purchase.ratio_low:.2f} to {purchase.ratio_high:.2f})"
    )

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
FEW_LEVELS = 4  # with fewer, the upper end is more than 14 times the estimate


def runs_in_words(result: SourceVariance) -> str:
    """Return how many runs there are and by which seeds: ``25 runs: 5 initialisations x 5 data orders``."""
    runs = counted(len(result.values), "run")
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
        count = len(set(levels))
        combinations *= count
        parts.append(f"{count} {SEVERAL[source]}")
    product = " x ".join(parts)
    cells = len(set(zip(*varied.values(), strict=True)))
    if cells == combinations:
        times = len(result.values) / cells
        repeats = "once" if times == 1 else f"{times:g} times"
        return f"{runs}: {product}, every combination {repeats}" if times != 1 else f"{runs}: {product}"
    return f"{runs}: {product}, {cells} of the {combinations} combinations"


def term_in_words(term: Term, result: SourceVariance) -> str:
    """Return what a component is called."""
    if term == EVALUATIONS:
        return "evaluation noise"
    if term == REST:
        return _rest_in_words(result)
    name = " x ".join(ONE[factor] for factor in term)
    aliases = result.design.aliases.get(term, ())
    for alias in aliases:
        others = [factor for factor in alias if factor not in term]
        name += f" (with {joined([ONE[factor] for factor in others])})"
    return name


def _rest_in_words(result: SourceVariance) -> str:
    """Return what the residual holds: interactions of one run each, or runs with seeds of their own."""
    in_residual = result.design.in_residual
    singles = [term[0] for term in in_residual if len(term) == 1]
    if not result.design.terms:
        return "seeds"
    if singles:
        return joined([ONE[factor] for factor in singles]) + " and the rest"
    if in_residual:
        return "interaction and the rest"
    return "rest"


def limits_in_words(result: SourceVariance) -> Iterator[str]:
    """Yield what these runs cannot tell."""
    levels = result.levels
    for source, seed in levels.fixed.items():
        yield f"All runs have {ONE[source]} {seed}: what another one would change is not in these numbers."
    unique = [source for source, of_source in levels.varied.items() if len(set(of_source)) == len(of_source)]
    if len(unique) > 1 and not result.design.terms:
        sources = joined([SEVERAL[source] for source in unique])
        yield (
            f"Every run has other {sources}, so they cannot be told apart: cross them (ired-diag train "
            "--seed-init 0-4 --seed-data 0-4)."
        )
    for aliases in result.design.aliases.values():
        for alias in aliases:
            names = joined([SEVERAL[factor] for factor in alias])
            yield f"{names} change together in these runs and cannot be told apart.".capitalize()
    few = []
    for contrasts in result.design.contrasts[:-1]:
        count = contrasts.df + 1
        if len(contrasts.term) == 1 and count < FEW_LEVELS:
            few.append(f"{count} {SEVERAL[contrasts.term[0]]}")
    if few:
        yield (
            f"{joined(few)} say little of how far others lie: the upper end of an interval is many times the "
            "estimate. Take 5 or more."
        )
    negative = []
    for component in result.components.components:
        if component.variance < 0:
            negative.append(f"{term_in_words(component.term, result)} ({component.variance:.3g})")
    if negative:
        yield (
            f"Negative estimates count as 0: {joined(negative)}. Runs differ less there than the rest of the "
            "noise makes likely."
        )


def purchase_in_words(purchase: Purchase) -> str:
    """Return what is bought: ``3 runs with new seeds and 2 more evaluations of each run``."""
    parts = []
    for name, count in purchase.counts.items():
        if not count:
            continue
        if name == SEEDS:
            parts.append(f"{counted(count, 'run')} with new seeds in everything")
        elif name == MORE_EVALUATIONS:
            parts.append(f"{counted(count, 'more evaluation')} of each run")
        else:
            parts.append(f"{counted(count, 'run')} with a new {ONE[name]} alone")
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

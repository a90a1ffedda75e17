"""Crossed runs: groups of 3 initialisations x 3 data seeds, which are not 9 independent seeds.

Runs of one initialisation resemble each other, and so do those of one data seed. A t test takes all of them
as independent, and its interval is too narrow. The interval of the difference of such groups is therefore
made of draws of the variance components (``source_variance``): of the differences of runs with equal seeds
where these are pairs, else of both groups. Its p value is twice the share of draws beyond 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ired_diag.comparison.dependent_runs import with_estimates, with_interval
from ired_diag.comparison.group import Group
from ired_diag.comparison.later import changed
from ired_diag.comparison.pairing import Pairing
from ired_diag.comparison.pairs import PairOfGroups
from ired_diag.comparison.readouts import Readouts
from ired_diag.comparison.sample import Question
from ired_diag.comparison.seeds import Members
from ired_diag.comparison.source_levels import source_levels
from ired_diag.comparison.source_variance import SourceVariance, mean_errors, source_variance
from ired_diag.comparison.source_words import runs_in_words
from ired_diag.errors import DiagError
from ired_diag.runs.run import Run
from ired_diag.stats.arrays import Array
from ired_diag.stats.mean_estimate import DrawnEstimate
from ired_diag.stats.summary import Summary

NOT_INDEPENDENT = "Runs that share a seed are not independent"
SHARED = "runs share seeds, and this takes them as independent"
UNKNOWN = "runs share seeds, and too little is known of what each of them makes"


@dataclass(frozen=True)
class Crossed:
    """Groups whose runs share seeds, and what is needed to compare them.

    Attributes:
        results: The variance by source of each such group, by its name.
        runs: The runs of all groups, by name.
        read: All readouts of all runs.
        draw: Random seed of the intervals.
    """

    results: Mapping[str, SourceVariance | None]
    runs: Mapping[str, Sequence[Run]]
    read: Readouts
    draw: int

    def notes(self) -> list[str]:
        """Return a note on each of these groups."""
        notes = []
        for name, result in self.results.items():
            if result is not None:
                notes.append(_note_on(name, result))
        return notes

    def variance_of(
        self, members: Members, readout: str, base: Members | None = None
    ) -> SourceVariance | None:
        """Return the variance of a group, or of its differences; None where too many sources vary."""
        runs = self.runs[members.name]
        paired = None if base is None else True
        try:
            return source_variance(
                members, runs, self.read, readout, base=base, paired=paired, draw=self.draw
            )
        except DiagError:
            return None


def crossed_groups(
    groups: Sequence[Members], runs: Mapping[str, Sequence[Run]], read: Readouts, readout: str, *, draw: int
) -> Crossed:
    """Return the groups whose runs share seeds of single sources.

    Args:
        groups: All groups.
        runs: Their runs, by group.
        read: All readouts of all runs.
        readout: The one that is compared.
        draw: Random seed of the intervals.
    """
    results: dict[str, SourceVariance | None] = {}
    crossed = Crossed(results, runs, read, draw)
    for members in groups:
        if members.cross_validation is not None:
            continue
        labels = read.values[readout][members.name]
        with_result = [run for run in runs[members.name] if run.seed_label in labels]
        if len(with_result) > 1 and source_levels(with_result).are_crossed:
            results[members.name] = crossed.variance_of(members, readout)
    return crossed


def _note_on(name: str, result: SourceVariance) -> str:
    precision = result.precision
    worth = (
        f"their mean is as precise as that of {precision.effective:.3g} independent runs "
        f"({precision.effective_low:.3g} to {precision.effective_high:.3g})"
    )
    if result.components.reason:
        worth = f"how many independent ones they are worth is unknown ({result.components.reason})"
    return (
        f"{name}: {runs_in_words(result)}. {NOT_INDEPENDENT}: {worth}. Verdict and intervals take that into "
        "account, other tests do not. 'ired-diag variance' shows what each seed makes."
    )


def with_own_intervals(group: Group, members: Members, crossed: Crossed) -> Group:
    """Return a group whose intervals of the mean take shared seeds into account."""
    if group.name not in crossed.results:
        return group
    readouts = {}
    for name, summary in group.readouts.items():
        readouts[name] = _with_interval(summary, crossed.variance_of(members, name)) if summary.n else summary
    summary = _with_interval(group.summary, crossed.results[group.name])
    return replace(group, summary=summary, readouts=readouts)


def _with_interval(summary: Summary, result: SourceVariance | None) -> Summary:
    if result is None or result.components.reason:
        return with_interval(summary, UNKNOWN)
    return with_interval(summary, (result.precision.low, result.precision.high))


def with_shared_seeds(
    pair: PairOfGroups, a: Members, b: Members, crossed: Crossed, *, question: Question, pairing: Pairing
) -> PairOfGroups:
    """Return a pair of groups whose verdict takes shared seeds into account; the same pair where none are.

    Args:
        pair: The pair as if all runs were independent.
        a: The first group.
        b: The second group.
        crossed: Groups whose runs share seeds.
        question: How to compare.
        pairing: Whether runs of equal seeds are pairs.
    """
    if not {a.name, b.name} & crossed.results.keys():
        return pair
    # Where only some seeds are shared, their differences would leave out the other runs.
    is_paired = not pairing.obstacle and pair.estimator == "paired"

    def estimate_of(readout: str) -> DrawnEstimate | str:
        draws = _draws_between(a, b, crossed, readout, is_paired=is_paired)
        return UNKNOWN if draws is None else DrawnEstimate(draws)

    changed_pair = with_estimates(pair, estimate_of, question, others=SHARED)
    return pair if changed_pair is pair else changed(changed_pair, shares_seeds=True)


def _draws_between(
    a: Members, b: Members, crossed: Crossed, readout: str, *, is_paired: bool
) -> Array | None:
    """Return draws of the difference of the means; None where too little is known."""
    if is_paired:
        of_differences = _draws_of_mean(crossed.variance_of(a, readout, base=b), crossed.draw)
        if of_differences is not None:
            return of_differences
    of_a = _draws_of_mean(crossed.variance_of(a, readout), crossed.draw)
    of_b = _draws_of_mean(crossed.variance_of(b, readout), crossed.draw + 1)
    if of_a is None or of_b is None:
        return None
    # The components of both come from one stream: shuffled, they are independent.
    shuffled = np.random.default_rng(crossed.draw).permutation(of_b)
    draws: Array = of_a - shuffled
    return draws


def _draws_of_mean(result: SourceVariance | None, draw: int) -> Array | None:
    if result is None or result.components.reason:
        return None
    errors = mean_errors(result.design, result.components, rng=np.random.default_rng([draw, 1]))
    # Their own mean is the chance of the draw, and would move the difference.
    draws: Array = result.precision.mean + errors - errors.mean()
    return draws

"""Groups that are cross-validations: their folds share training data and are not independent runs.

Interval, p value and verdict come from the corrected resampled t test (``stats.resampled_t``): of the
differences of pairs where fold k of both groups is a pair, else of the means of both groups. So does the
interval of the mean of one group. What takes folds as independent is withheld or says so: coverage,
posterior, the seeds that would be needed, and the split of the spread into seeds and evaluations.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

from ired_diag.comparison.crossed_runs import UNKNOWN as SHARED_SEEDS
from ired_diag.comparison.dependent_runs import undecided, with_estimates, with_interval
from ired_diag.comparison.group import Group
from ired_diag.comparison.later import changed
from ired_diag.comparison.names_in_words import is_or_are
from ired_diag.comparison.noise import without_split
from ired_diag.comparison.paired_folds import lone_folds
from ired_diag.comparison.pairing import Pairing
from ired_diag.comparison.pairs import PairOfGroups
from ired_diag.comparison.readouts import Readouts
from ired_diag.comparison.sample import Question
from ired_diag.comparison.seeds import Members
from ired_diag.runs.cross_validation import CrossValidation
from ired_diag.runs.name_list import first_names
from ired_diag.runs.run_nouns import common_noun, run_noun
from ired_diag.stats.coverage import Coverage
from ired_diag.stats.defects import SAME_AMOUNT
from ired_diag.stats.mean_estimate import StudentEstimate
from ired_diag.stats.resampled_t import difference_of_means, mean_over_folds
from ired_diag.stats.standard_error import MeanDifference, mean_of_runs
from ired_diag.stats.summary import Summary

NAN = math.nan
MOST_NAMED = 6  # folds
SHARE_DATA = "it takes folds as independent, and they share training data"
NO_MORE_FOLDS = (
    "more folds are not to be had: repeat the cross-validation with other splits, or train several seeds of "
    "each fold"
)
CORRECTION = (
    "Folds share training data. Verdicts and intervals take that into account, with a standard error of "
    "s·sqrt(1/k + 1/(K - 1)) for k of K folds (corrected resampled t test, Nadeau & Bengio, 2003); other "
    "tests take folds as independent."
)


def notes_on_folds(groups: Sequence[Members]) -> Iterator[str]:
    """Yield what is to be said of groups that are cross-validations."""
    yield from notes_on_missing_folds(groups)
    if any(folds and not folds.is_alone for folds in map(attrgetter("cross_validation"), groups)):
        yield CORRECTION


def notes_on_missing_folds(groups: Sequence[Members]) -> Iterator[str]:
    """Yield which groups have one fold, not all folds, or several runs of a fold."""
    for members in groups:
        folds = members.cross_validation
        if folds is None:
            continue
        if folds.is_alone:
            (fold,) = folds.folds.values()
            yield f"{members.name}: one run, fold {fold}. What other folds would say is not in its number."
        elif folds.missing:
            which = ""
            if folds.gaps:
                which = f" ({first_names([f'fold{fold}' for fold in folds.gaps], MOST_NAMED)})"
            missing = f"{folds.missing} of {folds.count} folds {is_or_are(folds.missing)} missing{which}"
            yield f"{members.name}: {missing}; the mean is that of the others."
        if folds.is_repeated:
            different = len(set(folds.folds.values()))
            yield (
                f"{members.name}: {len(folds.folds)} runs of {different} folds, a repeated cross-validation. "
                "Its interval is the wider of two: as if all repetitions had one split, and as if each had "
                "its own."
            )


def notes_on_lone_folds(a: Members, b: Members, pairing: Pairing) -> Iterator[str]:
    """Yield which folds of two groups have no partner, where folds are pairs."""
    if pairing.of_folds and not pairing.obstacle:
        alone = list(lone_folds(a, b))
        if alone:
            yield f"Left out of the pairs: {'; '.join(alone)}."


def with_folds(group: Group, members: Members, read: Readouts, readout: str) -> Group:
    """Return a group whose intervals of the mean are those of folds; the same group of seeds."""
    folds = members.cross_validation
    if folds is None:
        return group
    readouts = {}
    for name, summary in group.readouts.items():
        readouts[name] = _with_interval(summary, read.values[name][members.name], folds)
    middle = group.interquartile_mean
    return replace(
        group,
        summary=_with_interval(group.summary, read.values[readout][members.name], folds),
        readouts=readouts,
        coverage=_unknown(group.coverage),
        coverage_indicated=_unknown(group.coverage_indicated),
        interquartile_mean=replace(middle, low=NAN, high=NAN, reason=middle.reason or SHARE_DATA),
        noise=without_split(SHARE_DATA),
        run_noun=run_noun(folds),
        folds=folds,
    )


def pair_with_folds(
    pair: PairOfGroups, a: Members, b: Members, read: Readouts, *, question: Question, pairing: Pairing
) -> PairOfGroups:
    """Return a pair of groups whose verdict takes into account that runs are folds.

    Args:
        pair: The pair as if all runs were independent.
        a: The first group.
        b: The second group.
        read: All readouts of all runs.
        question: How to compare.
        pairing: Whether folds of equal numbers are pairs.
    """
    if a.cross_validation is None and b.cross_validation is None:
        return pair
    is_paired = pairing.of_folds and not pairing.obstacle

    def estimate_of(readout: str) -> StudentEstimate | str:
        if pair.shares_seeds:
            return f"one group is of folds, and in the other {SHARED_SEEDS}"
        of_a, of_b = read.values[readout][a.name], read.values[readout][b.name]
        mean = difference_over_folds(
            (a.cross_validation, b.cross_validation), of_a, of_b, is_paired=is_paired
        )
        return mean.reason or StudentEstimate(mean)

    if pair.worst_rank is not None:
        pair = undecided(pair, "a run failed, and the worst-rank test takes folds as independent")
    estimated = with_estimates(pair, estimate_of, question, others=SHARE_DATA)
    return changed(
        estimated,
        of_folds=True,
        further_runs=further_runs([a.cross_validation, b.cross_validation]),
        run_noun=common_noun([run_noun(a.cross_validation), run_noun(b.cross_validation)]),
        coverage=_unknown(pair.coverage),
        coverage_indicated=_unknown(pair.coverage_indicated),
    )


def difference_over_folds(
    folds: tuple[CrossValidation | None, CrossValidation | None],
    of_a: Mapping[str, float],
    of_b: Mapping[str, float],
    *,
    is_paired: bool,
) -> MeanDifference:
    """Return the mean of a minus the mean of b, with the standard error of folds.

    Args:
        folds: The folds of both groups; None for a group of seeds.
        of_a: Number of each run of the first group, by its label.
        of_b: Number of each run of the second group.
        is_paired: Whether runs of equal labels are pairs; those without a partner are left out then.
    """
    first, second = folds
    if not is_paired or first is None or second is None:
        return difference_of_means(mean_of_group(first, of_a), mean_of_group(second, of_b))
    labels = [label for label in of_a if label in of_b]
    differences = [of_a[label] - of_b[label] for label in labels]
    numbers = [first.folds[label] for label in labels]
    # Of two counts the smaller one claims less.
    return mean_over_folds(differences, numbers, min(first.count, second.count), constant=SAME_AMOUNT)


def mean_of_group(folds: CrossValidation | None, values: Mapping[str, float]) -> MeanDifference:
    """Return the mean of a group: of folds, or of seeds where there are none."""
    numbers = list(values.values())
    if folds is not None:
        return mean_over_folds(numbers, [folds.folds[label] for label in values], folds.count)
    return mean_of_runs(numbers)


def _with_interval(summary: Summary, values: Mapping[str, float], folds: CrossValidation) -> Summary:
    if not summary.n:
        return summary
    mean = mean_of_group(folds, values)
    if mean.reason:
        # Where all folds have one value, or there is one, the reason that stands there is the better one.
        return with_interval(summary, summary.reason or mean.reason)
    return with_interval(summary, StudentEstimate(mean).interval())


def further_runs(of_groups: Sequence[CrossValidation | None]) -> str:
    """Return which further runs would tell more."""
    folds = [each for each in of_groups if each is not None]
    if any(each.is_alone for each in folds):
        return "the other folds of the cross-validation"
    if any(each.missing for each in folds):
        return f"the folds that are missing; {NO_MORE_FOLDS}"
    if None in of_groups:
        return f"more seeds of the group of seeds; {NO_MORE_FOLDS}"
    return NO_MORE_FOLDS


def _unknown(coverage: Coverage) -> Coverage:
    return replace(coverage, coverage=NAN, standard_error=NAN, reason=SHARE_DATA)

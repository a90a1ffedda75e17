"""Which check each kind of claim is put to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ired_diag.claims.bold import check_bold
from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict
from ired_diag.claims.conclusions import check_significance
from ired_diag.claims.counts import check_count
from ired_diag.claims.differences import check_difference, check_ratio
from ired_diag.claims.effects import check_effect
from ired_diag.claims.equivalence import check_equivalence
from ired_diag.claims.extreme_seeds import check_extreme_seed
from ired_diag.claims.extremes import check_extreme, check_quartiles, check_range
from ired_diag.claims.intervals import check_interval
from ired_diag.claims.levels import check_level
from ired_diag.claims.means import check_mean
from ired_diag.claims.one_sample import check_one_sample
from ired_diag.claims.outcome_counts import check_outcomes
from ired_diag.claims.percentages import check_percent
from ired_diag.claims.rank_tests import check_rank_test, test_named
from ired_diag.claims.rankings import check_ranking
from ired_diag.claims.reference_p import check_statistic
from ired_diag.claims.seed_lists import check_seed_list
from ired_diag.claims.seed_values import check_value
from ired_diag.claims.spreads import check_spread
from ired_diag.claims.steps_to_value import check_steps_to_value
from ired_diag.claims.t_and_p import check_test
from ired_diag.claims.wins import check_wins
from ired_diag.claims.z_tests import check_z

COMPARED = ("p", "t", "df", "effect", "interval")  # of two groups: their table may not name the metric


def _check_statistic(claim: Claim, book: Book) -> Verdict:
    if claim.test == "z":
        return check_z(claim, book)
    if test_named(claim):
        return check_rank_test(claim, book)
    return check_statistic(claim, book)


CHECKS: Mapping[str, Callable[[Claim, Book], Verdict]] = {
    "value": check_value,
    "mean": check_mean,
    "level": check_level,
    "seeds": check_seed_list,
    "steps to a value": check_steps_to_value,
    "range": check_range,
    "difference": check_difference,
    "ratio": check_ratio,
    "wins": check_wins,
    "best": check_extreme,
    "worst": check_extreme,
    "median": check_extreme,
    "quartiles": check_quartiles,
    "sd": check_spread,
    "se": check_spread,
    "spread": check_spread,
    "interval": check_interval,
    "n": check_count,
    "outcomes": check_outcomes,
    "t": check_test,
    "df": check_test,
    "p": check_test,
    "one sample p": check_one_sample,
    "statistic": _check_statistic,
    "effect": check_effect,
    "percent": check_percent,
    "bold": check_bold,
    "ranking": check_ranking,
    "which seed": check_extreme_seed,
    "equivalent": check_equivalence,
    "significant": check_significance,
    "not significant": check_significance,
}


def check(claim: Claim, book: Book) -> Verdict:
    """Return the verdict on a claim by the check of its kind, as the book has it."""
    return CHECKS[claim.kind](claim, book)

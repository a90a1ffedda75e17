"""That a test of so few seeds against so many sees differences that are not there: by the design alone."""

from __future__ import annotations

from collections.abc import Sequence

from ired_diag.comparison.pairs import PairOfGroups
from ired_diag.stats.welch_level import is_too_often_wrong, welch_level


def level_in_words(pair: PairOfGroups) -> str:
    """Return how often the deciding test is wrong with these seeds; empty where it keeps its 5%."""
    if not _is_uncertain(pair):
        return ""
    n_a, n_b, _ = pair.seeds
    percent = 100 * _level(pair)
    return (
        f"{n_a} seeds against {n_b}: where there is no difference, Welch's test of these sizes sees one in "
        f"about {percent:.0f}% of studies instead of 5%. Add seeds to {_smaller(pair)}."
    )


def level_of_many(pairs: Sequence[PairOfGroups]) -> str:
    """Return the same of several pairs, with the worst of them; empty where there is none."""
    uncertain = [pair for pair in pairs if _is_uncertain(pair)]
    if not uncertain:
        return ""
    worst = max(uncertain, key=_level)
    groups = ", ".join(dict.fromkeys(map(_smaller, uncertain)))
    return f"Few seeds of {groups}. {worst.a} and {worst.b}, {level_in_words(worst)}"


def _level(pair: PairOfGroups) -> float:
    """Return the share of studies without a difference in which Welch's test sees one."""
    n_a, n_b, _ = pair.seeds
    return welch_level(n_a, n_b)


def _is_uncertain(pair: PairOfGroups) -> bool:
    # Welch's approximation of the degrees of freedom is poor for two or three seeds against many.
    n_a, n_b, _ = pair.seeds
    is_welch = pair.primary == "welch" and not pair.of_folds
    return is_welch and not pair.test.reason and is_too_often_wrong(n_a, n_b)


def _smaller(pair: PairOfGroups) -> str:
    n_a, n_b, _ = pair.seeds
    return pair.a if n_a < n_b else pair.b

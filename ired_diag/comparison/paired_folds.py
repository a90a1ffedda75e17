"""Whether fold k of one cross-validation is the pair of fold k of another.

Both hold out the same data where one data set was split in one way. The names cannot prove that, but folds
are numbered for it, and a program that splits in another way for each method would be a mistake of its own.
So equal numbers are pairs, and every sentence says by what. They are no pairs where the number of folds
differs, or where one counts from 0 and the other from 1: then fold 1 of both holds out other data.
"""

from __future__ import annotations

from collections.abc import Iterator

from ired_diag.comparison.seeds import Members
from ired_diag.runs.name_list import first_names

MOST_NAMED = 6  # runs
SAME_FOLD = "fold k of both holds out the same data; --unpaired takes them apart"
NO_FOLD = "no fold in common"
IF_SAME = "if equal numbers hold out the same data, add --paired"


def are_folds(a: Members, b: Members) -> bool:
    """Say whether both groups are cross-validations."""
    return a.cross_validation is not None and b.cross_validation is not None


def obstacle_in_folds(a: Members, b: Members) -> str:
    """Return why folds of equal numbers would hold out different data; empty where nothing says so."""
    of_a, of_b = a.cross_validation, b.cross_validation
    if of_a is None or of_b is None or of_a.is_alone or of_b.is_alone:
        return ""
    if of_a.first != of_b.first:
        return (
            f"folds are numbered from {of_a.first} in {a.name} and from {of_b.first} in {b.name}, or a first "
            f"fold is missing; {IF_SAME}"
        )
    if of_a.count != of_b.count:
        return (
            f"{a.name} has {of_a.count} folds and {b.name} has {of_b.count}, and folds of another number "
            f"hold out other data; {IF_SAME}"
        )
    return ""


def lone_folds(a: Members, b: Members) -> Iterator[str]:
    """Yield which runs are left out of pairs of folds, because the other group has no result for them."""
    labels = {members.name: {seed.label for seed in members.seeds} for members in (a, b)}
    for members, other in ((a, b), (b, a)):
        alone = [seed.label for seed in members.seeds if seed.label not in labels[other.name]]
        if alone:
            yield f"{members.name}: {first_names(alone, MOST_NAMED)} without a partner in {other.name}"

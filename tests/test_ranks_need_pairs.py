"""Ranks, wins and Kendall's W take equal seeds for pairs: without evidence for that there are none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.comparison import Comparison, compare
from ired_diag.drawing.critical_difference import critical_difference
from ired_diag.drawing.rank_map import rank_map
from ired_diag.errors import DiagError
from tests.made_runs import made_run

STATED = {"dataset": "cifar10"}


def compared(
    configurations: Mapping[str, Mapping[str, Any] | None],
    *,
    paired: bool | None = None,
    failed: tuple[str, ...] = (),
) -> Comparison:
    """Return a comparison of groups of four seeds, those of the groups in ``failed`` without a number."""
    rng = np.random.default_rng(0)
    groups = {}
    for place, (name, configuration) in enumerate(configurations.items()):
        numbers = np.full(4, np.nan) if name in failed else 1 + 0.3 * place + 0.1 * rng.standard_normal(4)
        groups[name] = [
            made_run(name, seed, config=configuration, path=Path(name), val_loss=[number])
            for seed, number in enumerate(numbers)
        ]
    return compare(groups, paired=paired)


@pytest.mark.parametrize(
    ("configurations", "reason"),
    [
        (dict.fromkeys("abc"), "seeds of a and b are not pairs: unknown whether seeds share data"),
        (
            {"a": STATED, "b": STATED, "c": None},
            "seeds of a and c are not pairs: unknown whether seeds share",
        ),
        (
            {"a": STATED, "b": STATED, "c": {"dataset": "mnist"}},
            "seeds of a and c are not pairs: dataset is cifar10 and mnist",
        ),
    ],
)
def test_groups_of_which_two_are_no_pairs_have_neither_ranks_nor_their_pictures(
    configurations: Mapping[str, Mapping[str, Any] | None], reason: str
) -> None:
    found = compared(configurations)
    assert found.ranks is None
    assert found.no_ranks.startswith(reason)
    for draw in (rank_map, critical_difference):
        with pytest.raises(DiagError, match="cannot be ranked seed by seed"):
            draw(found)


def test_wins_and_tests_of_pairs_are_withheld_where_seeds_are_no_pairs() -> None:
    (pair,) = compared(dict.fromkeys("ab")).pairs
    assert (pair.wins_a, pair.wins_b) == (None, None)
    parts = (pair.tests.wilcoxon, pair.tests.sign_flip, pair.sizes.paired)
    assert all(part.reason.startswith("not paired: unknown whether seeds share data") for part in parts)
    assert np.isnan([pair.tests.wilcoxon.p, pair.tests.sign_flip.p, pair.sizes.paired.g]).all()


@pytest.mark.parametrize("paired", [None, True])
def test_stated_data_or_the_user_make_ranks(paired: bool | None) -> None:
    found = compared(dict.fromkeys("abc", None if paired else STATED), paired=paired)
    assert found.ranks is not None
    assert (found.no_ranks, found.ranks.mean_ranks) == ("", {"a": 1.0, "b": 2.0, "c": 3.0})
    assert (found.pairs[0].wins_a, found.pairs[0].wins_b) == (4, 0)


def test_the_user_can_switch_them_off() -> None:
    found = compared(dict.fromkeys("ab", STATED), paired=False)
    assert (found.ranks, found.no_ranks) == (
        None,
        "seeds of a and b are not pairs: pairing is switched off (--unpaired)",
    )


def test_a_group_all_of_whose_seeds_failed_ranks_last_where_its_data_are_stated() -> None:
    found = compared(dict.fromkeys("abc", STATED), failed=("a",))
    assert found.ranks is not None
    assert found.ranks.mean_ranks == {"a": 3.0, "b": 1.0, "c": 2.0}
    assert compared(dict.fromkeys("abc"), failed=("a",)).ranks is None

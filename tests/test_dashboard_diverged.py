"""Seeds that diverged have one word on every page, and the Study says where they are left out."""

from __future__ import annotations

from pathlib import Path

from app.dashboard.catalog import Catalog
from app.dashboard.pages.study import diverged_seeds
from app.dashboard.study_groups import groups_of
from ired_diag.comparison import compare
from ired_diag.comparison.words import verdict_of
from ired_diag.open import open_study

SAMPLES = Path(__file__).parents[1] / "sample_runs"


def test_the_study_says_which_seeds_statistics_leaves_out() -> None:
    snapshot = Catalog(SAMPLES).refresh()
    (line,) = diverged_seeds(groups_of(snapshot.entries.values(), ""))
    assert line.startswith("q101: 2 of 3 seeds diverged. Means on this page hold their last values;")


def test_a_verdict_calls_them_diverged() -> None:
    groups = open_study(SAMPLES).groups()
    found = compare({name: groups[name] for name in ("q101", "q103")})
    assert "2 of 3 seeds of q101 diverged (success rate 33%" in verdict_of(found.pairs[0], found)


def test_seeds_that_died_are_called_failed() -> None:
    groups = open_study(SAMPLES).groups()
    found = compare({name: groups[name] for name in ("q900", "q103")})
    assert "6 of 7 seeds of q900 failed" in verdict_of(found.pairs[0], found)

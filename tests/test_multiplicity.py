"""Adjusted p values: statsmodels, the papers' own step procedures, NaN and order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ired_diag.stats.multiplicity import benjamini_hochberg, holm

# Benjamini & Hochberg (1995), section 4: fifteen p values of a study of heart attacks.
THROMBOLYSIS = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
]


def test_published_example_rejects_three_by_holm_and_four_by_the_rate() -> None:
    # The paper: Bonferroni rejects the 3 smallest, its own procedure the 4 smallest; Holm's as Bonferroni.
    assert (holm(THROMBOLYSIS) <= 0.05).sum() == 3
    assert (benjamini_hochberg(THROMBOLYSIS) <= 0.05).sum() == 4
    assert benjamini_hochberg(THROMBOLYSIS)[3] == pytest.approx(0.0095 * 15 / 4, rel=1e-14)


@pytest.mark.parametrize("m", [1, 2, 7, 190])
def test_agrees_with_statsmodels_and_scipy(m: int, rng: np.random.Generator) -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = np.round(rng.uniform(size=m) ** 3, 3)  # rounded: with ties
    np.testing.assert_allclose(holm(p), multitest.multipletests(p, method="holm")[1], rtol=1e-12)
    expected = multitest.multipletests(p, method="fdr_bh")[1]
    np.testing.assert_allclose(benjamini_hochberg(p), expected, rtol=1e-12)
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p), rtol=1e-12)


def test_nan_stays_and_does_not_count(rng: np.random.Generator) -> None:
    p = rng.uniform(size=6) / 5
    gaps = np.insert(p, [0, 3, 6], math.nan)
    for adjust in (holm, benjamini_hochberg):
        got = adjust(gaps)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(gaps))
        np.testing.assert_array_equal(got[~np.isnan(got)], adjust(p))
        assert np.isnan(adjust([math.nan, math.nan])).all()
        assert adjust([]).shape == (0,)


def test_order_and_shape_of_the_questions_do_not_matter(rng: np.random.Generator) -> None:
    p, order = rng.uniform(size=12) ** 2, rng.permutation(12)
    for adjust in (holm, benjamini_hochberg):
        np.testing.assert_array_equal(adjust(p[order]), adjust(p)[order])
        np.testing.assert_array_equal(adjust(p.reshape(3, 4)), adjust(p).reshape(3, 4))
        assert (p <= adjust(p)).all()
        assert (adjust(p) <= 1).all()


def test_given_values_are_left_alone_and_what_is_no_p_is_refused() -> None:
    p = np.array([0.04, 0.01])
    holm(p)
    assert p.tolist() == [0.04, 0.01]
    with pytest.raises(ValueError, match=r"1\.5"):
        holm([0.1, 1.5])


def test_holm_keeps_the_chance_of_any_false_alarm(rng: np.random.Generator) -> None:
    any_alarm = [(holm(p) <= 0.05).any() for p in rng.uniform(size=(4000, 10))]
    expected = 1 - (1 - 0.005) ** 10
    assert abs(np.mean(any_alarm) - expected) < 4 * math.sqrt(expected / 4000)

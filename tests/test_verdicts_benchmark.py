"""The benchmark of the verdicts: its short path decides as ``compare`` does; its tables show what fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.curve_verdicts import FAILED, HEALTHY, curves_of
from benchmarks.verdict_cells import Bound, Cell, cells
from benchmarks.verdict_measures import LOST, LOST_TO_READER, PlateauStudy, PowerStudy
from benchmarks.verdict_path import decision_of
from benchmarks.verdict_studies import Design, means_of, partly_shared, study_of
from benchmarks.verdicts import is_kept, measure_all, row_of, standard_error
from ired_diag.comparison import compare
from ired_diag.comparison.words import verdict_of

pytestmark = pytest.mark.slow

DESIGNS = {
    "unknown": Design(effect=0.01),
    "stated": Design(effect=0.004, stated=True, shared=0.5),
    "three groups": Design(groups=3, seeds=3, effect=0.02, evaluations=1),
    "no plateau": Design(improves=True, effect=0.03),
    "failing": Design(failing=0.3, effect=0.01),
    "failing altogether": Design(seeds=3, failing=0.7),
    "six groups": Design(groups=6, seeds=4, effect=0.02, evaluations=1),
    "drift": Design(drift=0.015, seed_sd=0.001),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_short_path_decides_as_compare_prints(name: str) -> None:
    for seed in range(6):
        groups = study_of(DESIGNS[name], np.random.default_rng(seed))
        short, full = decision_of(groups), compare(groups)
        assert short.readout == full.readout
        for test, decision, pair in zip(short.tests, short.decisions, full.pairs, strict=True):
            assert test.difference == pytest.approx(pair.difference, nan_ok=True)
            assert decision == pair.verdict.decision
            called = {word for word in ("better", "worse") if f" is {word} than " in verdict_of(pair, full)}
            assert called == ({decision} & {"better", "worse"}), verdict_of(pair, full)


def test_short_path_decides_as_compare_where_few_seeds_are_shared() -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        groups = partly_shared((3, 4, 4), correlation=0.5, effect=1.5, rng=rng)
        short, (pair,) = decision_of(groups), compare(groups).pairs
        assert short.tests[0].p == pytest.approx(pair.test.p)
        assert short.decisions == [pair.verdict.decision]


def test_curves_have_the_designed_spread_correlation_and_equal_ends() -> None:
    design = Design(seeds=4000, correlation=0.8, drift=0.03, times=(2.0,))
    last = means_of(design)[:, -1]
    assert last[0] == pytest.approx(last[1], abs=1e-12)
    middle, end = means_of(design)[1][[49, 99]]
    assert middle - end == pytest.approx(0.03, rel=0.05)
    groups = study_of(replace(design, drift=0.0, seed_sd=0.0), np.random.default_rng(0))
    values = np.array([run.history.series["val_loss"].values[60:] for run in groups["m0"]]) - 1
    assert values.std() == pytest.approx(0.01, rel=0.02)
    assert np.corrcoef(values[:, :-1].ravel(), values[:, 1:].ravel())[0, 1] == pytest.approx(0.8, abs=0.01)


def test_partly_shared_seeds_have_the_designed_correlation() -> None:
    rng = np.random.default_rng(0)
    groups = partly_shared((4000, 5, 7), correlation=0.5, effect=0.0, rng=rng)
    assert [len(runs) for runs in groups.values()] == [4005, 4007]
    a, b = ({run.seed: run.history.series["val_loss"].values[0] for run in runs} for runs in groups.values())
    shared = [seed for seed in a if seed in b]
    assert len(shared) == 4000
    assert np.corrcoef([a[s] for s in shared], [b[s] for s in shared])[0, 1] == pytest.approx(0.5, abs=0.03)


def test_two_standard_errors_are_allowed_and_no_more() -> None:
    bound = Bound("better or worse", 0.055)
    values = np.repeat([1.0, 0.0], [62, 938])
    assert standard_error(bound, values) == pytest.approx(np.sqrt(0.055 * 0.945 / 1000))
    assert is_kept(bound, 0.062, standard_error(bound, values))
    assert not is_kept(bound, 0.070, standard_error(bound, values))
    cell = Cell("null", PlateauStudy(0.0), 1000, (bound,))
    assert row_of(cell, bound, np.repeat([1.0, 0.0], [90, 910]))[-1] == "FAIL"
    assert row_of(cell, bound, np.empty(0))[-1] == "FAIL"


def test_numbers_depend_on_the_seed_and_not_on_the_processes() -> None:
    names = ("one number each, n = 3", "plateau of one curve under AR(0)")
    chosen = [cell for cell in cells() if cell.name in names]
    assert len(chosen) == 2
    alone, _ = measure_all(chosen, most=20, processes=1, seed=1)
    together, _ = measure_all(chosen, most=20, processes=2, seed=1)
    for cell in chosen:
        for name, values in alone[cell.name].items():
            assert values.tolist() == together[cell.name][name].tolist()
            assert len(values) == 20


def test_power_is_lost_to_the_prescribed_test_and_to_a_reader_who_knows_the_plateau() -> None:
    design = Design(seeds=3, effect=0.018)
    measured = [PowerStudy(design)(np.random.default_rng(seed)) for seed in range(12)]
    assert {study[LOST] for study in measured} == {0.0}  # the prescribed test is the one that decides
    late = [PowerStudy(design, start=98)(np.random.default_rng(seed)) for seed in range(12)]
    assert sum(study[LOST_TO_READER] for study in late) < 0  # two evaluations know less than the plateau


def test_a_measure_without_a_bound_is_shown_and_not_judged() -> None:
    bound = Bound(LOST_TO_READER, np.inf)
    cell = Cell("power", PowerStudy(Design()), 1000, (bound,))
    row = row_of(cell, bound, np.repeat([1.0, 0.0, -1.0], [300, 600, 100]))
    assert row[3:] == ("20.00%", f"{200 * np.sqrt(0.36 / 1000):.2f}", "none", "shown")


def test_names_of_cells_are_unique() -> None:
    names = [cell.name for cell in cells()]
    assert len(names) == len(set(names)) > 100


@pytest.mark.parametrize("kind", [*HEALTHY, *FAILED], ids=lambda kind: str(kind.__name__))
def test_each_kind_of_curve_is_a_curve(kind: object) -> None:
    assert callable(kind)
    for curve in curves_of(kind, 10, seed=0):
        assert len(curve.steps) == len(curve.values) >= 3
        assert (np.diff(curve.steps) > 0).all()
        assert curve.words
        assert curve.healthy == (kind in HEALTHY)
        assert np.isfinite(curve.values[-1]) or not curve.healthy

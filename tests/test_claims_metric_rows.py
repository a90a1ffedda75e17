"""A row a metric, times, levels and bold: right numbers are left alone, wrong ones found."""

from __future__ import annotations

import pytest

from ired_diag.claims import Checked, check_report
from ired_diag.claims.correction import levels_in
from ired_diag.final_values import study_of_tables
from ired_diag.runs.study import Study

BASELINE = (0.44532, 0.43983, 0.41068, 0.43515, 0.43997, 0.43272, 0.42824, 0.43513)
DROPOUT = (0.43175, 0.41558, 0.43326, 0.43667, 0.4305, 0.41781, 0.42948, 0.40301)
MUON = (0.42471, 0.40993, 0.40736, 0.42683, 0.41038, 0.40633, 0.43107, 0.40944)
GROUPS = (("baseline", BASELINE, 310.0), ("dropout", DROPOUT, 300.0), ("muon", MUON, 100.0))


@pytest.fixture(scope="module")
def losses(tmp_path_factory: pytest.TempPathFactory) -> Study:
    path = tmp_path_factory.mktemp("finals") / "finals.csv"
    rows = [
        f"{name},{seed},{value},{seconds + seed}\n"
        for name, values, seconds in GROUPS
        for seed, value in enumerate(values)
    ]
    path.write_text("method,seed,val_loss,train_seconds\n" + "".join(rows))
    return study_of_tables([path])


def accusations(result: Checked) -> list[str]:
    return [f.statement for f in result.findings if f.severity != "note"]


METRIC_ROWS = [
    "| metric | baseline | muon | p |\n|---|---|---|---|\n| val loss | 0.433 | 0.416 | @ |\n"
    "| accuracy | 0.8 | 0.9 | 0.3 |\n",
    "Table 2: muon vs. baseline (Welch, 8 seeds).\n\n"
    "| Metric | p |\n|---|---|\n| val loss | @ |\n| accuracy | 0.2 |\n",
    "## Muon vs baseline\n\n| Measure | p-value |\n|---|---|\n| Val loss | @ |\n| Train loss | 0.2 |\n",
    "| metric | p (muon vs baseline) | p (muon vs dropout) |\n|---|---|---|\n| val loss | @ | 0.117 |\n",
]


@pytest.mark.parametrize("table", METRIC_ROWS)
def test_a_p_of_a_metric_is_held_against_the_two_groups_that_are_compared(table: str, losses: Study) -> None:
    right = check_report(table.replace("@", "0.004"), losses)
    assert accusations(right) == []
    assert any(v.claim.kind == "p" and v.outcome == "holds" for v in right.verdicts)
    wrong = check_report(table.replace("@", "0.031"), losses)
    assert len(accusations(wrong)) == 1


def test_a_p_of_a_metric_without_two_groups_is_unchecked(losses: Study) -> None:
    for above in (
        "Results.",
        "Baseline, dropout and muon.",
        "Muon vs. the rest.",
        "Muon after baseline tuning.",
    ):
        result = check_report(f"{above}\n\n| metric | p |\n|---|---|\n| val loss | 0.5 |\n", losses)
        (p,) = [v for v in result.verdicts if v.claim.kind == "p"]
        assert (accusations(result), p.outcome, bool(p.why)) == ([], "unchecked", True), above


def test_a_mean_in_a_row_of_its_metric_is_held_against_the_runs(losses: Study) -> None:
    table = (
        "| metric | baseline | muon |\n|---|---|---|\n| val loss | 0.433 | @ |\n| train time (h) | 1 | 2 |\n"
    )
    assert accusations(check_report(table.replace("@", "0.416"), losses)) == []
    assert len(accusations(check_report(table.replace("@", "0.426"), losses))) == 1


RATIO = "Training is @\u00d7 faster (muon vs. baseline)."
HOURS = "| method | train time (h) |\n|---|---|\n| baseline | 9.3 |\n| dropout | 9.0 |\n| muon | 3.0 |\n\n"


@pytest.mark.parametrize("above", ["", HOURS])
def test_a_ratio_of_times_is_held_against_the_times_that_are_known(above: str, losses: Study) -> None:
    study = None if above else losses
    names = "" if above else "Dropout, muon and baseline were run. "
    right = check_report(above + names + RATIO.replace("@", "3.1"), study)
    assert accusations(right) == []
    assert any(v.claim.kind == "ratio" and v.outcome == "holds" for v in right.verdicts)
    assert len(accusations(check_report(above + names + RATIO.replace("@", "4.1"), study))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Muon converges 4.1x faster than baseline.",
        "Muon is 4.1x cheaper in memory than baseline.",
        "Muon needs 4.1x fewer steps than baseline.",
        "It is 4.1x faster (A100 vs. V100), for muon, dropout and baseline.",
    ],
)
def test_a_ratio_of_what_is_not_known_is_unchecked_with_a_reason(text: str, losses: Study) -> None:
    result = check_report(text, losses)
    assert accusations(result) == []
    assert all(v.why for v in result.verdicts)


def test_a_ratio_of_steps_is_held_against_a_column_of_steps() -> None:
    table = "| method | steps |\n|---|---|\n| baseline | 62000 |\n| muon | 20000 |\n\n"
    assert accusations(check_report(table + "Muon needs 3.1x fewer steps than baseline.")) == []
    assert len(accusations(check_report(table + "Muon needs 4.1x fewer steps than baseline."))) == 1


SLOPES = [
    "The adaptive slope \u03b1 = 0.171 is learned in all tests.",
    "We learn an adaptive slope (\u03b1 = 0.05) and test it.",
    "With \u03b1 = 0.05 (the adaptive slope) the tests were run.",
    "Here \u03b1 is the slope of the activation; we test \u03b1 = 0.01.",
    "At \u03b1 = 0.171 the activation is steepest.",
]


@pytest.mark.parametrize("slope", SLOPES)
def test_a_slope_is_no_level_of_significance(slope: str) -> None:
    assert levels_in(slope)[0] == set()
    right = f"{slope} The difference of muon and baseline is significant at the usual level (p = 0.004)."
    assert accusations(check_report(right)) == []
    above = f"{slope} Muon is significantly better than baseline (p = 0.12)."
    assert len(accusations(check_report(above))) == 1
    below = f"{slope} The difference of muon and baseline is not significant (p = 0.08)."
    assert accusations(check_report(below)) == []


@pytest.mark.parametrize(
    "level", ["We test at \u03b1 = 0.01.", "The significance level is \u03b1 = 0.01 (slope \u03b1 = 0.171)."]
)
def test_a_level_beside_a_slope_is_still_a_level(level: str) -> None:
    assert levels_in(level)[0] == {0.01}
    text = f"{level} Muon is significantly better than baseline (p = 0.03)."
    assert len(accusations(check_report(text))) == 1


ALL_BOLD = (
    "| **method** | **val loss ↓** |\n|---|---|\n| **baseline** | {} |\n| **dropout** | {} |\n"
    "| **muon** | {} |\n"
)


def test_where_all_labels_are_bold_the_bold_number_is_still_the_best() -> None:
    assert accusations(check_report(ALL_BOLD.format("0.433", "0.425", "**0.416**"))) == []
    assert len(accusations(check_report(ALL_BOLD.format("0.433", "**0.425**", "0.416")))) == 1


def test_bold_labels_alone_are_no_claims() -> None:
    result = check_report(ALL_BOLD.format("0.433", "0.425", "0.416"))
    assert [v for v in result.verdicts if v.claim.kind == "bold"] == []


def test_bold_marks_the_best_of_a_row_that_is_a_metric() -> None:
    table = (
        "Best in bold.\n\n| **metric** | **a1** | **b1** |\n|---|---|---|\n"
        "| **val loss** | {} | {} |\n| **accuracy** | 0.8 | **0.9** |\n"
    )
    assert accusations(check_report(table.format("0.433", "**0.416**"))) == []
    assert len(accusations(check_report(table.format("**0.433**", "0.416")))) == 1


def test_a_change_in_points_is_not_read_as_its_whole_number() -> None:
    table = "| metric | start | end | change |\n|---|---|---|---|\n| accuracy | 61.1% | 74.0% | +12.9pp |\n"
    assert accusations(check_report(table)) == []


def test_columns_of_tests_are_no_groups() -> None:
    table = (
        "| metric | raw p | Holm p |\n|---|---|---|\n| val loss | 0.02 | 0.04 |\n"
        "| accuracy | 0.01 | 0.03 |\n\n"
        "The difference is 0.27 (raw p = 0.02, Holm p = 0.04).\n"
    )
    assert accusations(check_report(table)) == []

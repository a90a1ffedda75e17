"""Forms in which reports print numbers: a right one is read and left alone, a wrong one is found."""

from __future__ import annotations

import pytest

from ired_diag.claims import check_report
from ired_diag.runs.study import Study
from tests.made_runs import made_study

BASELINE = (0.44532, 0.43983, 0.41068, 0.43515, 0.43997, 0.43272, 0.42824, 0.43513)
DROPOUT = (0.43175, 0.41558, 0.43326, 0.43667, 0.4305, 0.41781, 0.42948, 0.40301)
MUON = (0.42471, 0.40993, 0.40736, 0.42683, 0.41038, 0.40633, 0.43107, 0.40944)


def study_of(metric: str, **groups: tuple[float, ...]) -> Study:
    return made_study(groups, metric, curve=lambda final: (final + 0.1, final))


LOSSES = study_of("val_loss", baseline=BASELINE, dropout=DROPOUT, muon=MUON)
ACCURACIES = study_of(
    "test_accuracy", resnet=(91.73, 91.78, 91.98, 91.61, 92.0), vit=(93.33, 93.4, 92.47, 93.1, 93.3)
)


def accusations(text: str, study: Study | None = LOSSES) -> list[str]:
    return [f.statement for f in check_report(text, study).findings if f.severity != "note"]


def holding(text: str, study: Study | None = LOSSES) -> int:
    return check_report(text, study).counts["holds"]


def found(text: str, right: str, wrong: str, study: Study | None = LOSSES) -> None:
    """Check that the right number in place of @ is not accused and that the wrong one is."""
    assert accusations(text.replace("@", right), study) == []
    assert accusations(text.replace("@", wrong), study)


CHANGES = [
    (
        "| method | val loss | Δ vs. baseline |\n|---|---|---|\n| baseline | 0.433 | \u2013 |\n"
        "| dropout | 0.425 | -2.0% |\n| muon | 0.416 | @ |\n",
        "-4.1%",
        "-6.1%",
    ),
    (
        "| method | val loss | Δ (%) |\n|---|---|---|\n| baseline | 0.4334 | 0.0 |\n"
        "| dropout | 0.4248 | \u22122.0 |\n| muon | 0.4158 | @ |\n",
        "\u22124.1",
        "\u221214.1",
    ),
    (
        "| method | val loss | improvement over baseline |\n|---|---|---|\n| baseline | 0.4334 | |\n"
        "| muon | 0.4158 | @ |\n",
        "4.1%",
        "9.4%",
    ),
    (
        "| method | val loss | diff |\n|---|---|---|\n| baseline | 0.4334 | 0 |\n"
        "| dropout | 0.4248 | -0.0086 |\n| muon | 0.4158 | @ |\n",
        "-0.0176",
        "-0.0276",
    ),
]


@pytest.mark.parametrize(("text", "right", "wrong"), CHANGES)
def test_a_column_of_changes_is_held_against_the_row_that_it_is_from(
    text: str, right: str, wrong: str
) -> None:
    found(text, right, wrong)
    found(text, right, wrong, None)  # the printed means say so, too


def test_a_change_of_percentages_may_be_in_points() -> None:
    table = (
        "| model | acc (%) | Δ resnet (%) |\n|---|---|---|\n| resnet | 91.82 | 0.0 |\n| vit | 93.12 | @ |\n"
    )
    found(table, "+1.30", "+4.30", ACCURACIES)
    assert accusations(table.replace("@", "+1.42"), ACCURACIES) == []  # relative


def test_a_change_from_a_row_that_nobody_names_is_not_accused() -> None:
    table = "| method | val loss | Δ |\n|---|---|---|\n| baseline | 0.4334 | 0.1 |\n| muon | 0.4158 | 0.2 |\n"
    assert accusations(table) == []


def test_changes_from_row_to_row_and_gaps_of_another_kind_are_not_accused() -> None:
    rows = "| baseline | 0.50 | {} |\n| + decay | 0.45 | {} |\n| + average | 0.43 | {} |\n"
    rows += "| + wide | 0.40 | {} |\n"
    head = "| method | loss | {} |\n|---|---|---|\n"
    steps = head.format("Δ") + rows.format("\u2014", "-0.05", "-0.02", "-0.03")
    assert accusations(steps, None) == []
    gaps = head.format("round-trip gap") + rows.format("0.000", "0.003", "0.080", "0.114")
    assert accusations(gaps, None) == []
    factors = head.format("vs baseline") + rows.format("1.00x", "0.90x", "0.86x", "0.80x")
    assert accusations(factors, None) == []


def test_the_p_of_a_group_called_dropout_is_a_p_value() -> None:
    found("muon vs dropout: p = @ (Welch).", "0.117", "0.04")
    found("muon is no better than dropout (Welch's t test, p = @).", "0.117", "0.017")
    found("Welch's t test between muon and dropout gives p = @.", "0.117", "0.017")
    assert accusations("baseline and muon use the same data, 8 seeds, p = 0.1 dropout.") == []
    assert accusations("muon was trained with dropout p = 0.1.") == []


def test_significance_after_bonferroni_is_held_against_the_stated_quotient() -> None:
    text = (
        "After Bonferroni correction over 3 comparisons (\u03b1 = 0.05/3), the paired test of muon vs "
        "dropout is @ (p = 0.047)."
    )
    found(text, "not significant", "significant")
    other = "With Bonferroni (\u03b1 = 0.05/3), Welch's test of baseline vs muon is @ (p = 0.004)."
    found(other, "significant", "not significant")


def test_better_on_all_seeds_is_counted() -> None:
    found("muon beats baseline on @ seeds.", "7 of 8", "all 8")
    found("muon is better than baseline on @ seeds.", "7 of the 8", "all of the 8")
    assert accusations("On average over all 8 seeds muon is better than baseline.") == []
    better = study_of("val_loss", baseline=(0.5, 0.6, 0.7), muon=(0.4, 0.5, 0.6))
    assert holding("muon beats baseline on all 3 seeds.", better)


BOLD_ROW = (
    "{}\n\n| model | acc |\n|---|---|\n| **resnet** | **91.82** |\n| vit | 93.12 |\n| mixer | 90.69 |\n"
)


def test_a_bold_row_that_is_not_the_best_is_wrong_where_a_legend_says_that_bold_is_best() -> None:
    assert accusations(BOLD_ROW.format("Bold marks the best."), None)
    assert accusations(BOLD_ROW.format("The best result is set in bold."), None)
    silent = check_report(BOLD_ROW.format("Our model is resnet."), None)
    assert [f.statement for f in silent.findings] == []
    assert "whether bold marks the best is not certain" in [v.why for v in silent.verdicts]
    best = "| model | acc |\n|---|---|\n| resnet | 91.82 |\n| **vit** | **93.12** |\n"
    assert accusations(f"Bold marks the best.\n\n{best}", None) == []


CODE = """```python
muon = [0.42471, 0.40993, 0.40736, 0.42683, 0.41038, 0.40633, 0.43107, 0.40944]
base = [0.44532, 0.43983, 0.41068, 0.43515, 0.43997, 0.43272, 0.42824, 0.43513]
{}
```
"""


@pytest.mark.parametrize(
    ("call", "right", "wrong"),
    [
        ("print(stats.ttest_ind(base, muon, equal_var=False))  # t=3.434, p=@", "0.00405", "0.0405"),
        ("print(stats.ttest_ind(base, muon, equal_var=False))  # t=@, p=0.00405", "3.434", "2.434"),
        ("stats.ttest_rel(base, muon)\n# TtestResult(statistic=3.884, pvalue=@, df=7)", "0.00603", "0.0603"),
        ("ttest_ind(base, muon)\nTtestResult(statistic=3.434, pvalue=@)", "0.004034", "0.04034"),
    ],
)
def test_a_t_test_of_two_lists_in_code_is_recomputed(call: str, right: str, wrong: str) -> None:
    found(CODE.format(call), right, wrong, None)
    found(CODE.format(call), right, wrong)


def test_a_one_sided_t_test_of_two_lists_is_left_alone() -> None:
    call = "print(stats.ttest_ind(base, muon, alternative='greater'))  # t=3.434, p=0.002"
    assert accusations(CODE.format(call), None) == []


def test_t_and_effect_size_follow_from_two_groups_described_in_one_sentence() -> None:
    first = "Group 1 (M = 5.2, SD = 1.1, n = 20) vs group 2 (M = 6.1, SD = 1.3, n = 20): "
    found(first + "t(38) = @.", "-2.36", "-4.36", None)
    found(first + "t(38) = -2.36, p = .023, d = @.", "0.75", "1.75", None)
    second = "Group 1 had a mean of 5.2 (SD 1.1, n = 20) and group 2 of 6.1 (SD 1.3, n = 20): t(38) = @."
    found(second, "-2.36", "-4.36", None)
    assert accusations("Three groups (M = 5.2, SD = 1.1, n = 20), F(2, 57) = 4.36, p = .017.", None) == []


def test_a_spread_is_bounded_by_smallest_and_largest_in_its_sentence() -> None:
    found("Accuracy over 10 seeds: mean 0.95, sd @, min 0.90, max 0.98.", "0.03", "0.31", None)
    found("We get mean = @, std = 0.03, min = 0.90, max = 0.98.", "0.95", "0.87", None)


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        ("The error decreased from 0.120 to 0.090 (a @% reduction).", "25", "33"),
        ("The error fell from 8.18% to 6.88%, i.e. a @% relative reduction.", "15.9", "18.9"),
        ("Memory drops from 40 GB to 20 GB, a @% decrease.", "50", "100"),
        ("Accuracy rose from 91.8% to 93.1% (a @% improvement).", "1.3", "3.1"),
    ],
)
def test_a_change_in_percent_follows_from_the_two_numbers_before_it(
    text: str, right: str, wrong: str
) -> None:
    found(text, right, wrong, None)

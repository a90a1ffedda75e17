"""Sentences that compare two groups without naming them: of the two before them, or of none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ired_diag.claims import check_report
from tests.claims_studies import (
    BASELINE,
    PPO,
    QKNORM,
    RETURNS,
    SAC,
    THREE_LOSSES,
    TWO_LOSSES,
    accused,
    outcomes,
)

MEANS = "The mean val loss is 3.284 for the baseline and 3.259 for qknorm. "
TABLE = "| model | val loss | n |\n|---|---|---|\n| baseline | 3.284 | 4 |\n| qknorm | 3.259 | 4 |\n\n"
WELCH = stats.ttest_ind(BASELINE, QKNORM, equal_var=False)
P = f"{WELCH.pvalue:.1e}"
T = f"{WELCH.statistic:.2f}"
POOLED = np.sqrt((np.var(BASELINE, ddof=1) + np.var(QKNORM, ddof=1)) / 2)
D = f"{(np.mean(BASELINE) - np.mean(QKNORM)) / POOLED:.2f}"
LOWER = f"{100 * (1 - np.mean(QKNORM) / np.mean(BASELINE)):.2f}%"
SENTENCES = [
    ("The difference is significant (Welch, p = {}).", P, "0.031"),
    ("Welch's test gives t = {}.", T, "4.20"),
    ("The effect is Cohen's d = {}.", D, "3.10"),
    ("The difference is {}.", "0.0248", "0.0348"),
    ("The difference, {}, is large.", "0.0248", "0.0348"),
    ("qknorm is {} lower.", LOWER, "1.35%"),
    ("They differ by {}.", "0.0248", "0.0348"),
    ("The 95% confidence interval of the difference is [{}].", "-0.0297, -0.0198", "-0.0397, -0.0298"),
]


@pytest.mark.parametrize("before", [MEANS, f"{TABLE}"])
@pytest.mark.parametrize(("sentence", "right", "wrong"), SENTENCES)
def test_a_sentence_without_names_is_about_the_two_before_it(
    before: str, sentence: str, right: str, wrong: str
) -> None:
    text = before + sentence
    assert accused(text.format(right), TWO_LOSSES) == []
    assert outcomes(text.format(right), TWO_LOSSES)[right] == "holds"
    assert len(accused(text.format(wrong), TWO_LOSSES)) == 1


@pytest.mark.parametrize(("sentence", "right", "wrong"), SENTENCES)
def test_of_three_groups_in_play_none_is_taken(sentence: str, right: str, wrong: str) -> None:
    table = TABLE.replace("| qknorm", "| swiglu | 3.269 | 4 |\n| qknorm")
    for number in (right, wrong):
        assert accused(table + sentence.format(number), THREE_LOSSES) == []


def test_two_groups_of_a_paragraph_are_meant_where_the_runs_have_three() -> None:
    assert outcomes(f"{MEANS}The difference is 0.0248.", THREE_LOSSES)["0.0248"] == "holds"
    assert len(accused(f"{MEANS}The difference is 0.0348.", THREE_LOSSES)) == 1


def test_the_heading_may_name_the_two() -> None:
    text = "## baseline against qknorm\n\nWelch's t-test gives p = {}."
    assert accused(text.format(P), TWO_LOSSES) == []
    assert len(accused(text.format("0.4"), TWO_LOSSES)) == 1


def test_a_group_is_compared_with_the_other() -> None:
    text = "The mean return is 2427 for ppo and 3097 for sac. SAC is {} better (p = {})."
    p = f"{stats.ttest_ind(PPO, SAC, equal_var=False).pvalue:.3f}"
    assert accused(text.format("27.6%", p), RETURNS) == []
    assert len(accused(text.format("37.6%", p), RETURNS)) == 1
    assert len(accused(text.format("27.6%", "0.410"), RETURNS)) == 1


@pytest.mark.parametrize(
    "sentence",
    [
        "The training time differs by 12%.",
        "The difference between training and validation loss is 0.05.",
        "Seeds differ by 3%.",
        "The correlation between lr and loss is significant (p = 0.02).",
        "Fisher's exact test gives p = 0.0079.",
        "A Levene test gives p = 0.6.",
        "qknorm is 4.1% lower than the published number.",
        "qknorm is 9.1% lower after step 1000.",
        "qknorm improves by 9.1% over training.",
        "This is a 2% improvement over the previous version.",
        "The gap between the first and the last epoch is 0.3.",
        "Peak memory is 4% lower.",
        "The difference is therefore not of interest at \u03b1 = 0.05.",
        "We take an equivalence margin of 0.01.",
        "This is a reduction of 4 GB.",
        "The improvement is of 2 layers.",
    ],
)
def test_a_comparison_of_something_else_is_not_taken_for_one_of_the_two(sentence: str) -> None:
    assert accused(MEANS + sentence, TWO_LOSSES) == []
    assert accused(TABLE + sentence, TWO_LOSSES) == []


def test_a_comparison_is_not_accused_where_no_level_before_it_is_of_the_runs() -> None:
    text = (
        "On the test set the mean val loss is 3.184 for the baseline and 3.159 for qknorm. "
        "The difference is 0.035."
    )
    verdicts = check_report(text, TWO_LOSSES).verdicts
    (difference,) = [verdict for verdict in verdicts if verdict.claim.kind == "difference"]
    assert difference.outcome == "unchecked"


def test_a_p_next_to_its_conclusion_needs_no_runs() -> None:
    text = "| model | MSE |\n|---|---|\n| base | 0.036 |\n| large | 0.012 |\n\nThe gain is {} (p = 0.21)."
    assert accused(text.format("not significant"), TWO_LOSSES) == []
    assert len(accused(text.format("significant"), TWO_LOSSES)) == 1

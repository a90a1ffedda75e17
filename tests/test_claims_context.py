"""Whose a number is, in which unit, and of which data: right reports are left alone, wrong ones found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from ired_diag.claims import Checked, check_report
from ired_diag.runs.study import Study
from tests.made_runs import made_study

LOSSES = {
    "baseline": (0.44532, 0.43983, 0.41068, 0.43515, 0.43997, 0.43272, 0.42824, 0.43513),
    "muon": (0.42471, 0.40993, 0.40736, 0.42683, 0.41038, 0.40633, 0.43107, 0.40944),
    "dropout": (0.43175, 0.41558, 0.43326, 0.43667, 0.4305, 0.41781, 0.42948, 0.40301),
}
PERCENT = {
    "resnet": (91.73, 91.78, 91.98, 91.61, 92.00),
    "vit": (93.13, 93.40, 93.25, 93.35, 92.47),
    "mixer": (91.04, 90.66, 90.40, 90.90, 90.44),
}


def study_of(values: Mapping[str, Sequence[float]], metric: str) -> Study:
    """Return runs that end at the given values, one a seed."""
    return made_study(values, metric, curve=lambda final: (1.6 * final, final), every=500)


@pytest.fixture(scope="module")
def losses() -> Study:
    return study_of(LOSSES, "val_loss")


@pytest.fixture(scope="module")
def percent() -> Study:
    return study_of(PERCENT, "test_accuracy")


def accusations(checked: Checked) -> list[str]:
    return [f.statement for f in checked.findings if f.severity != "note"]


def held(checked: Checked) -> list[str]:
    return [v.claim.said for v in checked.verdicts if v.outcome == "holds"]


NAMED = [
    (r"The final loss is $0.416 \pm 0.010$ for muon and $0.433 \pm 0.011$ for baseline.", "0.433", "0.443"),
    ("Final val loss was 0.416±0.010 (muon) vs 0.433±0.011 (baseline), p=0.004.", "0.433", "0.443"),
    (
        "Val losses are 0.4334 ± 0.0105 (baseline), 0.4248 ± 0.0115 (dropout) and 0.4158 ± 0.0100 (muon).",
        "0.4248", "0.4148",
    ),
    (
        "The val loss of baseline is 0.4334 ± 0.0105 (mean ± SD, n = 8), that of muon 0.4158 ± 0.0100.",
        "± 0.0100", "± 0.0031",
    ),
    (
        "Der Verlust von baseline beträgt 0,4334 ± 0,0105 (Mittelwert ± Standardabweichung, n = 8), "
        "der von muon 0,4158 ± 0,0100.",
        "0,4158", "0,4258",
    ),
    ("We get 0.416 ± 0.010 with muon, against 0.433 ± 0.011 with the baseline.", "0.416 ", "0.406 "),
    ("muon reaches 0.416 ± 0.010 (baseline: 0.433 ± 0.011).", "0.433", "0.453"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "right", "wrong"), NAMED)
def test_a_number_goes_to_the_group_that_its_words_tie_it_to(
    text: str, right: str, wrong: str, losses: Study
) -> None:
    checked = check_report(text, losses)
    assert accusations(checked) == []
    assert checked.counts["holds"] >= 4
    changed = text.replace(right, wrong)
    assert changed != text
    assert len(accusations(check_report(changed, losses))) == 1


def test_numbers_of_swapped_groups_are_found(losses: Study) -> None:
    for text in (
        "The final loss is 0.433 ± 0.010 for muon and 0.416 ± 0.011 for baseline.",
        "muon has a val loss of 0.433 ± 0.010 and baseline has 0.416 ± 0.011.",
    ):
        assert len(accusations(check_report(text, losses))) == 2


def test_a_number_that_either_of_two_groups_may_have_is_not_held_against_the_first(losses: Study) -> None:
    text = "Of muon, which we tuned last year, the note says only this; 0.433 ± 0.011, baseline."
    assert accusations(check_report(text, losses)) == []


SCALED = [
    r"""\begin{table}
\caption{Validation loss ($\times 10^{-2}$), mean $\pm$ s.d. over 8 seeds.}
\begin{tabular}{lc}
Method & Val.\ loss $\downarrow$ \\
\midrule
baseline & $43.34 \pm 1.05$ \\
dropout & $42.48 \pm 1.15$ \\
muon & $\mathbf{41.58 \pm 1.00}$ \\
\end{tabular}
\end{table}
""",
    """**Table 1.** Validation loss (\u00d710⁻²), mean ± std, 8 seeds.

| | val loss |
|---|---|
| baseline | 43.34 ± 1.05 |
| muon | 41.58 ± 1.00 |
""",
    """# Val loss (\u00d710⁻³), 8 seeds

| | val loss |
|---|---|
| baseline | 433.4 ± 10.5 |
| muon | 415.8 ± 10.0 |
""",
    """All losses are multiplied by 100.

| | val loss |
|---|---|
| baseline | 43.34 ± 1.05 |
| muon | 41.58 ± 1.00 |
""",
]


@pytest.mark.parametrize("text", SCALED)
def test_a_scale_in_caption_heading_or_text_is_of_the_whole_column(text: str, losses: Study) -> None:
    checked = check_report(text, losses)
    assert accusations(checked) == []
    assert checked.counts["holds"] >= 4
    for right, wrong in (("1.05", "0.58"), ("10.5", "5.8"), ("43.34", "45.34"), ("433.4", "453.4")):
        changed = text.replace(right, wrong)
        if changed != text:
            assert accusations(check_report(changed, losses))


def test_a_factor_of_a_hundred_that_nothing_states_is_neither_right_nor_wrong(
    percent: Study, losses: Study
) -> None:
    fractions = (
        "| model | acc |\n|---|---|\n| resnet | .918 ± .002 |\n| vit | .931 ± .004 |\n| mixer | .907 ± .003 |"
    )
    hundredfold = "| | val loss |\n|---|---|\n| baseline | 43.34 ± 1.05 |\n| muon | 41.58 ± 1.00 |\n"
    for text, study in (
        (fractions, percent),
        (fractions.replace(".931", ".941"), percent),
        (hundredfold, losses),
    ):
        checked = check_report(text, study)
        assert checked.counts["holds"] == checked.counts["fails"] == 0
        assert all(
            "not sa" in v.why or "not stated" in v.why or "next to it" in v.why for v in checked.verdicts
        )


def test_a_sentence_in_another_unit_is_not_held_against_the_runs(losses: Study) -> None:
    checked = check_report("The val loss of muon is 41.58 ± 1.00 (in hundredths).", losses)
    assert accusations(checked) == []
    assert "multiplied by 0.01" in checked.verdicts[0].why


@pytest.mark.parametrize(
    "text",
    [
        "With mixup \u03b1 = 0.4, the effect of augmentation is not significant (p = 0.12).",
        "EMA \u03b1 = 0.01 was used. The gain was significant (p = 0.03).",
        "The scale had Cronbach's \u03b1 = .91. The effect of treatment was not significant (p = 0.2).",
        r"The focal loss has $\alpha = 0.02$. The gain was significant (p = 0.03).",
        "With \u03b1 = 0.01 in the objective, the gain was significant (p = 0.03).",
        "We test at \u03b1 = 0.01. The gain was not significant (p = 0.03).",
        "The significance level is 0.1. The gain was significant (p = 0.08).",
    ],
)
def test_an_alpha_that_is_no_level_decides_nothing(text: str) -> None:
    assert accusations(check_report(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "With mixup \u03b1 = 0.4, the effect of augmentation is significant (p = 0.12).",
        "EMA \u03b1 = 0.01 was used. The gain was not significant (p = 0.03).",
        "We test at \u03b1 = 0.01. The gain was significant (p = 0.03).",
        "A significance level of \u03b1 = 0.01 is used throughout. The gain was significant (p = 0.03).",
    ],
)
def test_a_conclusion_is_held_against_the_stated_level(text: str) -> None:
    assert len(accusations(check_report(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "## Test set\n\n| | loss |\n|---|---|\n| baseline | 0.452 |\n| muon | 0.441 |\n",
        "## C4\n\n| | val loss |\n|---|---|\n| baseline | 0.512 |\n| muon | 0.498 |\n\n## OpenWebText\n\n"
        "| | val loss |\n|---|---|\n| baseline | 0.433 |\n| muon | 0.416 |\n",
        "## Our corpus\n\n| | val loss |\n|---|---|\n| baseline | 0.433 |\n| muon | 0.416 |\n\n"
        "## Your corpus\n\n| | val loss |\n|---|---|\n| baseline | 0.512 |\n| muon | 0.498 |\n",
        "On the test set the loss of muon is 0.441 ± 0.013; on validation it is 0.416 ± 0.010.",
        "On the test set, muon is 5.2% better than baseline; on validation it is 4.1% better.",
        "# Training set\n\nmuon reaches a mean loss of 0.374 ± 0.009.",
        "The mean loss of muon is 0.441 on the held-out set, and 0.416 on the validation set.",
    ],
)
def test_numbers_of_other_data_are_not_held_against_the_runs(text: str, losses: Study) -> None:
    assert accusations(check_report(text, losses)) == []


@pytest.mark.parametrize(
    "text",
    [
        "## Validation set\n\n| | loss |\n|---|---|\n| baseline | 0.452 |\n| muon | 0.416 |\n",
        "## C4\n\n| | val loss |\n|---|---|\n| baseline | 0.433 |\n| muon | 0.498 |\n",
        "On the test set the loss of muon is 0.441 ± 0.013; on validation it is 0.426 ± 0.010.",
        "On the test set, muon is 5.2% better than baseline; on validation it is 9.1% better than baseline.",
        "## Test set\n\n| seed | loss |\n|---|---|\n| 0 | 0.45 |\n| 1 | 0.44 |\n| mean | 0.465 |\n",
    ],
)
def test_wrong_numbers_of_the_data_of_the_runs_are_found(text: str, losses: Study) -> None:
    assert len(accusations(check_report(text, losses))) == 1


LEVELS = [
    ("The validation loss of muon is 0.416, that of baseline 0.433.", "0.416", "0.374"),
    ("The validation loss of muon is 0.416, that of baseline 0.433.", "0.433", "0.390"),
    ("Baseline (n=8) averages a val loss of 0.433, muon (n=8) 0.416.", "0.416", "0.402"),
    ("We tuned muon for a week; its final val loss is $4.16 \\times 10^{-1}$.", "4.16", "4.89"),
    ("muon: val loss 0.416; baseline: val loss 0.433.", "0.433", "0.453"),
    ("Muon reaches a validation loss of 0.416 versus 0.433 for the baseline.", "0.433", "0.453"),
    ("With seed 0 alone muon reaches 0.4247; with seed 5 it reaches 0.4063.", "0.4247", "0.4147"),
    ("The standard deviation of muon across seeds is 0.0100.", "0.0100", "0.0010"),
    ("muon vs dropout: p = 0.117 (Welch).", "0.117", "0.04"),
    ("### muon\n- final val loss: 0.4158 (sd 0.0100)\n- best seed: 0.4063 (seed 5)\n", "0.4158", "0.4258"),
    ("### muon\n- final val loss: 0.4158 (sd 0.0100)\n- best seed: 0.4063 (seed 5)\n", "0.0100", "0.0150"),
    ("## Results of dropout\n\nMean val loss: 0.4248 ± 0.0115\n", "0.4248", "0.4158"),
]


@pytest.mark.parametrize(("text", "right", "wrong"), LEVELS)
def test_a_plain_number_is_held_against_the_runs_where_its_words_say_what_it_is(
    text: str, right: str, wrong: str, losses: Study
) -> None:
    checked = check_report(text, losses)
    assert accusations(checked) == []
    assert checked.counts["holds"] >= 1
    assert len(accusations(check_report(text.replace(right, wrong), losses))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "The validation loss of muon is below 0.43, and at step 500 it is 0.67.",
        "muon has momentum 0.95, and the weight decay of muon is 0.1.",
        "The val loss of muon improves by 0.018.",
        "The initial validation loss of muon is 0.9.",
        "The training loss of muon is 0.374.",
        "muon reaches 0.35 at the end.",
        "baseline vs dropout (p = 0.1) trains slower.",
        "We compare muon with dropout p = 0.1.",
        "### muon\n- learning rate: 0.02\n- train loss: 0.374\n- it falls to 0.43 within a day\n",
        "The val loss of muon would be 0.39 with more data.",
        "For muon we tried lr in {0.01, 0.02, 0.05}; val loss was 0.421, 0.416 and 0.447. We use 0.02.",
        "Averaged over the last two evaluations, muon has a val loss of 0.426.",
        "Wilcoxon (baseline vs muon): p = .016. For muon vs dropout W = 4, p = .055 (n.s.).",
        "After Holm correction only muon vs. baseline is significant (p_adj = 0.012); muon vs dropout is not "
        "(p = 0.23). With Bonferroni (\u03b1 = 0.05/3) the raw Welch p = 0.004 of baseline vs muon is "
        "significant.",
        "The standard deviation of the difference of muon is 0.0030.",
    ],
)
def test_a_plain_number_of_something_else_is_left_alone(text: str, losses: Study) -> None:
    assert accusations(check_report(text, losses)) == []


MEASURES_AS_ROWS = """| | baseline | muon | dropout |
|---|---|---|---|
| val loss (mean) | 0.4334 | 0.4158 | 0.4248 |
| std | 0.0105 | 0.0100 | 0.0115 |
| median | 0.4351 | 0.4102 | 0.4300 |
| max | 0.4453 | 0.4311 | 0.4367 |
| wall time (s) | 512 | 530 | 515 |
| lr | 3e-4 | 0.02 | 3e-4 |
"""
BRACKETS = "| | val loss{said} |\n|---|---|\n| baseline | 0.433 {a} |\n| muon | 0.416 {b} |\n"


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        (BRACKETS.format(said="", a="(0.011)", b="(0.010)"), "0.416", "0.396"),
        (BRACKETS.format(said=" (95% CI)", a="[0.425, 0.442]", b="[0.407, 0.424]"), "0.407,", "0.400,"),
        (BRACKETS.format(said="", a="[0.425, 0.442]", b="[0.407, 0.424]"), "0.416", "0.410"),
        (BRACKETS.format(said=" [min, max]", a="[0.411, 0.445]", b="[0.406, 0.431]"), "0.416", "0.410"),
        (
            "Standard errors in parentheses.\n\n" + BRACKETS.format(said="", a="(0.004)", b="(0.004)"),
            "| baseline | 0.433 (0.004)", "| baseline | 0.433 (0.011)",
        ),
        (MEASURES_AS_ROWS, "0.0115", "0.0141"),
        (MEASURES_AS_ROWS, "0.4158", "0.4258"),
        (MEASURES_AS_ROWS.replace("| lr |", "| Learning rate |"), "0.4351", "0.4251"),
    ],
)  # fmt: skip
def test_brackets_and_tables_with_a_row_a_measure_are_read(
    text: str, right: str, wrong: str, losses: Study
) -> None:
    checked = check_report(text, losses)
    assert accusations(checked) == []
    assert checked.counts["holds"] >= 2
    assert right in text
    assert accusations(check_report(text.replace(right, wrong), losses))


def test_a_median_with_its_quartiles_in_brackets_is_no_mean(losses: Study) -> None:
    text = "Median [IQR] of 8 seeds.\n\n" + BRACKETS.format(said="", a="[0.430, 0.440]", b="[0.408, 0.425]")
    assert accusations(check_report(text.replace("0.416", "0.410"), losses)) == []


def test_top_1_is_accuracy_and_top_5_is_another_metric(percent: Study) -> None:
    text = "| | Top-1 (%) | Top-5 (%) |\n|---|---|---|\n| resnet | 91.82 | 99.10 |\n| vit | 93.12 | 99.40 |\n"
    checked = check_report(text, percent)
    assert accusations(checked) == []
    assert held(checked) == ["91.82", "93.12"]
    assert len(accusations(check_report(text.replace("91.82", "92.82"), percent))) == 1
    assert (
        len(accusations(check_report(text.replace("Top-1", "acc@1").replace("93.12", "93.92"), percent))) == 1
    )


def test_a_wrong_t_is_found_beside_a_p_that_follows_from_it(losses: Study) -> None:
    text = "Paired t-test over the 8 shared seeds (baseline vs dropout): t(7) = 3.88, p = 0.006."
    assert accusations(check_report(text, losses))

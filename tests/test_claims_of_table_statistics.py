"""Words next to a table say which statistic its numbers are; a factor of 100 comes from words alone."""

from __future__ import annotations

import numpy as np
import pytest

from ired_diag.claims import check_report
from ired_diag.claims.percent_words import says_percent
from ired_diag.claims.spread_in_brackets import spread_in_brackets
from tests.runs_of_metrics import SPEECH, accusations, held, reasons, study_of_metrics

FORECASTS = {
    "mlp": {"val_mse": (0.190, 0.191, 0.194, 0.206), "val_rmse": (0.436, 0.437, 0.440, 0.454)},
    "trees": {"val_mse": (0.171, 0.172, 0.175, 0.183), "val_rmse": (0.414, 0.415, 0.418, 0.428)},
}
FORECAST_RUNS = study_of_metrics(FORECASTS)
SPEECH_RUNS = study_of_metrics(SPEECH)
ROWS = (
    "| model | val MSE | val RMSE |\n|---|---|---|\n"
    "| mlp | {a:.4f} | {b:.4f} |\n| trees | {c:.4f} | {d:.4f} |\n"
)
MEDIANS = {
    "a": np.median(FORECASTS["mlp"]["val_mse"]), "b": np.median(FORECASTS["mlp"]["val_rmse"]),
    "c": np.median(FORECASTS["trees"]["val_mse"]), "d": np.median(FORECASTS["trees"]["val_rmse"]),
}  # fmt: skip
OF_MEDIANS = [
    "Medians over 4 seeds of the last epoch.\n\n" + ROWS,
    "We report the median over 4 seeds.\n\n" + ROWS,
    "**Table 2.** Validation errors (medians of four runs)\n\n" + ROWS,
    ROWS + "\nAll numbers are medians across seeds.\n",
    "# Forecasts\n\nMedian over 4 seeds, last epoch:\n\n" + ROWS,
]


@pytest.mark.parametrize("text", OF_MEDIANS)
def test_a_line_next_to_a_table_says_that_its_numbers_are_medians(text: str) -> None:
    checked = check_report(text.format(**MEDIANS), FORECAST_RUNS)
    assert accusations(checked) == []
    assert [v.outcome for v in checked.verdicts if v.claim.kind == "median"] == ["holds"] * 4
    means = {"a": 0.19525, "b": 0.44175, "c": 0.17525, "d": 0.41875}
    # Of the RMSE no number agrees then: its column may be of something else.
    assert len(accusations(check_report(text.format(**means), FORECAST_RUNS))) == 2
    one_wrong = text.format(**MEDIANS | {"d": 0.4376})
    (statement,) = accusations(check_report(one_wrong, FORECAST_RUNS))
    assert "median" in statement


def test_a_head_that_says_mean_is_not_made_a_median_by_the_caption() -> None:
    text = (
        "Medians over 4 seeds, and means.\n\n"
        "| model | mean val MSE | median val MSE |\n|---|---|---|\n| mlp | 0.1953 | 0.1925 |\n"
    )
    checked = check_report(text, FORECAST_RUNS)
    assert accusations(checked) == []
    assert held(checked)[-2:] == ["0.1953", "0.1925"]


def test_where_the_words_leave_open_whether_it_is_a_median_nothing_is_held_against_it() -> None:
    text = "The median filter removes outliers of the input.\n\n" + ROWS.format(**MEDIANS)
    checked = check_report(text, FORECAST_RUNS)
    assert accusations(checked) == []
    assert "mean or a median" in reasons(checked)


@pytest.mark.parametrize(
    "words", ["Best of 4 seeds.", "We show the best of 4 runs:", "Scores are the best over seeds."]
)
def test_a_table_of_the_best_of_several_seeds_is_of_best_seeds(words: str) -> None:
    best = {"a": 0.190, "b": 0.436, "c": 0.171, "d": 0.414}
    text = f"{words}\n\n{ROWS}"
    checked = check_report(text.format(**best), FORECAST_RUNS)
    assert accusations(checked) == []
    assert [v.outcome for v in checked.verdicts if v.claim.kind == "best"] == ["holds"] * 4
    assert len(accusations(check_report(text.format(**best | {"c": 0.165}), FORECAST_RUNS))) == 1


IN_BRACKETS = [
    ("Validation WER, mean (standard deviation) of 3 seeds.", "sd"),
    ("Validation WER: mean (sd), 3 seeds.", "sd"),
    ("WER on the validation set. Averages (with standard errors) over 3 seeds.", "se"),
]


@pytest.mark.parametrize(("caption", "kind"), IN_BRACKETS)
def test_the_number_in_brackets_is_what_the_caption_says(caption: str, kind: str) -> None:
    assert spread_in_brackets(caption) == kind
    wer = {group: np.array(by_metric["val_wer"]) for group, by_metric in SPEECH.items()}
    root = np.sqrt(3) if kind == "se" else 1.0
    cells = {group: f"{w.mean():.4f} ({w.std(ddof=1) / root:.4f})" for group, w in wer.items()}
    text = f"{caption}\n\n| model | WER |\n|---|---|\n| ctc | {cells['ctc']} |\n| rnnt | {cells['rnnt']} |\n"
    checked = check_report(text, SPEECH_RUNS)
    assert accusations(checked) == []
    assert [v.claim.kind for v in checked.verdicts if v.outcome == "holds" and v.claim.table] == [
        "mean",
        kind,
    ] * 2
    wrong = text.replace(f"({wer['rnnt'].std(ddof=1) / root:.4f})", "(0.0071)")
    assert len(accusations(check_report(wrong, SPEECH_RUNS))) == 1


PERCENT = {"ctc": 100 * np.mean(SPEECH["ctc"]["val_wer"]), "rnnt": 100 * np.mean(SPEECH["rnnt"]["val_wer"])}
TABLE = "| model | {head} |\n|---|---|\n| ctc | {ctc:.2f}{sign} |\n| rnnt | {rnnt:.2f}{sign} |\n"
STATED = [
    ("Validation word error rates in percent, 3 seeds.\n\n", "WER", ""),
    ("Word error rates (%) after 50 epochs.\n\n", "WER", ""),
    ("", "WER (%)", ""),
    ("", "WER", "%"),
    ("# WER [%]\n\n", "val_wer", ""),
]


@pytest.mark.parametrize(("above", "head", "sign"), STATED)
def test_percent_is_said_by_caption_heading_head_or_sign(above: str, head: str, sign: str) -> None:
    text = above + TABLE
    checked = check_report(text.format(head=head, sign=sign, **PERCENT), SPEECH_RUNS)
    assert accusations(checked) == []
    assert len([v for v in checked.verdicts if v.claim.kind == "mean" and v.outcome == "holds"]) == 2
    wrong = text.format(head=head, sign=sign, **PERCENT | {"rnnt": 8.21})
    assert len(accusations(check_report(wrong, SPEECH_RUNS))) == 1


def test_error_rates_are_in_percent_where_most_of_several_numbers_agree() -> None:
    checked = check_report(TABLE.format(head="WER", sign="", **PERCENT), SPEECH_RUNS)
    assert accusations(checked) == []
    assert len(held(checked)) == 2


def test_where_one_number_alone_would_agree_a_hundredfold_is_neither_right_nor_wrong() -> None:
    text = TABLE.format(head="WER", sign="", **PERCENT | {"rnnt": 8.21})
    checked = check_report(text, SPEECH_RUNS)
    assert accusations(checked) == held(checked) == []
    assert "percent is not said" in reasons(checked)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Accuracy (%), mean of 5 seeds", True),
        ("All numbers are in percent.", True),
        ("Top-1 accuracy, in %", True),
        ("Error rates are given in percentage points.", True),
        ("We use 10% of the data.", False),
        ("The error falls by 12 percent.", False),
        ("95% CI over 5 seeds", False),
    ],
)
def test_a_share_of_something_else_does_not_say_percent(text: str, says: bool) -> None:
    assert says_percent(text) == says


def test_a_sign_behind_the_spread_is_of_the_mean_too() -> None:
    text = "The final WER is {rnnt:.2f} ± 0.13% for rnnt and {ctc:.2f} ± 0.19% for ctc (mean ± SD)."
    right = check_report(text.format(**PERCENT), SPEECH_RUNS)
    assert accusations(right) == []
    assert f"{PERCENT['rnnt']:.2f}" in held(right)
    assert len(accusations(check_report(text.format(**PERCENT | {"rnnt": 8.21}), SPEECH_RUNS))) == 1

"""A label means runs by the letters of its name, in each spelling, and never because its number agrees."""

from __future__ import annotations

import pytest

from ired_diag.claims import check_report
from ired_diag.claims.labels import mentions, words_of
from ired_diag.claims.spellings import glued
from tests.runs_of_metrics import POLYPS, SPEECH, accusations, held, reasons, study_of_metrics

SPEECH_RUNS = study_of_metrics(SPEECH)
POLYP_RUNS = study_of_metrics(POLYPS)
PRECISION_RUNS = study_of_metrics({
    "gpt_fp16": {"val_loss": (3.71, 3.75, 3.73)},
    "gpt_bf16": {"val_loss": (3.551, 3.557, 3.563)},
})  # fmt: skip
RATE_RUNS = study_of_metrics({
    "lr=0.0001": {"val_loss": (0.410, 0.414)},
    "lr=0.0003": {"val_loss": (0.380, 0.384)},
    "lr=0.001": {"val_loss": (0.450, 0.454)},
})  # fmt: skip


@pytest.mark.parametrize("label", ["RNN-T", "rnn_t", "RNNT", r"\textsc{rnnt}", "**RNN-T**"])
def test_hyphens_and_commands_of_latex_do_not_hide_a_name(label: str) -> None:
    if label.startswith("\\"):
        rows = f"Model & val loss \\\\ \\hline\n{label} & 14.90 \\\\\nctc & 15.16 \\\\\n"
        text = f"\\begin{{tabular}}{{lc}}\n{rows}\\end{{tabular}}\n"
    else:
        text = f"| model | val loss |\n|---|---|\n| {label} | 14.90 |\n| CTC | 15.16 |\n"
    checked = check_report(text, SPEECH_RUNS)
    assert held(checked) == ["14.90", "15.16"]
    assert len(accusations(check_report(text.replace("14.90", "14.20"), SPEECH_RUNS))) == 1


def test_a_name_with_hyphens_is_read_in_a_sentence() -> None:
    text = "RNN-T reaches a val loss of 14.90, and CTC reaches 15.16."
    assert held(check_report(text, SPEECH_RUNS)) == ["14.90", "15.16"]
    assert len(accusations(check_report(text.replace("14.90", "14.20"), SPEECH_RUNS))) == 1


PRECISIONS = [
    "| precision | val loss |\n|---|---|\n| fp16 | 3.730 |\n| bf16 | 3.557 |\n",
    "- fp16: final val loss 3.730 (mean of 3 seeds).\n- bf16: final val loss 3.557 (mean of 3 seeds).\n",
    "bf16 ends at a mean val loss of 3.557.\n",
]


@pytest.mark.parametrize("text", PRECISIONS)
def test_the_word_that_only_one_group_has_names_it(text: str) -> None:
    checked = check_report(text, PRECISION_RUNS)
    assert accusations(checked) == []
    assert "3.557" in held(checked)
    assert len(accusations(check_report(text.replace("3.557", "3.457"), PRECISION_RUNS))) == 1


@pytest.mark.parametrize("label", ["3e-4", "0.0003", "lr3e-4", "lr = 3e-4", "3.0e-4"])
def test_a_learning_rate_is_one_number_in_every_notation(label: str) -> None:
    text = f"| lr | val loss |\n|---|---|\n| {label} | 0.382 |\n| {label.replace('3', '1')} | 0.412 |\n"
    assert held(check_report(text, RATE_RUNS)) == ["0.382", "0.412"]
    assert len(accusations(check_report(text.replace("0.382", "0.395"), RATE_RUNS))) == 1


def test_another_model_with_a_plus_in_its_name_is_not_the_one_without() -> None:
    alone = study_of_metrics({"unet": POLYPS["unet"], "vnet": POLYPS["unetpp"]})
    table = "| net | val loss |\n|---|---|\n| UNet++ | 0.1210 |\n"
    text = f"On our data, UNet++ reaches a val loss of 0.1210.\n\n{table}"
    checked = check_report(text, alone)
    assert accusations(checked) == []
    assert "no runs of that name" in reasons(checked)
    assert held(check_report(text.replace("0.1210", "0.1285"), POLYP_RUNS)) == ["0.1285", "0.1285"]


def test_a_label_with_more_words_than_a_group_is_not_it_even_if_the_number_agrees() -> None:
    text = "| net | val loss |\n|---|---|\n| unet large crop | 0.1398 |\n"
    checked = check_report(text, POLYP_RUNS)
    assert held(checked) == accusations(checked) == []
    assert "no runs of that name" in reasons(checked)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("lr3e-4", "lr=0.0003", True),
        ("UNet++", "unetpp", True),
        ("UNet++", "unet", False),
        ("q101", "q102", False),
        ("lr=0.001", "lr=0.01", False),
        ("width 64", "width 128", False),
    ],
)
def test_words_of_two_spellings_are_the_same(first: str, second: str, same: bool) -> None:
    assert (words_of(first) == words_of(second)) == same
    assert (glued(first) == glued(second)) == same


def test_a_name_next_to_a_plus_is_a_part_of_another_one() -> None:
    assert mentions("muon+wd and baseline+muon are worse", ["muon"]) == []
    assert mentions("muon + wd, then muon", ["muon"]) == [(16, "muon")]

"""A number is held against the logged metric that its column, caption or sentence names, without --metric."""

from __future__ import annotations

import numpy as np
import pytest

from ired_diag.claims import check_report
from ired_diag.claims.named_metrics import named_metric
from tests.runs_of_metrics import POLYPS, SPEECH, VISION, accusations, held, reasons, study_of_metrics

SPEECH_RUNS = study_of_metrics(SPEECH)
POLYP_RUNS = study_of_metrics(POLYPS)
VISION_RUNS = study_of_metrics(VISION)
CER = {group: float(np.mean(by_metric["val_cer"])) for group, by_metric in SPEECH.items()}
DICE = {group: float(np.mean(by_metric["val_dice"])) for group, by_metric in POLYPS.items()}

SPOKEN = [
    f"| loss | CER |\n|---|---|\n| ctc | {CER['ctc']:.4f} |\n| rnnt | {CER['rnnt']:.4f} |\n",
    f"| loss | val_cer ↓ |\n|---|---|\n| ctc | {CER['ctc']:.4f} |\n| rnnt | {CER['rnnt']:.4f} |\n",
    "Character error rate on the validation set, mean of 3 seeds.\n\n"
    "| model | mean | n |\n|---|---|---|\n"
    f"| ctc | {CER['ctc']:.4f} | 3 |\n| rnnt | {CER['rnnt']:.4f} | 3 |\n",
    f"The CER of ctc is {CER['ctc']:.4f} and the CER of rnnt is {CER['rnnt']:.4f} (mean over 3 seeds).\n",
]


@pytest.mark.parametrize("text", SPOKEN)
def test_the_character_error_rate_of_runs_judged_by_their_loss_is_checked(text: str) -> None:
    checked = check_report(text, SPEECH_RUNS)
    assert accusations(checked) == []
    assert {f"{CER['ctc']:.4f}", f"{CER['rnnt']:.4f}"} <= set(held(checked))
    wrong = text.replace(f"{CER['rnnt']:.4f}", "0.0302")
    (statement,) = accusations(check_report(wrong, SPEECH_RUNS))
    assert "0.0302" in statement
    assert "val_cer" in statement


DICE_TEXTS = [
    "On our validation set unet has a final Dice of {unet:.4f} (4 seeds), and unetpp reaches {unetpp:.4f}.\n",
    "| net | final Dice |\n|---|---|\n| unet | {unet:.4f} |\n| unetpp | {unetpp:.4f} |\n",
    "| net | Dice score | val loss |\n|---|---|---|\n| unet | {unet:.4f} | 0.1398 |\n"
    "| unetpp | {unetpp:.4f} | 0.1285 |\n",
]  # fmt: skip


@pytest.mark.parametrize("text", DICE_TEXTS)
def test_a_bare_name_means_the_validation_twin_and_not_the_training_data(text: str) -> None:
    right = text.format(**DICE)
    checked = check_report(right, POLYP_RUNS)
    assert accusations(checked) == []
    assert "by val_dice" in " ".join(verdict.why for verdict in checked.verdicts)
    wrong = text.format(unet=DICE["unet"] - 0.016, unetpp=DICE["unetpp"])
    assert len(accusations(check_report(wrong, POLYP_RUNS))) == 1
    of_training = text.format(unet=np.mean(POLYPS["unet"]["dice"]), unetpp=DICE["unetpp"])
    checked = check_report(of_training, POLYP_RUNS)
    assert accusations(checked) == []
    assert "agrees with dice" in reasons(checked)


def test_an_ambiguous_name_stays_unchecked_and_both_metrics_are_named() -> None:
    text = "| model | accuracy |\n|---|---|\n| vit | 0.915 |\n| mixer | 0.903 |\n"
    for shown in (text, text.replace("0.903", "0.943")):
        checked = check_report(shown, VISION_RUNS)
        assert accusations(checked) == []
        assert held(checked) == []
        assert "test_acc or val_acc" in reasons(checked)


def test_the_words_of_a_data_set_decide_between_two_metrics() -> None:
    for said in ("test top-1", "Test accuracy", "test acc"):
        text = f"| model | {said} |\n|---|---|\n| vit | 0.901 |\n| mixer | 0.888 |\n"
        assert held(check_report(text, VISION_RUNS)) == ["0.901", "0.888"]
        assert len(accusations(check_report(text.replace("0.888", "0.878"), VISION_RUNS))) == 1
    caption = (
        "Accuracy on the test set.\n\n| model | accuracy |\n|---|---|\n| vit | 0.901 |\n| mixer | 0.888 |\n"
    )
    assert held(check_report(caption, VISION_RUNS)) == ["0.901", "0.888"]


def test_a_metric_of_which_no_number_agrees_is_not_held_against_the_report() -> None:
    text = "| loss | CER |\n|---|---|\n| ctc | 0.0512 |\n| rnnt | 0.0455 |\n"
    checked = check_report(text, SPEECH_RUNS)
    assert accusations(checked) == []
    assert "no number of the report agrees with val_cer" in reasons(checked)


def test_a_sentence_without_a_metric_is_of_the_one_before_it() -> None:
    text = (
        f"The mean Dice of unet is {DICE['unet']:.4f} and that of unetpp {DICE['unetpp']:.4f}. "
        f"unetpp is better than unet by {DICE['unetpp'] - DICE['unet']:.4f}.\n"
    )
    checked = check_report(text, POLYP_RUNS)
    assert accusations(checked) == []
    difference = [v for v in checked.verdicts if v.claim.kind == "difference"]
    assert all("val_dice" in verdict.why for verdict in difference)


def test_of_a_metric_without_a_known_direction_levels_are_checked_and_no_best() -> None:
    finals = {
        "a": {"val_loss": (0.40, 0.42, 0.41), "val_zeta": (3.10, 3.30, 3.20)},
        "b": {"val_loss": (0.35, 0.37, 0.36), "val_zeta": (2.10, 2.30, 2.20)},
    }
    study = study_of_metrics(finals)
    text = "| group | val zeta |\n|---|---|\n| a | 3.20 |\n| b | 2.20 |\n"
    assert held(check_report(text, study)) == ["3.20", "2.20"]
    assert len(accusations(check_report(text.replace("2.20", "2.90"), study))) == 1
    best = "| group | val zeta | best |\n|---|---|---|\n| a | 3.20 | 3.10 |\n| b | 2.20 | 2.40 |\n"
    checked = check_report(best, study)
    assert accusations(checked) == []
    assert "in which direction val_zeta improves is not known" in reasons(checked)


def test_a_metric_where_the_judged_one_is_best_is_not_a_wrong_last_value() -> None:
    finals = {
        "a": {"val_loss": (0.40, 0.42, 0.41), "test_acc": (0.905, 0.915, 0.910)},
        "b": {"val_loss": (0.35, 0.37, 0.36), "test_acc": (0.925, 0.935, 0.930)},
    }
    kept = study_of_metrics(finals, early=0.95)
    text = "| run | test acc |\n|---|---|\n| a | 0.910 |\n| b | {b:.4f} |\n"
    right = check_report(text.format(b=0.95 * 0.930), kept)
    assert accusations(right) == []
    assert "test_acc where val_loss is best" in reasons(right)
    assert len(accusations(check_report(text.format(b=0.8995), kept))) == 1


LOGGED = ["dice", "loss", "val_dice", "val_loss", "val_dice_core", "debug/mse", "val/mse", "test_mse"]


@pytest.mark.parametrize(
    ("words", "candidates"),
    [
        ("final dice", ("val_dice",)),
        ("dice core", ("val_dice_core",)),
        ("val mse", ("val/mse",)),
        ("mse", ("val/mse", "test_mse")),
        ("train dice", ()),
        ("time", ()),
        ("psnr", ()),
        ("?", ()),
    ],
)
def test_the_exact_name_wins_and_the_plainest_one_else(words: str, candidates: tuple[str, ...]) -> None:
    assert named_metric(words, LOGGED).candidates == candidates

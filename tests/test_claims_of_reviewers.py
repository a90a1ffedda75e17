"""The smallest texts in which a right number was accused, or a wrong one confirmed, and their opposites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ired_diag.claims import Checked, check_report
from ired_diag.runs.ending import Ending
from ired_diag.runs.history import History, Row
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from tests.made_runs import made_run

QKNORM = (3.2556, 3.2626, 3.2612, 3.2584)  # mean 3.25945, sd 0.0031, standard error 0.00155
BASELINE = (3.2820, 3.2875, 3.2824, 3.2849)  # mean 3.2842
SAC = (2543.0, 3100.0, 3400.0, 3345.0)  # mean 3097, sd 391, standard error 196
PPO = (2100.0, 2427.0, 2802.0, 2379.0)  # mean 2427, sd 289, standard error 145


def study_of(
    samples: Mapping[str, Sequence[float]], metric: str, failed: Mapping[str, int] | None = None
) -> Study:
    """Return runs of 2000 steps; those of the seeds named as failed end with a metric that is no number."""
    runs = []
    for group, values in samples.items():
        for seed, value in enumerate(values):
            last = float("nan") if (failed or {}).get(group) == seed else value
            curve = {metric: [value * 1.1, last]}
            runs.append(made_run(group, seed, every=1000, config={"model": group}, metrics=curve))
    return Study.of(runs)


LOSSES = study_of({"baseline": BASELINE, "qknorm": QKNORM}, "val_loss")
RETURNS = study_of({"ppo": PPO, "sac": SAC}, "eval_return")


def accused(text: str, study: Study) -> list[str]:
    return [finding.statement for finding in check_report(text, study).findings if finding.severity != "note"]


def outcomes(checked: Checked) -> dict[str, str]:
    return {verdict.claim.said: verdict.outcome for verdict in checked.verdicts}


RIGHT = [
    "The mean validation loss of qknorm is 0.0248 below that of the baseline.",
    "Mean val loss of qknorm: 3.259, within 0.03 of the baseline.",
    "qknorm improves the mean validation loss over the baseline by 0.025.",
    "The standard error of the mean validation loss of qknorm is 0.0016.",
    "The sd of the mean validation loss of qknorm is 0.0016.",
    "The standard error of a single evaluation of qknorm is 0.0004.",
    "On C4, qknorm reaches a validation loss of 3.41.",
    "qknorm at 350M reaches a validation loss of 2.966.",
    "After removing the final norm, the val loss of qknorm is 3.301 (1 seed).",
    "Without warmup qknorm has a val loss of 3.312.",
    "| model | val loss, no EMA | val loss, EMA |\n|---|---|---|\n"
    "| baseline | 3.284 | 3.262 |\n| qknorm | 3.259 | 3.245 |",
    "Over seeds 0, 1 and 2 the mean val loss of qknorm is 3.2598.",
    "The mean val loss of qknorm over seeds 0-2 is 3.2598.",
    "The two best seeds of qknorm have a mean val loss of 3.2570.",
    "The mean val loss of qknorm is about 3.3.",
    "qknorm needs 1500 steps on average to reach 3.5.",
    "The mean rank over the seeds is 1.0 for qknorm.",
    "P(qknorm < baseline) is 0.98.",
    "In bits, the mean val loss of qknorm is 4.702.",
    "Known issue: seed 1 of qknorm used another data order; its loss is 3.2626.",
    "| model | SE of mean val loss |\n|---|---|\n| baseline | 0.0013 |\n| qknorm | 0.0016 |",
    "| model | val loss | epoch of best |\n|---|---|---|\n| baseline | 3.284 | 9 |\n| qknorm | 3.259 | 8 |",
    "The loss of a unigram model is 3.41; qknorm reaches 3.259 in the end.",
    "The teacher-forced loss of qknorm is 3.212, the plain loss 3.259.",
    "The teacher-forced loss of qknorm is 3.212.",
    "| model | val loss @ 1k | val loss @ 2k |\n|---|---|---|\n| qknorm | 3.585 | 3.259 |",
]


@pytest.mark.parametrize("text", RIGHT)
def test_a_right_number_of_another_kind_is_not_accused(text: str) -> None:
    assert accused(text, LOSSES) == []


WRONG = [
    "The mean validation loss of qknorm is 0.0448 below that of the baseline.",
    "qknorm is better than baseline by 0.041.",
    "The standard error of the mean validation loss of qknorm is 0.0031.",
    "Val loss: baseline 3.284, qknorm 3.249.",
    "| model | mean val loss (n=4) |\n|---|---|\n| baseline | 3.284 |\n| qknorm | 3.263 |",
    "| model | val loss |\n|---|---|\n| baseline | 3.284 |\n| qknorm | 3.263 |\n\nMean of 4 seeds.",
    "| model | s0 | s1 | s2 | s3 |\n|---|---|---|---|---|\n| qknorm | 3.2556 | 3.2526 | 3.2612 | 3.2584 |",
    "val loss per seed\n\n| model | 0 | 1 | 2 | 3 |\n|---|---|---|---|---|\n"
    "| qknorm | 3.2556 | 3.2526 | 3.2612 | 3.2584 |",
    "| fold | qknorm |\n|---|---|\n| 0 | 3.2556 |\n| 1 | 3.2526 |\n| 2 | 3.2612 |\n| 3 | 3.2584 |",
    "The worst qknorm seed ends at 3.2726.",
    "qknorm vs. baseline: Welch's t-test, p = 0.41.",
    "\\begin{tabular}{lc}\nModel & Val.\\ loss \\\\ \\hline\n\\textsc{baseline} & 3.284 \\\\\n"
    "\\textsc{qknorm} & 3.249 \\\\\n\\end{tabular}",
]


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_number_is_accused(text: str) -> None:
    assert len(accused(text, LOSSES)) == 1


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("The return of sac is 3097.", "The return of sac is 3210."),
        ("SAC's mean return is 670 higher than PPO's.", "SAC's mean return is 870 higher than PPO's."),
        (
            "The difference in return between sac and ppo is 670.",
            "The difference in return between sac and ppo is 870.",
        ),
        ("SAC reaches 1.28x PPO's mean return.", "SAC reaches 1.38x PPO's mean return."),
        ("SAC's return is 1.3 times that of PPO.", "SAC's return is 1.5 times that of PPO."),
    ],
)  # fmt: skip
def test_returns_differences_and_ratios_are_read_in_prose(right: str, wrong: str) -> None:
    assert list(outcomes(check_report(right, RETURNS)).values()) == ["holds"]
    assert len(accused(wrong, RETURNS)) == 1


def test_a_percentage_between_single_seeds_is_not_held_against_the_means() -> None:
    assert accused("The best sac seed is 21.3% higher than the best ppo seed.", RETURNS) == []
    assert accused("On seed 3, sac is 40.6% higher than ppo.", RETURNS) == []


def test_a_ratio_of_settings_is_no_ratio_of_means() -> None:
    assert accused("For sac we use 4 times the baseline batch size of ppo.", RETURNS) == []


@pytest.mark.parametrize("shown", ["70", "72", "76", "82"])
def test_a_mean_in_percent_is_compared_at_its_printed_precision(shown: str) -> None:
    rates = (0.66, 0.66, 0.70, 0.70, 0.72, 0.73, 0.75, 0.76, 0.82, 0.84)
    study = study_of({"redq": rates, "ppo": [rate - 0.2 for rate in rates]}, "eval_success")
    table = "| model | Mean success rate over 10 seeds |\n|---|---|\n| ppo | 53% |\n| redq | {}% |"
    assert accused(table.format("73"), study) == []
    assert len(accused(table.format(shown), study)) == 1


def test_runs_that_were_launched_and_diverged_count_as_seeds() -> None:
    study = study_of({"adam": [0.21, 0.22, 0.23], "shampoo": [0.20, 0.21, 0.22]}, "val_loss", {"shampoo": 1})
    assert accused("shampoo diverged on one of 3 seeds.", study) == []
    assert len(accused("We ran shampoo with n = 4.", study)) == 1


def test_each_number_after_a_plus_minus_is_what_the_report_says() -> None:
    table = (
        "\\begin{{tabular}}{{lc}}\nModel & Return \\\\ \\hline\nPPO & $2427 \\pm 145$ \\\\\n"
        "SAC & $3097 \\pm {}$ \\\\\n\\end{{tabular}}\n\nMean $\\pm$ standard error."
    )
    assert accused(table.format("196"), RETURNS) == []
    (statement,) = accused(table.format("391"), RETURNS)
    assert "standard deviation" in statement


def test_significance_that_is_reached_is_held_against_its_p() -> None:
    text = "The difference in return between sac and ppo {} significance (p = {})."
    p = "0.041"
    assert not [s for s in accused(text.format("reached", p), RETURNS) if "significance" in s]
    assert [s for s in accused(text.format("did not reach", p), RETURNS) if "significance" in s]


def test_the_metric_of_exactly_the_name_is_taken_where_another_has_its_measure() -> None:
    rows = {"val_loss": 1.0, "val_acc": 0.76, "test_acc": 0.74}
    runs = []
    for group, gain in (("resnet", 0.0), ("vit", 0.02)):
        for seed in range(4):
            last = {name: value + gain + seed / 1000 for name, value in rows.items()}
            runs.append(
                Run(
                    experiment=group, name=None, variant=None, seed=seed, path=Path(f"/{group}/{seed}"),
                    configuration={"model": group}, history=History.of([Row(1, last), Row(2, last)]),
                    ending=Ending("complete"),
                )
            )  # fmt: skip
    study = Study.of(runs)
    table = "Mean of 4 seeds.\n\n| model | val_acc (%) |\n|---|---|\n| resnet | 76.15 |\n| vit | {} |"
    assert accused(table.format("78.15"), study) == []
    assert len(accused(table.format("78.95"), study)) == 1


def test_the_one_number_after_a_plus_minus_that_is_another_statistic_is_told_apart() -> None:
    redq = (3000.0, 3350.0, 3120.0, 3290.0)  # mean 3190, sd 160, standard error 80
    study = study_of({"ppo": PPO, "sac": SAC, "redq": redq}, "eval_return")
    table = "| model | return |\n|---|---|\n| ppo | 2427 ± 145 |\n| sac | 3097 ± {} |\n| redq | 3190 ± 80 |"
    assert accused(table.format("196"), study) == []
    (statement,) = accused(table.format("391"), study)
    assert "each other number of its column is the standard error" in statement


@pytest.mark.parametrize(
    "text",
    [
        "Averaged over all four seeds (0-3), the mean val loss of qknorm is 3.270.",
        "The mean val loss of qknorm is 3.270, over seeds 0-3.",
        "Final val loss: qknorm = 3.270, baseline = 3.284.",
        "The best baseline seed reached 3.2875.",
    ],
)
def test_the_words_that_reserve_numbers_reserve_no_plain_ones(text: str) -> None:
    assert len(accused(text, LOSSES)) == 1

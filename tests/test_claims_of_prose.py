"""Lists, extremes, rankings, ranges, steps to a value, ratios in words and shares of differences in prose."""

from __future__ import annotations

import pytest

from ired_diag.runs.study import Study
from tests.claims_studies import RETURNS, THREE_LOSSES, TWO_LOSSES, accused, outcomes, run_of

PAIRS = [
    # lists of spreads and medians
    ("The sd over seeds is 0.0026 for the baseline and {} for qknorm.", "0.0031", "0.0062"),
    ("The sd over seeds is {} (baseline) and 0.0031 (qknorm).", "0.0026", "0.0052"),
    ("The standard deviation of the baseline is 0.0026 and that of qknorm {}.", "0.0031", "0.0013"),
    ("The standard errors are 0.0013 for the baseline and {} for qknorm.", "0.0016", "0.0031"),
    ("Median val loss: baseline 3.2837, qknorm {}.", "3.2598", "3.2498"),
    ("SD: baseline {}, qknorm 0.0031.", "0.0026", "0.0062"),
    ("The mean val loss of qknorm over 4 seeds is {}.", "3.259", "3.263"),
    ("The median val loss of qknorm across 4 random seeds is {}.", "3.2598", "3.2498"),
    # the best and the worst seed
    ("The best qknorm seed has a val loss of {}, and the worst 3.2626.", "3.2556", "3.2456"),
    ("The best qknorm seed has a val loss of 3.2556, and the worst {}.", "3.2626", "3.2726"),
    ("The weakest qknorm seed has 3.2626, the strongest baseline seed {}.", "3.2820", "3.2720"),
    ("From the worst qknorm seed (3.2626) to the best baseline seed ({}) is a step.", "3.2820", "3.2789"),
    ("The best qknorm seed is seed 0 ({}).", "3.2556", "3.2556e-1"),
    ("The largest val loss of a qknorm seed is {}.", "3.2626", "3.2826"),
    ("qknorm has a mean val loss of 3.259 (sd 0.0031, range {} to 3.2626).", "3.2556", "3.2456"),
    # lists of seeds
    ("The four qknorm seeds end at 3.2556, {}, 3.2612 and 3.2584.", "3.2626", "3.2526"),
    ("Seeds 0, 1 and 2 of qknorm give 3.2556, 3.2626 and {}.", "3.2612", "3.2512"),
    ("The qknorm seeds reach 3.256, 3.263, 3.261 and {}, the baseline seeds 3.282.", "3.258", "3.248"),
    # differences, and what share they are
    ("qknorm is better than the baseline by 0.0248, i.e. {}.", "0.75%", "1.35%"),
    ("qknorm exceeds the baseline by {}.", "0.75%", "1.75%"),
    ("The gap between baseline and qknorm is 0.0248 ({}).", "0.75%", "1.15%"),
    ("The advantage of qknorm over the baseline is {}.", "0.0248", "0.0348"),
    ("qknorm vs. baseline: Δ = {} (-0.75%).", "-0.0248", "-0.0448"),
    ("qknorm gains {} on the baseline.", "0.0248", "0.0448"),
    ("qknorm lowers the val loss of the baseline by {}.", "0.0248", "0.041"),
    ("The 95% CI of the difference baseline - qknorm is {}.", "[0.0198, 0.0297]", "[0.0098, 0.0197]"),
]  # fmt: skip
UNCERTAIN = ["The best qknorm seed is seed 0 ({})."]  # 0.3 may be of another metric


@pytest.mark.parametrize(("sentence", "right", "wrong"), PAIRS)
def test_the_right_number_is_confirmed_and_the_wrong_one_accused(
    sentence: str, right: str, wrong: str
) -> None:
    assert accused(sentence.format(right), TWO_LOSSES) == []
    assert set(outcomes(sentence.format(right), TWO_LOSSES).values()) == {"holds"}
    assert len(accused(sentence.format(wrong), TWO_LOSSES)) == (sentence not in UNCERTAIN)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("The best qknorm seed is seed 0.", "The best qknorm seed is seed 1."),
        ("Seed 1 of qknorm is the worst.", "Seed 2 of qknorm is the worst."),
        ("For qknorm, seed 1 is the worst seed.", "For qknorm, seed 3 is the worst seed."),
        ("qknorm is the best of the three.", "swiglu is the best of the three."),
        ("baseline is the worst of the three variants.", "qknorm is the worst of the three variants."),
        (
            "qknorm has the lowest validation loss of the three.",
            "swiglu has the lowest val loss of the three.",
        ),
        (
            "Ranking by val loss: qknorm < swiglu < baseline.",
            "Ranking by val loss: swiglu < qknorm < baseline.",
        ),
    ],
)
def test_a_seed_or_a_group_is_called_what_it_is(right: str, wrong: str) -> None:
    assert set(outcomes(right, THREE_LOSSES).values()) == {"holds"}
    assert len(accused(wrong, THREE_LOSSES)) == 1


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("The return of sac is 1.3 times that of ppo.", "The return of sac is twice that of ppo."),
        ("sac lifts the return of ppo by 670.", "sac doubles the return of ppo."),
        ("The return of ppo is 670 below that of sac.", "The return of ppo is half that of sac."),
    ],
)
def test_a_ratio_in_words_is_one(right: str, wrong: str) -> None:
    assert accused(right, RETURNS) == []
    assert len(accused(wrong, RETURNS)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "swiglu has the lowest memory. The baseline and qknorm have more.",
        "swiglu is the best choice for long contexts, compared with baseline and qknorm.",
        "Is P(swiglu < qknorm < baseline) above 0.5?",
        "We ask whether swiglu < qknorm < baseline.",
        "swiglu is the best of the two large models. baseline, qknorm: small.",
        "If swiglu is the best, we keep it; qknorm and baseline are kept anyway.",
        "swiglu doubles the loss weight of qknorm.",
        "swiglu halves the number of parameters of qknorm.",
        "The learning rates of qknorm range from 0.1 to 3.3.",
        "The qknorm runs use batch sizes of 32, 64 and 128.",
        "The seeds of qknorm are 3, 4, 5 and 6.",
        "The mean val loss of qknorm over seeds 0, 1 and 2 is 3.2598.",
        "qknorm reaches 3.5 at step 1000 of the pilot.",
        "The sd of the differences between baseline and qknorm is 0.0046.",
        "The mean return of qknorm is unknown, and that of the baseline 512.",
        "qknorm halves the error of the teacher.",
        "By accuracy, seed 3 is the best of qknorm.",
        "The probability of improvement P(qknorm < swiglu) is 0.55.",
        "The val loss difference baseline - qknorm is 0.0248 (95% CI 0.0198 to 0.0297, Welch).",
    ],
)
def test_what_is_no_such_claim_is_not_accused(text: str) -> None:
    assert accused(text, THREE_LOSSES) == []


def curves() -> Study:
    """Return two groups whose seeds reach 0.5 at steps 3000 and 4000, and at 5000."""
    a = [[2.0, 1.0, 0.5, 0.3, 0.25, 0.2], [2.0, 1.1, 0.6, 0.4, 0.3, 0.21]]
    b = [[2.0, 1.5, 1.0, 0.7, 0.5, 0.4], [2.0, 1.6, 1.1, 0.8, 0.45, 0.41]]
    runs = [run_of("adam", seed, values) for seed, values in enumerate(a)]
    runs += [run_of("sgd", seed, values) for seed, values in enumerate(b)]
    return Study.of(runs)


def test_the_step_at_which_a_value_is_reached_is_held_against_the_curves() -> None:
    text = "adam reaches a val loss of 0.5 at step {}, sgd at {}."
    assert outcomes(text.format("3500", "5000"), curves()) == {"3500": "holds", "5000": "holds"}
    assert outcomes(text.format("2500", "5000"), curves()) == {"2500": "unchecked", "5000": "holds"}
    (statement,) = accused(text.format("3500", "2000"), curves())
    assert "at steps 5000 to 5000" in statement
    assert accused("adam never reaches a val loss of 0.1 at step 6000.", curves()) == []
    assert outcomes("adam gets below 0.5 after 4000 steps.", curves()) == {"4000": "holds"}


def test_significance_without_a_p_is_accused_only_beyond_doubt() -> None:
    assert accused("sac is significantly better than ppo.", RETURNS) == []  # p = 0.03
    assert accused("sac is not significantly better than ppo.", RETURNS) == []
    assert len(accused("qknorm is not significantly better than the baseline.", TWO_LOSSES)) == 1


def test_one_seed_in_the_place_of_a_mean_is_accused_though_it_is_a_value_of_the_runs() -> None:
    text = "Over four seeds the val loss is 3.284 with the baseline and {} with qknorm."
    assert accused(text.format("3.259"), TWO_LOSSES) == []
    (statement,) = accused(text.format("3.2626"), TWO_LOSSES)
    assert "seed1" in statement

"""What the claim check reads in a Markdown text, and what it makes of a report without runs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from ired_diag.claims import Checked, check_report
from ired_diag.claims.numbers import numbers_in, plain, writes_decimal_commas
from ired_diag.claims.ranges import Range, fits, through
from ired_diag.claims.samples import sample_of_values


def rules(checked: Checked) -> list[str]:
    return [finding.rule.removeprefix("claim_") for finding in checked.findings]


def kinds(text: str) -> list[tuple[str, float]]:
    verdicts = check_report(text).verdicts
    return [(v.claim.kind, v.claim.numbers[0].value if v.claim.numbers else math.nan) for v in verdicts]


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("1.2e-5", 1.2e-5, 1e-6),
        ("1.2 \u00d7 10⁻⁵", 1.2e-5, 1e-6),
        ("1.2 x 10^-5", 1.2e-5, 1e-6),
        (r"$1.2 \times 10^{-5}$", 1.2e-5, 1e-6),
        (r"\(1.2 \cdot 10^{-5}\)", 1.2e-5, 1e-6),
        ("1.2\u00d710<sup>-5</sup>", 1.2e-5, 1e-6),
        ("\u22120.50", -0.5, 1e-2),
        ("100,000", 1e5, 1.0),
        ("1,234.5", 1234.5, 0.1),
        ("100\u202f000", 1e5, 1.0),
        (".05", 0.05, 0.01),
        ("0.39%", 0.39, 0.01),
        (r"0.39\%", 0.39, 0.01),
    ],
)
def test_numbers_are_read_in_every_spelling(text: str, value: float, unit: float) -> None:
    (number,) = numbers_in(plain(text))
    assert number.value == pytest.approx(value, rel=1e-12)
    assert number.unit == pytest.approx(unit, rel=1e-12)
    assert number.percent == ("%" in text)


@pytest.mark.parametrize(
    ("text", "value"), [("0,00969", 0.00969), ("1.234,5", 1234.5), ("100.000", 1e5), ("12", 12)]
)
def test_numbers_with_decimal_commas_are_read(text: str, value: float) -> None:
    (number,) = numbers_in(text, comma=True)
    assert number.value == value


def test_names_and_versions_are_no_numbers() -> None:
    assert list(numbers_in("q101, v1.2.3, seed_4, 10^4, R2")) == []


def test_lists_of_numbers_are_no_decimal_commas() -> None:
    assert not writes_decimal_commas("seeds 1,2 at 0.0097, 0.0098 and 1,000")


@given(st.floats(1e-9, 1e9), st.integers(0, 8))
def test_a_number_fits_what_it_rounds(value: float, digits: int) -> None:
    (number,) = numbers_in(f"{value:.{digits}e}")
    assert fits(number, Range.exactly(value))
    assert not fits(number, Range.exactly(value + 1.1 * number.unit))


@settings(derandomize=True)  # the bound is one of three standard deviations
@given(st.lists(st.floats(-1, 1), min_size=2, max_size=9), st.integers(0, 2**32 - 1))
def test_the_range_of_a_sample_holds_what_its_values_may_have_been(values: list[float], seed: int) -> None:
    sample = sample_of_values({f"seed{k}": v for k, v in enumerate(values)}, "", half=0.01)
    meant = np.array(values) + np.random.default_rng(seed).uniform(-0.01, 0.01, len(values))
    assert sample.mean.low - 1e-12 <= meant.mean() <= sample.mean.high + 1e-12
    assert sample.sd.low - 1e-12 <= meant.std(ddof=1) <= sample.sd.high + 1e-12


def test_a_function_of_ranges_holds_all_its_values() -> None:
    product = through(lambda a, b: a * b, Range(-1, 0, 2), Range(1, 2, 3))
    assert (product.low, product.middle, product.high) == (-3, 0, 6)


TABLE = "| group | mean | sd | n |\n|---|---|---|---|\n| a | 1.00 | 0.10 | 10 |\n| b | 1.20 | 0.10 | 10 |\n\n"


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("a vs b: t = -4.472, p = 0.000295.", []),
        ("a vs b: t = -3.472.", ["t"]),
        ("a vs b: p = 0.0295.", ["p"]),
        ("a vs b: p < 0.001.", []),
        ("a vs b: p < 0.0001.", ["p"]),
        ("Cohen's d = 2.0 for a vs b.", []),
        ("Cohen's d = 1.2 for a vs b.", ["effect"]),
        ("a is 16.7% lower than b.", []),
        ("a is 20% lower than b.", ["percent_base"]),
        ("a is 0.167% lower than b.", ["percent_factor"]),
        ("a is 1667% lower than b.", ["percent_factor"]),
        ("a is 16.7% higher than b.", ["percent_direction"]),
        ("b is 20.0% lower than a.", ["percent_direction"]),
        ("a is 31% lower than b.", ["percent"]),
        ("The mean of a is 1.00 (95% CI 0.93 to 1.07).", []),
        ("For a the 95% confidence interval is [0.938, 1.062].", ["z_interval"]),
        ("For a the 95% confidence interval is [0.8, 1.2].", ["interval"]),
        ("a and b are equivalent.", ["equivalence"]),
        ("There is no difference between a and b (p = 0.000295).", ["equivalence"]),
        ("We test whether a and b are equivalent.", []),
        ("a and b are not equivalent.", []),
        ("a and b differ significantly (p = 0.000295).", []),
        ("a and b do not differ significantly (p = 0.000295).", ["significance"]),
        ("a vs b: p = 0.000.", ["p_zero"]),
        ("a vs b, Mann-Whitney: p = 0.02.", []),
        ("a vs b (Holm corrected): p = 0.02.", []),
        ("The sd of a is 40% lower than of b.", []),
        ("a took 20% less memory than b.", []),
        ("a should be 5% lower than b.", []),
        ("It was said that a and b are “equivalent”.", []),
        ("For a the 95% CI of the gain is [0.08%, 0.40%].", []),
        ("For a the 95% bootstrap interval is [0.95, 1.05].", []),
        ("a vs b: effect size d = 0.3 (Cliff's delta).", []),
        ("The correlation of a and b has p = 0.4.", []),
        ("a and b are equivalent within a margin of 5% (TOST).", []),
        ("At alpha = 0.0001, a and b do not differ significantly (p = 0.000295).", []),
    ],
)
def test_a_sentence_is_held_against_the_table(sentence: str, found: list[str]) -> None:
    assert rules(check_report(TABLE + sentence)) == found


def test_a_seed_table_is_the_source_of_means_and_sds() -> None:
    x = [1.0124, 1.0431, 0.9817, 1.0752]
    seeds = "| Seed | a |\n|---|---|\n" + "\n".join(f"| {k} | {v} |" for k, v in enumerate(x))
    head = "| group | mean | std |\n|---|---|---|\n"
    good = f"{seeds}\n\n{head}| a | {np.mean(x):.3f} | {np.std(x, ddof=1):.3f} |"
    assert check_report(good).counts == {"holds": 2, "fails": 0, "unchecked": 0}
    slip = good.replace(f"{np.std(x, ddof=1):.3f}", f"{np.std(x):.3f}")
    assert rules(check_report(slip)) == ["population_sd"]
    assert rules(check_report(good.replace(f"{np.mean(x):.3f}", "1.125"))) == ["mean"]


def test_a_table_with_measures_down_its_side_is_read() -> None:
    text = "| | a | b |\n|---|---|---|\n| mean | 1.0 | 2.0 |\n| p-value | 0.1 | 0.2 |"
    assert [kind for kind, _ in kinds(text)] == ["mean", "mean", "p", "p"]


def test_plus_minus_is_a_sd_only_where_it_is_said() -> None:
    said = "| group | mean ± sd |\n|---|---|\n| a | 1.00 ± 0.10 |"
    assert [kind for kind, _ in kinds(said)] == ["mean", "sd"]
    assert [kind for kind, _ in kinds(said.replace(" ± sd", ""))] == ["mean", "spread"]
    assert [kind for kind, _ in kinds(said.replace("sd", "95% CI"))] == ["mean", "interval"]


def test_code_is_no_claim() -> None:
    assert check_report("```\np = 0.000\n```\n").verdicts == []
    assert len(check_report("p = 0.000\n").verdicts) == 1


def test_stars_are_held_against_p() -> None:
    text = "| pair | p |\n|---|---|\n| a vs b | {} |"
    assert rules(check_report(text.format("0.03*"))) == []
    assert rules(check_report(text.format("**0.03**"))) == []
    assert rules(check_report(text.format("0.03**"))) == ["significance"]


def test_p_follows_from_the_t_and_df_beside_it() -> None:
    p = 2 * stats.t.sf(2.1, 18)
    assert rules(check_report(f"x against y: t(18) = 2.10, p = {p:.3f}.")) == []
    assert rules(check_report(f"x against y: t(18) = 2.10, p = {p / 2:.3f}.")) == ["p"]
    assert rules(check_report(f"x against y: t = 2.10, p = {p / 2:.3f}.")) == []


def test_a_german_report_is_read() -> None:
    head = "| Gruppe | Mittelwert | Standardabweichung | n |\n|---|---|---|---|\n"
    text = f"{head}| a | 1,00 | 0,10 | 10 |\n| b | 1,20 | 0,10 | 10 |"
    assert rules(check_report(f"{text}\n\na vs. b: t = -4,472; p = 0,000295.")) == []
    assert rules(check_report(f"{text}\n\na vs. b: t = -3,472; p = 0,0295.")) == ["p", "t"]


def test_three_groups_in_a_sentence_are_told_apart_or_left_alone() -> None:
    table = TABLE.rstrip("\n") + "\n| c | 1.50 | 0.10 | 10 |\n\n"
    before = "a/b p = 0.000295, a/c p = 1.5e-09."
    after = "p = 0.000295 for a/b, p = 1.5e-09 for a/c."
    assert [v.claim.groups for v in check_report(table + before).verdicts if v.claim.kind == "p"] == [
        ("a", "b"),
        ("a", "c"),
    ]
    assert [v.claim.groups for v in check_report(table + after).verdicts if v.claim.kind == "p"] == [
        ("a", "b"),
        ("a", "c"),
    ]
    unclear = "a is better than b (p = 0.5) and c (p = 0.6)."
    assert rules(check_report(table + unclear)) == ["p"]


def test_words_that_only_look_like_names_name_no_group() -> None:
    table = "| group | mean |\n|---|---|\n| A | 1 |\n| random | 2 |\n| none | 3 |\n\n"
    for sentence in ("A is a fluke (p = 0.2).", "A over 10 random seeds: p = 0.2.", "None of A: p = 0.2."):
        (p,) = (v.claim for v in check_report(table + sentence).verdicts if v.claim.kind == "p")
        assert p.groups == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No numbers here.",
        "| a |\n|---|\n",
        "| group | mean |\n|---|---|\n",
        "| group | mean\n|---|---|---|\n| a | NaN | | |\n| b |\n||||\n",
        "| group | mean | sd | n |\n|---|---|---|---|\n| a | inf | nan | 0 |\n| a | - | n/a | -3 |",
        "|---|\n|---|\n|---|",
        "| mean |\n|-|\n| 1e999 |",
        "```\n| a | mean |\n|---|---|\n| a | 1 |\n```",
        "p = 1e-400, n = 99999999999999999999, t(0) = 1.0, p = 0.5",
    ],
)
def test_what_holds_no_claim_or_is_damaged_is_not_accused(text: str) -> None:
    assert rules(check_report(text)) == []


WORDS = (
    "a b q101 none random vs / than lower higher % 0.4% p = t d n mean ± sd 95% CI [ ] ( ) , . | --- \n "
    "| 0.01 1,5 1e-5 -2 10 0 ** * seed 3 equivalent significant not NaN inf $ \\times 10^{-5} ⁻⁵ # ``` "
    "<sup>2</sup> 1e308 1e-320 Cohen's t(18) 1e300"
).split(" ")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(WORDS), max_size=60))
def test_no_sequence_of_a_reports_words_is_too_much(words: list[str]) -> None:
    check_report(" ".join(words))


CELLS = ["1", "0.5", "0", "-1e-5", "1e300", "a", "b", "a vs b", "3", "NaN", "", "0.1 ± 0.2", "[1, 2]", "0.0"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.sampled_from(CELLS), min_size=7, max_size=7), max_size=5))
def test_no_table_is_too_much(rows: list[list[str]]) -> None:
    lines = ["| group | mean | sd | n | 95% CI | p | t |", "|---|---|---|---|---|---|---|"]
    text = "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
    check_report(f"{text}\n\na is 3% lower than b (p = 0.2, d = 1.0), they are equivalent.")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_no_text_is_too_much(text: str) -> None:
    check_report(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The groups differ, F(3,16)=18.4, p<0.001.", []),
        ("The groups differ, F(3,16)=1.84, p<0.001.", ["p"]),
        ("One-sided z-test: `z=4.49`, `p=3.56e-6`.", []),
        ("A t-test gives t = 4.1, p = 0.3.", ["p"]),  # at df = 1 it is 0.15, the largest there is
        ("A t-test gives t = 4.1, p = 0.12.", []),
        ("We call F.normalize(x, p=2, dim=-1) and use dropout with p = 1.5.", []),
        ("**τ = (t_end - S) / p.** The window is 1.2 wide.", []),
        ("The gain is significant (p = 0.03) but the loss is not (p = 0.4).", []),
        ("After Holm correction the gain is not significant (p = 0.03).", []),
        ("The gain is significant at the 10% level (p = 0.07).", []),
        ("The gain is marginally significant (p = 0.07).", []),
    ],
)
def test_statistics_and_their_p_are_read_as_they_are_written(text: str, found: list[str]) -> None:
    assert rules(check_report(text)) == found


def test_names_that_share_words_are_different_groups() -> None:
    head = "| method | seed | val loss |\n|---|---|---|\n"
    means = (("Ours", 1), ("Ours + EMA", 2))
    rows = [f"| {name} | {k} | {mean + k / 100:.2f} |" for name, mean in means for k in range(3)]
    summary = "\n\n| method | val loss (mean) |\n|---|---|\n| Ours | 1.01 |\n| Ours + EMA | 2.01 |"
    assert check_report(head + "\n".join(rows) + summary).counts == {"holds": 2, "fails": 0, "unchecked": 0}


def test_an_interval_that_ends_where_the_metric_ends_is_left_alone() -> None:
    head = "| k | n | accuracy mean | sd | 95% CI |\n|---|---|---|---|---|\n"
    text = f"{head}| a | 10 | 0.30 | 0.48 | [0.00, 0.64] |"
    assert rules(check_report(text)) == []

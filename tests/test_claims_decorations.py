"""Numbers with marks, columns that only look like differences, units of means: nobody is accused wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from ired_diag.claims import Checked, check_report
from ired_diag.final_values import study_of_tables
from ired_diag.runs.study import Study

BASELINE = (0.44532, 0.43983, 0.41068, 0.43515, 0.43997, 0.43272, 0.42824, 0.43513)
MUON = (0.42471, 0.40993, 0.40736, 0.42683, 0.41038, 0.40633, 0.43107, 0.40944)


def study_of(folder: Path, metric: str) -> Study:
    """Return runs that end at the values above."""
    path = folder / "finals.csv"
    rows = [
        f"{name},{seed},{value}\n"
        for name, values in (("baseline", BASELINE), ("muon", MUON))
        for seed, value in enumerate(values)
    ]
    path.write_text(f"method,seed,{metric}\n" + "".join(rows))
    return study_of_tables([path])


@pytest.fixture(scope="module")
def losses(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return study_of(tmp_path_factory.mktemp("losses"), "val_loss")


@pytest.fixture(scope="module")
def accuracies(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return study_of(tmp_path_factory.mktemp("accuracies"), "val_accuracy")


def accusations(result: Checked) -> list[str]:
    return [f.statement for f in result.findings if f.severity != "note"]


SPREADS = (
    r"$%s_{\pm %s}$", r"%s$_{\pm %s}$", r"$%s^{\pm%s}$", r"$\mathbf{%s_{\pm %s}}$", r"$%s_{\small\pm %s}$",
    r"%s\textsubscript{$\pm$%s}", r"%s<sub>±%s</sub>", r"%s <small>±%s</small>", r"%s\std{%s}",
    r"\makecell{%s\\ $\pm$%s}", r"\cellcolor{gray!20} %s $\pm$ %s", r"%s_{\text{\tiny $\pm$%s}}",
)  # fmt: skip
MARKS = (
    "%s*", "%s†", "%s[^1]", "%s<sup>1</sup>", "%s ✅", "%s ↓", "~%s", "≈ %s", r"%s$^{*}$", r"%s$^\dagger$",
    r"%s$^{2}$", r"%s\textsuperscript{1}", "%s (5/5)", "%s (rank 2)", r"$%s_{0.010}$",
    r"$%s^{+0.02}_{-0.01}$",
)  # fmt: skip


def table(cells: tuple[str, str]) -> str:
    return f"| method | val loss |\n|---|---|\n| baseline | {cells[0]} |\n| muon | {cells[1]} |\n"


@pytest.mark.parametrize("shape", SPREADS)
def test_a_spread_in_a_subscript_is_read_as_one(losses: Study, shape: str) -> None:
    right = check_report(table((shape % ("0.433", "0.011"), shape % ("0.416", "0.010"))), losses)
    assert right.counts["holds"] == 4
    assert not accusations(right)
    wrong = check_report(table((shape % ("0.433", "0.011"), shape % ("0.416", "0.031"))), losses)
    assert any("0.031" in words for words in accusations(wrong))


@pytest.mark.parametrize("shape", MARKS)
def test_a_mark_on_a_number_hides_no_mean(losses: Study, shape: str) -> None:
    right = check_report(table((shape % "0.433", shape % "0.416")), losses)
    assert right.counts["holds"] >= 2
    assert not accusations(right)
    wrong = check_report(table((shape % "0.433", shape % "0.396")), losses)
    assert accusations(wrong)


def test_a_power_is_no_mark(losses: Study) -> None:
    assert not accusations(check_report("The rate is $3 \\cdot 10^{-4}$, and $R^{2}$ is 0.5.", losses))


@pytest.mark.parametrize(
    ("head", "own", "other"),
    [
        ("vs. baseline", "1.00", "0.96"),
        ("rel. to baseline", "100%", "96%"),
        ("vs. baseline", "\u2013", "8/8"),
        ("vs. baseline", "\u2013", "p=0.003"),
        ("significance vs baseline", "\u2013", "0.003"),
        ("rank vs baseline", "\u2013", "1"),
        ("vs baseline", "", "-1.71"),
        ("Welch vs. baseline", "-", "0.003"),
    ],
)
def test_a_column_that_names_a_row_is_of_differences_only_where_it_is_certain(
    losses: Study, head: str, own: str, other: str
) -> None:
    rows = f"| baseline | 0.433 | {own} |\n| muon | 0.416 | {other} |\n"
    text = f"| method | val loss | {head} |\n|---|---|---|\n{rows}"
    assert not accusations(check_report(text, losses))
    assert not accusations(check_report(text))


def test_a_column_of_differences_is_still_held_against_the_means(losses: Study) -> None:
    rows = "| baseline | 0.433 | \u2013 |\n| muon | 0.416 | -0.047 |\n"
    text = f"| method | val loss | Δ vs. baseline |\n|---|---|---|\n{rows}"
    (words,) = accusations(check_report(text, losses))
    assert "-0.047" in words


def test_points_of_a_share_are_differences_of_percentages(accuracies: Study) -> None:
    rows = "| baseline | 43.34 | \u2013 |\n| muon | 41.58 | {} |\n"
    shape = f"| method | accuracy (%) | Δ vs. baseline |\n|---|---|---|\n{rows}"
    assert not accusations(check_report(shape.format("-1.76"), accuracies))
    assert accusations(check_report(shape.format("-2.76"), accuracies))


def test_a_change_in_percent_is_wrong_only_if_points_and_relative_are(accuracies: Study) -> None:
    shape = "| Metric | Before | After | Change |\n|---|---|---|---|\n| retention | 96.57% | 98.66% | {} |\n"
    assert not accusations(check_report(shape.format("+2.09%")))
    assert not accusations(check_report(shape.format("+2.16%")))
    assert accusations(check_report(shape.format("+4.09%")))


def test_a_share_of_a_count_is_no_mean() -> None:
    row = "| done | 10/40 (25%) | 20/40 (50%) | +25% |\n"
    text = f"| Metric | Before | After | Change |\n|---|---|---|---|\n{row}"
    assert not accusations(check_report(text))


@pytest.mark.parametrize("p", ["0.191", "0.189"])
def test_rounded_degrees_of_freedom_allow_each_p_within_their_rounding(p: str) -> None:
    assert not accusations(check_report(f"Welch's t-test, t(2.2) = 1.88, p = {p}."))


def test_a_p_that_no_rounding_gives_is_wrong() -> None:
    assert accusations(check_report("Welch's t-test, t(2.2) = 1.88, p = 0.120."))


@pytest.mark.parametrize("words", ['alternative = "l"', "95% CI [-Inf, 0.70]", "alternative: greater"])
def test_a_one_sided_p_is_right_where_the_output_is_one_sided(words: str) -> None:
    assert not accusations(check_report(f"{words}\n\nThe paired t-test: t(8) = 3.04, p = 0.992."))
    assert accusations(check_report("The paired t-test: t(8) = 3.04, p = 0.992."))


def test_advice_on_how_to_print_a_p_is_no_claim() -> None:
    advice = "## Common mistakes to avoid\n\n1. **Reporting p = .000**: Report p < .001 instead\n"
    assert not check_report(advice).findings
    (finding,) = check_report("The t-test gives t(8) = 14.1, p = .000.").findings
    assert "0.001" in finding.advice


def test_a_pronoun_leaves_open_who_is_compared(losses: Study) -> None:
    text = "Muon is better than adam; so does baseline (p = 0.5).\n\n" + table(("0.433", "0.416"))
    assert not accusations(check_report(text, losses))


def test_a_table_of_aligned_words_is_read_outside_of_code(losses: Study) -> None:
    text = "Final losses\n\nmethod    val_loss  sd\nbaseline  0.4334    0.0103\nmuon      0.4158    0.0100\n"
    assert check_report(text, losses).counts["holds"] >= 2
    assert accusations(check_report(text.replace("0.4158", "0.3958"), losses))


def test_a_change_from_a_to_b_is_read_after_the_verb_to_lower() -> None:
    assert not accusations(check_report("It lowers the loss from 0.615 to 0.577, i.e. by 6.2%."))
    assert accusations(check_report("It lowers the loss from 0.615 to 0.577, i.e. by 6.8%."))


def test_a_part_of_a_page_is_read_line_by_line() -> None:
    claim = "<p>The difference is significant (Welch t-test, p = 0.38).</p>\n"
    text = f"<h2>Summary</h2><ul>\n<li>a</li></ul>\n{claim}"
    (finding,) = check_report(text).findings
    assert finding.evidence["line"] == 3

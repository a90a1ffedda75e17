"""A number that may be no result of the runs is left unchecked; the same words without that room are held."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli.check import command
from ired_diag.claims import Checked, check_report
from ired_diag.runs.study import Study
from tests.made_runs import made_study

BASELINE = (0.44532, 0.43983, 0.41068, 0.43515, 0.43997, 0.43272, 0.42824, 0.43513)
DROPOUT = (0.43175, 0.41558, 0.43326, 0.43667, 0.4305, 0.41781, 0.42948, 0.40301)
MUON = (0.42471, 0.40993, 0.40736, 0.42683, 0.41038, 0.40633, 0.43107, 0.40944)


def study() -> Study:
    """Return three groups of eight seeds; baseline 0.4334 ± 0.0105, muon 0.4158 ± 0.0100."""
    groups = {"baseline": BASELINE, "dropout": DROPOUT, "muon": MUON}
    return made_study(groups, "val_loss", curve=lambda final: (final + 0.1, final))


STUDY = study()


def accusations(text: str) -> list[str]:
    return [f.statement for f in check_report(text, STUDY).findings if f.severity != "note"]


def reasons(checked: Checked) -> str:
    return "; ".join(verdict.why for verdict in checked.verdicts if verdict.outcome == "unchecked")


NO_RESULTS = [  # a number that is right or wrong by data that are not here, and the words that say so
    ("The minimal detectable effect for baseline vs muon is d = 1.5; we observe d = 1.72.", "power"),
    ("baseline vs muon: with 80% power an effect of d = 1.5 is detectable.", "power"),
    (
        "With n = 8 seeds per arm and \u03c3 = 0.0105, a difference of 0.015 is detectable with 80% power; "
        "baseline vs muon differ by 0.0176.",
        "power",
    ),
    ("The smallest effect of interest between baseline and muon is a difference of 0.004.", "power"),
    ("baseline vs muon: d = 1.72, 95% CI [0.53, 2.87].", "interval of the effect size"),
    ("Cohen's d for baseline vs muon is 1.72 (95% CI 0.53 to 2.87).", "interval of the effect size"),
    ("> TODO: rerun muon with 10 seeds.", "announced"),
    ("We are also running muon on 4 seeds with another schedule.", "announced"),
    (
        "We ran 24 runs in total (3 methods \u00d7 8 seeds, seeds 0 to 7); muon had a val loss of 0.416 on "
        "average.",
        "total",
    ),
    ("A total of 40 runs went into muon.", "total"),
    ("Trimmed mean of muon 0.415.", "another statistic"),
    ("The geometric mean of muon is 0.4151.", "another statistic"),
    ("Log-transformed val losses: baseline vs muon t(14) = 3.48.", "another statistic"),
    ("Excluding seed 2, the mean val loss of baseline is 0.437 ± 0.005 (n = 7).", "part of the seeds"),
    ("Without seeds 3 and 6 the mean of muon is 0.4114 (n = 6).", "part of the seeds"),
    ("The first three seeds of muon have a mean of 0.4140 (n = 3).", "part of the seeds"),
    ("In a pilot with 3 seeds, muon reached 0.4140 ± 0.0093; in the full study it reaches 0.4158.", "pilot"),
    (
        "We originally reported p = 0.02 for baseline vs muon; the right value is p = 0.004.",
        "earlier version",
    ),
    (
        "Before the bug fix muon had a val loss of 0.431 ± 0.012; now it has 0.416 ± 0.010.",
        "earlier version",
    ),
    ("In an earlier version with 3 seeds, muon reached 0.4140 ± 0.0093; now 0.4158 ± 0.0100.", "earlier"),
    ("Smith et al. report a mean of 0.402 for muon.", "somebody else"),
    ("Submitting an average over 3 training runs is sufficient.", ""),
    ("For muon we tried three rates; val loss was 0.421, 0.416 and 0.447.", ""),
    ("Averaged over the last two evaluations, muon has a mean of 0.471.", "another readout"),
    ("For muon vs dropout W=4, p=.055 (n.s.).", "whose test the sentence does not name"),
    (
        "After Holm correction muon vs baseline is significant (p_adj = 0.012). With Bonferroni "
        "(\u03b1 = 0.05/3 = 0.0167) the raw Welch p = 0.004 of baseline vs muon is significant.",
        "corrected",
    ),
    ("Please submit at least 3 runs of muon.", "a rule"),
]


@pytest.mark.parametrize(("text", "words"), NO_RESULTS)
def test_a_number_that_is_no_result_of_the_runs_is_not_accused(text: str, words: str) -> None:
    checked = check_report(text, STUDY)
    assert [f.statement for f in checked.findings if f.severity != "note"] == []
    assert words in reasons(checked)


RESULTS = [  # the same kind of sentence, in which the number can only be of these runs
    "In a pilot with 3 seeds, muon reached 0.4140 ± 0.0093; in the full study it reaches 0.4358 ± 0.0100.",
    "We originally reported p = 0.02 for baseline vs muon; the right value is p = 0.04.",
    "Before the bug fix muon had a val loss of 0.431 ± 0.012; now it has 0.406 ± 0.010.",
    "The minimal detectable effect for baseline vs muon is d = 1.5; we observe d = 2.72.",
    "The mean of muon is 0.425.",
    "baseline vs muon: the difference is 0.0176, 95% CI [0.0106, 0.0246].",
    "We trained muon with 10 seeds.",
    "baseline vs muon: t(14) = 4.48.",
    "Cohen's d of baseline vs muon is 0.72.",
    "The mean val loss of baseline is 0.437 ± 0.005 (n = 7).",
]


@pytest.mark.parametrize("text", RESULTS)
def test_a_wrong_result_of_the_runs_is_accused(text: str) -> None:
    assert accusations(text)


TABLE = "| Method | val loss |\n|---|---|\n| baseline | {} |\n| muon | {} |\n"


@pytest.mark.parametrize(
    "above",
    [
        "Error bars are ± 2 standard deviations.",
        "Error bars show two standard errors of the differences, 2 \u00d7 SE.",
        "Mean and 2\u03c3.",
    ],
)
def test_error_bars_of_two_deviations_are_not_held_against_one(above: str) -> None:
    table = TABLE.format("0.433 ± 0.021", "0.416 ± 0.020")
    assert accusations(f"{above}\n\n{table}") == []
    assert accusations(f"Results.\n\n{table}")


@pytest.mark.parametrize("heading", ["## Pilot (3 seeds)", "## Earlier version", "## Before the data fix"])
def test_a_table_under_the_heading_of_another_study_is_not_accused(heading: str) -> None:
    table = TABLE.format("0.429", "0.414")
    assert accusations(f"{heading}\n\n{table}") == []
    assert accusations(f"## Full study\n\n{table}")


@pytest.mark.parametrize("label", ["muon (paper, 3 seeds)", "muon (Smith et al.)", "muon (published)"])
def test_a_cited_row_is_not_accused(label: str) -> None:
    rows = f"| Method | val loss |\n|---|---|\n| muon (ours) | 0.416 |\n| {label} | {{}} |\n"
    assert accusations(rows.format("0.409")) == []
    assert accusations(rows.replace("0.416", "0.426").format("0.409"))


@pytest.mark.parametrize("name", ["muon-large", "muon-XL", "non-muon"])
def test_a_compound_name_is_another_group(name: str) -> None:
    assert accusations(f"{name} was trained with 4 seeds; its mean is 0.391.") == []
    assert accusations("muon was trained with 4 seeds; its mean is 0.391.")


MEDIANS = """
{sentence}

| Method | Mean±Std | Median |
|---|---|---|
| ACE | 0.92±0.73 | 0.61 |
| OED | 2.04±0.12 | 1.99 |
"""


@pytest.mark.parametrize(
    "sentence",
    [
        "ACE median: 0.61, a 69% improvement over OED.",
        "By its median, ACE is 69% lower than OED.",
        "ACE is 3.3x lower than OED in the median.",
    ],
)
def test_a_ratio_of_medians_is_not_held_against_means(sentence: str) -> None:
    assert [f for f in check_report(MEDIANS.format(sentence=sentence)).findings if f.severity != "note"] == []


def test_a_ratio_of_means_that_does_not_follow_is_found_beside_medians() -> None:
    assert check_report(MEDIANS.format(sentence="On average ACE is 69% lower than OED.")).findings


def test_one_value_by_seed_convicts_no_mean() -> None:
    text = """## RTX 5080

| Variant | mean loss |
|---|---|
| Std | 140 |
| DG v2 | 700 |

## H100 ablation

| seed | Variant | loss |
|---|---|---|
| 1 | Std | 101 |
| 1 | DG v2 | 432 |
"""
    assert [f.statement for f in check_report(text).findings] == []


SEEDS = "| seed | A | B |\n|---|---|---|\n| 0 | 1.0 | 2.0 |\n| 1 | 1.2 | 2.2 |\n| 2 | 1.4 | 2.1 |\n"


def test_a_table_of_another_set_up_is_not_held_against_values_by_seed() -> None:
    means = "| | mean |\n|---|---|\n| A | {} |\n| B | {} |\n"
    other = f"## On the other machine\n\n{means.format('1.5', '2.6')}\n## By seed\n\n{SEEDS}"
    assert [f.statement for f in check_report(other).findings] == []
    lone = f"## Means\n\n{means.format('1.2', '2.6')}\n## By seed\n\n{SEEDS}"
    assert [f.evidence["groups"] for f in check_report(lone).findings] == ["B"]


def test_a_cell_of_which_mean_and_spread_are_wrong_is_one_finding() -> None:
    table = TABLE.format("0.433 ± 0.011", "0.396 ± 0.031")
    (finding,) = check_report(table, STUDY).findings
    assert finding.severity == "error"
    assert "the mean is printed as 0.396 ± 0.031" in finding.statement
    assert "after ±" in finding.statement
    (in_words,) = check_report("muon reaches 0.396 ± 0.031 val loss.", STUDY).findings
    assert "Also, the number after ±" in in_words.statement


@pytest.mark.parametrize(
    "text",
    ["The median of muon is 0.4158.", "The best seed of muon reaches 0.3963.", "The mean of muon is 0.428."],
)
def test_a_wrong_median_or_best_weighs_as_much_as_a_wrong_mean(text: str) -> None:
    assert [f.severity for f in check_report(text, STUDY).findings] == ["error"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It took 12 hours on 4 machines.", 2),
        ("The mean of muon is 0.4158.", 0),
        ("| | GPUs |\n|---|---|\n| muon | 8 |\n", 1),
        ("Nothing is printed here.", 0),
    ],
)
def test_numbers_that_are_part_of_no_claim_are_counted(text: str, count: int) -> None:
    assert check_report(text, STUDY).not_read == count


def run_check(report: Path, *arguments: str) -> str:
    result = CliRunner().invoke(command, [str(report), *arguments])
    assert result.exit_code == 0, result.output
    return str(result.output)


LOG = "step,val_loss\n100,0.5\n200,0.4\n300,0.35\n"


def test_the_first_line_says_which_runs_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = tmp_path / "report.md"
    report.write_text("Submitting an average over 3 training runs is sufficient.\n")
    monkeypatch.chdir(tmp_path)
    assert run_check(report).startswith("runs: none (")
    for seed in (0, 1):
        folder = tmp_path / "runs" / f"alpha_seed{seed}"
        folder.mkdir(parents=True)
        (folder / "metrics.csv").write_text(LOG)
    first = run_check(report).splitlines()[0]
    assert first.startswith("runs: runs (the default folder; --runs DIR names another): 2 of ")
    assert first.endswith("the report names none of these groups")
    assert "default" not in run_check(report, "--runs", str(tmp_path / "runs")).splitlines()[0]


def test_a_folder_without_readable_runs_is_said_to_be_one(tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    report.write_text("| method | accuracy |\n|---|---|\n| a | 91.8 |\n| b | 93.1 |\n")
    folder = tmp_path / "finals"
    folder.mkdir()
    (folder / "final.csv").write_text("the table is in the appendix\n")
    output = run_check(report, "--runs", str(folder))
    assert output.startswith(f"runs: none could be read in {folder} (final.csv: ")
    assert "no runs were given" not in output

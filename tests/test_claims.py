"""The claim check against what the study published, against runs that are known, and against itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from app.cli.check import command
from app.cli.stats_markup import as_markdown
from ired_diag.claims import Checked, check_report
from ired_diag.claims.report_file import open_report
from ired_diag.comparison import compare
from ired_diag.errors import NotFound, UnreadableFile
from ired_diag.open import open_study
from ired_diag.runs.study import Study
from tests.made_runs import made_run

METRIC = "validation/mse"
STRATEGIES = {"q101": "Baseline", "q102": "Random", "q103": "Adversarial"}


def study_of(samples: Mapping[str, Sequence[float]], **keys: Any) -> Study:
    """Return a study whose runs end at the given values, after better and worse ones."""
    strategies = ("none", "random", "adversarial", "mixed")
    runs = []
    for number, (group, values) in enumerate(samples.items()):
        config = {"mining_strategy": strategies[number % 4], **keys}
        for seed, value in enumerate(values):
            curve = {METRIC: [9 * value, 0.9 * value, value]}
            runs.append(made_run(group, seed, every=1, config=config, metrics=curve))
    return Study.of(runs)


def faults(checked: Checked) -> dict[str, int]:
    rules = [finding.rule.removeprefix("claim_") for finding in checked.findings]
    return {rule: rules.count(rule) for rule in dict.fromkeys(rules)}


def outcomes(checked: Checked, kind: str) -> list[str]:
    return [verdict.outcome for verdict in checked.verdicts if verdict.claim.kind == kind]


@pytest.fixture
def samples(rng: np.random.Generator) -> dict[str, list[float]]:
    shared = rng.normal(0, 2e-5, 10)
    means = {"q901": 0.00969, "q902": 0.00975, "q903": 0.0101}
    return {
        name: [float(f"{v:.8f}") for v in m + shared + rng.normal(0, 3e-5, 10)] for name, m in means.items()
    }


@pytest.fixture(scope="module")
def logs(shared: Path) -> Study:
    return open_study(shared / "ired_logs")


def correct_report(samples: Mapping[str, Sequence[float]]) -> str:
    """Return a report that says nothing wrong: t intervals, sample sds, paired tests."""
    rows, tests = [], []
    names = list(samples)
    for name in names:
        x = np.array(samples[name])
        low, high = stats.t.interval(0.95, len(x) - 1, x.mean(), stats.sem(x))
        rows.append(f"| {name} | {x.mean():.7f} | {x.std(ddof=1):.3g} | [{low:.7f}, {high:.7f}] | {len(x)} |")
    for a, b in ((names[0], names[1]), (names[0], names[2]), (names[1], names[2])):
        x, y = np.array(samples[a]), np.array(samples[b])
        test, d = stats.ttest_rel(x, y), x - y
        effect = d.mean() / d.std(ddof=1)
        change = 100 * (y.mean() - x.mean()) / y.mean()
        tests.append(
            f"| {a} vs {b} | {test.statistic:.3f} | {test.pvalue:.3g} | {effect:.2f} | {change:.2f}% |"
        )
    return "\n".join([
        "# Results", "", "Last evaluations.", "",
        "| Group | Mean MSE | SD | 95% CI | n |", "|---|---:|---|:-:|---|", *rows, "",
        "Paired t tests over the seeds.", "",
        "| Pair | t | p | Cohen's d | relative difference |", "|---|---|---|---|---|", *tests, "",
    ])  # fmt: skip


def published_report(shared: Path) -> str:
    """Return the report as the study published it: population sds, z intervals, Student's tests."""
    published = json.loads((shared / "published_results.json").read_text())
    rows = []
    for group, name in STRATEGIES.items():
        x = np.array(published[group]["values"])
        half = 1.96 * x.std() / np.sqrt(len(x))
        rows.append(
            f"| {name} ({group}) | {x.mean():.8f} | {x.std():.8f} "
            f"| [{x.mean() - half:.8f}, {x.mean() + half:.8f}] | {len(x)} |"
        )
    tests = [
        f"| {STRATEGIES[t['a']]} vs {STRATEGIES[t['b']]} | {t['t']:.4f} | {t['p']:.3g} |"
        for t in published["published_tests"]
    ]
    return "\n".join([
        "# Multi-seed validation", "",
        "| Strategy | Mean MSE | Std Dev | 95% CI | n |", "|---|---|---|---|---|", *rows, "",
        "Independent t-tests:", "", "| Comparison | t | p-value |", "|---|---|---|", *tests, "",
        "Baseline is 0.004% better than Random. Baseline and Random are equivalent (p = 0.0882).",
        "Random vs Adversarial is significant (p = 0.0428).", "",
    ])  # fmt: skip


def test_each_slip_of_the_published_report_is_found_and_the_rest_is_confirmed(
    shared: Path, logs: Study
) -> None:
    checked = check_report(published_report(shared), logs)
    found = faults(checked)
    assert found.pop("unpaired") == 3
    assert found == {
        "population_sd": 3,
        "z_interval": 3,
        "percent_factor": 1,
        "equivalence": 1,
        "student_unequal_variances": 1,
    }
    assert checked.readout == "last"
    for kind in ("mean", "n", "t", "p", "significant"):
        assert set(outcomes(checked, kind)) == {"holds"}, kind
    assert checked.counts["unchecked"] == 0


def test_the_published_slips_are_told_with_both_numbers(shared: Path, logs: Study) -> None:
    checked = check_report(published_report(shared), logs)
    told = {finding.rule.removeprefix("claim_"): finding for finding in reversed(checked.findings)}
    assert "2.153e-05" in told["population_sd"].statement and "2.269e-05" in told["population_sd"].statement
    assert told["z_interval"].evidence["wider"] == pytest.approx(0.217, abs=0.001)
    assert told["percent_factor"].evidence["recomputed"] == pytest.approx(0.39, abs=0.005)
    assert "0.0505" in told["student_unequal_variances"].statement
    assert told["equivalence"].evidence["share_percent"] == pytest.approx(0.8, abs=0.01)


def test_rows_that_name_strategies_alone_are_resolved_by_their_number_of_seeds(
    shared: Path, logs: Study
) -> None:
    text = re.sub(r" \(q10\d\)", "", published_report(shared))
    checked = check_report(text, logs)
    assert checked.groups == {"Baseline": "q101", "Random": "q102", "Adversarial": "q103"}
    assert checked.counts == {"holds": 15, "fails": 8, "unchecked": 0}


def test_without_runs_the_printed_sds_show_that_they_are_population_ones(shared: Path) -> None:
    checked = check_report(published_report(shared))
    found = faults(checked)
    assert {"population_sd", "z_interval", "percent_factor", "equivalence"} <= found.keys()
    assert set(outcomes(checked, "mean")) == {"unchecked"}


def test_a_correct_report_of_the_real_runs_gives_no_finding(shared: Path, logs: Study) -> None:
    published = json.loads((shared / "published_results.json").read_text())
    text = correct_report({group: published[group]["values"] for group in STRATEGIES})
    checked = check_report(text, logs)
    assert checked.findings == []
    assert checked.counts == {"holds": 24, "fails": 0, "unchecked": 0}


@pytest.mark.parametrize("readout", ["plateau", "last", "last10"])
def test_what_the_stats_command_writes_is_not_accused(logs: Study, readout: str) -> None:
    groups = {name: logs.select(name) for name in STRATEGIES}
    checked = check_report(as_markdown(compare(groups, readout=readout)), logs)
    assert checked.findings == []
    assert checked.readout == readout
    assert checked.counts["holds"] >= 19


def test_a_correct_report_holds_wholly(samples: dict[str, list[float]]) -> None:
    checked = check_report(correct_report(samples), study_of(samples))
    assert checked.findings == []
    assert checked.counts == {"holds": 24, "fails": 0, "unchecked": 0}


def test_a_correct_report_holds_in_any_order_scale_and_name(samples: dict[str, list[float]]) -> None:
    renamed = {f"run{name}x": [1000 * v for v in values] for name, values in reversed(samples.items())}
    checked = check_report(correct_report(renamed), study_of(renamed))
    assert checked.counts == {"holds": 24, "fails": 0, "unchecked": 0}


def test_a_report_that_rounds_hard_is_not_accused(samples: dict[str, list[float]]) -> None:
    hard = re.sub(r"(\d\.\d{5})\d{2}", lambda found: f"{float(found[0]):.5f}", correct_report(samples))
    for study in (study_of(samples), None):
        assert check_report(hard, study).findings == []


NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?:e-\d+)?")


def changed(number: str) -> str:
    """Return a number with its leading digit that is not 0 changed."""
    at = next(place for place, digit in enumerate(number) if digit in "123456789")
    return f"{number[:at]}{int(number[at]) % 9 + 1}{number[at + 1 :]}"


def test_every_number_that_is_changed_is_found(samples: dict[str, list[float]]) -> None:
    text, study = correct_report(samples), study_of(samples)
    hits = list(NUMBER.finditer(text))
    assert len(hits) == 24
    for hit in hits:
        other = f"{text[: hit.start()]}{changed(hit[0])}{text[hit.end() :]}"
        line = other[: hit.start()].count("\n") + 1
        found = [
            finding for finding in check_report(other, study).findings if finding.evidence["line"] == line
        ]
        assert found, f"{hit[0]} -> {changed(hit[0])} in {other.splitlines()[line - 1]}"


def test_the_last_digit_of_a_mean_counts(samples: dict[str, list[float]]) -> None:
    text, study = correct_report(samples), study_of(samples)
    mean = f"{np.mean(samples['q901']):.7f}"
    off = f"{float(mean) + 1e-7:.7f}"
    assert faults(check_report(text.replace(mean, off, 1), study)) == {"mean": 1}


def test_a_wrong_n_is_found(samples: dict[str, list[float]]) -> None:
    text = correct_report(samples).replace("| 10 |", "| 12 |", 1)
    assert faults(check_report(text, study_of(samples))) == {"n": 1}


def test_a_mean_of_best_evaluations_is_called_luck(samples: dict[str, list[float]]) -> None:
    best = {name: 0.9 * np.mean(values) for name, values in samples.items()}
    text = "| group | mean MSE |\n|---|---|\n" + "\n".join(f"| {n} | {v:.7f} |" for n, v in best.items())
    checked = check_report(text, study_of(samples))
    assert faults(checked) == {"best_readout": 3}
    assert checked.counts["holds"] == 3


@pytest.mark.parametrize(
    ("where", "severity", "mean"),
    [("at step 1", "warning", lambda x: 9 * x), ("over the last 2", "warning", lambda x: 0.95 * x)],
)
def test_a_mean_of_another_readout_is_named_and_not_called_wrong(
    samples: dict[str, list[float]], where: str, severity: str, mean: Any
) -> None:
    text = f"| Group | Mean |\n|---|---|\n| q901 | {mean(np.mean(samples['q901'])):.7f} |\n"
    (finding,) = check_report(text, study_of(samples)).findings
    assert (finding.severity, where in finding.statement) == (severity, True)


def test_swapped_rows_are_named(samples: dict[str, list[float]]) -> None:
    text = "\n".join([
        "| group | mean MSE |", "|---|---|",
        f"| q901 | {np.mean(samples['q903']):.7f} |", f"| q902 | {np.mean(samples['q902']):.7f} |",
        f"| q903 | {np.mean(samples['q903']):.7f} |",
    ])  # fmt: skip
    checked = check_report(text, study_of(samples))
    assert "It is the mean of q903." in checked.findings[0].statement


def test_strategies_name_groups_and_shared_ones_are_not_guessed(samples: dict[str, list[float]]) -> None:
    text = "| Strategy | mean MSE |\n|---|---|\n| No mining | 0.5 |\n| adversarial | 0.6 |"
    named = check_report(text, study_of(samples))
    assert named.groups == {"No mining": "q901", "adversarial": "q903"}
    assert named.counts["fails"] == 2
    twice = samples | {
        "q904": samples["q901"],
        "q905": samples["q902"],
        "q906": samples["q903"],
        "q907": [1.0, 2.0],
    }
    two = Study.of([*study_of(samples).runs, *study_of(dict(list(twice.items())[3:])).runs])
    assert check_report(text, two).groups["No mining"] is None


def test_another_metric_is_not_held_against_the_runs(samples: dict[str, list[float]]) -> None:
    head = "| group | mean hours | mean training loss | mean widgets |\n|---|---|---|---|\n"
    text = f"{head}| q901 | 1.6 | 0.009 | 87.1 |"
    checked = check_report(text, study_of(samples))
    assert checked.counts == {"holds": 0, "fails": 0, "unchecked": 3}


def test_unpaired_tests_of_pairs_are_remarked(samples: dict[str, list[float]]) -> None:
    x, y = samples["q901"], samples["q903"]
    text = f"q901 and q903 differ (Welch, p = {stats.ttest_ind(x, y, equal_var=False).pvalue:.3g})."
    checked = check_report(text, study_of(samples, rank=20, ood=False))
    assert [(f.rule, f.severity) for f in checked.findings] == [("claim_unpaired", "note")]
    ranks = ({"q901": x}, 20), ({"q903": y}, 10)
    apart = [one for values, rank in ranks for one in study_of(values, rank=rank, ood=False).runs]
    assert check_report(text, Study.of(apart)).findings == []
    assert check_report(text, study_of(samples)).findings == []  # nothing is stated of the data


def test_a_test_that_is_not_the_one_named_is_found(samples: dict[str, list[float]]) -> None:
    x, y = samples["q901"], samples["q902"]
    means = "".join(f"The mean of {n} is {np.mean(v):.7f}. " for n, v in samples.items())
    text = f"{means}By a paired t test q901 and q902 differ: p = {stats.ttest_ind(x, y).pvalue:.3g}."
    assert faults(check_report(text, study_of(samples))) == {"wrong_test": 1}


def test_two_means_in_a_row_have_their_own_spreads(samples: dict[str, list[float]]) -> None:
    head = "| group | last MSE mean | sd | best MSE mean | sd |\n|---|---|---|---|---|\n"
    x = np.array(samples["q901"])
    rows = (
        f"| q901 | {x.mean():.7f} | {x.std(ddof=1):.3g} | {0.9 * x.mean():.7f} | {0.9 * x.std(ddof=1):.3g} |"
    )
    checked = check_report(head + rows, study_of(samples))
    assert checked.counts == {"holds": 4, "fails": 0, "unchecked": 0}
    assert faults(checked) == {"best_readout": 1}


def test_a_report_that_is_no_text_is_refused_in_one_sentence(tmp_path: Path) -> None:
    report = tmp_path / "results.md"
    with pytest.raises(NotFound, match="found nothing"):
        open_report(report)
    with pytest.raises(NotFound, match="a folder"):
        open_report(tmp_path)
    report.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableFile, match="UTF-8"):
        open_report(report)


def test_the_command_prints_a_summary_and_fails_where_it_is_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report = tmp_path / "results.md"
    report.write_text("a vs b: not significant (p = 0.01)\n")
    plain = CliRunner().invoke(command, [str(report)])
    assert plain.exit_code == 0
    assert "checked 1 of 2 claims: 0 hold, 1 does not; 1 could not be checked" in plain.output
    assert "> a vs b: not significant (p = 0.01)" in plain.output
    assert CliRunner().invoke(command, [str(report), "--fail-on", "error"]).exit_code == 3
    told = json.loads(CliRunner().invoke(command, [str(report), "--json"]).output)
    assert told["counts"] == {"holds": 0, "fails": 1, "unchecked": 1}
    assert len(told["claims"]) == 2

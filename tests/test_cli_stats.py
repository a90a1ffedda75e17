"""``ired-diag stats``: what it prints, as text, JSON, LaTeX and Markdown; sweeps; frozen problems."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import ired_diag as ird
from app.cli import main
from app.cli.demo import sample_runs
from ired_diag.stats.two_level_bootstrap import two_level_bootstrap
from ired_diag.table import read_table

NARROW = ("width=8", "time_embedding=8", "time_width=8", "batch_size=8", "rank=3")
BRIEF = ("train_steps=40", "validate_every=1", "validation_batches=1", "validation_batch_size=4")


def call(*arguments: object, status: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == status, result.output
    return result


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep over the steps of mining, two tiny seeds each."""
    runs = tmp_path_factory.mktemp("runs")
    settings = [word for knob in (*NARROW, *BRIEF, "checkpoint_every=40") for word in ("--set", knob)]
    call("train", "q301", "--seeds", "0-1", "--runs", runs, "--device", "cpu", *settings)
    return runs


def test_the_studys_logs_get_their_verdict_and_its_caveats(shared: Path) -> None:
    told = call("stats", "q101", "q102", "--runs", shared / "ired_logs", "--full").stdout
    for words in (
        "mean over the plateau from step 2",
        "q101 is better than q102 by 0.235% (95% interval 0.0737% to 0.396% of q102's mean",
        "smaller than the 1% margin (default)",
        "changes with the readout",
        "they share evaluation noise",
        "Simulated coverage of the t interval",
        "Kendall's W",
        "is evaluation noise",
        "more than 5% better",
    ):
        assert words in told


def test_the_published_numbers_alone_are_enough(shared: Path) -> None:
    result = call("stats", shared / "published_results.json", "--readout", "last")
    assert "q101 is better than q103" in result.stdout
    assert "q102 is better than q103" not in result.stdout  # Welch's p is 0.0505, the paired one 0.009
    assert "a table does not say whether its seeds share data" in result.stdout
    fallen = call("stats", shared / "published_results.json")
    assert "plateau" not in fallen.stderr  # each seed is one number
    assert fallen.stdout.splitlines()[:-1] == result.stdout.splitlines()[:-1]  # the last names its options


def test_json_holds_every_number_in_full(shared: Path) -> None:
    told = json.loads(call("stats", "q101", "q102", "q103", "--runs", shared / "ired_logs", "--json").stdout)
    pair = told["pairs"][0]
    assert pair["paired"]["p"] == pytest.approx(0.00801907, rel=1e-5)
    assert len(told["groups"][0]["values"]) == 10
    assert told["groups"][0]["noise"]["split"]["icc"] < 0.05
    assert pair["p_holm"] == pytest.approx(max(p["paired"]["p"] for p in told["pairs"]))
    assert [line["readout"] for line in pair["by_readout"]] == ["plateau", "last", "best", "last10", "area"]
    assert told["ranks"]["friedman"]["method"] == "exact"


def test_a_name_that_means_nothing_is_an_error_and_a_pattern_among_paths_a_note() -> None:
    result = call("stats", "q101", "q999", "q102", "--runs", sample_runs(), status=1)
    assert "No run is named 'q999'" in result.stderr and not result.stdout
    folders = [sample_runs() / name for name in ("q101", "q102")]
    misspelled = call("stats", *folders, "q999", "--runs", sample_runs(), status=1)
    assert "No run is named 'q999'" in misspelled.stderr and not misspelled.stdout
    among_paths = call("stats", *folders, "q99*", "--runs", sample_runs())
    assert "No run is named 'q99*'" in among_paths.stderr
    assert "q101 and q102" in among_paths.stdout
    assert "No run is named" in call("stats", "q998", "q99*", "--runs", sample_runs(), status=1).stderr


@pytest.mark.parametrize("command", ["figures", "report"])
@pytest.mark.parametrize("misspelled", ["q999", "q101x", "Q102"])
def test_a_misspelled_group_among_paths_is_an_error_in_every_command(
    tmp_path: Path, command: str, misspelled: str
) -> None:
    target = tmp_path / "out"
    folder = sample_runs() / "q101"
    result = call(command, folder, misspelled, "--runs", sample_runs(), "--out", target, status=1)
    assert f"No run is named {misspelled!r}" in result.stderr
    assert not target.exists()


def test_the_same_command_prints_the_same_bytes() -> None:
    command = ("stats", "q101", "q102", "--runs", sample_runs(), "--json")
    assert call(*command).stdout == call(*command).stdout


def test_latex_is_escaped_and_markdown_is_a_table(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    table.write_text("seed,a_b,c|d\n0,1,2\n1,1.1,2.5\n2,1.2,2.1\n", encoding="utf-8")
    latex = call("stats", table, "--latex").stdout
    assert r"a\_b & 3 & 1.1" in latex
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 1
    assert r"inside 1\% of the mean" in latex
    markdown = call("stats", table, "--markdown").stdout
    assert "| a_b | 3 | 1.1" in markdown
    assert r"c\|d" in markdown
    assert "**Methods.**" in markdown
    assert "**Results.**" in markdown


def test_latex_stands_alone_on_stdout_with_notes_as_comments(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    names = r"a\b,c~d^2,δ≤1 " "q" " <x>,100%_#1"
    table.write_text(f"seed,{names}\n0,1,2,-1,nan\n1,1.1,2.5,-1.2,3\n2,1.2,2.1,1.3,3.3\n", encoding="utf-8")
    result = call("stats", table, "--latex")
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert any(line.startswith("% note: ") and "--margin Xabs" in line for line in lines)
    assert lines[0].startswith("% metric: value (lower is better, assumed")
    body = "\n".join(line for line in lines if not line.startswith("%"))
    bare = re.sub(r"\\[A-Za-z]+|\\.|\$[^$\n]*\$", "", body)  # commands, escaped signs, formulas
    assert body.isascii()
    assert not re.search(r"[#$%_~^\\<>|]", bare)
    assert bare.count("{") == bare.count("}")
    assert {row.count("&") for row in bare.splitlines() if "&" in row} == {6}
    assert "among the seeds that finished" in body.partition(r"\begin{tabular}")[0]


@pytest.mark.slow
def test_a_sweep_names_the_best_setting_and_its_luck(swept: Path) -> None:
    told = call("stats", "q301", "--sweep", "mining_opt_steps", "--runs", swept).stdout
    assert "Response to mining_opt_steps" in told
    assert "Best is mining_opt_steps =" in told
    assert "selection bias" in told
    assert "Page's L" in told


def test_a_sweep_from_python_has_the_groups_of_the_command(swept: Path) -> None:
    printed = json.loads(
        call("stats", "q301", "--sweep", "mining_opt_steps", "--runs", swept, "--json").stdout
    )
    comparison = ird.compare("q301", sweep="mining_opt_steps", runs=swept)
    assert [group.name for group in comparison.groups] == [group["name"] for group in printed["groups"]]
    assert comparison.sweep is not None


@pytest.mark.parametrize(
    ("knob", "words"), [("colour", "have no number for it"), ("mining_noise_scale", "differ in it")]
)
def test_groups_that_are_no_sweep_over_the_knob_are_refused(swept: Path, knob: str, words: str) -> None:
    assert words in call("stats", "q301", "--sweep", knob, "--runs", swept, status=1).stderr


def test_a_name_that_means_a_sweep_is_refused_without_it(swept: Path) -> None:
    assert "means 5 variants" in call("stats", "q301", "--runs", swept, status=1).stderr


def test_runs_with_tables_of_accuracy_are_compared_on_the_same_matrices(swept: Path) -> None:
    groups = ("q301@mining_opt_steps=1", "q301@mining_opt_steps=5")
    call(
        "probe", "accuracy", *groups, "--runs", swept, "--samples", 60, "--figures", "none", "--device", "cpu"
    )
    told = json.loads(call("stats", *groups, "--runs", swept, "--json").stdout)
    (pair,) = told["pairs"]
    found = {one["error"]: one["result"] for one in pair["per_sample"]}
    errors = []
    for steps in (1, 5):
        seeds = []
        for seed in (0, 1):
            path = (
                swept / "q301" / f"mining_opt_steps={steps}" / f"seed{seed}" / "probes" / "accuracy.parquet"
            )
            rows, _ = read_table(path, data="id", level=-1, inner_steps=5)
            seeds.append(rows["mse"][np.argsort(rows["sample"])])
        errors.append(np.array(seeds))
    expected = two_level_bootstrap(errors[0], errors[1], paired=True, seed=0)
    assert found["mse"]["difference"] == pytest.approx(expected.difference, rel=1e-12)
    assert (found["mse"]["low"], found["mse"]["high"]) == pytest.approx((expected.low, expected.high))
    assert found["mse"]["samples"] == 60
    printed = call("stats", *groups, "--runs", swept, "--full").stdout
    assert "On the same frozen matrices" in printed


@pytest.mark.parametrize("margin", ["0", "-1%", "200%", "x"])
def test_a_margin_that_is_no_share_is_refused(margin: str) -> None:
    result = CliRunner().invoke(main, ["stats", "q101", "--runs", str(sample_runs()), f"--margin={margin}"])
    assert result.exit_code in (1, 2)
    assert "share" in result.output


@pytest.mark.parametrize("margin", ["0abs", "-1abs", "infabs", "xabs", "nanabs"])
def test_an_absolute_margin_that_is_none_is_refused(margin: str) -> None:
    result = CliRunner().invoke(main, ["stats", "q101", "--runs", str(sample_runs()), f"--margin={margin}"])
    assert result.exit_code == 2
    assert "absolute margin" in result.output.lower()


@pytest.mark.parametrize("width", [80, 110, 160])
def test_a_narrow_terminal_keeps_each_readout_and_every_reason(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    full = call("stats", "q101", "q103", "--runs", sample_runs(), "--full").stdout
    assert max(map(len, full.splitlines())) <= width
    table = full.partition("The same by every readout\n")[2]
    (heading,) = table.splitlines()[:1]
    for name in ("readout", "difference", "95% interval", "verdict"):
        assert name in heading
    criteria = " ".join(full.partition("Success, of the first")[2].split())
    comparison = ird.compare("q101", "q103", runs=sample_runs())
    (pair,) = comparison.pairs
    assert pair.criteria
    for criterion in pair.criteria:
        assert criterion.name in criteria
        assert " ".join(criterion.reason.split()) in criteria

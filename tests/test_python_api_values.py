"""What the functions of the Python API return, and how it shows itself in a console and a notebook."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

import ired_diag as ird
from app.calls.findings import findings_of
from app.cli.demo import sample_runs
from app.cli.diagnosis import Diagnosis
from app.next_command import Place
from ired_diag import forensics
from ired_diag.errors import DiagError, NotFound
from ired_diag.finding import Finding
from ired_diag.open import open_study
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

SUMMARY = {"n": 1, "attempted": 3, "finished": 1}


@pytest.fixture(scope="module")
def study() -> Study:
    return open_study(sample_runs())


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "results.csv"
    rows = [
        f"{name},{seed},{shift + seed / 7}" for name, shift in (("a", 1.0), ("b", 3.0)) for seed in range(4)
    ]
    path.write_text("\n".join(["experiment,seed,val_loss", *rows]))
    return path


def test_findings_come_in_the_order_of_the_command(study: Study) -> None:
    findings = ird.diagnose(study)
    plain = forensics.diagnose(study)
    clusters = Diagnosis(study, plain, [], Place()).clusters
    ordered = [finding.statement for cluster in clusters for finding in cluster.findings]
    assert [finding.statement for finding in findings] == ordered
    assert sorted(finding.statement for finding in plain) == sorted(ordered)
    order = ["conclusion", "number", "compute", "hygiene"]
    frame = findings.frame()
    grave = frame[frame["severity"] != "note"]["consequence"].map(order.index)
    assert list(grave) == sorted(grave) and len(frame) == len(findings)
    assert list(frame["statement"]) == [finding.statement for finding in findings]


def test_findings_show_each_fact_once_and_no_finding_is_no_proof() -> None:
    finding = Finding("incomplete", "warning", "q1: <b>1 of 2 runs</b> is late.", {"group": "q1"})
    findings = findings_of([finding, finding], Study(()), Place())
    assert "the first of 2 findings" in findings._repr_html_() and "<b>1 of" not in findings._repr_html_()
    assert repr(findings).count("is late") == 1
    assert "does not mean no problem" in findings_of([], Study(()), Place())._repr_html_()


def test_an_advice_names_a_command_that_runs_as_it_stands_or_none(study: Study, table: Path) -> None:
    commands = [finding.advice.partition("ired-diag ")[2] for finding in ird.diagnose(study)]
    assert any(commands)
    for command in filter(None, commands):
        assert "OTHER" not in command and "…" not in command
    finding = Finding("underpowered", "note", "a and b: few seeds.", advice="Compare: ired-diag stats a b")
    of_table = ird.diagnose(table)
    assert not any("ired-diag stats a b" in finding.advice for finding in of_table)
    assert findings_of([finding], study, Place(paths=(str(table),)))[0].advice == "Compare."


def test_a_single_name_means_the_same_as_a_list_of_it(study: Study) -> None:
    assert ird.diagnose(study, rules="identical_curves") == ird.diagnose(study, rules=["identical_curves"])
    drawn = ird.figures("q101", "q103", runs=study, only="learning-curves")
    assert [figure.name for figure in drawn.figures] == ["learning-curves"]
    with pytest.raises(NotFound, match=r"not written as 'jpg'\. There are: pdf, svg, png"):
        ird.figures("q101", "q103", runs=study, forms="jpg")
    with pytest.raises(DiagError, match="only: expected a name or several, found 3"):
        ird.figures("q101", "q103", runs=study, only=[3])


def test_names_are_looked_up_in_a_study_that_is_open(study: Study) -> None:
    expected = repr(ird.compare("q101", "q103", runs=sample_runs()))
    q101, q103 = study.select("q101"), study.select("q103")
    assert repr(ird.compare("q101", "q103", runs=study)) == expected
    assert repr(ird.compare(study, "q101", "q103")) == expected
    assert repr(ird.compare(["q101", "q103"], runs=study)) == expected
    assert repr(ird.compare(q101, q103)) == expected
    assert repr(ird.compare(*q101, *q103)) == expected
    assert repr(ird.compare({"q101": q101, "q103": q103})) == expected
    assert repr(ird.compare({"q101": "q101", "q103": "q103"}, runs=study)) == expected
    folders = {name: str(sample_runs() / name / "*") for name in ("q101", "q103")}
    assert repr(ird.compare(folders)) == expected


@pytest.mark.parametrize(
    ("sources", "complaint"),
    [
        ((), "Nothing is named"),
        ((101, 103), "Expected a name, found 101"),
        ((None,), "Expected a name, found None"),
        (("q1O1", "q103"), "No run is named 'q1O1'. There are: q101, q102, q103, q900"),
        (("q103", {"a": "q101"}), "A mapping of groups stands first, or alone"),
        (({"a": [], "b": "q101"},), "The group 'a' has no runs"),
        (({},), "The mapping has no group"),
        (({"a": [1.0, 2.0]},), "The group 'a' holds 1.0. Expected runs"),
        (({"a": 3},), "The group 'a' holds 3"),
        (({"a": "nowhere/*.csv"},), "a: nothing matches 'nowhere/"),
        (({"a": "q1O1"},), "No run is named 'q1O1'"),
    ],
)
def test_what_is_no_group_is_refused_in_a_sentence(
    study: Study, sources: tuple[object, ...], complaint: str
) -> None:
    for function in (ird.compare, ird.figures):
        with pytest.raises(DiagError) as error:
            function(*sources, runs=study)
        assert complaint in str(error.value)


def test_a_name_that_means_nothing_is_an_error_also_among_paths(tmp_path: Path) -> None:
    path = str(sample_runs() / "q101")
    for function in (ird.compare, ird.figures):
        with pytest.raises(NotFound, match="q1O3"):
            function(path, "q1O3", runs=sample_runs())
        with pytest.raises(NotFound, match="q1O3"):
            function(path, str(sample_runs() / "q1O3"))
    with pytest.raises(NotFound, match="q1O3"):
        ird.report("q101", "q1O3", runs=sample_runs(), out=tmp_path / "r.html")
    assert not list(tmp_path.iterdir())


def test_runs_and_names_are_not_mixed(study: Study) -> None:
    with pytest.raises(DiagError, match="runs and names are mixed"):
        ird.compare(study.select("q101")[0], "q103", runs=study)


def test_a_margin_may_be_typed_as_on_the_command_line(study: Study) -> None:
    texts = [ird.compare("q101", "q102", runs=study, margin=margin).margin for margin in ("2%", 0.02, "0.02")]
    assert texts[0] == texts[1] == texts[2]
    with pytest.raises(DiagError, match="'a bit' is not a percentage"):
        ird.compare("q101", "q102", runs=study, margin="a bit")


def test_the_direction_has_one_name(study: Study) -> None:
    with pytest.raises(TypeError, match="lower_is_better"):
        ird.compare("q101", "q102", runs=study, lower_is_better=True)
    assert not ird.compare("q101", "q102", runs=study, higher_is_better=True).lower_is_better


def test_groups_have_a_frame_with_mean_sd_and_interval(table: Path) -> None:
    frame = ird.compare(table).groups_frame()
    values = 1.0 + np.arange(4) / 7
    first = frame.set_index("group").loc["a"]
    assert first["mean"] == pytest.approx(values.mean()) and first["sd"] == pytest.approx(values.std(ddof=1))
    half = 3.182446 * values.std(ddof=1) / 2
    assert first["high"] - first["mean"] == pytest.approx(half, rel=1e-6)
    assert (first["n"], first["metric"], frame.attrs["units"]["sd"]) == (4, "val_loss", "as the metric")


def test_one_group_alone_has_a_frame_of_groups_and_no_pairs(study: Study) -> None:
    comparison = ird.compare("q103", runs=study)
    assert comparison.frame().empty and "verdict" in comparison.frame()
    (row,) = comparison.groups_frame().to_dict("records")
    assert row["n"] == 3 and row["mean"] == pytest.approx(0.0559594, rel=1e-5)
    assert "mean 0.0559594" in repr(comparison) and "0.0559594" in comparison._repr_html_()


def test_the_frame_of_pairs_has_means_percent_pairing_and_cautions(table: Path) -> None:
    (row,) = ird.compare(table).frame().to_dict("records")
    assert row["mean_a"] - row["mean_b"] == pytest.approx(row["difference"])
    assert row["percent"] == pytest.approx(100 * row["difference"] / row["mean_b"])
    assert not row["paired"] and "does not say whether its seeds share data" in row["pairing"]
    assert (row["metric"], row["readout"], row["changes_with_readout"]) == ("val_loss", "last", False)


def test_a_mean_of_one_seed_is_said_to_rest_on_it(study: Study) -> None:
    comparison = ird.compare("q101", "q103", runs=study)
    (row,) = comparison.frame().to_dict("records")
    assert (row["n_a"], row["failed_a"], row["n_b"], row["failed_b"]) == (1, 2, 3, 0)
    assert row["test"] == "worst_rank" and not row["paired"] and math.isnan(row["low"])
    assert "rests on one seed of q101" in row["cautions"] and "Welch" not in row["cautions"]
    text = repr(comparison)
    assert "the only seed that ended well" in text and "the only seed that finished" not in text
    assert {key: comparison.groups_frame().iloc[0][key] for key in SUMMARY} == SUMMARY


def test_a_comparison_of_many_groups_has_few_lines(study: Study) -> None:
    runs = [run for number in range(8) for run in _renamed(study, f"e{number}")]
    comparison = ird.compare(Study.of(runs))
    assert len(comparison.pairs) == 28
    assert len(repr(comparison).splitlines()) < 40 and "and 22 more pairs" in repr(comparison)
    assert "and 8 more pairs" in comparison._repr_html_()


def _renamed(study: Study, name: str) -> list[Run]:
    from ired_diag.runs.regroup import renamed

    return [renamed(run, name) for run in study.select("q103")]


def test_a_table_of_one_number_each_has_no_learning_curve(table: Path) -> None:
    pictures = ird.figures(table)
    assert "learning-curves" not in [figure.name for figure in pictures.figures]
    assert "one evaluation, which makes no curve" in pictures.not_drawn["learning-curves"]


def test_a_table_that_is_opened_as_a_log_is_said_to_be_a_table(table: Path) -> None:
    with pytest.raises(DiagError, match=r"one number for each seed, not a log.*compare"):
        ird.open_study(table)


def test_a_program_that_quotes_a_log_is_no_log(tmp_path: Path) -> None:
    quoted = 'LINE = "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=1.batch."\n'
    for name in ("make_logs.py", "submit.sh"):
        (tmp_path / name).write_text(quoted)
    (tmp_path / "run.csv").write_text("step,val_loss\n1,1.0\n2,0.5\n")
    study = ird.open_study(tmp_path)
    assert len(study) == 1
    assert [skipped.reason for skipped in study.skipped] == ["is source code, not a log."] * 2


def test_a_study_is_counted_iterated_and_asked_by_name(study: Study) -> None:
    assert len(study) == len(list(study)) == len(study.runs) == 20
    assert study["q103"] == study.select("q103") and "q103" in study and "q1O3" not in study
    assert study.runs[0] in study and 3 not in study
    assert Study(()) and not len(Study(()))
    with pytest.raises(DiagError, match=r"as text, found 103\. There are: 'q101'"):
        study.select(cast(Any, 103))


def test_counts_of_one_are_singular(study: Study) -> None:
    alone = Study.of(study.select("q103")[:1], skipped=study.skipped[:1])
    assert repr(alone).startswith("<Study of 1 run in 1 group: ")
    assert "1 file is not a run" in alone._repr_html_() or not study.skipped


def test_a_run_shows_the_last_value_of_each_metric(study: Study) -> None:
    run = study["q103"][0]
    html = run._repr_html_()
    assert "last value" in html and "at step" in html and "judged by validation/mse" in html
    last = run.history.series["validation/mse"]
    assert f"{last.values[-1]:.6g}" in html and f"<td>{last.steps[-1]}</td>" in html


def test_figures_and_checks_show_themselves_briefly(study: Study, tmp_path: Path) -> None:
    pictures = ird.figures("q101", "q103", runs=study, only=["learning-curves", "rank-map"])
    assert "learning-curves" in repr(pictures) and len(repr(pictures)) < 1000
    assert "Learning curves: validation/mse" in pictures._repr_html_()
    assert len(repr(pictures.figures)) < 2000
    report = tmp_path / "claim.md"
    report.write_text("The mean of q103 is 0.5 over 3 seeds.\n")
    checked = ird.check(report, study)
    assert "claims: " in repr(checked) and "<table" in checked._repr_html_()
    assert list(checked.frame()["outcome"]) == [verdict.outcome for verdict in checked.verdicts]
    with pytest.raises(NotFound, match="a report in Markdown, LaTeX or HTML, found nothing"):
        ird.check(tmp_path / "nope.md")


def test_a_probe_table_is_written_as_parquet(study: Study, tmp_path: Path) -> None:
    table = ird.probe("conditioning", study["q103"][0], samples=16, device="cpu", out=tmp_path / "tables")
    table.to_parquet(tmp_path / "table.parquet")
    again = pd.read_parquet(tmp_path / "table.parquet")
    assert again.attrs == table.attrs
    assert again.attrs["findings"][0]["rule"] and again.attrs["findings"][0]["statement"]


def test_logs_without_checkpoints_are_left_out_of_a_probe(study: Study, tmp_path: Path) -> None:
    runs = Study.of([*study["q103"], *study["q900"]])
    table = ird.probe("conditioning", runs, samples=8, device="cpu", out=tmp_path)
    assert table["run"].nunique() == 3
    assert len(table.attrs["unanswered"]) == 11 and "no checkpoint" in table.attrs["unanswered"][0]
    with pytest.raises(NotFound, match="has no checkpoint"):
        ird.probe("conditioning", study["q900"], out=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "Nothing is named to probe"),
        ({"samples": 0, "named": True}, "samples=0: expected a whole number, 1 or more"),
        ({"samples": "64", "named": True}, "samples='64': expected a whole number"),
        ({"seed": -1, "named": True}, "seed=-1: expected a whole number, 0 or more"),
        ({"checkpoint": 7, "named": True}, "has no checkpoint of step 7"),
    ],
)
def test_a_probe_of_nothing_or_of_no_samples_is_refused(
    study: Study, arguments: dict[str, object], complaint: str
) -> None:
    named = arguments.pop("named", False)
    with pytest.raises(DiagError, match=complaint):
        ird.probe("conditioning", *(study["q103"] if named else ()), **arguments)


def test_all_probes_give_a_table_each(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import probes

    two = {name: probes.load(name) for name in ("conditioning", "energy_gap")}
    monkeypatch.setattr(probes, "load_all", lambda: two)
    tables = ird.probe("all", study["q103"][0], samples=8, device="cpu", out=tmp_path)
    assert list(tables) == list(two)
    assert "cond" in tables["conditioning"] and len(tables["energy_gap"])

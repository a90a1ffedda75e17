"""The functions of the Python API: the walk in docs/python.md, and how values show themselves."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import ired_diag as ird
from app.cli import main
from app.cli.demo import sample_runs
from ired_diag.errors import NotFound
from ired_diag.finding import Finding
from ired_diag.runs.ending import Ending
from ired_diag.runs.history import History, Row
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

PAGE = Path(__file__).parents[1] / "docs" / "python.md"
FUNCTIONS = ("open_study", "compare", "diagnose", "check", "probe", "figures", "report", "train")
GROUPS = (("base", 1.0), ("other", 3.0))


def many_runs() -> Study:
    runs = []
    for number in range(72):
        rows = [Row(step, {"val_loss": 1 / (step + number + 1)}) for step in range(1, 200)]
        runs.append(
            Run(
                experiment=f"e{number // 6}",
                seed=number % 6,
                path=Path(f"/somewhere/e{number // 6}/seed{number % 6}"),
                configuration={f"key{key}": key for key in range(50)},
                history=History.of(rows),
                ending=Ending("complete"),
            )
        )
    return Study.of(runs)


@pytest.mark.slow
def test_the_walk_in_the_documentation_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)  # the documentation's own code
    printed = capsys.readouterr().out
    assert "q101" in printed and "learning-curves" in printed
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert list((tmp_path / "figures").glob("*.png"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_command_is_a_function_with_a_documented_call(name: str) -> None:
    function = getattr(ird, name)
    assert callable(function)
    assert function.__doc__ and "Args:" in function.__doc__
    assert f"`ird.{name}(" in PAGE.read_text()


def test_a_study_of_72_runs_shows_itself_in_few_characters() -> None:
    study = many_runs()
    assert len(repr(study)) < 2000
    assert all(len(repr(run)) < 200 for run in study.runs)
    assert "72 runs in 12 groups" in repr(study)


def test_what_a_notebook_shows_is_escaped() -> None:
    finding = Finding("a_rule", "warning", "<script>alert(1)</script>", advice="<b>look</b>")
    html = finding._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html and "<b>look" not in html
    run = Run(experiment="<i>x</i>", path=Path("<u>"), ending=Ending("complete"), seed=0)
    assert "<i>" not in run._repr_html_() and "<u>" not in run._repr_html_()
    assert "<i>" not in Study.of([run])._repr_html_()


def test_the_frame_of_a_run_holds_every_logged_number() -> None:
    rows = [Row(1, {"a": 1.0}), Row(2, {"a": np.inf, "b": 3.0}), Row(5, {"b": -1.0})]
    run = Run(experiment="e", path=Path("x"), ending=Ending("complete"), history=History.of(rows))
    frame = run.frame()
    assert frame.index.tolist() == [1, 2, 5]
    np.testing.assert_equal(frame["a"].to_numpy(), [1.0, np.inf, np.nan])
    np.testing.assert_equal(frame["b"].to_numpy(), [np.nan, 3.0, -1.0])


def test_the_frame_of_a_comparison_holds_each_pair_with_its_verdict() -> None:
    study = many_runs()
    comparison = ird.compare({name: runs for name, runs in list(study.groups().items())[:3]})
    frame = comparison.frame()
    assert list(zip(frame["a"], frame["b"], strict=True)) == [(p.a, p.b) for p in comparison.pairs]
    np.testing.assert_equal(frame["p_holm"].to_numpy(), [pair.p_holm for pair in comparison.pairs])
    assert frame["verdict"].tolist() == [pair.verdict.decision for pair in comparison.pairs]
    assert "val_loss" in frame.attrs["metric"]


def test_names_paths_studies_and_groups_mean_the_same(tmp_path: Path) -> None:
    groups = {name: runs for name, runs in list(many_runs().groups().items())[:2]}
    study = Study(tuple(run for runs in groups.values() for run in runs))
    assert ird.compare(study).pairs[0].p == ird.compare(groups).pairs[0].p
    with pytest.raises(TypeError, match="alone"):
        ird.compare(study, "q101")
    with pytest.raises(NotFound):
        ird.diagnose(tmp_path)
    with pytest.raises(NotFound, match="No rule is named 'x'"):
        ird.diagnose(study, rules=["x"])


def test_a_command_and_its_function_compare_the_same_numbers(tmp_path: Path) -> None:
    table = tmp_path / "results.csv"
    rows = [
        f"{name},{seed},{0.5 + seed / 10},{shift + seed / 7}" for name, shift in GROUPS for seed in range(4)
    ]
    table.write_text("\n".join(["experiment,seed,val_acc,val_loss", *rows]))
    options = ["--metric", "val_loss", "--higher-is-better", "--readout", "last", "--json"]
    printed = CliRunner().invoke(main, ["stats", str(table), *options])
    assert printed.exit_code == 0, printed.output
    comparison = ird.compare(table, metric="val_loss", higher_is_better=True, readout="last")
    (pair,) = json.loads(printed.stdout)["pairs"]
    assert comparison.metric == "val_loss" and not comparison.lower_is_better
    assert comparison.pairs[0].difference == pair["difference"] == pytest.approx(-2.0)


def test_a_probe_of_a_name_that_means_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="q999"):
        ird.probe("floor", "q101", "q999", runs=sample_runs(), out=tmp_path, device="cpu")

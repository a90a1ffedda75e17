"""Labels, widths, fonts and captions: what makes a picture fit a paper as it is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

import ired_diag as ird
from app.calls.labelling import label_of_metric, with_labels
from app.calls.material import material_of
from app.cli import main
from app.cli.demo import sample_runs
from app.pictures import make_pictures
from ired_diag.drawing import paper
from ired_diag.drawing.as_table import rows_of
from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.drawing.learning_curves import learning_curves
from ired_diag.drawing.paper_files import Provenance, figure_in_latex, write_figure
from ired_diag.drawing.paper_fonts import families_of
from ired_diag.drawing.paper_widths import width_of
from ired_diag.drawing.plotly import draw
from ired_diag.errors import DiagError, NotFound
from tests.made_runs import falling, made_run

LABELS = {"q101": "no negatives", "q103": "adversarial mining"}
METRIC = {"validation/mse": "Validation MSE"}


def picture() -> FigureData:
    x = np.arange(4.0)
    panel = Panel("loss", (Line("a_b", x, x + 1), Line("c", x, 2 * x + 1)))
    return FigureData("curves", "Loss of a_b & c", "step", (panel,), "Mean ± sd; n = 5.", "n = 5")


def test_a_label_is_in_every_picture_and_table_instead_of_the_name() -> None:
    material, _ = material_of(["q101", "q103"], runs=sample_runs(), labels=LABELS, metric_labels=METRIC)
    names = ("learning-curves", "paired-differences", "readouts", "rank-map", "energy-gap")
    figures = make_pictures(material, names).figures
    assert len(figures) == len(names)
    for figure in figures:
        cells = [cell for row in rows_of(figure) for cell in row if isinstance(cell, str)]
        words = " ".join([figure.title, figure.summary, figure.note, figure.method, *cells])
        assert "adversarial mining" in words, figure.name
        assert "q103" not in words.replace("q103/seed", ""), figure.name
        assert "validation/mse" not in words, figure.name
    options = ["--label", "q103=adversarial mining", "--metric-label", "validation/mse=Validation MSE"]
    runs = ["--runs", str(sample_runs())]
    result = CliRunner().invoke(main, ["stats", "q101", "q103", *runs, "--latex", *options])
    assert result.exit_code == 0, result.output
    table = result.stdout.partition(r"\begin{table}")[2]
    assert r"\toprule" in table and r"\label{tab:comparison}" in table and r"\hline" not in table
    assert "adversarial mining & " in table and "evaluation of Validation MSE" in table


def test_a_label_changes_no_number_and_no_colour() -> None:
    plain, _ = material_of(["q101", "q103"], runs=sample_runs())
    labelled, _ = material_of(["q101", "q103"], runs=sample_runs(), labels=LABELS, metric_labels=METRIC)
    for before, after in zip(make_pictures(plain).figures, make_pictures(labelled).figures, strict=True):
        assert _numbers(before) == _numbers(after)
        for name in plain.groups:
            if name not in before.order:  # the picture's lines are pairs of groups
                continue
            assert before.style(name, 0) == after.style(LABELS[name], 0)


def _numbers(figure: FigureData) -> list[str]:
    """Return the numbers of what was measured: leaders of a diagram reach as far as names are long."""
    return [repr(row[3:7]) for row in rows_of(figure) if row[1] != "segment" and row[1] != "text"]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"q104": "x"}, "no such group. There are: q101, q103"),
        ({"q103": "q101"}, "another group has this name"),
        ({"q103": " "}, "is empty"),
    ],
)
def test_a_label_that_cannot_be_meant_is_refused(labels: dict[str, str], words: str) -> None:
    with pytest.raises(DiagError, match=words):
        with_labels({"q101": [1], "q103": [2]}, labels)


def test_a_label_of_another_metric_is_refused() -> None:
    assert label_of_metric("loss", {}) == ""
    with pytest.raises(NotFound, match="judged by 'loss'"):
        label_of_metric("loss", {"val_loss": "Validation loss"})


def test_names_with_an_equals_sign_can_be_labelled() -> None:
    result = CliRunner().invoke(main, ["figures", "x", "--label", "no sign"])
    assert result.exit_code == 2 and "NAME=WORDS" in result.stderr
    labelled = with_labels({"lr=0.1": [1]}, {"lr=0.1": "small steps"})
    assert list(labelled) == ["small steps"]


@pytest.mark.parametrize(
    ("stated", "inches"), [("neurips", 5.5), ("ICLR", 5.5), ("icml", 3.25), ("icml-wide", 6.75), ("5.5", 5.5)]
)
def test_a_width_is_that_of_the_venue(stated: str, inches: float) -> None:
    assert width_of(stated) == inches
    assert paper.draw(picture(), width=width_of(stated)).get_figwidth() == inches


@pytest.mark.parametrize("stated", ["nips", "0.2", "99", "nan"])
def test_a_width_of_no_page_is_refused(stated: str) -> None:
    with pytest.raises(DiagError, match=r"expected inches|expected 1\.5 to 24"):
        width_of(stated)


def test_a_font_is_that_of_the_file_and_an_unknown_one_is_refused_with_what_there_is() -> None:
    assert b"STIXGeneral" in paper.render(picture(), "pdf", font="serif")
    assert b"STIXGeneral" not in paper.render(picture(), "pdf")
    assert families_of("dejavu serif") == ["DejaVu Serif", "DejaVu Sans"]
    with pytest.raises(NotFound, match=r"Did you mean 'DejaVu Serif'.*There are: sans, serif, .*DejaVu Sans"):
        families_of("DejaVu Serf")


def test_a_caption_stands_next_to_the_picture_and_not_in_it(tmp_path: Path) -> None:
    files = write_figure(picture(), tmp_path, Provenance("", [], {}), forms=("png",))
    assert {file.suffix for file in files} == {".png", ".txt", ".tex", ".csv", ".json"}
    assert (tmp_path / "curves.txt").read_text() == "Loss of a_b & c. Mean ± sd; n = 5.\n"
    latex = (tmp_path / "curves.tex").read_text()
    assert r"\caption{\textbf{Loss of a\_b \& c.} Mean $\pm$ sd; n = 5.}" in latex
    assert r"\label{fig:curves}" in latex and r"\includegraphics[width=3.25in]{curves}" in latex
    assert latex.count("{") == latex.count("}")
    assert not _words_in(picture(), noted=False) & {"n = 5"}
    assert _words_in(picture(), noted=True) >= {"n = 5"}


def _words_in(figure: FigureData, *, noted: bool) -> set[str]:
    drawn = paper.draw(figure, noted=noted)
    return {text.get_text() for text in drawn.texts} | {drawn.get_supxlabel()}


def test_a_hostile_title_stays_words_in_latex() -> None:
    latex = figure_in_latex(replace(picture(), title=r"\input{x} $1 100%"), 3.25)
    assert r"\textbackslash{}input\{x\} \$1 100\%" in latex


def test_the_python_call_takes_them_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    groups = {name: [_run(tmp_path, name, seed, rng) for seed in range(3)] for name in ("new", "old")}
    drawn = ird.figures(
        groups,
        out=tmp_path / "figures",
        only="learning-curves",
        forms="png",
        width="iclr",
        font="serif",
        labels={"new": "ours"},
    )
    (figure,) = drawn.figures
    assert figure.order == ("ours", "old")
    assert (tmp_path / "figures/learning-curves.tex").is_file()


def _run(folder: Path, name: str, seed: int, rng: np.random.Generator) -> Path:
    path = folder / f"{name}_seed{seed}.csv"
    losses: NDArray[np.float64] = np.exp(-np.arange(20) / 5) + 0.1 * rng.random(20)
    lines = [f"{step},{loss}" for step, loss in enumerate(losses)]
    path.write_text("\n".join(["step,val_loss", *lines]) + "\n")
    return path


def test_groups_over_several_tasks_take_labels_too(tmp_path: Path) -> None:
    rows = ["algorithm,game,seed,score"]
    for algorithm, gain in (("new", 1.2), ("old", 1.0)):
        for game in ("Alien", "Pong", "Qbert"):
            rows += [f"{algorithm},{game},{seed},{gain * (10 + seed)}" for seed in range(3)]
    table = tmp_path / "scores.csv"
    table.write_text("\n".join(rows) + "\n")
    plain = ird.across(table, against="old")
    labelled = ird.across(table, against="old", labels={"new": "our method", "old": "the baseline"})
    assert (labelled.old, list(labelled.groups)) == ("the baseline", ["our method", "the baseline"])
    assert labelled.pairs[0].result.difference == plain.pairs[0].result.difference
    with pytest.raises(NotFound, match=r"no such group\. There are: new, old"):
        ird.across(table, labels={"newer": "x"})
    command = ["across", str(table), "--against", "old", "--label", "new=our method"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0 and "our method" in result.stdout, result.output


def test_a_label_with_tags_is_shown_as_it_is_written() -> None:
    name = "<b>Ours</b> & co"
    runs = {}
    for group in (name, "other"):
        runs[group] = [made_run(group, seed, val_loss=falling(30, seed=seed)) for seed in range(3)]
    figure = learning_curves(runs, metric="val_loss")
    drawn = draw(figure)
    named = [trace.name for trace in drawn.data if trace.name]
    assert "&lt;b&gt;Ours&lt;/b&gt; &amp; co" in named
    assert not any("<b>" in name for name in named)
    drawn.update_traces(legendgroup=None)  # the only place that nobody sees
    assert "<b>" not in str(drawn.to_dict())


def test_the_label_of_a_metric_is_in_every_line_of_a_report_and_of_stats(tmp_path: Path) -> None:
    for group, level in (("alpha", 0.5), ("beta", 0.6)):
        for seed in range(3):
            curve = level + falling(40, seed=seed)
            rows = [f"step {100 * k}: val_loss={value:.6f}\n" for k, value in enumerate(curve, start=1)]
            (tmp_path / f"{group}_seed{seed}.log").write_text("".join(rows))
    page = tmp_path / "report.html"
    words = ["alpha", "beta", "--runs", str(tmp_path), "--metric-label", "val_loss=Validation error"]
    assert CliRunner().invoke(main, ["report", *words, "--out", str(page)]).exit_code == 0
    text = re.sub(r"(?s)<(script|style).*?</\1>", "", page.read_text())
    # The name is said once, and stands in the command.
    unexplained = text.replace("Validation error: val_loss in the logs", "").replace(
        "val_loss=Validation", ""
    )
    assert "val_loss" not in unexplained
    stats = CliRunner().invoke(main, ["stats", *words, "--full"]).stdout
    assert "metric: Validation error (lower is better" in stats
    assert not re.search(r"metric: val_loss", stats)

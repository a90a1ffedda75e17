"""What is written for LaTeX: ASCII, known commands, balanced braces, nothing unescaped."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.calls.maps import map_basins, map_noise
from app.calls.material import material_of
from app.calls.tasks_compared import across
from app.cli.stats_markup import as_latex
from app.pictures import Material, make_pictures
from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.drawing.paper_files import figure_in_latex

HERE = Path(__file__).resolve().parent.parent
SAMPLES = HERE / "sample_runs"
# Commands of LaTeX itself, and of the packages that docs/figures.md names.
TEXT_COMMANDS = (
    r"small setlength tabcolsep "
    r"begin end centering caption label textbf paragraph textbackslash textasciitilde textasciicircum "
    r"textless textgreater textbar dots S P dag ddag ss ae AE o O l L oe OE i pounds copyright r H v c k u"
).split()
OF_GRAPHICX, OF_BOOKTABS = ["includegraphics"], ["toprule", "midrule", "bottomrule"]
MATHS = (
    r"pm times cdot leq geq approx equiv neq propto infty nabla partial int sqrt ell odot in rightarrow "
    r"leftarrow uparrow downarrow leftrightarrow Rightarrow lfloor rfloor lceil rceil circ mu bar hat tilde "
    r"dot frac alpha beta gamma delta epsilon zeta eta theta iota kappa lambda nu xi pi rho sigma tau "
    r"upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
).split()
KNOWN = {*TEXT_COMMANDS, *OF_GRAPHICX, *OF_BOOKTABS}
MATH_SIGNS, TEXT_SIGNS = {"|"}, set("&%$#_{}\\`'^~=.\"")
COMMAND = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
NAMES = re.compile(r"\\(label|includegraphics(\[[^]]*\])?|begin|end)\{(\{[^}]*\}[^}]*|[^}]*)\}")


def faults_of(source: str) -> list[str]:
    """Return what pdflatex would stop at, or set as something else than what is meant."""
    lines = [line for line in source.splitlines() if not line.startswith("%")]
    body = "\n".join(lines)
    faults = [f"not ASCII: {letter}" for letter in sorted(set(body)) if not letter.isascii()]
    is_table = r"\begin{tabular}" in body
    body = NAMES.sub("", body)  # names of files and labels are no text
    body = re.sub(r"^\{@\{\}[lr]+@\{\}\}$", "", body, flags=re.MULTILINE)  # columns of a table
    parts = re.split(r"(?<!\\)\$", body)
    if len(parts) % 2 == 0:
        faults.append("a formula that does not end")
    for place, part in enumerate(parts):
        faults += _faults_of_part(part, is_formula=bool(place % 2), is_table=is_table)
    plain = COMMAND.sub("", body)
    depth = 0
    for letter in plain:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if depth < 0:
            faults.append("a brace that closes nothing")
            break
    return [*faults, "a brace that stays open"] if depth > 0 else faults


def _faults_of_part(part: str, *, is_formula: bool, is_table: bool) -> list[str]:
    faults = []
    names, signs = (set(MATHS), MATH_SIGNS) if is_formula else (KNOWN, TEXT_SIGNS)
    for command in COMMAND.findall(part):
        if command not in (names if command.isalpha() else signs):
            faults.append(f"unknown command \\{command}")
    left = COMMAND.sub("", part)
    unescaped = "%#&" if is_formula else "%#_^" + ("" if is_table else "&")
    faults += [f"unescaped {sign}" for sign in unescaped if sign in left]
    return faults


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("5% of it", "unescaped %"),
        ("a_b", "unescaped _"),
        ("a & b", "unescaped &"),
        ("$x", "a formula that does not end"),
        (r"\hbar", r"unknown command \hbar"),
        (r"{\textbf{a}", "a brace that stays open"),
        ("a}", "a brace that closes nothing"),
        ("é", "not ASCII: é"),
    ],
)
def test_the_reader_of_latex_sees_a_fault(source: str, fault: str) -> None:
    assert fault in faults_of(source)


def check(pictures: list[FigureData]) -> None:
    for figure in pictures:
        for width in (3.25, 5.5):
            source = figure_in_latex(figure, width)
            assert faults_of(source) == [], f"{figure.name}: {source}"


def test_of_runs_and_their_comparison() -> None:
    material, _ = material_of(["q101", "q102", "q103"], runs=SAMPLES)
    pictures = make_pictures(material).figures
    assert len(pictures) > 5
    check(list(pictures))
    assert material.comparison is not None
    assert faults_of(as_latex(material.comparison)) == []


def test_of_groups_with_the_names_of_strangers() -> None:
    labels = {"q101": "50% noise_level & more #1 {x}", "q102": "naïve \u03b1→β ~2^k", "q103": r"C:\new$1 <b>"}
    material, _ = material_of(["q101", "q102", "q103"], runs=SAMPLES, labels=labels)
    pictures = make_pictures(material, ["learning-curves", "paired-differences", "readouts"]).figures
    check(list(pictures))
    assert material.comparison is not None
    assert faults_of(as_latex(material.comparison)) == []


def test_of_several_tasks_and_of_maps(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = ["algorithm,game,seed,score"]
    for group in ("ours_v2", "PPO & co"):
        rows += [f"{group},{game},{seed},{1 + rng.random()}" for game in ("a_1", "b%") for seed in range(5)]
    path = tmp_path / "scores.csv"
    path.write_text("\n".join(rows) + "\n")
    kinds = ["task-effects", "aggregate-intervals", "performance-profiles", "improvement-probability"]
    check(list(make_pictures(Material(groups={}, across=across(path)), kinds).figures))
    basins = map_basins("functions", settings={"function": "rastrigin"}, points=9, steps=50)
    saddle = {"function": "saddle", "optimizer": "sgd", "learning_rate": 0.1}
    noise = map_noise("functions", settings=saddle, noises=[0.1], repeats=100)
    check([basins.figure, noise.figure])


def test_a_name_with_a_point_stands_in_braces_with_its_ending() -> None:
    x = np.arange(2.0)
    figure = FigureData("map-lr=0.01", "t", "x", (Panel("y", (Line("a", x, x),)),), "m")
    assert r"\includegraphics[width=3.25in]{{map-lr=0.01}.pdf}" in figure_in_latex(figure, 3.25)
    assert r"]{{map-lr=0.01}.png}" in figure_in_latex(figure, 3.25, forms=["svg", "png"])
    assert r"]{map}" in figure_in_latex(replace(figure, name="map"), 3.25)

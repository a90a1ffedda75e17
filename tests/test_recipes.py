"""The recipes of docs/house.md: one more of each kind in a copy of the tree, in as few files as they say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
MOST_FILES = 2

TASK = """
from dataclasses import replace

from ired_diag.tasks.inverse import TASK as INVERSE

TASK = replace(INVERSE, name="twin", recognises=lambda keys: False)
"""
READER = """
import numpy as np

from ired_diag.readers.scalar_log import Points, ScalarLog


def accepts(path):
    return path.suffix == ".tally"


def read(path, *, allow_torn_tail=False):
    rows = np.loadtxt(path, ndmin=2)
    return ScalarLog(points={"val_loss": Points(rows[:, 0].astype(np.int64), rows[:, 1])}, unit="line")
"""
RULE = """
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Rule


def find(study):
    for run in study.runs:
        yield Finding("roll_call", "note", f"{run.label} is here.", runs=(run.label,))


RULE = Rule(name="roll_call", question="Who is here?", find=find)
"""
PROBE = """
import numpy as np

from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.finding import Finding
from ired_diag.probing.probe import Probe
from ired_diag.table import Column

COLUMNS = (Column("levels", "1", "number of noise levels"),)


def measure(subject):
    return {"levels": np.array([len(subject.schedule.betas)])}


def conclude(table, comparison):
    return Finding("level_count", "note", f"There are {table['levels'][0]} levels.")


def figure(table):
    panel = Panel("levels", (Line("levels", np.arange(1), table["levels"]),))
    return FigureData(name="level_count", title="Levels", x_label="", panels=(panel,), method="Counted.")


PROBE = Probe(
    name="level_count",
    question="How many noise levels are there?",
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COLUMNS,
    compare=lambda table: table,
    conclude=conclude,
    figure=figure,
)
"""
FIGURE = """
import numpy as np

from ired_diag.drawing.data import FigureData, Line, Panel


def run_counts(groups):
    lines = [Line(name, np.arange(1), np.array([len(runs)])) for name, runs in groups.items()]
    panel = Panel("runs", tuple(lines))
    return FigureData(name="run-counts", title="Runs", x_label="", panels=(panel,), method="Counted.")
"""
PAGE = """
from dash import html

TITLE = "Greeting"


def layout(view, catalog):
    return html.Div("hello")


def register(app, catalog):
    pass
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for name in ("app", "probes", "ired_diag"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def run(house: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(house), "XDG_CACHE_HOME": str(house / "cache")}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=house, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def command(house: Path, *arguments: str) -> str:
    return run(house, "-m", "app.cli", *arguments)


def add(house: Path, new: Mapping[str, str], changed: Mapping[str, tuple[str, str]] | None = None) -> None:
    """Write new files and change others at one place each, no more files than the recipes allow."""
    changed = changed or {}
    assert len(new) + len(changed) <= MOST_FILES
    for name, text in new.items():
        assert not (house / name).exists()
        (house / name).write_text(f'"""Made by a test."""\n{text}')
    for name, (before, after) in changed.items():
        text = (house / name).read_text()
        assert text.count(before) == 1
        (house / name).write_text(text.replace(before, after))


def test_a_task_is_one_file(house: Path) -> None:
    add(house, {"ired_diag/tasks/twin.py": TASK})
    settings = ["--set", "train_steps=2", "--set", "batch_size=8", "--device", "cpu"]
    command(house, "train", "--task", "twin", "--seeds", "0", "--name", "tiny", *settings)
    assert "tiny" in command(house, "ls")


def test_a_reader_is_one_file_and_its_name(house: Path) -> None:
    before = '    "tensorboard",\n'
    after = f'    "tally",\n{before}'
    add(
        house,
        {"ired_diag/readers/tally.py": READER},
        {"ired_diag/readers/__init__.py": (before, after)},
    )
    (house / "own_seed3.tally").write_text("1 0.9\n2 0.7\n3 0.6\n")
    assert "0.6" in command(house, "ls", "own_seed3.tally")


def test_a_rule_is_one_file(house: Path) -> None:
    add(house, {"ired_diag/forensics/roll_call.py": RULE})
    (house / "log_seed1.csv").write_text("step,val_loss\n1,0.9\n2,0.7\n3,0.6\n")
    assert "is here." in command(house, "diagnose", "log_seed1.csv", "--rule", "roll_call")


def test_a_probe_is_one_file(house: Path) -> None:
    add(house, {"probes/level_count.py": PROBE})
    checkpoint = ROOT / "sample_runs/q101/seed0"
    answer = command(house, "probe", "level_count", str(checkpoint), "--out", str(house / "out"))
    assert re.search(r"There are \d+ levels", answer)
    assert list((house / "out").rglob("level_count*.png"))


def test_a_figure_is_one_file_and_its_recipe(house: Path) -> None:
    before = "RECIPES: Mapping[str, Recipe] = {\n"
    recipe = '    "run-counts": Recipe("How many runs are there?", lambda m: [run_counts(m.groups)]),\n'
    add(house, {"ired_diag/drawing/run_counts.py": FIGURE}, {"app/pictures.py": (before, before + recipe)})
    pictures = house / "app/pictures.py"
    line = "from ired_diag.drawing.run_counts import run_counts\n"
    pictures.write_text(
        pictures.read_text().replace("from ired_diag.errors", f"{line}from ired_diag.errors", 1)
    )
    runs = str(ROOT / "sample_runs")
    command(house, "figures", "q101", "q102", "--runs", runs, "--only", "run-counts", "--format", "png")
    assert (house / "figures/run-counts.png").is_file()


def test_a_page_is_one_file(house: Path) -> None:
    add(house, {"app/dashboard/pages/greeting.py": PAGE})
    printed = run(house, "-c", "from app.dashboard import pages; print(pages.load('greeting').title)")
    assert printed.strip() == "Greeting"


def test_the_documentation_says_how_many_files_each_takes() -> None:
    text = (ROOT / "docs/house.md").read_text()
    for kind in ("log reader", "picture", "page of the dashboard", "task", "rule", "probe"):
        (line,) = re.findall(rf"^- To add a {kind}\b.*$", text, flags=re.MULTILINE)
        assert re.search(r"\((?:1 file|2 files)\)", line), line

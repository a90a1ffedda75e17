"""Runs of a task of the user's own, in a browser: its distributions, tables and pages, and no empty card."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.cli import main
from tests.browser import ROOT, Visit, axe_problems

pytestmark = pytest.mark.slow

CARDS = """() => Array.from(document.querySelectorAll("#overview-probed .distribution"))
  .filter((picture) => picture.offsetParent).map((picture) => picture.id)"""


def run(*words: str) -> None:
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of the example of the documentation, with the tables of two probes."""
    folder = tmp_path_factory.mktemp("own")
    document = (ROOT / "docs" / "own-tasks.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    (folder / "mixture.py").write_text(code)
    before = Path.cwd()
    os.chdir(folder)
    try:
        task = ("--task", "mixture.py:build", "--device", "cpu")
        run("train", *task, "--seeds", "0-1", "--set", "train_steps=40", "--set", "checkpoint_every=20")
        for probe in ("energy_gap", "diversity"):
            run("probe", probe, "mixture", *task, "--checkpoint", "all", "--samples", "64")
    finally:
        os.chdir(before)
    return folder / "runs"


def test_its_distributions_and_tables_are_shown_and_what_it_lacks_takes_no_space(
    own: Path, serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    visit = opened(serving(own))
    visit.until(lambda: visit.page.evaluate(CARDS) == ["overview-energy"])
    assert "overview-gap" in visit.charts() and "overview-false-negatives" not in visit.charts()
    assert axe_problems(visit.page) == []
    visit.go("?page=negatives")
    assert "negatives-headlines" in visit.charts(), "the first probe that measured a run"
    assert visit.page.input_value("select[data-choice=probe]") == "diversity"
    visit.go("?page=negatives&probe=conditioning")
    assert "needs what the model of your task does not have says so" in visit.words()
    visit.go("?page=study&open=mixture")
    visit.page.click("th.seed a")
    visit.settle()
    words = visit.words()
    assert "mean gap of adversarial negatives" in words and "Vendi score" in words
    assert "needs what the model of your task does not have says so" in words
    assert axe_problems(visit.page) == []

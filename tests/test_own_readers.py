"""Readers that a user's package brings: used first, and named where they are broken."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.errors import UnreadableFile
from ired_diag.open import open_run
from ired_diag.readers.own_readers import own_readers

GOOD = """
import numpy as np
from ired_diag.readers.scalar_log import Points, ScalarLog

def accepts(path):
    return path.suffix == ".tally"

def read(path, *, allow_torn_tail=False):
    rows = np.loadtxt(path, ndmin=2)
    return ScalarLog(points={"val_loss": Points(rows[:, 0].astype(np.int64), rows[:, 1])})
"""
SEVERAL = (
    GOOD.replace("def read(", "def one(")
    + """
def read_runs(path, *, allow_torn_tail=False):
    return {"a": one(path), "b": one(path)}
"""
)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield the folder of an installed package with an entry point to the module ``tally_reader``."""
    site = tmp_path / "site"
    metadata = site / "tally-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tally\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[ired_diag.readers]\ntally = tally_reader\n")
    monkeypatch.syspath_prepend(str(site))
    own_readers.cache_clear()
    yield site
    own_readers.cache_clear()
    sys.modules.pop("tally_reader", None)


def log(folder: Path, name: str = "own_seed3.tally") -> Path:
    path = folder / name
    path.write_text("1 0.9\n2 0.7\n3 0.6\n")
    return path


def test_a_reader_of_a_package_is_used(package: Path, tmp_path: Path) -> None:
    (package / "tally_reader.py").write_text(GOOD)
    run = open_run(log(tmp_path))
    assert (run.label, run.format) == ("own/seed3", "tally")
    assert run.history.series["val_loss"].values.tolist() == [0.9, 0.7, 0.6]


def test_it_may_return_several_runs(package: Path, tmp_path: Path) -> None:
    (package / "tally_reader.py").write_text(SEVERAL)
    result = CliRunner().invoke(main, ["ls", str(log(tmp_path))])
    assert result.output.count("own/seed3") == 2


BROKEN = {
    "import": ("import a_module_that_is_not_there", "cannot be loaded (ModuleNotFoundError"),
    "accepts": ("def accepts(path):\n    return 1 / 0", "accepts failed (ZeroDivisionError"),
    "no accepts": ("x = 1", "has no function 'accepts'"),
    "read": (GOOD.replace("rows = ", "rows = 1 / 0 #"), "read failed (ZeroDivisionError"),
    "result": (GOOD.replace("return ScalarLog", "return dict"), "read returned dict, where a ScalarLog"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_reader_is_an_error_that_names_it_and_its_package(
    kind: str, package: Path, tmp_path: Path
) -> None:
    code, words = BROKEN[kind]
    (package / "tally_reader.py").write_text(code)
    with pytest.raises(UnreadableFile) as raised:
        open_run(log(tmp_path))
    assert "the reader 'tally' of tally (tally_reader)" in str(raised.value)
    assert words in str(raised.value)
    result = CliRunner().invoke(main, ["ls", str(log(tmp_path))])
    assert result.exit_code == 1
    assert "Traceback" not in result.output


@pytest.mark.parametrize("kind", ["import", "accepts"])
def test_next_to_a_broken_reader_the_others_work_and_it_is_said(
    kind: str, package: Path, tmp_path: Path
) -> None:
    (package / "tally_reader.py").write_text(BROKEN[kind][0])
    path = tmp_path / "x_seed1.csv"
    path.write_text("step,val_loss\n1,0.5\n2,0.4\n")
    run = open_run(path)
    assert run.history.series["val_loss"].values.tolist() == [0.5, 0.4]
    assert [finding.rule for finding in run.findings] == ["own_reader_broken"]

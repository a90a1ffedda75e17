"""The measures of benchmarks/code_density.py: what they count, and that the code keeps its bounds."""

from __future__ import annotations

from pathlib import Path

from benchmarks.code_density import PACKAGES, ROOT, measures, vague_names

DENSE = """
def f(a, b):
    told = [x for x in a if x]
    return told if b else g(1, 2, 3, 4, 5, 6)  # one remark
"""


def test_a_small_file_is_counted_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "dense.py"
    path.write_text(DENSE)
    by_name = {measure.name: measure.value for measure in measures([path])}
    lines = 3
    assert by_name["comprehensions in 1,000 lines"] == 1000 / lines
    assert by_name["conditional expressions in 1,000 lines"] == 1000 / lines
    assert by_name["calls with six or more positional arguments in 1,000 lines"] == 1000 / lines
    assert by_name["functions above complexity 15"] == 0
    assert list(vague_names([path])) == [f"{path}: told"]


def test_the_code_keeps_the_bounds() -> None:
    files = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    exceeded = [f"{measure.name}: {measure.value:.2f}" for measure in measures(files) if not measure.holds]
    assert exceeded == []


def test_benchmarks_have_no_vague_names() -> None:
    assert vague_names(sorted((ROOT / "benchmarks").glob("*.py"))) == {}

"""Maps from Python: the numbers of the command, and files only where a folder is given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import ired_diag as ird
from app.cli import main
from ired_diag import tasks
from ired_diag.errors import DiagError, NotFound


def printed_map(*words: str) -> dict[str, object]:
    """What the command prints as JSON."""
    result = CliRunner().invoke(main, ["map", *words, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    parsed: dict[str, object] = json.loads(result.stdout)["map"]
    return parsed


def test_basins_from_python_are_those_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    drawn = ird.map_basins("functions", settings={"function": "ackley"}, points=5, steps=50, seed=3)
    assert list(tmp_path.iterdir()) == []  # without a folder nothing is written
    words = ("--set", "function=ackley", "--points", "5", "--steps", "50", "--seed", "3", "--format", "svg")
    printed = printed_map("basins", "functions", *words)
    assert drawn.measured.label.tolist() == printed["label"]
    assert drawn.measured.value.tolist() == printed["value"]
    assert drawn.files == ()


def test_a_map_is_written_with_its_provenance_where_a_folder_is_given(tmp_path: Path) -> None:
    drawn = ird.map_noise(
        tasks.load("functions"),
        settings={"function": "saddle", "optimizer": "sgd"},
        noises=[1.0, 0.1],
        repeats=20,
        out=tmp_path / "maps",
        forms="svg",
    )
    assert drawn.measured.noise.tolist() == [0.1, 1.0]
    assert drawn.summary.startswith("Half of the runs have escaped after ")
    assert {path.parent for path in drawn.files} == {tmp_path / "maps"}
    assert all(path.stat().st_size for path in drawn.files)
    (provenance,) = [path for path in drawn.files if path.suffix == ".json"]
    assert "ird.map_noise" in provenance.read_text()


def test_neighbours_from_python_train_a_task_with_a_tenth_more_and_less(tmp_path: Path) -> None:
    settings = {"start_spread": 0.1, "train_steps": 20, "validate_every": 20}
    drawn = ird.map_neighbours("functions", settings=settings, seeds=[0, 4], runs=tmp_path, device="cpu")
    assert [round(neighbour.factor, 9) for neighbour in drawn.measured.neighbours] == [0.9, 1.1]
    assert drawn.measured.seeds == (0, 4)
    assert len(drawn.summary.splitlines()) == 2
    assert drawn.figure.note.startswith("2 seeds, against")


def test_seeds_that_are_one_measurement_have_no_interval_in_the_picture(tmp_path: Path) -> None:
    settings = {"train_steps": 20, "validate_every": 20}
    drawn = ird.map_neighbours("functions", settings=settings, seeds=[0, 4], runs=tmp_path, device="cpu")
    assert drawn.figure.note.startswith("2 seeds, no interval, against")
    assert "without an interval" in drawn.summary and "95% t interval" not in drawn.figure.method


def test_errors_of_maps_name_arguments() -> None:
    with pytest.raises(DiagError, match=r"^knob='learning_rat': no such key"):
        ird.map_neighbours("functions", knob="learning_rat")
    with pytest.raises(DiagError, match=r"in Python: extent=\): expected the smaller coordinate first"):
        ird.map_basins("functions", extent=(5, -5))
    with pytest.raises(DiagError, match=r"in Python: noises=\): expected numbers above 0, found -1"):
        ird.map_noise("functions", settings={"function": "saddle"}, noises=[-1])
    with pytest.raises(NotFound, match="forms: a picture is not written as 'gif'"):
        ird.map_basins("functions", points=2, steps=1, forms="gif")

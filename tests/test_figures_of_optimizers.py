"""Pictures of optimizers: paths on a map of the loss, images that a model draws, promise and stability."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.pictures import Material, make_pictures
from ired_diag import tasks
from ired_diag.drawing import as_table, paper, plotly
from ired_diag.drawing.model_images import GAP, MOST, _Looks, _without_plain_rows, model_images
from ired_diag.drawing.trajectories import trajectories
from ired_diag.errors import NotFound
from ired_diag.open import open_study
from ired_diag.probing.driver import Request, put_probes
from ired_diag.probing.targets import of_run
from ired_diag.runs.run import Run
from ired_diag.runs.store import read_run
from ired_diag.training.trainer import train
from probes import load

Browse = Callable[[Path], Any]
Ask = Callable[..., dict[str, Any]]


def trained(runs: Path, task: str, name: str, *, seed: int = 0, **knobs: Any) -> None:
    settings = {"experiment_name": name, "task": task, "seed": seed, "validate_every": 10, **knobs}
    loaded = tasks.load(task)
    train(loaded, tasks.settings_of(loaded, settings), runs / name / f"seed{seed}")


def groups_in(folder: Path) -> dict[str, list[Run]]:
    groups: dict[str, list[Run]] = {}
    for run in open_study(folder).runs:
        groups.setdefault(run.experiment, []).append(run)
    return groups


@pytest.fixture(scope="module")
def descents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two groups on Rosenbrock's function, one of them of two seeds, and one on the saddle that leaves."""
    runs = tmp_path_factory.mktemp("descents")
    valley: dict[str, Any] = {"function": "rosenbrock", "optimizer": "sgd", "train_steps": 50}
    valley["learning_rate"] = 1e-3
    for seed in range(2):
        trained(runs, "functions", "plain", seed=seed, start_spread=0.01, **valley)
    trained(runs, "functions", "adam", **{**valley, "optimizer": "adam", "learning_rate": 0.01})
    away: dict[str, Any] = {"function": "saddle", "optimizer": "sgd", "learning_rate": 0.5, "train_steps": 60}
    trained(runs, "functions", "leaves", **away)
    return runs


@pytest.fixture(scope="module")
def drawing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that fits few Gaussians to a red square, with nine checkpoints."""
    folder = tmp_path_factory.mktemp("drawing")
    colours = np.zeros((18, 16, 3), np.uint8)
    colours[3:9, 4:12, 0] = 255
    Image.fromarray(colours).save(folder / "square.png")
    few: dict[str, Any] = {"gaussians": 6, "train_steps": 45, "checkpoint_every": 5}
    trained(folder / "runs", "image", "square", picture=str(folder / "square.png"), **few)
    return folder / "runs"


def test_a_path_is_what_was_logged(descents: Path) -> None:
    groups = groups_in(descents)
    figure = trajectories({"adam": groups["adam"]})
    (panel,) = figure.panels
    line = next(line for line in panel.lines if line.name == "adam")
    history = groups["adam"][0].history.series
    assert (line.x[0], line.y[0]) == pytest.approx((-1.5, 2.0))
    assert line.x[-1] == pytest.approx(history["train/x"].values[-1])
    assert set(np.round(line.x, 9)) <= set(np.round(history["train/x"].values, 9))


def test_each_function_has_its_map_with_its_contours(descents: Path) -> None:
    figure = trajectories(groups_in(descents))
    by_name = {panel.x_label.rpartition(" ")[2]: panel for panel in figure.panels}
    assert set(by_name) == {"rosenbrock", "saddle"}
    contours = by_name["rosenbrock"].lines[0]
    x, y = contours.x, contours.y
    losses = (1 - x) ** 2 + 100 * (y - x * x) ** 2
    ends = np.flatnonzero(~np.isfinite(x))
    first_contour = losses[: ends[0]]
    # Along a contour the loss is the same, up to the straight pieces between the points of the grid.
    assert np.ptp(first_contour) < 0.2 * first_contour.mean()
    assert {mark.label for mark in by_name["saddle"].marks} >= {"saddle"}


def test_further_seeds_are_thin_and_of_the_colour_of_their_group(descents: Path) -> None:
    figure = trajectories(groups_in(descents))
    lines = [line for panel in figure.panels for line in panel.lines if line.of == "plain"]
    assert [line.faint for line in lines] == [False, True]


def test_starts_and_ends_are_marked_and_explained(descents: Path) -> None:
    groups = groups_in(descents)
    figure = trajectories({"adam": groups["adam"]})
    (panel,) = figure.panels
    by_label = {mark.label: mark for mark in panel.marks}
    history = groups["adam"][0].history.series
    assert (by_label["start"].x, by_label["start"].y) == pytest.approx((-1.5, 2.0))
    assert by_label["end"].x == history["train/x"].values[-1]
    shapes = [by_label[label].shape for label in ("start", "end", "minimum")]
    assert shapes == ["square", "circle", "diamond"]
    assert "Squares: starts; circles: last logged weights; diamonds: " in figure.method
    assert "adam: 1 run of 50 steps" in figure.method
    assert "cut at the edge" not in figure.method
    assert "cut at the edge" in trajectories({"leaves": groups["leaves"]}).method
    assert "the others are thin" in trajectories({"plain": groups["plain"]}).method


def test_a_path_that_leaves_widens_the_map_up_to_a_limit(descents: Path) -> None:
    figure = trajectories({"leaves": groups_in(descents)["leaves"]})
    (panel,) = figure.panels
    assert panel.y_range is not None
    assert 1.0 < panel.y_range[1] < 4.0  # the path itself ends beyond 10⁹
    assert panel.x_range == (-1.0, 1.0)


def test_images_are_those_of_the_checkpoints(drawing: Path) -> None:
    groups = groups_in(drawing)
    (figure,) = model_images(groups)
    (panel,) = figure.panels
    assert panel.raster is not None
    colours = panel.raster.colours
    assert colours.shape == (2 * 18 + GAP, (MOST + 1) * 16 + MOST * GAP, 3)
    assert colours[5, 6].tolist() == [1.0, 0.0, 0.0]  # the picture stands in the first column, once
    assert (colours[18:, :16] == 1.0).all()
    assert [name for _, name in panel.x_ticks] == ["target", "5", "15", "25", "35", "45"]
    # Where nothing is drawn the drawn image is black.
    drawn = colours[:18, -16:]
    holes = colours[18 + GAP :, -16:, 0] == 1
    assert (drawn[holes] == 0).all()


def test_a_row_of_one_colour_is_left_out_and_named() -> None:
    full, bright = np.zeros((2, 2, 3)), np.ones((2, 2, 3))
    full[0, 1] = 0.5
    looks = [_Looks(step, {"model": full * step, "uncovered": bright}) for step in (1, 2)]
    kept, plain = _without_plain_rows(looks)
    assert plain == {"uncovered": 0.0}
    assert [list(look.images) for look in kept] == [["model"], ["model"]]
    looks[1] = _Looks(2, {"model": full, "uncovered": full})
    assert _without_plain_rows(looks) == (looks, {})


def test_a_row_of_which_few_pixels_change_is_left_out_with_their_share() -> None:
    drawn = np.random.default_rng(0).random((20, 20, 3))
    for count, is_left_out in ((4, True), (5, False)):
        holes = np.zeros((20, 20, 3))
        holes[0, :count] = 1.0
        looks = [
            _Looks(1, {"model": drawn, "uncovered": holes}),
            _Looks(2, {"model": drawn, "uncovered": holes}),
        ]
        _, plain = _without_plain_rows(looks)
        assert plain == ({"uncovered": 0.01} if is_left_out else {})


def test_the_images_come_out_on_paper_and_on_the_screen_as_they_are(drawing: Path, tmp_path: Path) -> None:
    (figure,) = model_images(groups_in(drawing))
    raster = figure.panels[0].raster
    assert raster is not None
    sent = json.loads(plotly.draw(figure).to_json())["data"][0]
    assert sent["type"] == "image"
    assert paper.render(figure, "png").startswith(b"\x89PNG")
    rows = list(csv.DictReader(as_table.to_csv(figure).splitlines()))
    at = {(int(row["x"]), int(row["y"])): row["text"] for row in rows}
    assert at[6, 5] == "255 0 0"
    assert len(rows) == raster.colours.shape[0] * raster.colours.shape[1]


def test_runs_of_other_tasks_have_neither(drawing: Path, descents: Path) -> None:
    with pytest.raises(NotFound, match="no run here trains two weights"):
        trajectories(groups_in(drawing))
    with pytest.raises(NotFound, match="no run here has a checkpoint"):
        model_images(groups_in(descents))


def test_all_pictures_are_those_that_suit_the_runs(descents: Path, drawing: Path) -> None:
    of_descents = make_pictures(Material(groups=groups_in(descents)))
    assert "trajectories" in {figure.name for figure in of_descents.figures}
    # No probe of an energy can be put to a test function: no command is recommended that would fail.
    assert not {"spectra", "distributions", "model-images", "promise"} & set(of_descents.not_drawn)
    of_drawing = make_pictures(Material(groups=groups_in(drawing)))
    assert "model-images-square" in {figure.name for figure in of_drawing.figures}


def test_the_page_shows_paths_and_images(browse: Browse, ask: Ask, descents: Path, drawing: Path) -> None:
    for root, chart in ((descents, "optimizer-paths"), (drawing, "optimizer-images")):
        client = browse(root)
        shown = ask(client, f"{chart}-graph.figure", address_search="?page=optimizer", version_data=1)
        assert shown[f"{chart}-graph"]["figure"]["data"]


def test_probes_of_a_training_are_drawn_for_a_task_of_the_users_own(tmp_path: Path) -> None:
    own = replace(tasks.load("functions"), name="own")
    settings = {"experiment_name": "mine", "train_steps": 10, "validate_every": 5}
    train(own, tasks.settings_of(own, settings), tmp_path / "mine" / "seed0")
    request = Request(probes=[load("stability"), load("layers")], figures="none")
    list(put_probes(of_run(read_run(tmp_path / "mine" / "seed0"), "all", task=own), request))
    groups = groups_in(tmp_path)
    assert [run.task for run in groups["mine"]] == ["own"]
    pictures = make_pictures(Material(groups=groups))
    names = [figure.name for figure in pictures.figures]
    assert "stability-over-training" in names and "layers-mine" in names, pictures.not_drawn

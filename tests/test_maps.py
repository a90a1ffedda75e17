"""Maps: basins against the trainer's own path and a plain loop, escape against its formula, neighbours."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from app.cli import main
from ired_diag import tasks
from ired_diag.config import TrainingConfig
from ired_diag.drawing import plotly
from ired_diag.drawing.basin_map import basin_map, in_words
from ired_diag.errors import DiagError
from ired_diag.maps import basins as basins_module
from ired_diag.maps.basins import LEFT, UNDER_WAY, basins
from ired_diag.maps.descent import descend
from ired_diag.maps.escapes import escapes
from ired_diag.maps.neighbours import neighbours
from ired_diag.training.trainer import train

FUNCTIONS = tasks.load("functions")


def config_of(**knobs: Any) -> TrainingConfig:
    return tasks.settings_of(FUNCTIONS, {"experiment_name": "x", **knobs})


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"optimizer": "sgd", "learning_rate": 0.0005, "momentum": 0.9, "nesterov": True},
        {"function": "ackley", "optimizer": "rmsprop"},
        {"function": "schwefel", "optimizer": "amsgrad", "learning_rate": 1.0, "gradient_clip": 0.5},
        {"function": "rastrigin", "lr_schedule": "cosine", "lr_warmup_steps": 5, "gradient_noise": 0.3},
    ],
)
def test_a_start_takes_the_path_that_the_trainer_takes(knobs: dict[str, Any], tmp_path: Path) -> None:
    start = (-1.25, 1.5)
    config = config_of(**knobs, start=start, train_steps=200, validate_every=200, checkpoint_every=200)
    train(FUNCTIONS, config, tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    trained = [(row["train/x"], row["train/y"]) for row in rows[1:]]  # each before its step
    others = torch.rand(100, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    starts = torch.cat([others, torch.tensor([start], dtype=torch.float64)])
    path = []
    for weights in descend(FUNCTIONS, config, {"point": starts}, 199):
        path.append(weights["point"][-1].tolist())
    assert np.array(path) == pytest.approx(np.array(trained), rel=1e-12, abs=1e-12)


def test_basins_are_those_of_a_plain_loop() -> None:
    """Descent on Rastrigin's function, start by start in numpy; its minima lie near whole numbers."""
    config = config_of(function="rastrigin", optimizer="sgd", learning_rate=0.002)
    mapped = basins(FUNCTIONS, config, extent=(-1.7, 2.3), points=21, steps=400)
    for row, y in enumerate(mapped.y):
        for column, x in enumerate(mapped.x):
            point = np.array([x, y])
            for _ in range(400):
                point = point - 0.002 * (2 * point + 20 * np.pi * np.sin(2 * np.pi * point))
            end = mapped.ends[mapped.label[row, column]]
            assert (end.x, end.y) == pytest.approx(point, abs=1e-6)
    assert sum(end.starts for end in mapped.ends) == 441
    (minimum,) = [end for end in mapped.ends if end.kind]
    assert minimum.kind == "minimum"
    assert (minimum.x, minimum.y) == pytest.approx((0, 0), abs=1e-9)


def test_what_diverges_has_left_and_what_creeps_is_under_way() -> None:
    mapped = basins(FUNCTIONS, config_of(optimizer="sgd", learning_rate=0.001), points=11, steps=300)
    x, y = np.meshgrid(mapped.x, mapped.y)
    assert mapped.label[(x == 3) & (y == 3)] == LEFT  # λ there is far above 2/η
    assert mapped.label[(x == -1) & (y == 1)] == UNDER_WAY  # along the valley, for thousands of steps
    assert mapped.share(LEFT) + mapped.share(UNDER_WAY) + sum(end.share for end in mapped.ends) == (
        pytest.approx(1)
    )
    assert "still under way after 300 steps" in in_words(mapped)


def test_a_cycle_of_two_is_at_rest_and_its_end_is_the_minimum() -> None:
    mapped = basins(FUNCTIONS, config_of(function="quadratic", optimizer="rmsprop"), points=5)
    (end,) = mapped.ends
    assert (end.kind, end.share) == ("minimum", 1.0)


def test_starts_on_the_ridge_of_the_saddle_end_at_it_and_all_others_leave() -> None:
    mapped = basins(FUNCTIONS, config_of(function="saddle", optimizer="sgd"), points=11)
    (end,) = mapped.ends
    assert (end.kind, end.starts) == ("saddle", 11)
    assert (mapped.label[mapped.y != 0] == LEFT).all()


def test_newtons_step_is_that_of_the_written_out_hessian() -> None:
    points = torch.tensor([[-1.5, 2.0], [0.3, 0.1], [1.0, 1.0]], dtype=torch.float64)
    value, newton = basins_module._value_and_newton_step(FUNCTIONS, config_of(), "point", points)
    for place, (x, y) in enumerate(points.tolist()):
        gradient = np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])
        hessian = np.array([[2 - 400 * (y - 3 * x * x), -400 * x], [-400 * x, 200]])
        step = np.linalg.solve(hessian, gradient)
        assert newton[place] == pytest.approx(np.linalg.norm(step), rel=1e-9, abs=1e-12)
        assert value[place] == pytest.approx((1 - x) ** 2 + 100 * (y - x * x) ** 2)


def test_ends_that_touch_are_one_and_ends_apart_are_two() -> None:
    points = np.array([[0.0, 0.0], [0.009, 0.0], [0.018, 0.001], [0.5, 0.5], [0.504, 0.5]])
    joined = basins_module._joined(points, 0.02)
    assert joined[0] == joined[1] == joined[2] != joined[3] == joined[4]


@pytest.mark.slow
def test_a_map_of_ten_thousand_starts_takes_less_than_four_seconds_of_a_core() -> None:
    began = time.process_time()
    basins(FUNCTIONS, config_of())
    assert time.process_time() - began < 4


@pytest.mark.slow
def test_half_of_the_runs_have_escaped_at_the_median_of_the_formula() -> None:
    measured = escapes(FUNCTIONS, config_of(function="saddle", optimizer="sgd"))
    # FACTS: 1231.7, 1000.3, 768.9, 537.5, 306.2 at rate .01, radius 1, noise 1e-4 … 1.
    assert measured.formula == pytest.approx([1231.7, 1000.3, 768.9, 537.5, 306.2], abs=0.05)
    assert measured.median == pytest.approx(measured.formula, rel=0.02)
    assert (measured.low < measured.median).all()
    assert (measured.median < measured.high).all()


def test_escape_with_other_rate_and_radius_follows_the_formula_too() -> None:
    config = config_of(function="saddle", optimizer="sgd", learning_rate=0.1)
    measured = escapes(FUNCTIONS, config, noises=[1e-3, 0.1], radius=0.5, runs=2000)
    assert measured.median == pytest.approx(measured.formula, abs=1.5)  # steps are whole, here few
    assert measured.curvature == pytest.approx(1)


@pytest.mark.parametrize(
    ("knobs", "reason"),
    [
        ({}, "the optimiser is adam"),
        ({"optimizer": "sgd", "momentum": 0.9}, "without momentum"),
        ({"optimizer": "sgd", "lr_schedule": "cosine"}, "constant learning rate"),
        ({"optimizer": "sgd", "gradient_noise": 0.1}, "differ from step to step"),
    ],
)
def test_no_formula_is_given_where_it_is_not_that_of_the_descent(knobs: dict[str, Any], reason: str) -> None:
    config = config_of(function="saddle", **knobs)
    measured = escapes(FUNCTIONS, config, noises=[0.1], radius=0.1, runs=20, most_steps=50)
    assert reason in measured.no_formula
    assert np.isnan(measured.formula).all()


def test_a_median_that_was_not_reached_is_unknown() -> None:
    config = config_of(function="saddle", optimizer="sgd")
    measured = escapes(FUNCTIONS, config, noises=[1e-4], runs=100, most_steps=20)
    assert np.isnan(measured.median).all()
    assert measured.escaped.tolist() == [0]


def test_a_task_without_a_saddle_or_of_one_set_of_weights_is_refused() -> None:
    with pytest.raises(DiagError, match="knows no saddle"):
        escapes(FUNCTIONS, config_of())
    image = tasks.load("image")
    with pytest.raises(DiagError, match="stacked=True"):
        basins(image, tasks.settings_of(image, {"experiment_name": "x"}))


SPREAD = {"start_spread": 0.1, "train_steps": 60, "validate_every": 60, "checkpoint_every": 60}


def test_neighbours_are_a_tenth_away_and_their_change_is_that_of_the_runs(tmp_path: Path) -> None:
    config = config_of(**SPREAD)
    mapped = neighbours(FUNCTIONS, config, "learning_rate", range(3), runs=tmp_path)
    assert [neighbour.value for neighbour in mapped.neighbours] == [0.009, 0.011]
    assert [neighbour.factor for neighbour in mapped.neighbours] == [0.9, 1.1]
    last: dict[str, list[float]] = {}
    for rate in ("0.009", "0.01", "0.011"):
        for seed in range(3):
            metrics = tmp_path / "x" / f"learning_rate={rate}" / f"seed{seed}" / "metrics.jsonl"
            row = json.loads(metrics.read_text().splitlines()[-1])
            last.setdefault(rate, []).append(row["function/value"])
    for neighbour, rate in zip(mapped.neighbours, ("0.009", "0.011"), strict=True):
        (pair,) = neighbour.comparison.pairs
        changes = np.array(last[rate]) - np.array(last["0.01"])
        half = 4.302653 * changes.std(ddof=1) / np.sqrt(3)
        assert pair.difference == pytest.approx(changes.mean(), rel=1e-9)
        assert (pair.test.low, pair.test.high) == pytest.approx(
            (changes.mean() - half, changes.mean() + half), rel=1e-5
        )
    again = neighbours(FUNCTIONS, config, "learning_rate", range(3), runs=tmp_path)
    assert again.neighbours[0].comparison.pairs[0].difference == (
        mapped.neighbours[0].comparison.pairs[0].difference
    )
    with pytest.raises(DiagError, match="other settings"):
        neighbours(FUNCTIONS, config_of(**SPREAD, start=[1.0, 2.0]), "learning_rate", [0], runs=tmp_path)


@pytest.mark.parametrize(
    ("knob", "complaint"),
    [
        ("learning_rat", "no such key"),
        ("momentum", "a tenth of 0.0 is not a change"),
        ("nesterov", "a tenth of False"),
        ("adam_betas", "a tenth of"),
        ("batch_size", "1 times 0.9 rounds to 1"),
    ],
)
def test_a_knob_that_a_tenth_does_not_change_is_refused(knob: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(DiagError, match=complaint):
        neighbours(FUNCTIONS, config_of(**SPREAD), knob, [0], runs=tmp_path)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 0, result.output
    return result


def test_the_command_draws_each_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    small = ("--points", "9", "--steps", "300", "--format", "svg")
    output = run("map", "basins", "functions", "--set", "function=rastrigin", *small).output
    assert "points; " in output
    picture = (tmp_path / "maps" / "basins-functions-function=rastrigin.svg").read_text()
    assert "minimum (0, 0), loss 0: " in picture  # has a colour, though other ends get more starts
    caption = (tmp_path / "maps" / "basins-functions-function=rastrigin.txt").read_text()
    assert caption.startswith("Where descents end: a test function of the plane, function rastrigin. ")
    assert "Adam, learning rate 0.01" in caption
    table = (tmp_path / "maps" / "basins-functions-function=rastrigin.csv").read_text()
    assert table.count(",area,") == 81
    saddle = ("functions", "--set", "function=saddle", "--set", "optimizer=sgd", "--set", "learning_rate=0.1")
    noise = ("--noise", "0.1", "--repeats", "200", "--radius", "0.5", "--format", "png", "--json")
    content = json.loads(run("map", "noise", *saddle, *noise).output)
    assert content["map"]["formula"][0] == pytest.approx(content["map"]["median"][0], abs=3)
    assert all((tmp_path / file).is_file() for file in content["files"])
    spread = ("--set", "start_spread=0.1", "--set", "train_steps=40", "--seeds", "0-2", "--format", "png")
    output = run("map", "neighbours", "functions", *spread).output
    assert "learning_rate -10% (0.009): function/value changes by" in output
    assert (tmp_path / "runs" / "functions-neighbours" / "learning_rate=0.011" / "seed2").is_dir()


def test_of_many_ends_the_colour_is_the_loss_and_every_border_is_drawn() -> None:
    mapped = basins(FUNCTIONS, config_of(function="rastrigin"), points=61, steps=400)
    (panel,) = basin_map(mapped, title="", method="").panels
    areas = panel.areas
    assert areas is not None
    on_screen = plotly.draw(basin_map(mapped, title="", method=""))
    listed = [trace.name for trace in on_screen.data if trace.showlegend]
    assert listed == list(dict.fromkeys(areas.names))
    values = np.array([end.value for end in mapped.ends])
    settled = mapped.label >= 0
    of_start = values[mapped.label[settled]]
    kinds = areas.kinds[settled]
    bounds = [(of_start[kinds == kind].min(), of_start[kinds == kind].max()) for kind in range(5)]
    assert all(high < low for (_, high), (low, _) in itertools.pairwise(bounds))
    (border,) = panel.lines
    across = int((mapped.label[:, 1:] != mapped.label[:, :-1]).sum())
    up = int((mapped.label[1:] != mapped.label[:-1]).sum())
    assert np.isnan(border.x).sum() + np.isnan(border.y).sum() == across + up


def test_few_ends_have_a_colour_each_and_no_borders() -> None:
    mapped = basins(FUNCTIONS, config_of(function="saddle", optimizer="sgd", learning_rate=0.1), points=21)
    figure = basin_map(mapped, title="", method="")
    (panel,) = figure.panels
    assert panel.areas is not None
    assert len(set(panel.areas.colours)) == len(panel.areas.names)
    assert panel.lines == ()
    assert "thin lines" not in figure.method


BOWL = """
import torch
from ired_diag.config import TrainingConfig
from ired_diag.task import Losses, LossTerm, Metric, Task

def loss(config, tensors, batch):
    x, y = tensors["w"].unbind(-1)
    return Losses({"height": (x * x - 1) ** 2 + y * y})

def evaluate(config, tensors, batch, generator):
    return {"validation/height": float(tensors["w"].square().sum())}

def build():
    return Task(
        name="wells",
        title="two wells",
        settings=TrainingConfig,
        metric=Metric("validation/height", "height"),
        terms=(LossTerm("height", "two wells"),),
        initial_weights=lambda config, generator: {"w": torch.randn(2, generator=generator)},
        draw_batch=lambda config, streams, step: {},
        loss=loss,
        evaluate=evaluate,
        stacked=True,
    )
"""


def test_a_task_of_ones_own_is_mapped_where_its_extent_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wells.py").write_text(BOWL)
    rate = ("--set", "learning_rate=0.01", "--points", "10", "--format", "png", "--json")
    asked = ["map", "basins", "wells.py:build", *rate]
    assert "--extent LOW HIGH" in CliRunner().invoke(main, asked).output
    content = json.loads(run(*asked, "--extent", "-2", "2").output)
    ends = content["map"]["ends"]
    assert sorted(round(end["x"], 3) for end in ends) == [-1, 1]
    assert [end["share"] for end in ends] == [0.5, 0.5]
    quick = ("--set", "train_steps=20", "--seeds", "0-1", "--format", "png")
    assert "learning_rate +10%" in run("map", "neighbours", "wells.py:build", *quick).output
    config = Path("runs/wells-neighbours/learning_rate=0.0001/seed0/config.json").read_text()
    assert '"task_function": "build"' in config


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_descent_that_starts_at_ackleys_minimum_stays_there(optimizer: str) -> None:
    """Its cone has no derivative there, and a square root's is infinite."""
    mapped = basins(FUNCTIONS, config_of(function="ackley", optimizer=optimizer), points=5, steps=20)
    assert mapped.x[2] == 0
    assert mapped.label[2, 2] != LEFT
    end = mapped.ends[mapped.label[2, 2]]
    assert (end.x, end.y, end.kind) == (0.0, 0.0, "minimum")
    assert end.value == pytest.approx(0, abs=1e-12)


def test_maps_say_how_far_they_are() -> None:
    told: list[tuple[int, int]] = []

    def progress(steps: int, most: int) -> None:
        told.append((steps, most))

    basins(FUNCTIONS, config_of(), points=3, steps=30, progress=progress)
    assert told == [(10, 30), (20, 30), (30, 30)]
    told.clear()
    saddle = config_of(function="saddle", optimizer="sgd", learning_rate=0.1)
    escapes(FUNCTIONS, saddle, noises=[1.0], runs=20, most_steps=5000, progress=progress)
    assert told[0] == (10, 5000)
    assert told[-1][0] < 5000  # nearly all have escaped

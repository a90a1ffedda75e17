"""A task of a user's own: trained, resumed, forked, probed, compared and drawn like the one built in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from app.cli import main
from ired_diag import tasks
from ired_diag.config import TrainingConfig
from ired_diag.errors import DiagError
from ired_diag.open import open_run
from ired_diag.probing.targets import open_subject
from ired_diag.runs.checkpoint_choice import choose_checkpoints
from ired_diag.task import Losses, LossTerm, Metric, ParameterGroup, Task
from ired_diag.training.trainer import train

pytestmark = pytest.mark.slow

DOCUMENT = Path(__file__).parents[1] / "docs" / "own-tasks.md"
SHORT = ("--set", "train_steps=60", "--set", "batch_size=64", "--set", "validate_every=5")
FEW = ("--set", "log_every=5", "--set", "checkpoint_every=30", "--set", "learning_rate=0.02")


def run(*arguments: str, fails: bool = False) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert (result.exit_code != 0) is fails, result.output
    return result


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example of the documentation, as a file in the current folder."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "mixture.py"
    path.write_text(code)
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def trained(example: Path) -> Path:
    """Three seeds of the example, and three of a smaller network."""
    task = ("--task", "mixture.py:build", "--seeds", "0-2", "--device", "cpu")
    run("train", *task, *SHORT, *FEW)
    run("train", *task, *SHORT, *FEW, "--set", "hidden=2", "--name", "small")
    return example.parent / "runs"


def test_the_commands_of_the_documentation_are_those_of_this_test() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for command in (
        "train --task",
        "probe energy_gap mixture",
        "stats mixture small",
        "figures mixture small",
    ):
        assert f"ired-diag {command}" in text


def test_its_run_records_task_metric_and_the_file_that_made_it(trained: Path) -> None:
    content = json.loads((trained / "mixture" / "seed0" / "config.json").read_text())
    assert content["task"] == "mixture"
    assert content["metric"]["name"] == "validation/score_error"
    assert content["paired_by"] == ["modes"]
    assert content["provenance"]["task_file"].endswith("mixture.py")
    assert "task" not in content["config"]


def test_it_learns(trained: Path) -> None:
    for seed in range(3):
        series = open_run(trained / "mixture" / f"seed{seed}").history.series["validation/score_error"]
        assert series.values[-1] < 0.9 * series.values[0]


def test_its_metric_judges_the_run_in_its_direction(trained: Path) -> None:
    run_of_it = open_run(trained / "mixture" / "seed0")
    assert run_of_it.judging_metric == "validation/score_error"
    assert run_of_it.lower_is_better
    assert run_of_it.direction.source == "configuration"


@pytest.mark.parametrize("name", ["energy_gap", "diversity", "mining_dynamics", "energy_judge", "curvature"])
def test_its_checkpoints_are_probed_through_its_own_sampler(trained: Path, name: str) -> None:
    run("probe", name, "mixture", "--task", "mixture.py:build", "--samples", "24", "--figures", "none")
    assert (trained / "mixture" / "seed0" / "probes" / f"{name}.parquet").is_file()


def test_a_probe_that_needs_matrices_says_what_the_model_lacks(trained: Path) -> None:
    where = str(trained / "mixture" / "seed0")
    result = run("probe", "floor", where, "--task", "mixture.py:build", fails=True)
    assert "needs problems that are matrices, and this model has none" in result.output


def test_its_seeds_are_compared_in_pairs_because_both_state_their_data(trained: Path) -> None:
    result = json.loads(run("stats", "mixture", "small", "--json").output)
    text = json.dumps(result)
    assert "validation/score_error" in text
    assert "modes 8" in text


def test_its_figures_are_drawn(trained: Path) -> None:
    run("figures", "mixture", "small", "--out", str(trained.parent / "drawn"))
    assert list((trained.parent / "drawn").glob("*.pdf"))


def test_a_folder_that_names_an_own_task_runs_no_file_unless_it_is_named(
    trained: Path, example: Path
) -> None:
    example.write_text("raise RuntimeError('was run')")
    for command in (("ls",), ("stats", "mixture", "small"), ("diagnose", "runs")):
        assert "was run" not in run(*command).output
    refused = run("probe", "energy_gap", "mixture", fails=True)
    assert f"--task {example.resolve()}:build. The file is run." in refused.output
    assert "mixture/seed0: trains" not in refused.output  # the line names the run already


def test_a_run_goes_on_with_its_task_and_says_where_the_file_changed(trained: Path, example: Path) -> None:
    more = ("--set", "train_steps=60")
    (trained / "mixture" / "seed0" / "checkpoints" / "last.pt").unlink()
    (trained / "mixture" / "seed0" / "checkpoints" / "step-000000060.safetensors").unlink()
    example.write_text(example.read_text() + "\n# changed\n")
    task = ("--task", "mixture.py:build", "--seeds", "0", "--resume", "--device", "cpu")
    result = run("train", *task, *SHORT, *FEW, *more)
    assert "task_sha256" in result.output
    assert open_run(trained / "mixture" / "seed0").ending.complete


def test_a_run_of_another_task_is_not_gone_on_with(trained: Path) -> None:
    refused = run("train", "q103", "--name", "mixture", "--seeds", "0", "--resume", fails=True)
    assert "mixture" in refused.output


def test_a_fork_goes_on_from_its_checkpoint(trained: Path) -> None:
    run(
        *("train", "--from", "mixture/seed0@30", "--task", "mixture.py:build", "--name", "slower"),
        *("--set", "learning_rate=0.001", "--device", "cpu"),
    )
    (folder,) = (trained / "slower").glob("*/seed0")
    assert open_run(folder).history.series["validation/score_error"].steps[0] > 30


def test_the_same_seed_trains_the_same_weights_whatever_its_companions(example: Path) -> None:
    task = tasks.load(f"{example}:build")
    config = task.settings(experiment_name="x", train_steps=10, batch_size=8, validate_every=10)
    alone = train(task, config, example.parent / "alone")
    run(
        "train",
        "--task",
        "mixture.py:build",
        "--seeds",
        "0-1",
        "--together",
        "2",
        "--device",
        "cpu",
        "--set",
        "train_steps=10",
        "--set",
        "batch_size=8",
        "--set",
        "validate_every=10",
    )
    weights = [
        open_subject(choose_checkpoints(open_run(folder), "last")[0], task=task, weights="raw")
        for folder in (alone, example.parent / "runs" / "mixture" / "seed0")
    ]
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    t = torch.zeros(5, dtype=torch.long)
    first, second = (subject.energy.landscape(torch.zeros(5, 1), t).energy(x) for subject in weights)
    torch.testing.assert_close(first, second, rtol=1e-5, atol=1e-6)


Make = Callable[..., Task]


@pytest.fixture
def parabola() -> Make:
    """A function (**fields) that returns the task of descending a parabola, whose every step is known."""

    def make(**fields: object) -> Task:
        keys: dict[str, object] = {
            "name": "parabola",
            "title": "a parabola",
            "settings": TrainingConfig,
            "metric": Metric("validation/height", "height"),
            "terms": (LossTerm("height", "w^2 / 2"), LossTerm("shown", "3 w", trained=False)),
            "initial_weights": lambda config, generator: {"w": torch.tensor([4.0]), "v": torch.tensor([4.0])},
            "draw_batch": lambda config, streams, step: {},
            "loss": lambda config, tensors, batch: Losses(
                {
                    "height": (tensors["w"].square() + tensors["v"].square()).sum() / 2,
                    "shown": 3 * tensors["w"].sum(),
                }
            ),
            "evaluate": lambda config, tensors, batch, generator: {
                "validation/height": float(tensors["w"].square().sum() / 2)
            },
        }
        return Task(**(keys | fields))  # type: ignore[arg-type]

    return make


def settings(**knobs: Any) -> TrainingConfig:
    fixed: dict[str, Any] = {
        "experiment_name": "x",
        "optimizer": "sgd",
        "learning_rate": 0.5,
        "gradient_clip": None,
    }
    return TrainingConfig(**{**fixed, "train_steps": 3, "validate_every": 1, "log_every": 1, **knobs})


def rows_of(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_step_descends_the_trained_terms_alone(tmp_path: Path, parabola: Make) -> None:
    rows = rows_of(train(parabola(), settings(), tmp_path / "run"))
    # w <- w - 0.5 w: 4, 2, 1, 0.5; the loss of a step is that before it.
    assert [row["train/loss"] for row in rows] == [16.0, 4.0, 1.0]
    assert [row["train/reported_loss"] for row in rows] == [28.0, 10.0, 4.0]


def test_a_group_may_be_frozen_or_slower(tmp_path: Path, parabola: Make) -> None:
    def groups(config: TrainingConfig) -> tuple[ParameterGroup, ...]:
        return (ParameterGroup(name="v", holds=lambda name: name == "v", learning_rate_factor=0.0),)

    rows = rows_of(train(parabola(parameter_groups=groups), settings(), tmp_path / "run"))
    assert [row["train/loss"] for row in rows] == [16.0, 10.0, 8.5]  # v stays at 4


def test_weights_are_moved_back_to_where_they_may_be(tmp_path: Path, parabola: Make) -> None:
    def project(config: TrainingConfig, weights: dict[str, torch.Tensor]) -> None:
        weights["w"].clamp_(min=1.5)

    rows = rows_of(train(parabola(project=project), settings(), tmp_path / "run"))
    assert [row["train/height"] for row in rows] == [16.0, 4.0, (1.5**2 + 1) / 2]


def test_the_best_is_the_highest_where_higher_is_better(tmp_path: Path, parabola: Make) -> None:
    metric = Metric("validation/height", "height", higher_is_better=True)
    folder = train(parabola(metric=metric), settings(), tmp_path / "run")
    best = torch.load(folder / "checkpoints" / "best.pt", weights_only=True)["ired_diag"]
    assert best["best_step"] == 1  # the average is a copy of the weights at step 1, and w falls


def test_an_evaluation_without_its_metric_is_refused(tmp_path: Path, parabola: Make) -> None:
    with pytest.raises(DiagError, match="must return its metric 'validation/height'"):
        train(parabola(evaluate=lambda *_: {"other": 1.0}), settings(), tmp_path / "run")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("def build():\n    return 3\n", "must return an ired_diag.task.Task"),
        ("def build():\n    return 1 / 0\n", "ZeroDivisionError"),
        ("def make():\n    return 3\n", "holds no function 'build'"),
    ],
)
def test_a_file_that_makes_no_task_is_told_in_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "t.py").write_text(text)
    with pytest.raises(DiagError, match=complaint):
        tasks.load(f"{tmp_path / 't.py'}:build")

"""A mistake in a user's own task is said in one sentence, and its run says that it failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch

import ired_diag as ird
from app.next_command import Place, command_of_fact
from ired_diag import tasks
from ired_diag.config import TrainingConfig
from ired_diag.errors import CannotWrite, DiagError, NotFound
from ired_diag.finding import Finding
from ired_diag.finding_clusters import Fact
from ired_diag.own_model import OwnModel, as_subject
from ired_diag.runs.ending import Ending
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.task import Losses, LossTerm, Metric, Task
from ired_diag.training.trainer import train

SETTINGS: dict[str, Any] = {"train_steps": 3, "validate_every": 1, "log_every": 1, "checkpoint_every": 3}


def height(config: Any, tensors: Mapping[str, torch.Tensor], batch: object) -> Losses:
    return Losses({"height": tensors["w"].square().sum()})


PARABOLA = Task(
    name="parabola",
    title="a parabola",
    settings=TrainingConfig,
    metric=Metric("validation/height", "height"),
    terms=(LossTerm("height", "w^2"),),
    initial_weights=lambda config, generator: {"w": torch.tensor([4.0, 1.0])},
    draw_batch=lambda config, streams, step: {},
    loss=height,
    evaluate=lambda config, tensors, batch, generator: {"validation/height": float(tensors["w"].sum())},
    paired_by=("batch_size",),
)


def descend(folder: Path, **fields: Any) -> Path:
    return train(replace(PARABOLA, **fields), TrainingConfig(experiment_name="x", **SETTINGS), folder)


def test_a_task_is_trained_as_the_value_that_it_is(tmp_path: Path) -> None:
    first, second = ird.train(task=PARABOLA, seeds=[0, 1], settings=SETTINGS, runs=tmp_path, device="cpu")
    assert first.ending.complete and second.seed == 1 and first.experiment == "parabola"
    assert first.provenance["task_file"].endswith(Path(__file__).name)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"settings": dict}, "settings must be a class made of ired_diag.config.TrainingConfig"),
        ({"metric": "validation/height"}, "metric must be an ired_diag.task.Metric"),
        ({"terms": ("height",)}, "terms must be a tuple of ired_diag.task.LossTerm"),
        ({"terms": LossTerm("height", "w^2")}, "terms must be a tuple of ired_diag.task.LossTerm"),
        ({"terms": (LossTerm("height", "w^2", trained=False),)}, "no LossTerm that is trained"),
        ({"loss": None}, "loss must be a function"),
        ({"paired_by": ("batch_sise",)}, "no key of TrainingConfig. Did you mean 'batch_size'?"),
        ({"paired_by": "batch_size"}, "paired_by must be a tuple of keys"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named_before_anything_is_trained(
    tmp_path: Path, fields: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(DiagError, match="The task parabola: ") as error:
        ird.train(task=replace(PARABOLA, **fields), settings=SETTINGS, runs=tmp_path, device="cpu")
    assert complaint in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_task_of_a_file_is_checked_under_the_name_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "dw.py"
    file.write_text(
        "from dataclasses import replace\n"
        f"from {Path(__file__).stem} import PARABOLA\n"
        "def build():\n    return replace(PARABOLA, paired_by=('gapp',))\n"
    )
    with pytest.raises(DiagError, match=r"dw\.py: paired_by names 'gapp', which is no key"):
        _with_this_folder(lambda: tasks.load(f"{file}:build"))


def _with_this_folder(call: Callable[[], object]) -> object:
    import sys

    sys.path.insert(0, str(Path(__file__).parent))
    try:
        return call()
    finally:
        sys.path.pop(0)


def test_a_file_without_its_function_is_said_to_lack_the_function(tmp_path: Path) -> None:
    file = tmp_path / "dw.py"
    file.write_text("")
    with pytest.raises(NotFound, match=rf"names a file without the function .*{file}:build"):
        tasks.load(str(file))
    with pytest.raises(NotFound, match="found no file"):
        tasks.load(str(tmp_path / "other.py:build"))


@pytest.mark.parametrize(
    ("loss", "complaint"),
    [
        (lambda c, w, b: w["w"].square().sum(), r"must return ired_diag.task.Losses, found Tensor"),
        (lambda c, w, b: Losses({"hight": w["w"].sum()}), "term 'hight', which is no LossTerm"),
        (lambda c, w, b: Losses({}), "none of the terms that are trained: height"),
        (lambda c, w, b: Losses({"height": w["w"].square()}), r"found shape \(2,\). Take the mean"),
        (lambda c, w, b: Losses({"height": cast(Any, 3.0)}), "must be a tensor of one number.*found float"),
        (lambda c, w, b: Losses({"height": w["w"].sum()}, {"x": w["w"]}), "'x' must be one number"),
    ],
)
def test_what_loss_returns_is_checked(tmp_path: Path, loss: Callable[..., Any], complaint: str) -> None:
    with pytest.raises(DiagError, match=complaint):
        descend(tmp_path / "run", loss=loss)


def test_a_stacked_loss_has_a_number_for_each_seed(tmp_path: Path) -> None:
    with pytest.raises(DiagError, match=r"terms of shape \(1,\), one number for each seed, found shape \(\)"):
        descend(tmp_path / "run", stacked=True)

    def one_each(config: Any, tensors: Mapping[str, torch.Tensor], batch: object) -> Losses:
        return Losses({"height": tensors["w"].square().sum(-1)})

    assert ird.open_run(descend(tmp_path / "other", stacked=True, loss=one_each)).ending.complete


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"evaluate": lambda *_: None}, r"evaluate\(\) must return a dictionary of numbers, found NoneType"),
        ({"evaluate": lambda *_: {"validation/height": "low"}}, "must be a number, found 'low'"),
        ({"evaluate": lambda *_: {"validation/height": torch.ones(2)}}, "must be a number"),
        (
            {"initial_weights": lambda *_: {"w": 1.0}},
            r"initial_weights\(\): 'w' must be a tensor, found float",
        ),
        ({"initial_weights": lambda *_: [1.0]}, "must return tensors by name, found list"),
        (
            {"draw_batch": lambda *_: torch.ones(2)},
            r"draw_batch\(\) must return tensors by name, found Tensor",
        ),
    ],
)
def test_what_the_other_functions_return_is_checked(
    tmp_path: Path, fields: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(DiagError, match=complaint):
        descend(tmp_path / "run", **fields)


def test_a_training_that_raised_says_so_and_goes_on_once_it_is_corrected(tmp_path: Path) -> None:
    def broken(config: Any, tensors: Mapping[str, torch.Tensor], batch: object) -> Losses:
        return height(config, tensors["w"].weights, batch)  # type: ignore[attr-defined]

    broken_task = replace(PARABOLA, loss=broken)
    with pytest.raises(AttributeError, match="has no attribute 'weights'") as error:
        ird.train(task=broken_task, settings=SETTINGS, runs=tmp_path, device="cpu")
    assert "resume=True" in error.value.__notes__[0]
    run = ird.open_run(tmp_path / "parabola")
    assert run.ending.label == "failed: AttributeError"
    assert "has no attribute 'weights'" in run.ending.detail
    with pytest.raises(CannotWrite, match="resume"):
        ird.train(task=PARABOLA, settings=SETTINGS, runs=tmp_path, device="cpu")
    (again,) = ird.train(task=PARABOLA, settings=SETTINGS, runs=tmp_path, device="cpu", resume=True)
    assert again.ending.complete


def test_a_failure_at_the_last_evaluation_is_one_too(tmp_path: Path) -> None:
    calls = []

    def evaluate(*_: Any) -> dict[str, float]:
        calls.append(1)
        return {"validation/height": 1.0 / (3 - len(calls))}

    with pytest.raises(ZeroDivisionError):
        descend(tmp_path / "run", evaluate=evaluate)
    assert ird.open_run(tmp_path / "run").ending.label == "failed: ZeroDivisionError"


def test_an_ending_is_called_by_its_error_only_where_the_detail_begins_with_one() -> None:
    assert Ending("failed", "KeyError: 'x'").label == "failed: KeyError"
    assert Ending("failed", "exit code 1").label == "failed"
    assert Ending("failed", "KeyError: 'x'", cause="runtime_error").label == "failed: runtime_error"


def test_an_energy_without_levels_and_sampler_is_told_what_it_lacks() -> None:
    model = OwnModel(energy=lambda x, y, t: y.sum(-1), draw=lambda n, g: (torch.zeros(n, 1),) * 2, levels=0)
    with pytest.raises(DiagError, match="this one has levels=0 and no sampler"):
        as_subject(model)


def test_the_record_names_the_function_so_that_commands_on_own_tasks_run(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(f"from {Path(__file__).stem} import PARABOLA\ndef build():\n    return PARABOLA\n")
    name = f"{file}:build"
    (run,) = cast(
        list[Run],
        _with_this_folder(
            lambda: ird.train(task=name, settings=SETTINGS, runs=tmp_path / "runs", device="cpu")
        ),
    )
    assert tasks.option_of(run) == ("--task", f"{file.resolve()}:build")
    assert tasks.option_of(replace(run, provenance={})) == ("--task", "FILE.py:FUNCTION")
    assert tasks.option_of(replace(run, task="inverse")) == ()
    study = Study.of([run])
    finding = Finding(
        "curve_shape", "note", "late", advice=f"Train on: ired-diag train --from {run.label}@last"
    )
    fact = Fact((finding,), (run.label,))
    command = command_of_fact(fact, study, Place(runs=tmp_path / "runs"))
    assert command is not None and f"--task {file.resolve()}:build" in command


def test_probes_of_matrices_are_not_advised_for_an_own_task(tmp_path: Path) -> None:
    ird.train(task=PARABOLA, seeds=[0, 1], settings=SETTINGS, runs=tmp_path, device="cpu")
    reasons = ird.figures("parabola", runs=tmp_path).not_drawn
    assert "cannot be put to the task parabola" in reasons["floor-ladder"]
    assert "ired-diag probe floor" not in " ".join(reasons.values())

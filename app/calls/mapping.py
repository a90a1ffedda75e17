"""What a map is made of: a task with settings, a name of the picture, and its files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ired_diag import experiments, tasks
from ired_diag.config import TrainingConfig
from ired_diag.errors import DiagError
from ired_diag.experiments.sweep import set_knobs
from ired_diag.runs.store import folder_name
from ired_diag.task import Task
from ired_diag.training.plan import parse_settings

if TYPE_CHECKING:
    from ired_diag.drawing.data import FigureData
    from ired_diag.runs.run import Run


OPTIMISERS = {"adam": "Adam", "adamw": "AdamW", "amsgrad": "AMSGrad", "rmsprop": "RMSProp", "sgd": "SGD"}
IN_METHOD = ("optimizer", "learning_rate")  # settings that the sentence on the optimiser has


@dataclass(frozen=True)
class Mapped:
    """A task with settings, of which a map is made.

    Attributes:
        task: The task.
        config: Its settings.
        changed: What differs from the task's defaults, ``function=saddle``, in the order given.
    """

    task: Task
    config: TrainingConfig
    changed: tuple[str, ...]

    @property
    def title(self) -> str:
        """The task, and what differs from its defaults but for optimiser and learning rate."""
        changes = []
        for change in self.changed:
            key, _, value = change.partition("=")
            if key not in IN_METHOD:
                changes.append(f"{key.replace('_', ' ')} {value}")
        return ", ".join([self.task.title, *changes])

    @property
    def method(self) -> str:
        """The optimiser, as a sentence."""
        name = OPTIMISERS.get(self.config.optimizer, self.config.optimizer)
        return f"Optimiser: {name}, learning rate {self.config.learning_rate:g}."


def mapped_task(
    name: str | Task, settings: Sequence[str], *, experiment: str | None = None, seed: int | None = None
) -> Mapped:
    """Return a task with the settings that a command line gives.

    Args:
        name: Name of a built-in task, ``FILE.py:FUNCTION``, or the task itself.
        settings: ``key=value`` each.
        experiment: Name of the runs that are trained. Default: that of the task.
        seed: Random seed. Default: that of the task.

    Raises:
        DiagError: There is no such task, or a setting cannot be used.
    """
    task = tasks.load(name)
    values = parse_settings(settings)
    if "seed" in values:
        raise DiagError("--set seed: choose it with --seed or --seeds.")
    (plain,) = experiments.of_task(task)
    config = set_knobs(plain, values).config
    changes: dict[str, object] = {}
    if experiment is not None:
        changes["experiment_name"] = experiment
    if seed is not None:
        changes["seed"] = seed
    changed = tuple(f"{key}={value}" for key, value in values.items())
    return Mapped(task, config.model_copy(update=changes), changed)


def write_map(
    figure: FigureData,
    mapped: Mapped,
    folder: Path,
    *,
    command: Sequence[str],
    forms: Sequence[str],
    width: float,
    font: str = "sans",
    runs: Iterable[Run] = (),
) -> list[Path]:
    """Write the picture of a map, its data and its provenance, and return the files.

    The files are called by the map, the task and what differs from its defaults.

    Raises:
        CannotWrite: The folder cannot be written.
    """
    from app.provenance import provenance_of
    from ired_diag.drawing.paper_files import write_figure

    named = replace(figure, name=folder_name("-".join([figure.name, mapped.task.name, *mapped.changed])))
    provenance = provenance_of(command, runs)
    return write_figure(named, folder, provenance, forms=forms, width=width, font=font)

"""Neighbours of a setting: what does a change of a knob by a tenth do, measured over seeds?

A knob of value v is trained at v, 0.9 v and 1.1 v, with the same seeds. The change of the metric is the mean
difference of its last value to that at v, with a 95% interval over the seeds; equal seeds are pairs where the
task says that they see the same data. A knob of whole numbers is rounded, and the factor that results is the
one that is stated.

A tenth of a value is not a tenth of its logarithm: scaling log₁₀ 0.001 = -3 by 0.9 and 1.1 trains 0.002 and
0.0005.

Reference: ``ired_diag.comparison`` has the statistics.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ired_diag import tasks
from ired_diag.comparison import LAST, Comparison, compare
from ired_diag.config import TrainingConfig, with_settings
from ired_diag.errors import DiagError
from ired_diag.runs.files import exists
from ired_diag.runs.find import CONFIG
from ired_diag.runs.run import Run
from ired_diag.runs.store import read_run
from ired_diag.task import Task
from ired_diag.training.opening import Options
from ired_diag.training.plan import SEED_KEYS, PlannedRun, seed_folder
from ired_diag.training.trainer import train_together

FACTORS = (0.9, 1.1)
DIGITS = ".12g"  # of a value: 0.9 times 0.01 is 0.009


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A neighbour of a setting.

    Attributes:
        value: The value of the knob.
        factor: It over that of the base.
        comparison: The neighbour's seeds against the base's, by their last value.
    """

    value: float
    factor: float
    comparison: Comparison


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """A setting and its neighbours.

    Attributes:
        knob: Name of the knob.
        base: Its value.
        metric: Name of the metric.
        metric_title: Its name in a sentence.
        seeds: The seeds that were trained.
        neighbours: The neighbours, in the order of their values.
        folder: Where the runs are.
        runs: Every run that was read.
    """

    knob: str
    base: float
    metric: str
    metric_title: str
    seeds: tuple[int, ...]
    neighbours: tuple[Neighbour, ...]
    folder: Path
    runs: tuple[Run, ...]


def neighbours(
    task: Task,
    config: TrainingConfig,
    knob: str,
    seeds: Sequence[int],
    *,
    runs: Path,
    options: Options | None = None,
    source: str | None = None,
) -> Neighbours:
    """Train a setting and its neighbours, and return what the change did.

    Runs that are there already with the same configuration are read, or go on where they stopped.

    Args:
        task: What is trained.
        config: The base; its name is that of the experiment.
        knob: The key that is changed.
        seeds: Seeds of each of the three.
        runs: The runs folder.
        options: How to train.
        source: What a command line calls the task: ``FILE.py:FUNCTION`` for one of the user's own.

    Raises:
        DiagError: The knob is not a number above or below 0, or a tenth of it is less than it can change by;
            or a run is there that was trained otherwise.
    """
    base = _number(config, knob)
    by_value: dict[float, list[Run]] = {}
    for factor in (1.0, *FACTORS):
        value = _scaled(base, factor, knob)
        changed = with_settings(config, {knob: format(value, DIGITS)})
        planned = _planned(task, changed, knob, seeds, runs=runs, source=source)
        for run in planned:
            train_together([run], options or Options())
        by_value[value] = [read_run(run.folder) for run in planned]
    all_runs = tuple(itertools.chain.from_iterable(by_value.values()))
    of_base = by_value.pop(base)
    results = []
    for value, trained in sorted(by_value.items()):
        groups = {f"{knob}={value:{DIGITS}}": trained, f"{knob}={base:{DIGITS}}": of_base}
        comparison = compare(groups, metric=task.metric.name, readout=LAST)
        factor = float(format(value / base, DIGITS))
        results.append(Neighbour(value=value, factor=factor, comparison=comparison))
    return Neighbours(
        knob=knob,
        base=base,
        metric=task.metric.name,
        metric_title=task.metric.title,
        seeds=tuple(seeds),
        neighbours=tuple(results),
        folder=seed_folder(runs, config.experiment_name, None, 0).parent,
        runs=all_runs,
    )


def _number(config: TrainingConfig, knob: str) -> float:
    """Return the value of a knob that can be changed by a tenth."""
    keys = type(config).model_fields
    if knob not in keys:
        raise DiagError(f"--knob {knob!r}: no such key. There are: {', '.join(sorted(keys))}.")
    value = getattr(config, knob)
    if isinstance(value, bool) or not isinstance(value, int | float) or value == 0 or knob in SEED_KEYS:
        raise DiagError(
            f"--knob {knob}: a tenth of {value!r} is not a change. Choose a knob that is a number other than "
            f"0, or set it first: --set {knob}=VALUE."
        )
    return value


def _scaled(base: float, factor: float, knob: str) -> float:
    """Return a value times a factor, rounded where it is a whole number."""
    if not isinstance(base, int):
        return float(format(base * factor, DIGITS))
    value = round(base * factor)
    if value == base and factor != 1:
        raise DiagError(f"--knob {knob}: {base} times {factor:g} rounds to {value}, which is no change.")
    return value


def _planned(
    task: Task,
    config: TrainingConfig,
    knob: str,
    seeds: Sequence[int],
    *,
    runs: Path,
    source: str | None,
) -> list[PlannedRun]:
    """Return a setting's runs; those that are there go on, or are at their end."""
    label = f"{knob}={getattr(config, knob):{DIGITS}}"
    planned = []
    for seed in seeds:
        folder = seed_folder(runs, config.experiment_name, label, seed)
        run = PlannedRun(
            task=task,
            config=config.model_copy(update={"seed": seed}),
            folder=folder,
            resume=exists(folder / CONFIG),
            variant=label,
            experiment=config.experiment_name,
            task_file=tasks.file_of(source or task),
            task_function=tasks.function_of(source),
        )
        _check_same(run)
        planned.append(run)
    return planned


def _check_same(run: PlannedRun) -> None:
    """Refuse to read a run that was trained with another configuration."""
    if not run.resume:
        return
    stored = tasks.settings_of(run.task, read_run(run.folder).configuration or {}, where=str(run.folder))
    if stored != run.config:
        raise DiagError(
            f"{run.folder}: was trained with other settings. Map its neighbours under another name with "
            "--name NAME."
        )

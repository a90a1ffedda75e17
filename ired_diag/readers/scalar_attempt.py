"""Whose log a table of scalars is: names, seed and configuration from the log and from what is next to it.

TensorBoard, CSV, JSON lines and ``trainer_state.json`` state metrics and little else. The configuration is
that of the files next to the log (``foreign_configuration``), with the hyperparameters that the log itself
states. The seed is the one in the name of the run, of its file or of its folder, else the one in the log,
else the configured one, which may be the template's. The experiment depends on the other logs that are read
with this one, and is named with them (``identity``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ired_diag.readers import tensorboard
from ired_diag.readers.foreign_configuration import find_configuration, flatten, seed_of
from ired_diag.readers.scalar_log import ScalarLog
from ired_diag.runs.ending import Ending
from ired_diag.runs.evaluation_metric import evaluation_metric
from ired_diag.runs.history import History
from ired_diag.runs.labels import experiment_number
from ired_diag.runs.place import is_name, parse_place
from ired_diag.runs.run import Run
from ired_diag.runs.run_names import name_runs, path_names
from ired_diag.runs.stated_settings import experiment_name

STEPS = ("train_steps", "max_steps", "trainer.max_steps")  # of this project, Hugging Face, Lightning


def run_of(path: Path, log: ScalarLog, *, format: str) -> Run:
    """Return the run that a log of scalars records.

    Args:
        path: The log, or the folder of its files.
        log: What it states.
        format: The reader's name.
    """
    folder = path if path.is_dir() else path.parent
    foreign = find_configuration(folder)
    configuration = _joined(log.stated.get("config"), foreign.values)
    names = _with_configured_seed(tuple(_names(path, log)), seed_of(configuration))
    (place,) = name_runs([names])
    name = experiment_name(configuration)
    experiment = place.experiment
    if name:
        experiment = experiment_number(name) or name
    history = log.history
    metric = evaluation_metric(history.series)
    provenance = {"logged_attempts": history.attempts} if history.attempts > 1 else {}
    sources = tuple(tensorboard.files_of_run(path))
    return Run(
        path=sources[0],
        sources=sources,
        experiment=experiment,
        name=name,
        seed=_seed(place.seed, log.stated, configuration),
        configuration=configuration,
        history=History(history.series),  # what an earlier start logged is left out by the reader
        evaluations=len(history.series[metric]) if metric else 0,
        ending=_ending(configuration, log.stated, history.last_step),
        provenance=provenance,
        findings=(*foreign.findings, *log.findings),
        format=format,
        names=names,
        file_label=place.run,
    )


def _joined(stated: object, values: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the log's own hyperparameters; where the configuration next to it speaks, that counts."""
    if not isinstance(stated, Mapping):
        return values
    return flatten(stated) | (values or {})


def _names(path: Path, log: ScalarLog) -> Iterator[str]:
    """Yield the names that may name the run, the nearest first."""
    for key in ("run", "experiment"):
        if log.stated.get(key):
            yield str(log.stated[key])
    yield from path_names(path)


def _with_configured_seed(names: tuple[str, ...], seed: int | None) -> tuple[str, ...]:
    """Return names, the nearest one that names something with its seed where it ends with the configured one.

    SpinningUp and others write ``ppo-hopper_s10`` for the run of seed 10, others ``ppo-hopper/s10``.
    """
    if seed is None:
        return names
    for place, name in enumerate(names):
        if is_name(name):
            renamed = re.sub(rf"(?<=[A-Za-z0-9])[_-]s?0*{seed}$", f"_seed{seed}", name)
            if re.fullmatch(rf"(?i)s[_-]?0*{seed}", name):
                renamed = f"seed{seed}"
            return (*names[:place], renamed, *names[place + 1 :])
        if parse_place(name).seed is not None:
            return names
    return names


def _seed(
    in_name: int | None, stated: Mapping[str, Any], configuration: Mapping[str, Any] | None
) -> int | None:
    if in_name is not None:  # the stored seed may be the template's
        return in_name
    in_log = stated.get("seed")
    if isinstance(in_log, int) and not isinstance(in_log, bool):
        return in_log
    return seed_of(configuration)


def _ending(configuration: Mapping[str, Any] | None, stated: Mapping[str, Any], last: int | None) -> Ending:
    """Return that a run is complete where it reached its planned steps; else the ending is unknown."""
    if stated.get("ended"):
        return Ending("complete", str(stated["ended"]))
    steps = _planned_steps(stated) or _planned_steps(configuration or {})
    if steps is None or last is None:
        return Ending("unknown")
    if last >= steps:
        return Ending("complete")
    return Ending("cut_off", f"step {last} of {steps}")


def _planned_steps(values: Mapping[str, Any]) -> int | None:
    for key in STEPS:
        steps = values.get(key)
        if isinstance(steps, int) and not isinstance(steps, bool) and steps > 0:
            return steps
    return None

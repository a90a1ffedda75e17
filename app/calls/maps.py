"""``ird.map_basins``, ``ird.map_noise`` and ``ird.map_neighbours``: many descents of a task at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from app.calls.drawing import COLUMN_WIDTH, FORMS, check_forms
from app.calls.mapping import Mapped, mapped_task, write_map
from app.calls.opening import RUNS, Place
from app.calls.several import names_in
from ired_diag.task import Task

if TYPE_CHECKING:
    from ired_diag.drawing.data import FigureData
    from ired_diag.maps.basins import BasinMap
    from ired_diag.maps.escapes import Escapes
    from ired_diag.maps.neighbours import Neighbours
    from ired_diag.runs.run import Run

Measured = TypeVar("Measured")


@dataclass(frozen=True, kw_only=True)
class DrawnMap(Generic[Measured]):
    """A map and its picture.

    Attributes:
        measured: The numbers of the map.
        figure: Its picture, as data.
        summary: What the map says, in one sentence or more.
        files: The files that were written; none where no folder was given.
    """

    measured: Measured
    figure: FigureData
    summary: str
    files: tuple[Path, ...]


def map_basins(
    task: str | Task,
    *,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    extent: tuple[float, float] | None = None,
    points: int = 101,
    steps: int = 2000,
    **drawing: Any,
) -> DrawnMap[BasinMap]:
    """Return where the descents of a task end, from each point of a square grid.

    Args:
        task: Name of a built-in task, ``FILE.py:FUNCTION``, or the ``Task`` itself.
        settings: Values of its settings: ``{"function": "rastrigin"}``.
        seed: Random seed of the batches.
        extent: Smallest and largest coordinate of the grid. Default: that of the task.
        points: Number of starts on each side of the grid.
        steps: Number of steps from each start.
        drawing: ``out`` (folder for picture, data and provenance; default: nothing is written), ``forms`` and
            ``width``, as for ``ird.figures``.

    Raises:
        DiagError: The task has no map of basins, or a setting cannot be used.
        CannotWrite: The folder cannot be written.
    """
    from ired_diag.drawing.basin_map import basin_map, in_words
    from ired_diag.maps.basins import basins

    mapped = mapped_task(task, _texts(settings), seed=seed)
    measured = basins(mapped.task, mapped.config, extent=extent, points=points, steps=steps)
    figure = basin_map(measured, title=mapped.title, method=mapped.method)
    files = _written(figure, mapped, command="ird.map_basins", **drawing)
    return DrawnMap(measured=measured, figure=figure, summary=in_words(measured), files=files)


def map_noise(
    task: str | Task,
    *,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    noises: Sequence[float] | None = None,
    radius: float = 1.0,
    repeats: int = 4000,
    most_steps: int = 20_000,
    **drawing: Any,
) -> DrawnMap[Escapes]:
    """Return how many steps the descents of a task need to escape from its saddle, by the noise.

    Args:
        task: As for ``ird.map_basins``.
        settings: Values of its settings: ``{"function": "saddle", "optimizer": "sgd"}``.
        seed: Random seed of noise and batches.
        noises: Standard deviations of the noise on each coordinate of the gradient. Default: 0.0001, 0.001,
            0.01, 0.1 and 1.
        radius: Distance from the saddle that counts as away.
        repeats: Number of runs of each noise.
        most_steps: Number of steps after which runs that did not escape are given up.
        drawing: As for ``ird.map_basins``.

    Raises:
        DiagError: The task knows no saddle, or a number or setting cannot be used.
        CannotWrite: The folder cannot be written.
    """
    from ired_diag.drawing.escape_times import escape_times, in_words
    from ired_diag.maps.escapes import NOISES, escapes

    mapped = mapped_task(task, _texts(settings), seed=seed)
    measured = escapes(
        mapped.task,
        mapped.config,
        noises=sorted(noises or NOISES),
        radius=radius,
        runs=repeats,
        most_steps=most_steps,
    )
    figure = escape_times(measured, title=mapped.title, method=mapped.method)
    files = _written(figure, mapped, command="ird.map_noise", **drawing)
    return DrawnMap(measured=measured, figure=figure, summary=in_words(measured), files=files)


def map_neighbours(
    task: str | Task,
    *,
    knob: str = "learning_rate",
    settings: Mapping[str, Any] | None = None,
    seeds: Iterable[int] = range(5),
    name: str | None = None,
    runs: Place = RUNS,
    device: str = "auto",
    **drawing: Any,
) -> DrawnMap[Neighbours]:
    """Train a task with a knob at its value and at 0.9 and 1.1 times it, and return what that changes.

    Args:
        task: As for ``ird.map_basins``.
        knob: Setting that is changed by a tenth.
        settings: Values of the other settings.
        seeds: Random seeds of each of the three.
        name: Name of the experiment. Default: the task's, with ``-neighbours``.
        runs: The runs folder; runs that are there already with the same settings are not trained again.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        drawing: As for ``ird.map_basins``.

    Raises:
        DiagError: The knob has no tenth, a setting cannot be used, or a run has other settings.
        CannotWrite: The folder cannot be written.
    """
    from ired_diag import tasks
    from ired_diag.devices import choose_device
    from ired_diag.drawing.neighbour_changes import in_words, neighbour_changes
    from ired_diag.maps.neighbours import neighbours
    from ired_diag.training.opening import Options
    from ired_diag.training.plan import parse_seeds

    experiment = name or f"{tasks.load(task).name}-neighbours"
    mapped = mapped_task(task, _texts(settings), experiment=experiment)
    measured = neighbours(
        mapped.task,
        mapped.config,
        knob,
        parse_seeds(",".join(map(str, seeds))),
        runs=Path(runs),
        options=Options(choose_device(device)),
        source=task if isinstance(task, str) else None,
    )
    figure = neighbour_changes(measured, title=mapped.title, method=mapped.method)
    files = _written(figure, mapped, command="ird.map_neighbours", runs=measured.runs, **drawing)
    summary = "\n".join(in_words(measured))
    return DrawnMap(measured=measured, figure=figure, summary=summary, files=files)


def _texts(settings: Mapping[str, Any] | None) -> list[str]:
    """Return settings as a command line gives them."""
    return [f"{key}={value}" for key, value in (settings or {}).items()]


def _written(
    figure: FigureData,
    mapped: Mapped,
    *,
    command: str,
    runs: Iterable[Run] = (),
    out: Place | None = None,
    forms: str | Sequence[str] = FORMS,
    width: float = COLUMN_WIDTH,
) -> tuple[Path, ...]:
    """Return the files of a map, written where there is a folder for them."""
    names = names_in(forms, of="forms")
    check_forms(names)
    if out is None:
        return ()
    files = write_map(
        figure,
        mapped,
        Path(out),
        command=[command],
        forms=names,
        width=width,
        runs=runs,
    )
    return tuple(files)

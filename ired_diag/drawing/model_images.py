"""Model images: what a model looks like over training, where its task can say so.

One column for each checkpoint, one row for each image of the task (``Task.images``): what was to be learned,
what the model draws, and where it draws nothing. All stand in one image, nothing is scaled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ired_diag import tasks
from ired_diag.drawing.data import FigureData, Panel, Raster
from ired_diag.drawing.ranges import steps_in_words
from ired_diag.errors import DiagError, NotFound
from ired_diag.runs.run import Run

MOST = 5  # checkpoints in a picture
GAP = 4  # pixels between two images
PAPER = 1.0  # the colour between them

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Looks:
    """What a model looks like at a step: images by title, each of shape (height, width, 3)."""

    step: int
    images: Mapping[str, Array]


def model_images(groups: Mapping[str, Sequence[Run]]) -> list[FigureData]:
    """Return a picture for each group whose task draws images, of its first run that has checkpoints.

    Args:
        groups: Runs by the name of their group.

    Raises:
        NotFound: No run here has a checkpoint of such a task.
        UnreadableFile: A checkpoint is damaged.
    """
    pictures = []
    for group, runs in groups.items():
        run = next(filter(has_images, runs), None)
        if run is not None:
            pictures.append(_picture(group, run))
    if not pictures:
        raise NotFound("no run here has a checkpoint of a task that draws images.")
    return pictures


def has_images(run: Run) -> bool:
    """Say whether a run has checkpoints, and a task that draws what is in them."""
    if not run.task or not run.checkpoints:
        return False
    try:
        return tasks.of_run(run).images is not None
    except DiagError:  # a task whose file is not run unasked
        return False


def _picture(group: str, run: Run) -> FigureData:
    chosen = _spread_out(run.checkpoints)
    looks = [_looks(run, path) for path in chosen]
    steps = [look.step for look in looks]
    return FigureData(
        name=f"model-images-{group}",
        title=f"What the model draws: {run.label}",
        x_label="training step",
        panels=(_panel(looks),),
        method=f"{run.label} at {len(looks)} of {len(run.checkpoints)} checkpoints "
        f"({steps_in_words(steps)}), pixel by pixel; weights as trained, not averaged.",
        note=f"{run.label}, {len(looks)} of {len(run.checkpoints)} checkpoints",
        summary=_summary(looks),
    )


def _spread_out(paths: Sequence[Path]) -> list[Path]:
    """Return the first, the last, and others between them at even distances."""
    places = np.linspace(0, len(paths) - 1, min(MOST, len(paths)))
    return [paths[place] for place in np.unique(places.round().astype(int))]


def _looks(run: Run, path: Path) -> _Looks:
    from ired_diag.runs.checkpoint import read_checkpoint

    checkpoint = read_checkpoint(path)
    task = tasks.of_run(run)
    config = tasks.settings_of(task, run.configuration or {})
    assert task.images is not None  # has_images
    weights = checkpoint.states.get("raw")
    if weights is None:
        weights = checkpoint.tensors("ema")
    tensors = {**checkpoint.constants, **weights}
    step = -1 if checkpoint.step is None else checkpoint.step
    return _Looks(step, task.images(config, tensors))


def _panel(looks: Sequence[_Looks]) -> Panel:
    columns = []
    for look in looks:
        columns.append(_joined(list(look.images.values()), axis=0))
    colours = _joined(columns, axis=1)
    height, width = next(iter(looks[0].images.values())).shape[:2]
    x_ticks = []
    for place, look in enumerate(looks):
        x_ticks.append((place * (width + GAP) + width / 2, str(look.step)))
    y_ticks = []
    for place, title in enumerate(looks[0].images):
        y_ticks.append((place * (height + GAP) + height / 2, title))
    rows, across = colours.shape[:2]
    return Panel(
        y_label="",
        lines=(),
        raster=Raster(colours),
        x_ticks=tuple(x_ticks),
        y_ticks=tuple(y_ticks),
        x_range=(-0.5, across - 0.5),
        y_range=(rows - 0.5, -0.5),
        height=1.3,
    )


def _joined(images: Sequence[Array], *, axis: int) -> Array:
    """Return images next to each other along an axis, with the colour of paper between them."""
    parts = []
    for image in images:
        shape = list(image.shape)
        shape[axis] = GAP
        parts += [image, np.full(shape, PAPER)]
    return np.concatenate(parts[:-1], axis=axis)


def _summary(looks: Sequence[_Looks]) -> str:
    """Return how bright each image is on average, at the first step and the last."""
    first, last = looks[0], looks[-1]
    sentences = []
    for title in first.images:
        before = float(first.images[title].mean())
        after = float(last.images[title].mean())
        sentences.append(
            f"{title}: mean brightness {before:.3f} at step {first.step}, {after:.3f} at {last.step}."
        )
    return " ".join(sentences)

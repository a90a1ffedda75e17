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
from ired_diag.runs.name_list import counted
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
    looks, plain = _without_plain_rows([_looks(run, path) for path in chosen])
    steps = [look.step for look in looks]
    which = counted(len(looks), "checkpoint")
    if len(looks) < len(run.checkpoints):
        which = f"{len(looks)} of {len(run.checkpoints)} checkpoints"
    left_out = ""
    if plain:
        left_out = f" No row for {', '.join(plain)}: it would be of one colour, the same at all these steps."
    sentences = [
        f"Each column is one training step of one run, {run.label}.",
        tasks.of_run(run).images_in_words,
        f"{which}, {steps_in_words(steps)}; weights of that step, not their average over training.{left_out}",
    ]
    return FigureData(
        name=f"model-images-{group}",
        title=f"Images of the model over training: {run.label}",
        x_label="training step",
        panels=(_panel(looks),),
        method=" ".join(filter(None, sentences)),
        note=f"{run.label}, {which}",
        summary=_summary(looks),
    )


def _without_plain_rows(looks: Sequence[_Looks]) -> tuple[list[_Looks], list[str]]:
    """Return the looks without rows of one colour, the same at all steps, and the titles of these rows.

    Where all rows are such, they stay.
    """
    plain = []
    for title, image in looks[0].images.items():
        colour = image[0, 0]
        if all((look.images[title] == colour).all() for look in looks):
            plain.append(title)
    if len(plain) == len(looks[0].images):
        return list(looks), []
    kept = []
    for look in looks:
        images = {title: image for title, image in look.images.items() if title not in plain}
        kept.append(_Looks(look.step, images))
    return kept, plain


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

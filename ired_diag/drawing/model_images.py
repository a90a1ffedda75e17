"""Model images: what a model looks like over training, where its task can say so.

One column for each checkpoint, one row for each image of the task (``Task.images``): what the model draws,
and where it draws nothing. An image that is the same at all checkpoints, such as what was to be learned,
stands once, in a column of its own before them; a row of nearly one colour is left out, and the caption says
so. All stand in one image, nothing is scaled.
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
EMPTY = 0.01  # share of pixels of another colour, up to which an image is nearly empty

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
        most = max(plain.values())
        pixels = f"all but {100 * most:.1g}% of its pixels have" if most else "it would be of"
        left_out = f" No row for {', '.join(plain)}: {pixels} one colour, the same at all these steps."
    sentences = [
        f"Each column with a number is that training step of one run, {run.label}.",
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


def _without_plain_rows(looks: Sequence[_Looks]) -> tuple[list[_Looks], dict[str, float]]:
    """Return the looks without rows of nearly one colour, the same at all steps.

    With them the titles of these rows, and the largest share of pixels of another colour at any step. Where
    all rows are such, they stay.
    """
    plain: dict[str, float] = {}
    for title in looks[0].images:
        row = [look.images[title] for look in looks]
        colour = np.median(row[-1].reshape(-1, row[-1].shape[-1]), axis=0)
        others = max(float((image != colour).any(axis=-1).mean()) for image in row)
        if others <= EMPTY:
            plain[title] = others
    if len(plain) == len(looks[0].images):
        return list(looks), {}
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
    once = _titles_of_constant(looks)
    titles = [title for title in looks[0].images if title not in once]
    shape = next(iter(looks[0].images.values())).shape
    height, width, _ = shape
    columns = []
    names = []
    for title in once:
        below = [np.full(shape, PAPER)] * (len(titles) - 1)
        columns.append(_joined([looks[0].images[title], *below], axis=0))
        names.append(title)
    for look in looks:
        columns.append(_joined([look.images[title] for title in titles], axis=0))
        names.append(str(look.step))
    colours = _joined(columns, axis=1)
    x_ticks = [(place * (width + GAP) + width / 2, name) for place, name in enumerate(names)]
    y_ticks = [(place * (height + GAP) + height / 2, title) for place, title in enumerate(titles)]
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


def _titles_of_constant(looks: Sequence[_Looks]) -> list[str]:
    """Return which images are the same at all of several steps; none where all are."""
    first, *others = looks
    titles = []
    for title, image in first.images.items():
        if others and all(np.array_equal(look.images[title], image) for look in others):
            titles.append(title)
    return titles if len(titles) < len(first.images) else []


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

"""Distributions of right answers, random, adversarial and control negatives, at a few noise levels.

There is one panel for each noise level, at most four, and in it one line or violin for each kind of
candidate; or, for one kind, one for each group of runs. The values of all seeds of a group are taken
together: the problems are the same for all, the models differ. What the forms are, and what becomes of
infinite values, is in ``distribution_forms``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from ired_diag.drawing.central_range import beyond_in_words, central_range
from ired_diag.drawing.data import FigureData, Scale
from ired_diag.drawing.distribution_forms import Array, Sample
from ired_diag.drawing.distribution_panels import FORMS as FORMS  # pages take the forms from here
from ired_diag.drawing.distribution_panels import Form as Form
from ired_diag.drawing.distribution_panels import panels_of
from ired_diag.drawing.distribution_words import (
    beyond_the_axis,
    capital,
    counted,
    levels_in_words,
    medians,
    plain_name,
    sizes,
    source_of,
)
from ired_diag.drawing.kind_words import kinds_in_words
from ired_diag.drawing.quantities import KINDS, Quantity, values_of
from ired_diag.drawing.run_table import Measured, levels_of
from ired_diag.errors import NotFound

MOST_PANELS = 4
WIDE = 30.0  # of the largest value over the smallest: from here on positive values stand on a log axis
KIND_NAMES = {"positive": "right answers", "control": "control"}  # the others are negatives

ByLevel = dict[int, dict[str, Array]]  # values by noise level, then by name


def distributions_of_kinds(
    measured: Sequence[Measured],
    quantity: Quantity,
    *,
    form: Form = "ecdf",
    levels: Sequence[int] | None = None,
    kinds: Sequence[str] = KINDS,
) -> FigureData:
    """Return how a quantity is distributed for each kind of candidate.

    Args:
        measured: One group's seeds, each at one checkpoint.
        quantity: The quantity to draw.
        form: The form of the distributions.
        levels: Noise levels. Default: at most four, spread over all.
        kinds: Kinds of candidates to draw, as far as the quantity has them.

    Raises:
        NotFound: Nothing was measured, or nothing at one of ``levels``.
    """
    chosen, count = _levels(measured, levels)
    pooled: ByLevel = {}
    for level in chosen:
        pooled[level] = {}
        for kind in quantity.kinds:
            if kind in kinds:
                pooled[level][kind] = _pooled(measured, quantity, kind, level)
    return _figure(
        name=f"{form}-{quantity.name}",
        title=f"{capital(plain_name(quantity))} of {_whose(quantity, kinds)}: {source_of(measured)}",
        quantity=quantity,
        form=form,
        pooled=pooled,
        words=(levels_in_words(chosen, count), kinds_in_words(_drawn_names(pooled))),
        measured=measured,
    )


def distributions_of_groups(
    groups: Mapping[str, Sequence[Measured]],
    quantity: Quantity,
    kind: str,
    *,
    form: Form = "ecdf",
    levels: Sequence[int] | None = None,
    order: Sequence[str] = (),
) -> FigureData:
    """Return how a quantity of one kind of candidate is distributed in each group of runs.

    Args:
        groups: Each group's seeds, each at one checkpoint.
        quantity: The quantity to draw.
        kind: The kind of candidate.
        form: The form of the distributions.
        levels: Noise levels. Default: at most four, spread over all.
        order: All groups of the study, which fixes their colours. Default: the groups that are drawn.

    Raises:
        NotFound: Nothing was measured, or nothing at one of ``levels``, or nothing of that kind.
    """
    if kind not in quantity.kinds:
        raise NotFound(f"{quantity.name} is of {', '.join(quantity.kinds)}, not of {kind!r}.")
    runs = list(chain.from_iterable(groups.values()))
    chosen, count = _levels(runs, levels)
    pooled: ByLevel = {}
    for level in chosen:
        pooled[level] = {}
        for group, members in groups.items():
            if members:
                pooled[level][group] = _pooled(members, quantity, kind, level)
    return _figure(
        name=f"{form}-{quantity.name}-{kind}",
        title=f"{capital(plain_name(quantity))}: {KIND_NAMES.get(kind, f'{kind} negatives')}",
        quantity=quantity,
        form=form,
        pooled=pooled,
        words=(levels_in_words(chosen, count), kinds_in_words([kind])),
        measured=runs,
        order=tuple(order or groups),
    )


def _pooled(runs: Sequence[Measured], quantity: Quantity, kind: str, level: int) -> Array:
    """Return the values of all runs together."""
    values = [values_of(run.rows, quantity, kind, level) for run in runs]
    return np.concatenate(values)


def _figure(
    *,
    name: str,
    title: str,
    quantity: Quantity,
    form: Form,
    pooled: ByLevel,
    words: tuple[str, str],
    measured: Sequence[Measured],
    order: tuple[str, ...] = (),
) -> FigureData:
    """Return the picture of values by level and name.

    Args:
        name: Name of its files.
        title: Its title.
        quantity: The quantity.
        form: The form of the distributions.
        pooled: Values by level and name.
        words: Which levels are drawn, and what the kinds of candidates are.
        measured: The runs.
        order: Names whose place fixes their colours.
    """
    scale = quantity.scale
    if scale == "linear":
        scale = _scale_of(pooled)
    samples = _samples(pooled, scale)
    ends = central_range(samples, scale)
    drawn = panels_of(form, samples, quantity, scale, ends)
    beyond = " ".join(filter(None, [beyond_the_axis(samples, scale), beyond_in_words(samples, ends)]))
    levels, kinds = words
    how = f"{drawn.words} at {levels}."
    method = " ".join(
        filter(None, [how, quantity.symbols, kinds, counted(samples, quantity, measured), beyond])
    )
    note = sizes(samples)
    if beyond:
        note += "; beyond the axis: see the caption"
    return FigureData(
        name=name,
        title=title,
        x_label="" if form == "violin" else quantity.label,
        panels=drawn.panels,
        method=method,
        note=note,
        summary=medians(samples, quantity, beyond),
        order=order,
        stacked=True,
        columns=drawn.columns,
    )


def _whose(quantity: Quantity, kinds: Sequence[str]) -> str:
    """Return in plain words which candidates have the quantity."""
    drawn = [kind for kind in quantity.kinds if kind in kinds]
    if drawn == ["positive"]:
        return "right answers"
    return "right answers and negatives" if "positive" in drawn else "negatives"


def _drawn_names(pooled: ByLevel) -> list[str]:
    """Return the names that have values at any level, each once."""
    names: dict[str, None] = {}
    for by_name in pooled.values():
        names |= {name: None for name, values in by_name.items() if len(values)}
    return list(names)


def _samples(pooled: ByLevel, scale: Scale) -> dict[int, dict[str, Sample]]:
    """Return the values that an axis can show, by level and name; names without values are left out."""
    samples: dict[int, dict[str, Sample]] = {}
    for level, by_name in pooled.items():
        samples[level] = {}
        for name, values in by_name.items():
            if len(values):
                samples[level][name] = Sample.of(values, scale)
    return samples


def _levels(measured: Sequence[Measured], chosen: Sequence[int] | None) -> tuple[list[int], int]:
    """Return the noise levels to draw, and how many there are."""
    levels = levels_of(measured)
    count = len(levels)
    if not levels:
        raise NotFound("Nothing was measured: the tables hold no rows at any noise level.")
    if chosen is None:
        spread = np.linspace(0, count - 1, min(MOST_PANELS, count))
        places = np.unique(spread.round().astype(int))
        return [levels[place] for place in places], count
    _check_levels(chosen, levels)
    return sorted(set(chosen)), count


def _check_levels(chosen: Sequence[int], levels: Sequence[int]) -> None:
    """Refuse too few or too many levels, and those at which nothing was measured."""
    if 1 <= len(chosen) <= MOST_PANELS:
        wrong = [level for level in chosen if level not in levels]
        if not wrong:
            return
        problem = f"no level {', '.join(map(str, wrong))}"
    else:
        problem = str(len(chosen))
    choices = ", ".join(map(str, levels))
    raise NotFound(f"Expected 1 to {MOST_PANELS} noise levels of {choices}; found {problem}.")


def _scale_of(pooled: ByLevel) -> Scale:
    """Return a log axis for values that are all positive and differ much; else a linear one."""
    arrays = chain.from_iterable(by_name.values() for by_name in pooled.values())
    values = np.concatenate(list(arrays))
    finite = values[np.isfinite(values)]
    if not len(finite) or finite.min() <= 0:
        return "linear"
    return "log" if finite.max() > WIDE * finite.min() else "linear"

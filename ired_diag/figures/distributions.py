"""Distributions of right answers, random, adversarial and control negatives, at a few noise levels.

One panel a noise level, at most four; one line or violin a kind, or for one kind a group of runs each. The
values of all seeds of a group are taken together: the problems are the same for all, the models differ. What
the forms are, and what becomes of infinite values, stands in ``distribution_forms``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from ired_diag.errors import NotFound
from ired_diag.figures.data import FigureData, Panel, Scale
from ired_diag.figures.distribution_forms import (
    FEWEST,
    MOST_POINTS,
    Sample,
    Violin,
    ecdf,
    histogram,
    shared_edges,
    violin,
)
from ired_diag.figures.distribution_words import (
    Samples,
    beyond_the_axis,
    capital,
    counted,
    levels_in_words,
    medians,
    plain_name,
    sizes,
    who,
    widths_in_words,
)
from ired_diag.figures.probe_tables import Measured
from ired_diag.figures.quantities import KINDS, Quantity, values_of

Form = Literal["ecdf", "violin", "histogram"]
FORMS: tuple[Form, ...] = ("ecdf", "violin", "histogram")
MOST_PANELS = 4
PANEL_HEIGHT = 0.9  # of several
WIDE = 30.0  # of the largest value over the smallest: from here on positive values stand on a log axis


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
        quantity: Which.
        form: How.
        levels: Noise levels; at most four spread over all without it.
        kinds: Those that are drawn, as far as the quantity has them.

    Raises:
        NotFound: Nothing was measured, or not at a level that is asked for.
    """
    shown = [kind for kind in quantity.kinds if kind in kinds]
    chosen, of = _levels(measured, levels)
    raw = {
        level: {
            kind: np.concatenate([values_of(m.rows, quantity, kind, level) for m in measured])
            for kind in shown
        }
        for level in chosen
    }
    title = f"{capital(plain_name(quantity))}, by kind of candidate: {who(measured)}"
    return _figure(
        f"{form}-{quantity.name}", title, quantity, form, raw, levels_in_words(chosen, of), measured
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
        quantity: Which.
        kind: Of candidate.
        form: How.
        levels: Noise levels; at most four spread over all without it.
        order: All groups of the study, which fixes their colours; those drawn without it.

    Raises:
        NotFound: Nothing was measured, or not at a level that is asked for, or not of that kind.
    """
    if kind not in quantity.kinds:
        raise NotFound(f"{quantity.name} is of {', '.join(quantity.kinds)}, not of {kind!r}.")
    everything = [one for members in groups.values() for one in members]
    chosen, of = _levels(everything, levels)
    raw = {
        level: {
            group: np.concatenate([values_of(m.rows, quantity, kind, level) for m in members])
            for group, members in groups.items()
            if members
        }
        for level in chosen
    }
    what = "right answers" if kind == "positive" else kind if kind == "control" else f"{kind} negatives"
    return _figure(
        f"{form}-{quantity.name}-{kind}",
        f"{capital(plain_name(quantity))}: {what}",
        quantity,
        form,
        raw,
        levels_in_words(chosen, of),
        everything,
        tuple(order or groups),
    )


def _figure(
    name: str,
    title: str,
    quantity: Quantity,
    form: Form,
    raw: Mapping[int, Mapping[str, np.ndarray[tuple[int], np.dtype[np.float64]]]],
    levels: str,
    measured: Sequence[Measured],
    order: tuple[str, ...] = (),
) -> FigureData:
    """Return the picture of values by level and name."""
    everything = np.concatenate([values for part in raw.values() for values in part.values()])
    scale = quantity.scale if quantity.scale == "log" else _scale_of(everything)
    samples = {
        level: {of: Sample.of(values, scale) for of, values in part.items() if len(values)}
        for level, part in raw.items()
    }
    panels, how = _PANELS[form](samples, quantity, scale)
    beyond = beyond_the_axis(samples, scale)
    method = f"{how} {levels}. {counted(samples, quantity, measured)} {beyond}".strip()
    note = "; ".join(filter(None, (sizes(samples), "beyond the axis: see the caption" if beyond else "")))
    x_label = "" if form == "violin" else quantity.label
    return FigureData(
        name, title, x_label, panels, method, note, medians(samples, quantity, beyond), order, stacked=True
    )


def _ecdf_panels(samples: Samples, quantity: Quantity, scale: Scale) -> tuple[tuple[Panel, ...], str]:
    panels = tuple(
        Panel(
            _y_label("share ≤ x", level, len(samples)),
            tuple(ecdf(name, sample) for name, sample in part.items()),
            x_scale=scale,
            y_range=(-0.03, 1.03),
            height=_height(samples),
        )
        for level, part in samples.items()
    )
    most = max((len(sample.values) for part in samples.values() for sample in part.values()), default=0)
    thinned = f", drawn at {MOST_POINTS} of them" if most > MOST_POINTS else ""
    return panels, f"Share of all values at or below x{thinned}; no smoothing;"


def _histogram_panels(samples: Samples, quantity: Quantity, scale: Scale) -> tuple[tuple[Panel, ...], str]:
    panels, widths = [], []
    for level, part in samples.items():
        edges = shared_edges(list(part.values()), scale)
        lines = tuple(histogram(name, sample, edges) for name, sample in part.items()) if len(edges) else ()
        widths += [_width(edges, scale)] if len(edges) else []
        y_label = _y_label("share in bin", level, len(samples))
        panels.append(Panel(y_label, lines, x_scale=scale, height=_height(samples)))
    return tuple(
        panels
    ), f"Share of all values in bins {widths_in_words(widths, scale)} wide, the same for all;"


def _violin_panels(samples: Samples, quantity: Quantity, scale: Scale) -> tuple[tuple[Panel, ...], str]:
    panels, widths = [], []
    names = list(dict.fromkeys(name for part in samples.values() for name in part))
    for level, part in samples.items():
        drawn = {name: violin(name, s, float(names.index(name)), scale) for name, s in part.items()}
        widths += [v.bandwidth for v in drawn.values() if v.bandwidth > 0]
        y_label = quantity.label if len(samples) == 1 else f"{quantity.short}, level {level}"
        panels.append(_violin_panel(drawn, names, y_label, scale))
    if not widths:
        return tuple(panels), "Single values, too few for a shape; line: median;"
    return tuple(panels), (
        f"Gaussian kernels of sd {widths_in_words(widths, scale)} (Silverman's rule), cut at the extremes, "
        f"all as wide at their mode; bar: quartiles, line: median; fewer than {FEWEST} values as points;"
    )


def _violin_panel(drawn: Mapping[str, Violin], names: Sequence[str], y_label: str, scale: Scale) -> Panel:
    return Panel(
        y_label,
        tuple(v.points for v in drawn.values() if v.points is not None),
        scale,
        x_ticks=tuple((float(place), name) for place, name in enumerate(names)),
        outlines=tuple(v.outline for v in drawn.values() if v.outline is not None),
        segments=tuple(segment for v in drawn.values() for segment in v.segments),
        x_range=(-0.6, len(names) - 0.4),
    )


_PANELS = {"ecdf": _ecdf_panels, "violin": _violin_panels, "histogram": _histogram_panels}


def _levels(measured: Sequence[Measured], asked: Sequence[int] | None) -> tuple[list[int], int]:
    """Return the noise levels to draw, and how many there are."""
    known = sorted({int(level) for m in measured for level in np.unique(m.rows["level"]) if level >= 0})
    if not known:
        raise NotFound("Nothing was measured: the tables hold no rows at any noise level.")
    if asked is None:
        places = np.linspace(0, len(known) - 1, min(MOST_PANELS, len(known))).round().astype(int)
        return [known[place] for place in np.unique(places)], len(known)
    if not asked or len(asked) > MOST_PANELS or (wrong := [one for one in asked if one not in known]):
        said = (
            f"no level {', '.join(map(str, wrong))}"
            if asked and len(asked) <= MOST_PANELS
            else f"{len(asked)}"
        )
        raise NotFound(
            f"Expected 1 to {MOST_PANELS} noise levels of {', '.join(map(str, known))}; found {said}."
        )
    return sorted(set(asked)), len(known)


def _scale_of(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Scale:
    """Return a log axis for values that are all positive and differ much; else a linear one."""
    finite = values[np.isfinite(values)]
    if len(finite) and finite.min() > 0 and finite.max() > WIDE * finite.min():
        return "log"
    return "linear"


def _y_label(text: str, level: int, panels: int) -> str:
    return text if panels == 1 else f"{text}, level {level}"


def _height(samples: Samples) -> float:
    return 1.0 if len(samples) == 1 else PANEL_HEIGHT


def _width(edges: np.ndarray[tuple[int], np.dtype[np.float64]], scale: Scale) -> float:
    return float(math.log10(edges[1] / edges[0]) if scale == "log" else edges[1] - edges[0])

"""Energies over training, as they were logged: means over a batch, averaged over the seeds of each group.

    energy gap         E⁻ - E⁺ (nat), mean and band over seeds; beneath, the share of seeds whose gap is above
                       0: there the mean energy of negatives is the higher one, as it should be
    positive energy    E⁺ (nat) on a logarithmic axis, on which a scale that runs away, or collapses, is a
                       straight line. Where 0 or less was logged its size |E⁺| is drawn: the caption says so

Which metrics these are is detected by name (``runs.energy_metrics``). A seed whose gap is not finite is left
out of both panels at that step. With many steps the share is one of seeds and steps together, in windows that
the caption states; that at each step lies beneath as dots.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.data import FigureData, Guide, Line, Panel, cut_in_words, scale_of_lines
from ired_diag.drawing.logged_energies import (
    Curves,
    Groups,
    gap_of,
    nothing_logged,
    pooled_values,
    read_energies,
    sizes_of,
)
from ired_diag.drawing.over_seeds import (
    BANDS,
    BANDS_IN_BRIEF,
    MEANT,
    Band,
    OverSeeds,
    has_several_seeds,
    last_finite,
    over_seeds,
)
from ired_diag.drawing.running_median import running_median
from ired_diag.drawing.seeds_panel import n_in_brief, n_in_words, n_is_constant, seeds_panel
from ired_diag.drawing.share_above_zero import above_zero, share_panel
from ired_diag.drawing.windowed import WINDOWS, in_windows, width_of_windows
from ired_diag.runs.energy_metrics import positive_energy
from ired_diag.runs.history import Series
from ired_diag.runs.name_list import counted, first_names

MOST_NAMED = 4  # groups that are left out
ONLY_SEED = "Line: the only seed of each group"


def energy_gaps(
    groups: Groups,
    *,
    smooth: int | None = None,
    band: Band = "t interval",
    order: Sequence[str] = (),
    windowed: bool = False,
) -> FigureData:
    """Return the gap of energies over training, and the share of seeds in which it is above zero.

    Args:
        groups: Runs by the name of their group.
        smooth: Number of steps over which the mean is a running median, odd. Default: no smoothing.
        band: What is drawn around the mean, of the unsmoothed values.
        order: All names that may be drawn in other figures next to this one, which fixes their colours.
            Default: the names of ``groups``.
        windowed: Whether curves of many steps are drawn as means over windows of steps.

    Raises:
        NotFound: No run logged the energies of positives and of negatives.
        DiagError: ``smooth`` or ``band`` is not valid.
    """
    logged = read_energies(groups, gap_of)
    if not logged.curves:
        raise nothing_logged("energies of positives and of negatives")
    seen = _over_seeds(logged.curves, band)
    shares = {}
    for name, members in logged.curves.items():
        shares[name] = above_zero(list(members.values()))
    width = width_of_windows(logged.curves) if windowed else None
    drawn = in_windows(logged.curves, width) if width else logged.curves
    lines = _lines(drawn, _over_seeds(drawn, band), smooth)
    gap = Panel(
        y_label="energy gap E⁻ - E⁺ (nat)",
        lines=lines,
        y_scale=scale_of_lines(lines),
        guides=() if _all_positive(logged.curves) else (Guide(0.0, "no gap"),),
    )
    share, windows = share_panel(seen, shares)
    finite = "" if _all_finite(logged.curves) else ", of seeds whose gap is finite"
    lines_in_words = _method(logged.curves, seen, band, smooth, width)
    method = (
        "Mean energy of the negatives (E⁻) less that of the right answers (E⁺) in a training batch. "
        f"{lines_in_words} Second panel: {windows}{finite}.{cut_in_words(gap)}"
        f"{_left_out(groups, logged.missing)}"
    )
    sentences = [f"Of {_listed(logged.metrics)}."]
    for name, curve in seen.items():
        sentences.append(_gap_sentence(name, curve, shares[name]))
    return _figure(
        seen,
        name="energy_gap",
        title="Energy gap over training",
        panels=(gap, share),
        method=method,
        note=_note(seen, band, smooth),
        sentences=sentences,
        order=order or tuple(groups),
    )


def positive_energies(
    groups: Groups,
    *,
    smooth: int | None = None,
    band: Band = "t interval",
    order: Sequence[str] = (),
    windowed: bool = False,
) -> FigureData:
    """Return the energy of right answers over training, on a logarithmic axis.

    Args:
        groups: Runs by the name of their group.
        smooth: Number of steps over which the mean is a running median, odd. Default: no smoothing.
        band: What is drawn around the mean, of the unsmoothed values.
        order: All names that may be drawn in other figures next to this one, which fixes their colours.
            Default: the names of ``groups``.
        windowed: Whether curves of many steps are drawn as means over windows of steps.

    Raises:
        NotFound: No run logged the energy of positives.
        DiagError: ``smooth`` or ``band`` is not valid.
    """
    logged = read_energies(groups, positive_energy)
    if not logged.curves:
        raise nothing_logged("the energy of positives")
    values = pooled_values(logged.curves)
    low = int((values <= 0).sum())
    curves = logged.curves
    energy = "E⁺"
    size = ""
    if low > 0:
        curves = sizes_of(curves)
        energy = "|E⁺|"
        size = f" Drawn is the size |E⁺|: {low} of {len(values)} logged values are 0 or less."
    name = f"energy {energy} of right answers"
    seen = _over_seeds(curves, band)
    width = width_of_windows(curves) if windowed else None
    drawn = in_windows(curves, width) if width else curves
    panel = Panel(
        y_label=f"{name} (nat)",
        lines=_lines(drawn, _over_seeds(drawn, band), smooth),
        y_scale="log" if _any_computed(values) else "linear",
    )
    method = (
        f"Mean over each training batch.{size} "
        f"{_method(curves, seen, band, smooth, width)}{cut_in_words(panel)}"
        f"{_left_out(groups, logged.missing)}"
    )
    sentences = [f"Of {_listed(logged.metrics)}."]
    sentences += [_energy_sentence(name, energy, curve) for name, curve in seen.items()]
    return _figure(
        seen,
        name="positive_energy",
        title="Energy of right answers over training",
        panels=(panel,),
        method=method,
        note=_note(seen, band, smooth),
        sentences=sentences,
        order=order or tuple(groups),
    )


def _figure(
    seen: Mapping[str, OverSeeds],
    *,
    name: str,
    title: str,
    panels: tuple[Panel, ...],
    method: str,
    note: str,
    sentences: Sequence[str],
    order: Sequence[str],
) -> FigureData:
    """Return a figure over training; the number of seeds stands beneath where it changes."""
    return FigureData(
        name=name,
        title=title,
        x_label="training step",
        panels=(*panels, *seeds_panel(seen)),
        method=method,
        note=note,
        summary=" ".join(sentences),
        order=tuple(order),
        stacked=True,
    )


def _over_seeds(curves: Curves, band: Band) -> dict[str, OverSeeds]:
    seen = {}
    for name, members in curves.items():
        seen[name] = over_seeds(list(members.values()), band)
    return seen


def _all_positive(curves: Curves) -> bool:
    values = pooled_values(curves)
    finite = values[np.isfinite(values)]
    return bool((finite > 0).all())


def _any_computed(values: NDArray[np.float64]) -> bool:
    """Say whether any energy was computed: logs print 0 for what they do not compute."""
    is_computed = np.isfinite(values) & (values != 0)
    return bool(is_computed.any())


def _lines(curves: Curves, seen: Mapping[str, OverSeeds], smooth: int | None) -> tuple[Line, ...]:
    """Return single seeds, where there are several or the mean is smoothed, and the means."""
    lines = []
    for name, curve in seen.items():
        if len(curves[name]) > 1 or smooth:
            for seed, series in curves[name].items():
                lines.append(_seed_line(name, seed, series))
        mean = Line(
            name=name,
            x=curve.steps,
            y=running_median(curve.mean, smooth),
            low=curve.low,
            high=curve.high,
            drawn="line",
            spread="band",
        )
        lines.append(mean)
    return tuple(lines)


def _seed_line(group: str, seed: str, series: Series) -> Line:
    return Line(
        name=f"{group} {seed}",
        x=series.steps,
        y=series.values,
        of=group,
        faint=True,
        drawn="line",
    )


def _method(
    curves: Curves, seen: Mapping[str, OverSeeds], band: Band, smooth: int | None, width: float | None
) -> str:
    """Return what lines and bands are, as far as they are drawn, and N."""
    several = has_several_seeds(seen)
    line = "Thick line: mean over seeds at each logged step" if several else ONLY_SEED
    thin = "single seeds as logged"
    if width:
        line = "Thick line: mean over seeds" if several else ONLY_SEED
        line += f", each point over one of {WINDOWS} equal windows of steps"
        thin = "single seeds in the same windows"
    elif smooth:
        line += f", then a centred running median of {smooth} steps"
    else:
        line += ", not smoothed"
    parts = [line]
    if any(np.isfinite(curve.low).any() for curve in seen.values()):
        parts.append(f"band: {BANDS[band]}")
    if several or smooth:
        parts.append(f"thin lines: {thin}")
    chosen = ""
    if any(len(curves[name]) > curve.n.min(initial=len(curves[name])) for name, curve in seen.items()):
        chosen = f" {MEANT}."
    count = f" {n_in_words(seen)}." if several else ""
    if not n_is_constant(seen):
        count += " Lowest panel: number of seeds at each step."
    return f"{'; '.join(parts)}.{count}{chosen}"


def _note(seen: Mapping[str, OverSeeds], band: Band, smooth: int | None) -> str:
    line, thin = "one seed", ""
    if has_several_seeds(seen):
        line = f"mean and {BANDS_IN_BRIEF[band]} over seeds"
        thin = "; thin: seeds"
    median = f"; running median of {smooth}" if smooth else ""
    return f"{line}, {n_in_brief(seen)}{thin}{median}"


def _left_out(groups: Groups, missing: Sequence[str]) -> str:
    """Return which runs logged none: groups by their name where it is all of their runs."""
    if not missing:
        return ""
    names = []
    for group, runs in groups.items():
        without = [run.label for run in runs if run.label in missing]
        is_whole = len(without) == len(runs) > 0
        names += [f"{group} ({counted(len(runs), 'run')})"] if is_whole else without
    return f" Logged no such energy, left out: {first_names(names, MOST_NAMED)}."


def _all_finite(curves: Curves) -> bool:
    return bool(np.isfinite(pooled_values(curves)).all())


def _listed(names: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(names))


def _gap_sentence(name: str, curve: OverSeeds, share: NDArray[np.float64]) -> str:
    end = last_finite(curve)
    if end is None:
        return f"{name}: no gap is finite."
    n = curve.n[end]
    above = share[end] * n
    return (
        f"{name}: a gap of {curve.mean[end]:.4g} nat at step {curve.steps[end]}, above 0 in "
        f"{above:.0f} of {n} seeds."
    )


def _energy_sentence(name: str, energy: str, curve: OverSeeds) -> str:
    end = last_finite(curve)
    if end is None:
        return f"{name}: no {energy} is finite."
    start = np.flatnonzero(np.isfinite(curve.mean))[0]
    return (
        f"{name}: {energy} goes from {curve.mean[start]:.4g} nat at step {curve.steps[start]} to "
        f"{curve.mean[end]:.4g} nat at step {curve.steps[end]}."
    )

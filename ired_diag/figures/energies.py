"""Energies over training, as they were logged: means over a batch, averaged over the seeds of each group.

    energy gap         E⁻ - E⁺ (nat), mean and band over seeds; beneath, the share of seeds whose gap is above
                       0: there the mean energy of negatives is the higher one, as it should be
    positive energy    E⁺ (nat) on a logarithmic axis, on which a scale that runs away, or collapses, is a
                       straight line. Where 0 or less was logged its size |E⁺| is drawn: the caption says so

Which metrics these are is told by their names (``runs.energy_metrics``). A seed whose gap is not finite is
left out of both panels at that step. With many steps the share is one of seeds and steps together, in windows
that the caption tells; that at each step lies beneath as dots.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import NotFound
from ired_diag.figures.data import FigureData, Guide, Line, Panel, cut_in_words, scale_of
from ired_diag.figures.over_seeds import BANDS, MEANT, Band, OverSeeds, over_seeds
from ired_diag.figures.running_median import running_median
from ired_diag.figures.seeds_panel import n_in_brief, seeds_in_words, seeds_panel
from ired_diag.figures.share_above_zero import above_zero, share_panel
from ired_diag.runs.energy_metrics import energy_gap, positive_energy
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run

Groups = Mapping[str, Sequence[Run]]
Curves = dict[str, dict[str, Series]]  # by group and seed


def energy_gaps(
    groups: Groups, *, smooth: int | None = None, band: Band = "t interval", order: Sequence[str] = ()
) -> FigureData:
    """Return the gap of energies over training, and the share of seeds in which it is above zero.

    Args:
        groups: Runs by the name of their group.
        smooth: Over how many steps the mean is a running median, odd; as it is without.
        band: What is drawn around the mean, of the unsmoothed values.
        order: All names that may be seen beside these, which fixes their colours; without, ``groups``' own.

    Raises:
        NotFound: No run logged the energies of positives and of negatives.
        DiagError: ``smooth`` or ``band`` is none.
    """
    curves, missing, metrics = _gaps(groups)
    seen = {name: over_seeds(list(members.values()), band) for name, members in curves.items()}
    shares = {name: above_zero(list(members.values())) for name, members in curves.items()}
    lines = _lines(curves, seen, smooth)
    guides = () if _all_positive(curves) else (Guide(0.0, "no gap"),)
    gap = Panel("energy gap E⁻ - E⁺ (nat)", lines, scale_of([line.y for line in lines]), guides=guides)
    share, told = share_panel(seen, shares)
    return FigureData(
        "energy_gap",
        "Energy gap over training",
        "training step",
        (gap, share, *seeds_panel(seen)),
        f"E⁻ - E⁺ of {_listed(metrics)}, means over a training batch. {_method(seen, band, smooth)} Beneath: "
        f"share of the seeds with a finite gap in which it is above 0{told}.{cut_in_words(gap)}"
        f"{_left_out(missing)}",
        _note(seen, band, smooth),
        " ".join(_gap_sentence(name, seen[name], shares[name]) for name in seen),
        tuple(order) or tuple(groups),
        stacked=True,
    )


def positive_energies(
    groups: Groups, *, smooth: int | None = None, band: Band = "t interval", order: Sequence[str] = ()
) -> FigureData:
    """Return the energy of right answers over training, on a logarithmic axis.

    Args:
        groups: Runs by the name of their group.
        smooth: Over how many steps the mean is a running median, odd; as it is without.
        band: What is drawn around the mean, of the unsmoothed values.
        order: All names that may be seen beside these, which fixes their colours; without, ``groups``' own.

    Raises:
        NotFound: No run logged the energy of positives.
        DiagError: ``smooth`` or ``band`` is none.
    """
    told, missing, metrics = _energies(groups)
    values = np.concatenate([series.values for members in told.values() for series in members.values()])
    low = int((values <= 0).sum())
    curves = told if low == 0 else _sizes(told)
    what = "E⁺" if low == 0 else "|E⁺|"
    seen = {name: over_seeds(list(members.values()), band) for name, members in curves.items()}
    known = bool((np.isfinite(values) & (values != 0)).any())  # logs print 0 for what they do not compute
    panel = Panel(f"{what} (nat)", _lines(curves, seen, smooth), "log" if known else "linear")
    size = f" Drawn is the size |E⁺|: {low} of {len(values)} logged values are 0 or less." if low else ""
    return FigureData(
        "positive_energy",
        "Energy of right answers over training",
        "training step",
        (panel, *seeds_panel(seen)),
        f"{what} of {_listed(metrics)}, means over a training batch.{size} {_method(seen, band, smooth)}"
        f"{cut_in_words(panel)}{_left_out(missing)}",
        _note(seen, band, smooth),
        " ".join(_energy_sentence(name, what, seen[name]) for name in seen),
        tuple(order) or tuple(groups),
        stacked=True,
    )


def _gaps(groups: Groups) -> tuple[Curves, list[str], list[str]]:
    """Return the gaps, the runs without, and of which metrics they are."""
    curves: Curves = {}
    missing, metrics = [], []
    for name, runs in groups.items():
        for run in runs:
            found = energy_gap(run.history)
            if found is None or not len(found[1]):
                missing.append(run.label)
                continue
            pair, series = found
            curves.setdefault(name, {})[run.seed_label] = series
            metrics.append(f"{pair.negative} and {pair.positive}")
    return _some(curves, "energies of positives and of negatives"), missing, metrics


def _energies(groups: Groups) -> tuple[Curves, list[str], list[str]]:
    """Return the energies of positives, the runs without, and of which metrics they are."""
    curves: Curves = {}
    missing, metrics = [], []
    for name, runs in groups.items():
        for run in runs:
            found = positive_energy(run.history)
            if found is None or not len(found[1]):
                missing.append(run.label)
                continue
            curves.setdefault(name, {})[run.seed_label] = found[1]
            metrics.append(found[0])
    return _some(curves, "the energy of positives"), missing, metrics


def _some(curves: Curves, what: str) -> Curves:
    if curves:
        return curves
    raise NotFound(
        f"No run logged {what} (metrics named as train/energy_positive, E_pos). "
        "On a checkpoint: ired-diag probe energy_gap NAME."
    )


def _sizes(curves: Curves) -> Curves:
    return {
        name: {seed: replace(series, values=np.abs(series.values)) for seed, series in members.items()}
        for name, members in curves.items()
    }


def _all_positive(curves: Curves) -> bool:
    values = np.concatenate([series.values for members in curves.values() for series in members.values()])
    return bool((values[np.isfinite(values)] > 0).all())


def _lines(curves: Curves, seen: Mapping[str, OverSeeds], smooth: int | None) -> tuple[Line, ...]:
    lines = []
    for name, mean in seen.items():
        if len(curves[name]) > 1 or smooth:
            for seed, one in curves[name].items():
                raw = Line(f"{name} {seed}", one.steps, one.values, of=name, faint=True, drawn="line")
                lines.append(raw)
        y = running_median(mean.mean, smooth)
        lines.append(Line(name, mean.steps, y, mean.low, mean.high, "line", "band"))
    return tuple(lines)


def _method(seen: Mapping[str, OverSeeds], band: Band, smooth: int | None) -> str:
    how = f"then a centred running median of {smooth} steps" if smooth else "not smoothed"
    return (
        f"Line: mean over seeds at each step, {how}; band: {BANDS[band]}; thin: single seeds as logged. "
        f"{seeds_in_words(seen)}. {MEANT}."
    )


def _note(seen: Mapping[str, OverSeeds], band: Band, smooth: int | None) -> str:
    around = f"mean and {'95% t interval' if band == 't interval' else band} over seeds"
    several = any(curve.n.max(initial=0) > 1 for curve in seen.values())
    line, thin = (around, "; thin: seeds") if several else ("one seed", "")
    median = f"; running median of {smooth}" if smooth else ""
    return f"{line}, {n_in_brief(seen)}{thin}{median}"


def _left_out(missing: Sequence[str]) -> str:
    return f" Logged none, left out: {', '.join(missing)}." if missing else ""


def _listed(names: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(names))


def _gap_sentence(name: str, seen: OverSeeds, shares: NDArray[np.float64]) -> str:
    end = _last(seen)
    if end is None:
        return f"{name}: no gap is finite."
    return (
        f"{name}: a gap of {seen.mean[end]:.4g} nat at step {seen.steps[end]}, above 0 in "
        f"{shares[end] * seen.n[end]:.0f} of {seen.n[end]} seeds."
    )


def _energy_sentence(name: str, what: str, seen: OverSeeds) -> str:
    end = _last(seen)
    if end is None:
        return f"{name}: no {what} is finite."
    start = int(np.flatnonzero(np.isfinite(seen.mean))[0])
    return (
        f"{name}: {what} goes from {seen.mean[start]:.4g} nat at step {seen.steps[start]} to "
        f"{seen.mean[end]:.4g} nat at step {seen.steps[end]}."
    )


def _last(seen: OverSeeds) -> int | None:
    known = np.flatnonzero(np.isfinite(seen.mean))
    return int(known[-1]) if len(known) else None

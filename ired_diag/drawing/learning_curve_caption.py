"""The caption of learning curves: what lines, bands and marks are, N, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ired_diag.drawing.curve_marks import NOISE, Curve
from ired_diag.drawing.data import Line, Mark
from ired_diag.drawing.learning_curve_words import Shown, best_word, drawn_singly, worse_word
from ired_diag.drawing.over_seeds import BANDS, MEANT, has_several_seeds
from ired_diag.drawing.seeds_panel import n_is_constant, seeds_in_words
from ired_diag.runs.direction import Direction


def method_of(shown: Shown, curves: Mapping[str, Sequence[Curve]]) -> str:
    """Return what lines and bands are, and N."""
    has_several = has_several_seeds(shown.means)
    what = f"Mean {shown.label} over seeds" if has_several else f"{shown.label} of one seed"
    sentences = [f"{what} at each evaluation{_smoothing(shown)} ({_direction(shown.direction)})."]
    parts = []
    if has_several and _has_band(shown):
        parts.append(f"Shaded: {BANDS[shown.band]}, at each step by itself{_of_three(shown)}")
    if any(drawn_singly(curve, shown.band) for curve in shown.means.values()):
        parts.append("groups of two seeds: their single curves")
    if _has_thin_lines(shown, curves):
        parts.append("thin lines: single seeds as logged")
    if parts:
        sentences.append(_as_sentence(parts))
    sentences.append(f"{_counts(shown)}.")
    if not n_is_constant(shown.means):
        sentences.append(
            f"{MEANT}; where N, in the lowest panel, falls, seeds ended or are not finite, and the mean is "
            "of the others."
        )
    elif not _is_whole(shown, curves):
        sentences.append(f"{MEANT}.")
    return " ".join(sentences)


def marks_in_words(shown: Shown, marks: Sequence[Mark]) -> str:
    """Return what circles and diamonds are, where there are any."""
    words = ""
    if any(mark.shape == "circle" for mark in marks):
        words += f" Circle: best ({best_word(shown.direction)}) evaluation"
        words += " of the seed whose best is the group's median" if has_several_seeds(shown.means) else ""
        if any(NOISE in mark.label for mark in marks):
            words += (
                f'; "{NOISE}": the scatter of that many evaluations around one level explains so '
                f"{'low' if shown.direction.lower_is_better else 'high'} a value"
            )
        words += "."
    if any(mark.shape == "diamond" for mark in marks):
        words += (
            f" Diamond: where the first seed of the group begins to {worse_word(shown.direction)} for good."
        )
    return words


def _smoothing(shown: Shown) -> str:
    if not shown.smooth:
        return ", not smoothed"
    return f", as a centred running median of {shown.smooth} evaluations; the band is that of the raw values"


def _direction(direction: Direction) -> str:
    if direction.source == "assumed":
        return f"{direction.in_brief}, which is assumed"
    return direction.in_brief


def _has_band(shown: Shown) -> bool:
    return any(np.isfinite(curve.low).any() for curve in shown.means.values())


def _of_three(shown: Shown) -> str:
    has_pairs = any((curve.n == 2).any() for curve in shown.means.values())
    return ", of three seeds or more" if shown.band == "t interval" and has_pairs else ""


def _has_thin_lines(shown: Shown, curves: Mapping[str, Sequence[Curve]]) -> bool:
    """Say whether single seeds lie beneath a mean, or raw curves beneath smoothed ones."""
    if shown.smooth:
        return True
    for name, members in curves.items():
        if len(members) > 1 and not (len(members) == 2 and drawn_singly(shown.means[name], shown.band)):
            return True
    return False


def _as_sentence(parts: Sequence[str]) -> str:
    joined = "; ".join(parts)
    return f"{joined[0].upper()}{joined[1:]}."


def _counts(shown: Shown) -> str:
    """Return N: once where all groups have the same."""
    counts = np.unique(np.concatenate([curve.n for curve in shown.means.values()]))
    if len(counts) != 1:
        return seeds_in_words(shown.means)
    seeds = "seed" if counts[0] == 1 else "seeds"
    each = " in each group" if len(shown.means) > 1 else ""
    return f"n = {counts[0]} {seeds}{each}"


def _is_whole(shown: Shown, curves: Mapping[str, Sequence[Curve]]) -> bool:
    """Say whether every seed has a finite value at every step of its group's mean, and at no other."""
    for name, members in curves.items():
        steps = shown.means[name].steps
        for curve in members:
            is_finite = np.isfinite(np.asarray(curve.series.values, dtype=np.float64))
            if not np.array_equal(curve.series.steps, steps) or not is_finite.all():
                return False
    return True


def bands_left_out(shown: Shown, lines: Sequence[Line]) -> str:
    """Return which groups have no band because theirs often reaches 0; empty where all have theirs."""
    names = []
    for line in lines:
        mean = shown.means.get(line.name)
        if mean is not None and not line.faint and line.low is None and np.isfinite(mean.low).any():
            names.append(f"{line.name} (n = {int(mean.n.max())})")
    if not names:
        return ""
    return (
        f" No band is drawn for {', '.join(names)}: it reaches 0 at several steps, which a logarithmic axis "
        "cannot show."
    )


def stops_in_words(groups: Mapping[str, Sequence[Curve]], marks: Sequence[Mark]) -> str:
    """Return what early stopping ended, and what squares are; empty where it ended no run."""
    parts = []
    for name, curves in groups.items():
        stops = sorted(curve.stopped for curve in curves if curve.stopped is not None)
        if not stops:
            continue
        at = f"step {stops[0]}" if stops[0] == stops[-1] else f"steps {stops[0]} to {stops[-1]}"
        parts.append(f"{name} {len(stops)} of {len(curves)} seeds, at {at}")
    if not parts:
        return ""
    ended = f"arly stopping ended {'; '.join(parts)}."
    if not any(mark.shape == "square" for mark in marks):
        return f" E{ended}"
    return f" Square: last evaluation of the seed whose early stop is the group's median; e{ended}"


def left_out(metric: str, missing: Sequence[str]) -> str:
    """Return which runs did not log the metric; empty where all did."""
    if not missing:
        return ""
    return f" Left out, because they did not log {metric}: {', '.join(missing)}."

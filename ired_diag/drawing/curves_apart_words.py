"""What a picture of where two groups come apart says of itself: caption and note."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ired_diag.comparison.place_words import place_in_words
from ired_diag.comparison.when_words import headline, other_stretches

if TYPE_CHECKING:
    from ired_diag.comparison.apart import CurvesApart
    from ired_diag.comparison.when import When

MOST = 5.0  # half widths at which the axis ends


def method_of(answer: When, apart: CurvesApart, *, in_half_widths: bool) -> str:
    """Return the caption."""
    better = "lower" if answer.lower_is_better else "higher"
    seen = " ".join([headline(answer), *other_stretches(answer, apart)])
    words = (
        f"{seen} Upper panel: mean {answer.shown_metric} ({better} is better) of "
        f"{_counts(apart)}; thin: single seeds. Lower panel: {answer.new} minus {answer.old}"
    )
    words += _band_in_words(answer, apart, in_half_widths=in_half_widths)
    if apart.stretches:
        words += " Black bars on 0: where the band excludes 0, so that the curves are apart."
    if in_half_widths:
        words += _beyond_in_words(answer, apart)
    if apart.grid.is_interpolated:
        words += " Values are read off the line between neighbouring evaluations."
    return words


def _band_in_words(answer: When, apart: CurvesApart, *, in_half_widths: bool) -> str:
    if not math.isfinite(apart.separation.bound):
        return ", without a band, because none of so few seeds is finite."
    level = f"{100 * (1 - answer.alpha):g}%"
    band = (
        f"band that holds at all {len(apart.places)} places together with {level} (largest t of exchanges of "
        "whole seeds)"
    )
    if in_half_widths:
        return f", in half widths of a {band}; dotted: 0 and the edges of the band."
    return f", with a {band}; dotted: 0."


def _beyond_in_words(answer: When, apart: CurvesApart) -> str:
    """Return where the difference lies beyond the end of the axis, and how far."""
    ratio = np.abs(apart.separation.t / apart.separation.bound)
    beyond = np.flatnonzero(ratio > MOST)
    if not len(beyond):
        return ""
    first, last = (place_in_words(answer.axis, float(apart.places[place])) for place in beyond[[0, -1]])
    where = f"between {first} and {last}" if len(beyond) > 1 else f"at {first}"
    return f" The axis ends at ±{MOST:g}: {where} the difference is up to {np.nanmax(ratio):.0f}."


def note_of(answer: When, apart: CurvesApart, *, in_half_widths: bool) -> str:
    """Return the caption in a few words."""
    level = f"{100 * (1 - answer.alpha):g}%"
    drawn = f"band: {level} at all places together"
    if not math.isfinite(apart.separation.bound):
        drawn = "no band: of so few seeds none is finite"
    elif in_half_widths:
        drawn = f"lower panel: in half widths of its {level} band at all places together"
    return f"{_counts(apart)}; {drawn}" + ("; bars: apart" if apart.stretches else "")


def _counts(apart: CurvesApart) -> str:
    n_a, n_b = apart.seeds
    return f"{n_a} pairs of seeds" if apart.is_paired else f"{n_a} and {n_b} seeds, not paired"

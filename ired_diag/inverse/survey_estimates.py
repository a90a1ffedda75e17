"""What a survey of gradients tells, with intervals: norms, shares, cosines, noise scales, clip, update.

Each is a function of the inner products that its table holds (``stats.noise_scale``), for a layer, for all of
them, or for a noise level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ired_diag.inverse.gradient_survey import WHOLE
from ired_diag.inverse.survey_table import MIXED, TOTAL, Measured
from ired_diag.stats import noise_scale as noise
from ired_diag.stats.jackknife import Interval, Replicates, jackknife_interval
from ired_diag.stats.summary import CONFIDENCE
from ired_diag.table import Table


class Row(NamedTuple):
    """A row of the comparison."""

    layer: str
    term: str
    versus: str
    level: int
    versus_level: int
    quantity: str
    found: Interval
    n: int


def layer_rows(measured: Measured, layer: str) -> list[Row]:
    """Return norms, shares, noise scales and cosines of each term in a layer, and its update."""
    size, batch_size = measured.size, measured.batch_size
    kept = {term: measured.products(layer, term, term) for term in measured.terms}
    n = len(kept[TOTAL])
    found: list[tuple[str, str, str, Interval]] = []
    steps = {term: _root(noise.squared_norm_at(kept[term], size, batch_size)) for term in kept}
    trained = [term for term in kept if term not in (TOTAL, "nce_if_mined")]
    together = sum((steps[term] for term in trained), np.zeros(n + 1))
    for term, own in kept.items():
        found.append((term, "", "norm", noise.norm(own)))
        found.append((term, "", "step_norm", jackknife_interval(steps[term])))
        found.append((term, "", "noise_scale", noise.noise_scale(own, size)))
        if term != "denoise":  # which does not look at what is mined
            found.append((term, "", "shared_noise", noise.shared_part(own, size, batch_size)))
        if term in trained:
            found.append((term, "", "share", _ratio(steps[term], together)))
    for i, one in enumerate(kept):
        for other in list(kept)[i + 1 :]:
            both = measured.products(layer, one, other)
            found.append((one, other, "cosine", noise.cosine(both, kept[one], kept[other])))
    clip = np.full(n + 1, measured.setting("clip"))
    found.append((TOTAL, "", "over_clip", _ratio(steps[TOTAL], clip, "no clip")))
    weight = np.full(n + 1, measured.setting("weight_norm", layer))
    found.append((TOTAL, "", "gradient_to_weight", _ratio(steps[TOTAL], weight)))
    found.append((TOTAL, "", "update_to_weight", _ratio(measured.updates(layer), weight)))
    chance = measured.setting("learning_rate") * math.sqrt(measured.setting("entries", layer) / n)
    found.append((TOTAL, "", "noise_update_to_weight", _ratio(np.full(n + 1, chance), weight)))
    return [Row(layer, term, versus, -1, -1, name, interval, n) for term, versus, name, interval in found]


def _root(squares: Replicates) -> Replicates:
    root: Replicates = np.sqrt(np.maximum(squares, 0.0))  # NaN stays NaN
    return root


def _ratio(above: Replicates, below: Replicates, lacking: str = "not a finite number") -> Interval:
    """Return a ratio of lengths with its jackknife interval; ``lacking`` says why a divisor is NaN."""
    if np.isnan(below).any():
        return Interval(math.nan, math.nan, math.nan, lacking)
    if np.isfinite(below).all() and not below.all():
        return Interval(math.nan, math.nan, math.nan, "divided by a length of 0")
    return jackknife_interval(above / below)


def level_rows(measured: Measured) -> list[Row]:
    """Return the denoising gradient's norm at each level, and the cosine between each two levels."""
    levels, rows = measured.levels, []
    kept = {level: measured.products(WHOLE, "denoise", "denoise", level, level) for level in levels}
    pairs = len(levels) * (len(levels) - 1) // 2
    for i, a in enumerate(levels):
        n = len(kept[a])
        rows.append(Row(WHOLE, "denoise", "", a, MIXED, "norm", noise.norm(kept[a]), n))
        for b in levels[i + 1 :]:
            both = measured.products(WHOLE, "denoise", "denoise", a, b)
            found = noise.cosine(both, kept[a], kept[b], confidence=1 - (1 - CONFIDENCE) / pairs)
            rows.append(Row(WHOLE, "denoise", "denoise", a, b, "cosine", found, n))
    return rows


def as_table(rows: Sequence[Row]) -> Table:
    """Return rows as columns."""
    keys = ("layer", "term", "versus", "level", "versus_level", "quantity")
    return {
        **{key: np.array([getattr(row, key) for row in rows]) for key in keys},
        "x": np.array([row.found.value for row in rows]),
        "x_low": np.array([row.found.low for row in rows]),
        "x_high": np.array([row.found.high for row in rows]),
        "n": np.array([row.n for row in rows]),
        "reason": np.array([row.found.reason for row in rows]),
    }

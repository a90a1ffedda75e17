"""What a survey of gradients shows, with intervals: norms, shares, cosines, noise scales, clip, update.

Each is a function of the inner products that its table holds (``stats.noise_scale``), for a layer, for all of
them, or for a noise level.
"""

from __future__ import annotations

import itertools
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
    interval: Interval
    n: int


def layer_rows(measured: Measured, layer: str) -> list[Row]:
    """Return norms, shares, noise scales and cosines of each term in a layer, and its update."""
    products = {term: measured.products(layer, term, term) for term in measured.terms}
    n = len(products[TOTAL])
    rows: list[Row] = []

    def add(term: str, quantity: str, interval: Interval, versus: str = "") -> None:
        row = Row(
            layer=layer,
            term=term,
            versus=versus,
            level=MIXED,
            versus_level=MIXED,
            quantity=quantity,
            interval=interval,
            n=n,
        )
        rows.append(row)

    size, batch_size = measured.size, measured.batch_size
    steps = {}
    for term, own in products.items():
        steps[term] = _root(noise.squared_norm_at(own, size, batch_size))
    trained = [term for term in products if term not in (TOTAL, "nce_if_mined")]
    together = np.zeros(n + 1)
    for term in trained:
        together = together + steps[term]
    for term, own in products.items():
        add(term, "norm", noise.norm(own))
        add(term, "step_norm", jackknife_interval(steps[term]))
        add(term, "noise_scale", noise.noise_scale(own, size))
        if term != "denoise":  # the denoising term does not depend on what is mined
            add(term, "shared_noise", noise.shared_part(own, size, batch_size))
        if term in trained:
            add(term, "share", _ratio(steps[term], together))
    for term, versus in itertools.combinations(products, 2):
        mixed = measured.products(layer, term, versus)
        cosine = noise.cosine(mixed, products[term], products[versus])
        add(term, "cosine", cosine, versus)
    clip = np.full(n + 1, measured.setting("clip"))
    weight = np.full(n + 1, measured.setting("weight_norm", layer))
    entries = measured.setting("entries", layer)
    chance = measured.setting("learning_rate") * math.sqrt(entries / n)
    add(TOTAL, "over_clip", _ratio(steps[TOTAL], clip, "no clip"))
    add(TOTAL, "gradient_to_weight", _ratio(steps[TOTAL], weight))
    add(TOTAL, "update_to_weight", _ratio(measured.updates(layer), weight))
    add(TOTAL, "noise_update_to_weight", _ratio(np.full(n + 1, chance), weight))
    return rows


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
    levels = measured.levels
    products = {}
    for level in levels:
        products[level] = measured.products(WHOLE, "denoise", "denoise", level, level)
    pairs = math.comb(len(levels), 2)
    rows = []
    for i, level in enumerate(levels):
        own = products[level]
        norm = Row(
            layer=WHOLE,
            term="denoise",
            versus="",
            level=level,
            versus_level=MIXED,
            quantity="norm",
            interval=noise.norm(own),
            n=len(own),
        )
        rows.append(norm)
        for versus in levels[i + 1 :]:
            mixed = measured.products(WHOLE, "denoise", "denoise", level, versus)
            # Bonferroni: the intervals of all pairs hold together.
            confidence = 1 - (1 - CONFIDENCE) / pairs
            interval = noise.cosine(mixed, own, products[versus], confidence=confidence)
            cosine = norm._replace(
                versus="denoise",
                versus_level=versus,
                quantity="cosine",
                interval=interval,
            )
            rows.append(cosine)
    return rows


def as_table(rows: Sequence[Row]) -> Table:
    """Return rows as columns."""
    keys = ("layer", "term", "versus", "level", "versus_level", "quantity")
    table = {}
    for key in keys:
        table[key] = np.array([getattr(row, key) for row in rows])
    intervals = [row.interval for row in rows]
    table["x"] = np.array([interval.value for interval in intervals])
    table["x_low"] = np.array([interval.low for interval in intervals])
    table["x_high"] = np.array([interval.high for interval in intervals])
    table["n"] = np.array([row.n for row in rows])
    table["reason"] = np.array([interval.reason for interval in intervals])
    return table

"""Representation: over how many directions do the hidden layers spread, and which layers see the same?

The same right answers, with the same noise at the sharpest, the middle and the noisiest level, are given to
every network of one kind of matrices. Of each hidden layer's features X, centred, are kept

    variance     its variance along each principal direction, over all problems
    product      the products X Xᵀ of the first 128 problems with each other

The second is all that linear CKA needs, whatever the width: two checkpoints or strategies are compared later,
from their tables alone (the picture ``representations``).

    effective rank    exp of the entropy of the singular values of X
    CKA               of two layers of the same network, without bias (``stats.kernel_alignment``)

References: as of ``stats.kernel_alignment`` and ``stats.effective_rank``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.finding import Finding
from ired_diag.inverse.network import NETWORK, NetworkLandscape
from ired_diag.probing.probe import ALL_LEVELS, Headline, Probe
from ired_diag.stats.arrays import Array
from ired_diag.stats.effective_rank import effective_rank_of_variances
from ired_diag.stats.jackknife import Interval
from ired_diag.stats.kernel_alignment import alignment, gram
from ired_diag.subject import Subject
from ired_diag.table import VALUE, Column, Table, concatenate, row_of, select, table_of_rows, value_columns

Whole = NDArray[np.integer[Any]]

LAYERS = (1, 2, 3)
PAIRED = 128  # problems whose products are kept: a table grows with their square
LARGEST = 1e17  # of a feature: the sum of its squares is kept in single precision
NO_INTERVAL = "it grows with the number of problems: compare it at one number"

COLUMNS = (
    Column("layer", "1", "hidden layer, 1 the nearest to the matrix and its candidate"),
    Column("level", "1", "noise level, 0 the sharpest"),
    Column("kind", "1", "variance or product"),
    Column("first", "1", "number of a direction, the largest variance first, or of a problem"),
    Column("second", "1", "number of a problem, not below the first; of a variance, the number of problems"),
    Column("value", "1", "the variance, or the product of the centred features of the two problems"),
)
COMPARISON_COLUMNS = (
    Column("level", "1", "noise level; -1 for the mean over those measured"),
    Column("quantity", "1", "effective_rank or cka"),
    Column("layer", "1", "hidden layer"),
    Column("other", "1", "the other layer, of cka; else 0"),
    *value_columns("1", "effective rank, or linear CKA without bias"),
)


@torch.no_grad()
def measure(subject: Subject) -> Table:
    """Return variances and products of each hidden layer's features, level by level."""
    generator = subject.generator("representation")
    schedule = subject.schedule
    count = subject.samples
    problem, answer = subject.problems.draw(count, generator=generator)
    noise = torch.randn(answer.shape, generator=generator, dtype=answer.dtype)
    problem = problem.to(subject.device)
    right = answer.to(subject.device)
    noise = noise.to(subject.device)
    tables: list[Table] = []
    for level in levels_of(schedule.levels):
        t = torch.full((count,), level, device=subject.device)
        landscape = subject.energy.landscape(problem, t)
        assert isinstance(landscape, NetworkLandscape)
        of_layers = landscape.hidden(schedule.q_sample(right, t, noise))
        for layer, of_layer in zip(LAYERS, of_layers, strict=True):
            features = _finite(of_layer.double().cpu().numpy())
            tables.append(_variances(features, layer, level))
            tables.append(_products(features[:PAIRED], layer, level))
    return concatenate(tables)


def levels_of(count: int) -> list[int]:
    """Return the sharpest, the middle and the noisiest of some noise levels.

    >>> levels_of(10), levels_of(2), levels_of(1)
    ([0, 5, 9], [0, 1], [0])
    """
    return sorted({0, count // 2, count - 1})


def _finite(features: Array) -> Array:
    """Return features, or NaN for all of them where some are not finite or too large for what is kept."""
    if np.isfinite(features).all() and np.abs(features).max(initial=0.0) < LARGEST:
        return features
    return np.full_like(features, math.nan)


def _variances(features: Array, layer: int, level: int) -> Table:
    centred = features - features.mean(axis=0)
    scale = math.sqrt(max(len(features) - 1, 1))
    variances = np.full(min(features.shape), math.nan)
    if np.isfinite(centred).all():
        variances = (np.linalg.svd(centred, compute_uv=False) / scale) ** 2
    counts = np.full(len(variances), len(features))
    return _rows_of(layer, level, "variance", np.arange(len(variances)), counts, variances)


def _products(features: Array, layer: int, level: int) -> Table:
    products = gram(features)
    first, second = np.triu_indices(len(products))
    return _rows_of(layer, level, "product", first, second, products[first, second])


def _rows_of(layer: int, level: int, kind: str, first: Whole, second: Whole, values: Array) -> Table:
    n = len(values)
    return {
        "layer": np.full(n, layer, dtype=np.int16),
        "level": np.full(n, level, dtype=np.int16),
        "kind": np.full(n, kind),
        "first": first.astype(np.int32),
        "second": second.astype(np.int32),
        "value": values.astype(np.float32),
    }


def products_of(table: Table) -> dict[tuple[int, int], Array]:
    """Return the products in a table by layer and level, each of shape (problems, problems)."""
    rows = select(table, kind="product")
    found = {}
    for layer, level in _places(table):
        of_place = select(rows, layer=layer, level=level)
        first = of_place["first"].astype(int)
        second = of_place["second"].astype(int)
        size = int(second.max()) + 1
        products = np.zeros((size, size))
        products[first, second] = of_place["value"]
        products[second, first] = of_place["value"]
        found[layer, level] = products
    return found


def variances_of(table: Table) -> dict[tuple[int, int], Array]:
    """Return the variances in a table by layer and level, each of shape (directions,), the largest first."""
    rows = select(table, kind="variance")
    found = {}
    for layer, level in _places(table):
        of_place = select(rows, layer=layer, level=level)
        order = np.argsort(of_place["first"])
        found[layer, level] = of_place["value"][order].astype(np.float64)
    return found


def _places(table: Table) -> list[tuple[int, int]]:
    """Return the layers and levels that were measured."""
    places = []
    for layer in np.unique(table["layer"]).tolist():
        for level in np.unique(table["level"]).tolist():
            places.append((int(layer), int(level)))
    return places


def compare(table: Table) -> Table:
    """Return the effective rank of each layer, and CKA of each pair of layers: on average, then by level."""
    products = products_of(table)
    variances = variances_of(table)
    levels = sorted({level for _, level in products})
    problems = int(select(table, kind="variance")["second"][0])
    paired = len(products[LAYERS[0], levels[0]])
    rows: list[dict[str, object]] = []
    for layer in LAYERS:
        ranks = [effective_rank_of_variances(variances[layer, level]) for level in levels]
        for level, rank in [(ALL_LEVELS, float(np.mean(ranks))), *zip(levels, ranks, strict=True)]:
            interval = Interval(rank, math.nan, math.nan, NO_INTERVAL)
            rows.append(_row("effective_rank", level, (layer, 0), interval, problems))
    for layer, other in layer_pairs():
        by_level = {level: [(products[layer, level], products[other, level])] for level in levels}
        everywhere = [pair for pairs in by_level.values() for pair in pairs]
        for level, pairs in [(ALL_LEVELS, everywhere), *by_level.items()]:
            rows.append(_row("cka", level, (layer, other), alignment(pairs), paired))
    return table_of_rows(COMPARISON_COLUMNS, rows)


def layer_pairs() -> Iterator[tuple[int, int]]:
    """Yield each pair of hidden layers once."""
    for place, layer in enumerate(LAYERS):
        for other in LAYERS[place + 1 :]:
            yield layer, other


def _row(quantity: str, level: int, layers: tuple[int, int], interval: Interval, n: int) -> dict[str, object]:
    numbers = (interval.value, interval.low, interval.high, n, interval.reason)
    return {
        "level": level,
        "quantity": quantity,
        "layer": layers[0],
        "other": layers[1],
        **dict(zip(VALUE, numbers, strict=True)),
    }


def conclude(table: Table, comparison: Table) -> Finding:
    """Return effective ranks and the likeness of layers, with what they were measured at."""
    levels = np.unique(table["level"]).tolist()
    evidence: dict[str, float | int | str] = {}
    ranks = []
    for layer in LAYERS:
        row = _over_levels(comparison, "effective_rank", layer, 0)
        evidence[f"rank_{layer}"] = float(row["value"])
        ranks.append(f"{float(row['value']):.3g} (layer {layer})")
        evidence["n"] = int(row["n"])
    likeness = []
    for layer, other in layer_pairs():
        row = _over_levels(comparison, "cka", layer, other)
        name = f"cka_{layer}_{other}"
        evidence[name] = float(row["value"])
        evidence[f"{name}_low"] = float(row["value_low"])
        evidence[f"{name}_high"] = float(row["value_high"])
        ends = f"{float(row['value_low']):.3g} to {float(row['value_high']):.3g}"
        likeness.append(f"{float(row['value']):.3g} ({ends}) of layers {layer} and {other}")
    if not all(math.isfinite(float(value or 0)) for value in evidence.values()):
        return Finding(
            rule="representation",
            severity="warning",
            statement="Nothing can be said: features of a hidden layer are no numbers, too large, or the "
            f"same for all {evidence['n']} problems.",
            evidence=evidence,
        )
    directions = len(variances_of(table)[LAYERS[0], levels[0]])
    statement = (
        f"The hidden layers spread over {', '.join(ranks)} directions: their effective rank, of at most "
        f"{directions} with {evidence['n']} problems. Linear CKA without bias (1: the same but for a "
        f"rotation; 0: nothing in common): {', '.join(likeness)}. Means over the noise levels "
        f"{', '.join(map(str, levels))}."
    )
    return Finding(
        rule="representation",
        severity="note",
        statement=statement,
        evidence=evidence,
        advice="What two checkpoints or strategies have in common is the picture `representations`.",
    )


def _over_levels(comparison: Table, quantity: str, layer: int, other: int) -> Mapping[str, Any]:
    return row_of(comparison, level=ALL_LEVELS, quantity=quantity, layer=layer, other=other)


def figure(table: Table) -> FigureData:
    """Return the spectrum of each hidden layer, a panel for each noise level."""
    variances = variances_of(table)
    problems = int(select(table, kind="variance")["second"][0])
    panels = []
    for level in sorted({level for _, level in variances}):
        lines = []
        for layer in LAYERS:
            shares = _shares(variances[layer, level])
            directions = np.arange(1, len(shares) + 1)
            lines.append(Line(f"layer {layer}", directions, shares, drawn="line"))
        panels.append(Panel(f"share of variance, level {level}", tuple(lines), "log", x_scale="log"))
    return FigureData(
        name="representation",
        title="How many directions the hidden layers use",
        x_label="direction, the largest first",
        panels=tuple(panels),
        method="Share of the variance of each hidden layer's features along their principal directions, at "
        f"{problems} right answers with the same noise for every network.",
        note=f"{problems} right answers, noised",
    )


def _shares(variances: Array) -> Array:
    """Return the share of the variance in each direction, without directions of rounding alone."""
    total = variances.sum()
    if not total > 0:
        return np.array([])
    is_seen = variances > total * len(variances) * np.finfo(np.float32).eps ** 2
    shares: Array = variances[is_seen] / total
    return shares


PROBE = Probe(
    name="representation",
    question="Over how many directions do the hidden layers spread, and which layers see the same?",
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=tuple(
        Headline(key=f"rank_{layer}", label=f"effective rank of layer {layer}") for layer in LAYERS
    ),
    needs=("levels", NETWORK),
)

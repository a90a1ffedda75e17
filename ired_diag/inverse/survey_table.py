"""A survey of gradients as a tidy table: written row by row, and read again.

Each row is one number of one batch: an inner product of two terms' gradients in a layer, or a setting that
stands in one row by itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.inverse.batch_gradients import LAYERS
from ired_diag.inverse.gradient_survey import WHOLE, Survey
from ired_diag.stats.jackknife import Replicates
from ired_diag.stats.noise_scale import Products
from ired_diag.table import Column, Table

SURVEY_COLUMNS = (
    Column("layer", "1", "fc1, fc2, fc3, head, time_mlp, t_map_fc2, t_map_fc3, or all"),
    Column("term", "1", "denoise, nce, regulariser, nce_if_mined or total"),
    Column("versus", "1", "the term that it is multiplied with"),
    Column("level", "1", "noise level of the term; -1 for levels mixed as in training"),
    Column("versus_level", "1", "noise level of the other"),
    Column("quantity", "1", "what the value is"),
    Column("batch", "1", "number of the batch; -1 for what belongs to none; for an update, the one left out"),
    Column("value", "as quantity", "inner product of gradients, setting, length"),
    Column("reason", "1", "why it is NaN, or a note on a setting"),
)
MIXED = -1  # in a column of levels: all of them, as in training
TOTAL = "total"
TERMS = ("nce", "nce_if_mined", "regulariser", TOTAL, "denoise")  # in the order of reports and figures

Key = tuple[str, str, str, int, int, str]


def table_rows(
    values: Any,
    *,
    layer: str = WHOLE,
    term: str = TOTAL,
    versus: str = "",
    level: int = MIXED,
    versus_level: int = MIXED,
    quantity: str,
    reason: str = "",
    first: int = 0,
) -> Table:
    """Return a row for each value, numbered as batches from ``first`` on."""
    n = len(values)
    return {
        "layer": np.full(n, layer),
        "term": np.full(n, term),
        "versus": np.full(n, versus),
        "level": np.full(n, level),
        "versus_level": np.full(n, versus_level),
        "quantity": np.full(n, quantity),
        "batch": np.arange(first, first + n),
        "value": np.asarray(values, dtype=np.float64),
        "reason": np.full(n, reason),
    }


def survey_rows(survey: Survey, names: Sequence[str]) -> list[Table]:
    """Return the rows of a survey.

    Args:
        survey: Inner products of terms.
        names: Of the terms, the total last.
    """
    kinds = {"own": survey.own, "whole": survey.whole, "scatter": survey.scatter}
    pairs = list(itertools.combinations_with_replacement(range(len(names)), 2))
    rows = []
    for quantity, by_layer in kinds.items():
        for layer, products in by_layer.items():
            for i, j in pairs:
                pair = table_rows(
                    products[i, j].numpy(),
                    layer=layer,
                    term=names[i],
                    versus=names[j],
                    quantity=quantity,
                )
                rows.append(pair)
    for layer, squares in survey.squared_updates.items():
        rows.append(table_rows(squares.sqrt().numpy(), layer=layer, quantity="update", first=-1))
    return rows


class Measured:
    """The values of a table by what they are of."""

    def __init__(self, table: Table) -> None:
        keys = ("layer", "term", "versus", "level", "versus_level", "quantity")
        columns = [table[name].tolist() for name in (*keys, "value")]
        self.values: dict[Key, list[float]] = {}
        for *key, value in zip(*columns, strict=True):
            self.values.setdefault(tuple(key), []).append(value)
        self.layers = [layer for layer in (WHOLE, *LAYERS) if self._holds(layer, TOTAL)]
        self.terms = [term for term in TERMS if self._holds(WHOLE, term)]
        self.levels = sorted({key[3] for key in self.values} - {MIXED})
        self.size = int(self.setting("size"))
        self.batch_size = int(self.setting("batch_size"))

    def _holds(self, layer: str, term: str) -> bool:
        """Say whether the table has the term's product with itself in a layer."""
        return (layer, term, term, MIXED, MIXED, "own") in self.values

    def setting(self, quantity: str, layer: str = WHOLE) -> float:
        """Return what stands in one row only."""
        return self.values[layer, TOTAL, "", MIXED, MIXED, quantity][0]

    def array(self, *key: Any) -> NDArray[np.float64]:
        """Return the values of a key, in the order of the batches."""
        return np.array(self.values[key])

    def products(
        self, layer: str, term: str, versus: str, level: int = MIXED, versus_level: int = MIXED
    ) -> Products:
        """Return the products of two terms, in whichever order the table holds them."""
        key: tuple[Any, ...] = (layer, term, versus, level, versus_level)
        if (*key, "own") not in self.values:
            key = (layer, versus, term, versus_level, level)
        own = self.array(*key, "own")
        whole = self.array(*key, "whole")
        scatter = np.zeros_like(own)
        if (*key, "scatter") in self.values:
            scatter = self.array(*key, "scatter")
        return Products(own, whole, scatter)

    def updates(self, layer: str) -> Replicates:
        """Return the replicates of the update's length."""
        return self.array(layer, TOTAL, "", MIXED, MIXED, "update")

"""What is drawn as a distribution: which column of which probe, in which unit, on which axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import NotFound
from ired_diag.figures.data import Scale
from ired_diag.table import Table

KINDS = ("positive", "random", "start", "adversarial", "control")


@dataclass(frozen=True)
class Quantity:
    """A number of each candidate.

    Attributes:
        name: As a command line says it.
        probe: Whose table holds it.
        column: Its column there.
        label: Of its axis, with the unit.
        short: The same in a few letters, where several panels share a page.
        scale: Of its axis: logarithmic where the tails are heavy.
        kinds: Those that have it.
        unit: What is counted: problems, or blocks of problems.
        right: The column of the right answer's own value, where the table holds it beside each negative.
    """

    name: str
    probe: str
    column: str
    label: str
    short: str
    scale: Scale = "linear"
    kinds: tuple[str, ...] = KINDS
    unit: str = "problems"
    right: str = ""


NEGATIVES = KINDS[1:]
WRONG = ("random", "start", "adversarial")  # the kinds that false_negatives looks at
DISTANCE = "relative distance to the right answer"
NEXT = "distance between consecutive candidates  (RMS per entry)"
QUANTITIES: Mapping[str, Quantity] = {
    quantity.name: quantity
    for quantity in (
        Quantity("cond", "conditioning", "cond", "condition number", "cond Y", "log"),
        Quantity("log_abs_det", "conditioning", "log_abs_det", "log |det Y|  (nat)", "log |det Y|"),
        Quantity(
            "sigma_min", "conditioning", "sigma_min", "smallest singular value", "smallest s. v.", "log"
        ),
        Quantity("residual", "conditioning", "residual", "residual ‖AY - I‖_F", "‖AY - I‖", "log"),
        Quantity("asymmetry", "conditioning", "asymmetry", "asymmetry ‖Y - Yᵀ‖_F / ‖Y‖_F", "asymmetry"),
        Quantity(
            "energy", "energy_gap", "energy_negative", "energy  (nat)", "energy", right="energy_positive"
        ),
        Quantity("gap", "energy_gap", "gap", "energy gap E_neg - E_pos  (nat)", "gap (nat)", kinds=NEGATIVES),
        Quantity("distance", "false_negatives", "relative", DISTANCE, "distance", "log", WRONG),
        Quantity("consecutive", "diversity", "consecutive", NEXT, "distance", unit="blocks"),
        Quantity("vendi", "diversity", "vendi", "Vendi score of a block", "Vendi score", unit="blocks"),
    )
}


def quantity_of(name: str) -> Quantity:
    """Return a quantity by its name.

    Raises:
        NotFound: None is called so; the message lists those that are.
    """
    if name not in QUANTITIES:
        raise NotFound(f"No quantity is named {name!r}. There are: {', '.join(QUANTITIES)}.")
    return QUANTITIES[name]


def values_of(rows: Table, quantity: Quantity, kind: str, level: int) -> NDArray[np.float64]:
    """Return a quantity of one kind at one noise level, of shape (n,), as measured."""
    source, column = kind, quantity.column
    if kind == "positive" and quantity.right:  # stands beside the negatives of each kind: once is enough
        source, column = str(rows["kind"][0]), quantity.right
    here = (rows["kind"] == source) & (rows["level"] == level)
    values: NDArray[np.float64] = rows[column][here].astype(np.float64)
    return values

"""What is drawn as a distribution: which column of which probe, in which unit, on which axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.data import Scale
from ired_diag.errors import NotFound
from ired_diag.table import Table

KINDS = ("positive", "random", "start", "adversarial", "control")


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A number that a probe gives for each candidate answer, right or negative.

    Attributes:
        name: Its name on a command line.
        probe: The probe whose table holds it.
        column: Its column in the table.
        label: Label of its axis, with the unit.
        short: The label in a few letters, where several panels share a page.
        scale: Scale of its axis: logarithmic where the tails are heavy.
        kinds: The kinds of candidates that have it.
        unit: What one sample is: a problem, or a block of problems.
        right: The column of the right answer's own value, where the table holds it next to each negative.
        symbols: What letters and terms of the label mean, in a sentence.
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
    symbols: str = ""

    @property
    def measure(self) -> str:
        """The unit of its values, in brackets at the end of the label; empty where it has none."""
        _, bracket, unit = self.label.rpartition(" (")
        return unit.removesuffix(")") if bracket else ""


NEGATIVES = KINDS[1:]
WRONG = ("random", "start", "adversarial")  # the kinds that false_negatives looks at
_CONDITIONING = (
    Quantity(
        name="cond",
        probe="conditioning",
        column="cond",
        label="condition number",
        short="cond Y",
        scale="log",
    ),
    Quantity(
        name="log_abs_det",
        probe="conditioning",
        column="log_abs_det",
        label="log |det Y| (nat)",
        short="log |det Y|",
        symbols="Y is the answer, a matrix.",
    ),
    Quantity(
        name="sigma_min",
        probe="conditioning",
        column="sigma_min",
        label="smallest singular value",
        short="smallest s. v.",
        scale="log",
    ),
    Quantity(
        name="residual",
        probe="conditioning",
        column="residual",
        label="residual ‖AY - I‖",
        short="‖AY - I‖",
        symbols="A is the matrix to invert, Y the answer; ‖·‖ is the Frobenius norm.",
        scale="log",
    ),
    Quantity(
        name="asymmetry",
        probe="conditioning",
        column="asymmetry",
        label="asymmetry ‖Y - Yᵀ‖ / ‖Y‖",
        short="asymmetry",
        symbols="Y is the answer, a matrix; ‖·‖ is the Frobenius norm.",
    ),
)
_ENERGIES = (
    Quantity(
        name="energy",
        probe="energy_gap",
        column="energy_negative",
        label="energy (nat)",
        short="energy",
        right="energy_positive",
    ),
    Quantity(
        name="gap",
        probe="energy_gap",
        column="gap",
        label="energy gap E⁻ - E⁺ (nat)",
        short="gap (nat)",
        symbols="E⁺ and E⁻ are the energies of the right answer and of the negative.",
        kinds=NEGATIVES,
    ),
)
_DISTANCES = (
    Quantity(
        name="distance",
        probe="false_negatives",
        column="relative",
        label="relative distance to the right answer",
        short="distance",
        scale="log",
        kinds=WRONG,
    ),
    Quantity(
        name="consecutive",
        probe="diversity",
        column="consecutive",
        label="distance between consecutive candidates (RMS per entry)",
        short="distance",
        unit="blocks",
    ),
    Quantity(
        name="vendi",
        probe="diversity",
        column="vendi",
        label="Vendi score of a block",
        short="Vendi score",
        unit="blocks",
        symbols="The Vendi score is the effective number of different answers in a block.",
    ),
)
QUANTITIES: Mapping[str, Quantity] = {
    quantity.name: quantity for quantity in (*_CONDITIONING, *_ENERGIES, *_DISTANCES)
}


def quantity_of(name: str) -> Quantity:
    """Return a quantity by its name.

    Raises:
        NotFound: No quantity has this name; the message lists the names.
    """
    if name not in QUANTITIES:
        raise NotFound(f"No quantity is named {name!r}. There are: {', '.join(QUANTITIES)}.")
    return QUANTITIES[name]


def values_of(rows: Table, quantity: Quantity, kind: str, level: int) -> NDArray[np.float64]:
    """Return a quantity of one kind at one noise level, of shape (n,), as measured."""
    source = kind
    column = quantity.column
    if kind == "positive" and quantity.right:
        # The right answer's value stands next to the negatives of each kind: one kind is enough.
        source = str(rows["kind"][0])
        column = quantity.right
    is_meant = (rows["kind"] == source) & (rows["level"] == level)
    values: NDArray[np.float64] = rows[column][is_meant].astype(np.float64)
    return values

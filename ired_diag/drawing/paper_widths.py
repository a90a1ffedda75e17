"""Widths of paper figures: of the columns and texts of conferences, in inches.

    neurips    5.5     "The text must be confined within a rectangle 5.5 inches (33 picas) wide"
    iclr       5.5     the same sentence
    icml       3.25    "Each column is 3.25 inches wide", 0.25 inches between two of them
    icml-wide  6.75    both columns: "an overall line width of 6.75 inches"

The quotations are from the formatting instructions in the style files of 2023 to 2025. ``column`` and
``text`` are those of a two-column page as that of ICML.
"""

from __future__ import annotations

from ired_diag.errors import DiagError

COLUMN, TEXT = 3.25, 6.75
WIDTHS = {
    "column": COLUMN,
    "text": TEXT,
    "neurips": 5.5,
    "iclr": 5.5,
    "icml": COLUMN,
    "icml-wide": TEXT,
}
NARROWEST, WIDEST = 1.5, 24.0


def width_of(stated: str | float) -> float:
    """Return a width in inches.

    Args:
        stated: Inches, or the name of a width: ``neurips``.

    Raises:
        DiagError: It is neither, or no page is as narrow or wide.

    >>> width_of("neurips"), width_of("4"), width_of(6)
    (5.5, 4.0, 6.0)
    """
    if str(stated).lower() in WIDTHS:
        return WIDTHS[str(stated).lower()]
    try:
        inches = float(stated)
    except ValueError:
        names = ", ".join(WIDTHS)
        raise DiagError(f"Width {stated!r}: expected inches, or one of {names}.") from None
    if not NARROWEST <= inches <= WIDEST:
        raise DiagError(f"Width {stated} inches: expected {NARROWEST:g} to {WIDEST:g}.")
    return inches

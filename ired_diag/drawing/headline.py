"""A number of a probe's answer that is followed over training; the metadata of its table holds it."""

from __future__ import annotations

from dataclasses import dataclass

from ired_diag.drawing.data import Scale


@dataclass(frozen=True)
class Headline:
    """A number of a probe's answer that is followed over training.

    Attributes:
        key: Its name in the answer's evidence.
        label: Label of an axis that shows it, with the unit.
        low: Name of the lower end of its interval in the evidence, if it has one.
        high: Name of the upper end.
        scale: Scale of the axis.
    """

    key: str
    label: str
    low: str = ""
    high: str = ""
    scale: Scale = "linear"

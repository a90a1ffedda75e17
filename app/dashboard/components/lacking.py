"""Which runs have no table of a probe, and the command that makes them."""

from __future__ import annotations

from dash import html

from ired_diag.drawing.probe_tables import MAY_NOT_FIT, Found
from ired_diag.forensics.rule import listed

MOST_NAMED = 8  # runs


def lacking(tables: Found) -> html.Div | None:
    """Return the words under a chart for which some runs have no table; None where all runs have one.

    Where no run has one, the chart itself says so.
    """
    missing = tables.lacking
    if not tables.tables or not (missing.labels or missing.bare):
        return None
    parts: list[html.P | html.Pre] = []
    if missing.labels:
        labels = listed(missing.labels, MOST_NAMED)
        parts.append(html.P(f"No table of {tables.probe}: {labels}. To make them:"))
        parts.append(html.Pre(missing.command("all")))
        if missing.task:
            parts.append(html.P(MAY_NOT_FIT))
    if missing.bare:
        parts.append(html.P(f"No checkpoint to probe: {listed(missing.bare, MOST_NAMED)}."))
    return html.Div(parts, className="lacking")

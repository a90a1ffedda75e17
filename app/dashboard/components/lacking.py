"""Which runs have no table of a probe, and the command that makes them."""

from __future__ import annotations

from dash import html

from ired_diag.figures.probe_tables import Found

MOST_NAMED = 8  # runs


def lacking(found: Found) -> html.Div | None:
    """Return what stands beneath a chart that some runs have no table for; None where all have one.

    Where none has one, the chart itself says so.
    """
    told = found.lacking
    if not found.tables or not (told.labels or told.bare):
        return None
    parts: list[html.P | html.Pre] = []
    if told.labels:
        parts += [
            html.P(f"No table of {found.probe}: {_listed(told.labels)}. To make them:"),
            html.Pre(told.command("all")),
        ]
    if told.bare:
        parts.append(html.P(f"No checkpoint to probe: {_listed(told.bare)}."))
    return html.Div(parts, className="lacking")


def _listed(labels: tuple[str, ...]) -> str:
    more = len(labels) - MOST_NAMED
    return ", ".join(labels[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")

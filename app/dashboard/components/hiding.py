"""Buttons that hide groups."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html

from app.dashboard.components.controls import members


def hiding(groups: Sequence[str], hidden: Sequence[str]) -> html.Div | None:
    """Return a button for each group, pressed where it is hidden; None where there is nothing to choose.

    Args:
        groups: All groups that the filter keeps.
        hidden: Those that are not drawn.
    """
    if len(groups) < 2 and not hidden:
        return None
    listed = list(dict.fromkeys([*groups, *hidden]))
    return html.Div(
        [html.Span("Hide groups"), members("hidden", "Hide groups", listed, hidden)],
        className="control members",
    )

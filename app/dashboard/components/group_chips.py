"""Buttons of groups, each with its colour in every picture: to make one stand out, to draw or to hide it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dash import html

from app.dashboard.components.attributes import attributes
from app.dashboard.components.controls import chips
from ired_diag.drawing.palette import BLACK, Style, style_at


def swatch(group: str, order: Sequence[str]) -> html.Span:
    """Return a group's colour and dash, as its line has them; black is the ink of the theme.

    Args:
        group: Name of the group.
        order: All groups of the study, which fixes the style.
    """
    style = style_at(order.index(group)) if group in order else Style(BLACK)
    return html.Span("", className="swatch line", style={"background": dashed(style)})


def dashed(style: Style) -> str:
    """Return the background of a swatch that looks like a line."""
    colour = "var(--ink)" if style.colour == BLACK else style.colour
    if not style.dash:
        return colour
    stops = []
    end = 0.0
    for place, length in enumerate(style.dash):
        part = "transparent" if place % 2 else colour
        stops.append(f"{part} {end:g}px {end + length:g}px")
        end += length
    return f"repeating-linear-gradient(90deg, {', '.join(stops)})"


def highlighting(groups: Sequence[str], chosen: str, order: Sequence[str]) -> html.Div:
    """Return a button for each group; the one that stands out is pressed, and pressed again none does."""
    buttons = []
    for group in groups:
        is_chosen = group == chosen
        keys = attributes(
            data_key="highlight",
            data_value="" if is_chosen else group,
            data_group=group,
            aria_pressed=is_chosen,
        )
        buttons.append(_button(group, order, keys))
    return chips("Highlight a group", buttons)


def hiding(groups: Sequence[str], hidden: Sequence[str], order: Sequence[str]) -> html.Div:
    """Return a button for each group, pressed where it is hidden."""
    buttons = []
    for group in groups:
        keys = attributes(data_toggle="hidden", data_value=group, aria_pressed=group in hidden)
        buttons.append(_button(group, order, keys))
    return chips("Hide groups", buttons)


def choosing(every: Sequence[str], shown: Sequence[str], order: Sequence[str]) -> html.Div:
    """Return a button for each group, pressed where it is drawn: pressing it draws it, or no longer."""
    buttons = []
    for group in every:
        is_shown = group in shown
        others = [name for name in shown if name != group]
        values = json.dumps(others if is_shown else [*others, group])
        keys = attributes(data_key="groups", data_value=group, data_values=values, aria_pressed=is_shown)
        buttons.append(_button(group, order, keys))
    return chips("Draw groups", buttons)


def all_groups(every: Sequence[str]) -> html.Button:
    """Return a button that chooses all groups."""
    keys = attributes(data_key="groups", data_value="all", data_values=json.dumps(list(every)))
    return html.Button(f"Draw all {len(every)}", type="button", className="button", **keys)


def _button(group: str, order: Sequence[str], keys: dict[str, Any]) -> html.Button:
    return html.Button([swatch(group, order), group], type="button", className="chip", **keys)

"""Controls that write the address: a choice of one, and a switch.

They are elements of the browser's own, for the keyboard and for screen readers; assets/address.js writes
their value under their key of ``View``. What depends on it listens to the address.
"""

from __future__ import annotations

from collections.abc import Sequence

from dash import html

from app.dashboard.components.attributes import attributes


def choice(key: str, label: str, options: Sequence[tuple[str, str]], value: str) -> html.Label:
    """Return a choice of one.

    Args:
        key: Of ``View``.
        label: What is chosen.
        options: Value and words of each.
        value: The one that is chosen.
    """
    listed = [html.Option(words, value=one, selected=one == value) for one, words in options]
    return html.Label([label, html.Select(listed, **attributes(data_choice=key))], className="control")


def switch(key: str, label: str, on: bool) -> html.Button:
    """Return a switch of a ``View``'s flag.

    Args:
        key: Of ``View``.
        label: What it switches on.
        on: Whether it is.
    """
    keys = attributes(data_flag=key, aria_pressed=on)
    return html.Button(label, type="button", className="chip", **keys)


def members(key: str, label: str, options: Sequence[str], chosen: Sequence[str]) -> html.Div:
    """Return a button for each member of a list of ``View``; pressed where it is in the list.

    Args:
        key: Of ``View``.
        label: What the list is.
        options: All members.
        chosen: Those in the list.
    """
    buttons = [
        html.Button(
            option,
            type="button",
            className="chip",
            **attributes(data_toggle=key, data_value=option, aria_pressed=option in chosen),
        )
        for option in options
    ]
    return html.Div(buttons, className="chips", role="group", **attributes(aria_label=label))

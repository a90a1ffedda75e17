"""Controls that write the address: a choice among options, a switch, and a list of buttons.

They are elements of the browser's own, for the keyboard and for screen readers; assets/address.js writes
their value under their key of ``View``. What depends on it listens to the address.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dash import html

from app.dashboard.address import READOUTS, View
from app.dashboard.components.attributes import attributes


def choice(
    key: str,
    label: str,
    options: Sequence[tuple[str, str]],
    value: str,
) -> html.Label:
    """Return a choice among options.

    Args:
        key: Field of ``View``.
        label: Name of what is chosen.
        options: Value and words of each option.
        value: Value of the chosen option.
    """
    listed = []
    for option, words in options:
        is_chosen = option == value
        listed.append(html.Option(words, value=option, selected=is_chosen))
    select = html.Select(listed, **attributes(data_choice=key))
    return html.Label([label, select], className="control")


def readout_choice(view: View, used: str = "") -> html.Label:
    """Return the choice of a readout.

    Args:
        view: Choices of the reader.
        used: The readout that is used where the chosen one is not there. Default: the chosen one.
    """
    from ired_diag.comparison.words import READOUT_NAMES

    options = []
    for readout in READOUTS:
        words = READOUT_NAMES[readout]
        if used not in ("", readout) and readout == view.readout:
            words = f"{READOUT_NAMES[used]} (no {words})"
        options.append((readout, words))
    return choice(
        key="readout",
        label="Readout",
        options=options,
        value=view.readout,
    )


def by_name(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return options whose words are their values."""
    return [(name, name) for name in names]


def switch(key: str, label: str, on: bool) -> html.Button:
    """Return a switch of a ``View``'s flag.

    Args:
        key: Field of ``View``.
        label: Name of what it switches on.
        on: Whether it is on.
    """
    keys = attributes(data_flag=key, aria_pressed=on)
    return html.Button(
        label,
        type="button",
        className="chip",
        **keys,
    )


def members(
    key: str,
    label: str,
    options: Sequence[str],
    chosen: Sequence[str],
) -> html.Div:
    """Return a button for each member of a list of ``View``; pressed where it is in the list.

    Args:
        key: Field of ``View``.
        label: Name of the list.
        options: All possible members.
        chosen: The members in the list.
    """
    buttons = []
    for option in options:
        keys = attributes(
            data_toggle=key,
            data_value=option,
            aria_pressed=option in chosen,
        )
        button = html.Button(
            option,
            type="button",
            className="chip",
            **keys,
        )
        buttons.append(button)
    return chips(label, buttons)


def chips(label: str, content: Sequence[Any]) -> html.Div:
    """Return buttons in a row, with a name for screen readers."""
    return html.Div(
        content,
        className="chips",
        role="group",
        **attributes(aria_label=label),
    )

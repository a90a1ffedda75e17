"""Callbacks that run in the browser: functions of ``window.dash_clientside.ired`` (assets/*.js)."""

from __future__ import annotations

from typing import Any

import dash
from dash.dependencies import ClientsideFunction


def clientside(app: dash.Dash, function: str, *parts: Any, initially: bool = True) -> None:
    """Add a callback that runs in the browser.

    Args:
        app: The dashboard.
        function: Name in the assets; inline scripts would need a hash in the security policy.
        parts: Outputs, inputs and states of the callback.
        initially: Whether the callback also runs when its parts appear.
    """
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("ired", function), *parts, prevent_initial_call=not initially
    )

"""A command that can be copied: assets/copy.js puts it on the clipboard."""

from __future__ import annotations

from dash import html

from app.dashboard.components.attributes import attributes


def copyable(command: str) -> html.Div:
    """Return a command with a button that copies it."""
    return html.Div(
        [
            html.Pre(command),
            html.Button(
                "Copy",
                type="button",
                className="button",
                title="Copy it",
                **attributes(data_copy=command, aria_label=f"Copy the command: {command}"),
            ),
            html.Span("", className="copied", role="status"),
        ],
        className="copyable",
    )

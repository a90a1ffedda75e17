"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

runs: Decorator = click.option(
    "--runs",
    type=click.Path(path_type=Path, readable=False),
    default=Path("runs"),
    envvar="IRED_DIAG_RUNS",
    show_default=True,
    show_envvar=True,
    help="Where runs are read and written.",
)
as_json: Decorator = click.option("--json", "as_json", is_flag=True, help="Print JSON, at full precision.")
device: Decorator = click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="auto|cpu|cuda[:n]",
    help="Where to compute; auto takes a GPU where there is one.",
)
weights: Decorator = click.option(
    "--weights", type=click.Choice(["raw", "ema"]), help="Which of the checkpoint's weights."
)

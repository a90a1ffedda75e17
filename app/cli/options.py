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
metric: Decorator = click.option(
    "--metric", help="Metric to use. Default: the validation metric, detected by name."
)
direction: Decorator = click.option(
    "--higher-is-better/--lower-is-better",
    "higher_is_better",
    default=None,
    help="Direction of the metric. Default: stated by the configuration, else detected by name.",
)


class Share(click.ParamType):  # type: ignore[type-arg]
    """A share, told as ``1%`` or ``0.01``."""

    name = "share"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return it as a number."""
        told = str(value)
        try:
            return float(told.removesuffix("%")) / (100 if told.endswith("%") else 1)
        except ValueError:
            self.fail(f"{told!r} is neither a percentage (1%) nor a share (0.01).", param, ctx)


readout: Decorator = click.option(
    "--readout",
    type=click.Choice(["plateau", "last", "best", "last10", "area"]),
    default="plateau",
    show_default=True,
    help="Which number of a curve is compared; the others are shown beside it.",
)
margin: Decorator = click.option(
    "--margin",
    type=Share(),
    default=0.01,
    show_default="1%",
    help="What is too small to matter, as a share of the mean.",
)

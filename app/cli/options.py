"""Options that several commands share."""

from __future__ import annotations

import functools
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


def grouping(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what a group is; the command receives them as ``grouping``."""

    @click.option(
        "--group-by",
        metavar="KEY[,KEY]",
        help="Group the runs by these configuration keys (or experiment, variant, job, commit, folder).",
    )
    @click.option(
        "--ignore-key",
        multiple=True,
        metavar="KEY",
        help="Configuration key that neither splits a group nor counts as a difference. May be repeated.",
    )
    @click.option(
        "--seed-key",
        metavar="KEY",
        help="Configuration key that holds the random seed. Default: detected by name.",
    )
    @functools.wraps(command)
    def with_grouping(
        *args: Any, group_by: str | None, ignore_key: tuple[str, ...], seed_key: str | None, **rest: Any
    ) -> Any:
        from ired_diag.runs.regroup import Grouping

        ignored = tuple(key for keys in ignore_key for key in _split(keys))
        chosen = Grouping(by=_split(group_by or ""), ignored_keys=ignored, seed_key=seed_key)
        return command(*args, grouping=chosen, **rest)

    return with_grouping


def _split(keys: str) -> tuple[str, ...]:
    return tuple(key.strip() for key in keys.split(",") if key.strip())

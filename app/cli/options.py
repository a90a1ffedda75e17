"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ired_diag.comparison.margin import Margin

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

runs: Decorator = click.option(
    "--runs",
    type=click.Path(path_type=Path, readable=False),
    default=Path("runs"),
    envvar="IRED_DIAG_RUNS",
    show_default=True,
    show_envvar=True,
    help="Folder where runs are read and written.",
)
as_json: Decorator = click.option("--json", "as_json", is_flag=True, help="Print JSON, at full precision.")
device: Decorator = click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="auto|cpu|cuda[:n]",
    help="Device to compute on. auto: a GPU if there is one, else the CPU.",
)
weights: Decorator = click.option(
    "--weights", type=click.Choice(["raw", "ema"]), help="Weights of the checkpoint to use."
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


class MarginOption(click.ParamType):  # type: ignore[type-arg]
    """A margin, stated as ``1%``, ``0.01`` or ``0.05abs``."""

    name = "margin"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Margin | str:
        """Return the margin, or say what a margin looks like; the text itself where a shell completes."""
        if ctx is not None and ctx.resilient_parsing:  # no command will run: scipy is not worth loading
            return str(value)
        from ired_diag.comparison.margin import Margin, margin_of, parse_margin
        from ired_diag.errors import DiagError

        if isinstance(value, Margin):
            return value
        try:
            return margin_of(parse_margin(str(value)))
        except ValueError:
            self.fail(
                f"{value!r} is not a percentage (1%), a share (0.01) or an absolute margin (0.05abs).",
                param,
                ctx,
            )
        except DiagError as reason:
            self.fail(str(reason), param, ctx)


class AssignmentOption(click.ParamType):  # type: ignore[type-arg]
    """Something for a name, stated as ``NAME=WORDS``."""

    def __init__(self, name: str, example: str) -> None:
        """Take what the help calls it, and an example for the message."""
        self.name = name
        self.example = example

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the statement as it is, or say what one looks like."""
        name, sign, words = str(value).rpartition("=")
        if not sign or not name.strip() or not words.strip():
            self.fail(f"{value!r}: expected {self.name}, as in {self.example}.", param, ctx)
        return str(value)


LABEL = AssignmentOption("NAME=WORDS", "q103='adversarial mining'")
pattern: Decorator = click.option(
    "--pattern",
    metavar="REGEX",
    default="",
    help="Regular expression for the lines of text logs: its group 'step' is the step, every other named "
    "group is a metric. Default: the lines are understood without one.",
)
step: Decorator = click.option(
    "--step",
    metavar="COLUMN",
    help="Column or key of logs that counts the steps, where they have it. Default: detected by name.",
)
metric_names: Decorator = click.option(
    "--map",
    "metric_names",
    type=AssignmentOption("NAME=METRIC", "energy_data=energy/positive"),
    multiple=True,
    help="Read the metric NAME of logs as METRIC: energy_data=energy/positive. May be repeated.",
)
readout: Decorator = click.option(
    "--readout",
    type=click.Choice(["plateau", "last", "best", "last10", "area"]),
    default="plateau",
    show_default=True,
    help="Number of a curve that is compared. The others are shown next to it.",
)
until: Decorator = click.option(
    "--until",
    type=click.IntRange(0),
    metavar="STEP",
    help="Last step of all curves: what was logged after it is left out. Default: curves are whole.",
)
margin: Decorator = click.option(
    "--margin",
    type=MarginOption(),
    default="1%",
    show_default=True,
    help="Smallest difference that matters: a share of the mean (1%, 0.01), or in the unit of the metric "
    "(0.05abs).",
)
sweep: Decorator = click.option(
    "--sweep",
    metavar="KNOB",
    help="Configuration key. EXPERIMENTS and all their variants are treated as a sweep over it.",
)
pairing: Decorator = click.option(
    "--paired/--unpaired",
    "paired",
    default=None,
    help="Whether equal seeds are pairs. Default: only where the configurations state the same data.",
)


def labels(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what groups and metric are called; the command receives two mappings."""

    @click.option(
        "--label",
        "labels",
        type=LABEL,
        multiple=True,
        help="What pictures, tables and text call a group: q103='adversarial mining'. May be repeated.",
    )
    @click.option(
        "--metric-label",
        "metric_labels",
        type=LABEL,
        multiple=True,
        help="What they call the metric: validation/mse='Validation MSE'.",
    )
    @functools.wraps(command)
    def with_labels(
        *args: Any,
        labels: tuple[str, ...],
        metric_labels: tuple[str, ...],
        **rest: Any,
    ) -> Any:
        return command(
            *args, labels=labels_by_name(labels), metric_labels=labels_by_name(metric_labels), **rest
        )

    return with_labels


font = click.option(
    "--font",
    default="sans",
    show_default=True,
    metavar="sans|serif|FAMILY",
    help="Font of the pictures: sans, serif (like Times), or a family of fonts on this machine.",
)


def labels_by_name(statements: Iterable[str]) -> dict[str, str]:
    """Return labels by name. The name ends at the last sign: that of a group may hold others (lr=0.1)."""
    labels = {}
    for statement in statements:
        name, _, words = statement.rpartition("=")
        labels[name.strip()] = words.strip()
    return labels


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
    @step
    @pattern
    @metric_names
    @functools.wraps(command)
    def with_grouping(
        *args: Any,
        group_by: str | None,
        ignore_key: tuple[str, ...],
        seed_key: str | None,
        step: str | None,
        pattern: str,
        metric_names: tuple[str, ...],
        **rest: Any,
    ) -> Any:
        from ired_diag.runs.regroup import Grouping

        ignored = _split(",".join(ignore_key))
        chosen = Grouping(
            by=_split(group_by or ""),
            ignored_keys=ignored,
            seed_key=seed_key,
            step=step,
            pattern=pattern,
            metric_names=tuple(labels_by_name(metric_names).items()),
        )
        return command(*args, grouping=chosen, **rest)

    return with_grouping


def _split(keys: str) -> tuple[str, ...]:
    """Return the keys of a list with commas; empty ones are left out."""
    return tuple(filter(None, map(str.strip, keys.split(","))))

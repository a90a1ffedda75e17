"""``ired-diag map``: many descents at once, over starts, over noise, over neighbouring settings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli import options, output
from app.cli.figures import Forms, Width
from app.cli.whole_summaries import WholeSummaries

if TYPE_CHECKING:
    from app.calls.mapping import Mapped
    from ired_diag.drawing.data import FigureData
    from ired_diag.maps.basins import BasinMap
    from ired_diag.maps.escapes import Escapes
    from ired_diag.maps.neighbours import Neighbours
    from ired_diag.runs.run import Run

MOST_ENDS = 10  # in a table

Command = Callable[..., Any]


@click.group("map", cls=WholeSummaries)
def command() -> None:
    """Map a task: where descents end, how fast noise frees them, what a tenth of a knob changes.

    \b
    ired-diag map basins functions --set function=rastrigin
    ired-diag map noise functions --set function=saddle --set optimizer=sgd
    ired-diag map neighbours functions --knob learning_rate --set start_spread=0.1
    """


def _of_a_task(command: Command) -> Command:
    """Add the argument and the options that all maps share."""
    for option in (
        options.as_json,
        options.font,
        click.option(
            "--width",
            type=Width(),
            default="column",
            show_default=True,
            help="Width of the picture in inches, or by name (column, text, neurips, iclr, icml, icml-wide).",
        ),
        click.option(
            "--format",
            "forms",
            type=Forms(),
            default="pdf,svg,png",
            show_default=True,
            help="File formats to write.",
        ),
        click.option(
            "--out",
            type=click.Path(path_type=Path, file_okay=False),
            default=Path("maps"),
            show_default=True,
            help="Folder for the picture and its data.",
        ),
        click.option(
            "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a knob. May be repeated."
        ),
        click.argument("task", metavar="TASK"),
    ):
        command = option(command)
    return command


seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Random seed."
)


@command.command("basins")
@_of_a_task
@seed_option
@click.option(
    "--extent",
    type=float,
    nargs=2,
    metavar="LOW HIGH",
    help="Smallest and largest coordinate of the grid. Default: those of the task.",
)
@click.option(
    "--points",
    type=click.IntRange(2, 1001),
    default=101,
    show_default=True,
    help="Number of starts on each side of the grid.",
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=2000,
    show_default=True,
    help="Number of steps from each start.",
)
def basins_command(
    task: str,
    settings: tuple[str, ...],
    seed: int,
    extent: tuple[float, float] | None,
    points: int,
    steps: int,
    **drawing: Any,
) -> None:
    """Show where the descents of TASK end, from each point of a square grid.

    A descent has settled where the second half of its steps stays within 2% of the grid's width and Newton's
    step is no longer than that. Otherwise it is under way, or has left the map.

    \b
    ired-diag map basins functions --set function=rastrigin
    ired-diag map basins functions --set optimizer=sgd --set learning_rate=0.001 --steps 20000
    """
    from app.calls.mapping import mapped_task
    from ired_diag.drawing.basin_map import basin_map, in_words
    from ired_diag.maps.basins import basins

    mapped = mapped_task(task, settings, seed=seed)
    with output.progress(f"basins, {task}", unit="steps") as progress:
        measured = basins(
            mapped.task,
            mapped.config,
            extent=extent,
            points=points,
            steps=steps,
            progress=progress,
        )
    figure = basin_map(measured, title=mapped.title, method=mapped.method)

    def show() -> None:
        output.print_lines([in_words(measured)])
        _print_ends(measured)

    _finish(measured, figure, mapped, show, **drawing)


@command.command("noise")
@_of_a_task
@seed_option
@click.option(
    "--noise",
    "noises",
    type=float,
    multiple=True,
    metavar="SD",
    help="Standard deviation of the noise on each coordinate of the gradient. May be repeated. "
    "Default: 0.0001, 0.001, 0.01, 0.1 and 1.",
)
@click.option(
    "--radius",
    type=float,
    default=1.0,
    show_default=True,
    help="Distance from the saddle that counts as away.",
)
@click.option(
    "--repeats",
    type=click.IntRange(10),
    default=4000,
    show_default=True,
    help="Number of runs of each noise.",
)
@click.option(
    "--most-steps",
    type=click.IntRange(1),
    default=20_000,
    show_default=True,
    help="Number of steps after which runs that did not escape are given up.",
)
def noise_command(
    task: str,
    settings: tuple[str, ...],
    seed: int,
    noises: tuple[float, ...],
    radius: float,
    repeats: int,
    most_steps: int,
    **drawing: Any,
) -> None:
    """Show how many steps the descents of TASK need to escape from its saddle, by the noise on the gradient.

    Each run starts exactly at the saddle. For plain gradient descent the median is compared with its formula
    (docs/optimizer-lab.md).

    \b
    ired-diag map noise functions --set function=saddle --set optimizer=sgd
    """
    from app.calls.mapping import mapped_task
    from ired_diag.drawing.escape_times import escape_times, in_words
    from ired_diag.maps.escapes import NOISES, escapes

    mapped = mapped_task(task, settings, seed=seed)
    with output.progress(f"noise, {task}", unit="steps at most") as progress:
        measured = escapes(
            mapped.task,
            mapped.config,
            noises=sorted(noises or NOISES),
            radius=radius,
            runs=repeats,
            most_steps=most_steps,
            progress=progress,
        )
    figure = escape_times(measured, title=mapped.title, method=mapped.method)

    def show() -> None:
        output.print_lines([in_words(measured)])
        _print_times(measured)

    _finish(measured, figure, mapped, show, **drawing)


@command.command("neighbours")
@_of_a_task
@click.option(
    "--knob",
    default="learning_rate",
    show_default=True,
    metavar="KEY",
    help="Knob that is changed by a tenth.",
)
@click.option("--seeds", default="0-4", show_default=True, metavar="A-B|A,B,…", help="Seeds to train.")
@click.option("--name", help="Name of the experiment. Default: the task's, with -neighbours.")
@options.runs
@options.device
def neighbours_command(
    task: str,
    settings: tuple[str, ...],
    knob: str,
    seeds: str,
    name: str | None,
    runs: Path,
    device: str,
    **drawing: Any,
) -> None:
    """Train TASK with a knob at its value and at 0.9 and 1.1 times it, and show what that changes.

    The change is that of the last value of the task's metric, with a 95% interval over the seeds. Runs that
    are there already with the same settings are not trained again.

    \b
    ired-diag map neighbours functions --set start_spread=0.1
    ired-diag map neighbours my_task.py:build --knob batch_size --seeds 0-9
    """
    from app.calls.mapping import mapped_task
    from ired_diag.devices import choose_device
    from ired_diag.drawing.neighbour_changes import in_words, neighbour_changes
    from ired_diag.maps.neighbours import neighbours
    from ired_diag.tasks import load
    from ired_diag.training.opening import Options
    from ired_diag.training.plan import parse_seeds

    experiment = name or f"{load(task).name}-neighbours"
    mapped = mapped_task(task, settings, experiment=experiment)
    with output.progress(f"{experiment}, {knob}", unit="steps") as progress:
        training = Options(choose_device(device), progress=lambda step, steps, values: progress(step, steps))
        measured = neighbours(
            mapped.task,
            mapped.config,
            knob,
            parse_seeds(seeds),
            runs=runs,
            options=training,
            source=task,
        )
    figure = neighbour_changes(measured, title=mapped.title, method=mapped.method)

    def show() -> None:
        output.print_lines(in_words(measured))
        click.echo(f"The runs are in {output.shorten(measured.folder)}.")

    _finish(measured, figure, mapped, show, runs=measured.runs, **drawing)


def _finish(
    measured: BasinMap | Escapes | Neighbours,
    figure: FigureData,
    mapped: Mapped,
    show: Callable[[], None],
    *,
    out: Path,
    forms: tuple[str, ...],
    width: float,
    font: str,
    as_json: bool,
    runs: Iterable[Run] = (),
) -> None:
    """Write the picture, and print what was measured."""
    from app.calls.mapping import write_map

    command_line = ["ired-diag", *sys.argv[1:]]
    files = write_map(
        figure,
        mapped,
        out,
        command=command_line,
        forms=forms,
        width=width,
        font=font,
        runs=runs,
    )
    if as_json:
        output.print_json({"map": measured, "summary": figure.summary, "files": files})
        return
    show()
    click.echo(f"Picture: {output.shorten(files[0])}")


def _print_ends(measured: BasinMap) -> None:
    from ired_diag.drawing.basin_colours import place_in_words

    rows = []
    for end in measured.ends[:MOST_ENDS]:
        point = place_in_words(end, measured)
        rows.append((point, end.kind, f"{end.value:.6g}", str(end.starts), f"{100 * end.share:.2f}%"))
    caption = ""
    if len(measured.ends) > MOST_ENDS:
        caption = f"and {len(measured.ends) - MOST_ENDS} more"
    columns = ("end", "known as", "value", "starts", "share")
    if rows:
        output.print_table("", columns, rows, left=2, caption=caption)


def _print_times(measured: Escapes) -> None:
    rows = []
    for place, noise in enumerate(measured.noise):
        ends = output.interval(measured.low[place], measured.high[place], ".0f")
        rows.append(
            (
                f"{noise:g}",
                output.number(measured.median[place], ".1f"),
                ends,
                output.number(measured.formula[place], ".1f"),
                f"{100 * measured.escaped[place]:.1f}%",
            )
        )
    columns = ("noise", "median steps", "95% interval", "formula", "escaped")
    output.print_table("", columns, rows, left=0)

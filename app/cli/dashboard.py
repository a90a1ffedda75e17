"""``ired-diag dashboard``: a study in the browser."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import completion, options

if TYPE_CHECKING:
    from ired_diag.runs.regroup import Grouping


@click.command("dashboard")
@click.argument("places", metavar="[DIR | NAME=GLOB...]", nargs=-1, shell_complete=completion.names_or_paths)
@options.runs
@options.grouping
@click.option(
    "--port",
    type=click.IntRange(1024, 65535),
    default=8050,
    show_default=True,
    help="Port to listen on. If it is taken, the next free one is used.",
)
@click.option(
    "--interval",
    type=click.FloatRange(0.5, 3600),
    default=5.0,
    show_default=True,
    help="Seconds between two checks for changes.",
)
@options.metric
@options.direction
@click.option("--no-browser", is_flag=True, help="Print the address and do not open a browser.")
def command(
    places: tuple[str, ...],
    runs: Path,
    port: int,
    interval: float,
    metric: str | None,
    higher_is_better: bool | None,
    no_browser: bool,
    grouping: Grouping,
) -> None:
    """Show the runs or logs in DIR, or in the runs folder, in the browser: live and read-only.

    NAME=GLOB instead of DIR shows all runs at the paths that match as one group; it may be repeated. Only
    this machine can open the dashboard, and the printed address holds the key. Ctrl-C ends it.

    \b
    ired-diag dashboard
    ired-diag dashboard path/to/logs --port 8060
    ired-diag dashboard muonh='logs/muonh/*' normuonh='logs/normuonh/*'
    """
    from app.dashboard.opening import opening_file
    from app.dashboard.server import serve
    from ired_diag.errors import NotFound
    from ired_diag.named_paths import common_folder, from_anywhere, split_arguments
    from ired_diag.runs.files import check_listable

    patterns, folders = split_arguments(places)
    if len(folders) > 1 or (patterns and folders):
        raise click.UsageError("Name one folder, or groups as NAME=GLOB, and not both.")
    root = runs
    if patterns:
        root = common_folder(patterns.values())
    elif folders:
        root = Path(folders[0])
    root = root.absolute()  # commands on the pages hold in every working folder
    check_listable(root)
    if not root.exists():
        raise NotFound(
            f"{root}: expected a folder of runs or logs, found nothing. Make runs with: ired-diag demo"
        )

    with ExitStack() as until_the_end:

        def ready(address: str) -> None:
            click.echo(f"{root}: {address}")
            click.echo("Ctrl-C ends it.")
            if no_browser:
                return
            try:
                click.launch(str(until_the_end.enter_context(opening_file(address))))
            except OSError as error:
                click.echo(f"The browser was not opened ({error}). Open the address above.", err=True)

        serve(
            root,
            port=port,
            interval=interval,
            grouping=grouping,
            patterns=tuple(map(from_anywhere, patterns)),
            metric=metric,
            higher_is_better=higher_is_better,
            ready=ready,
        )
    click.echo("The dashboard has ended.")

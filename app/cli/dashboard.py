"""``ired-diag dashboard``: a study in the browser."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli import options


@click.command("dashboard")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path, readable=False))
@options.runs
@click.option(
    "--port", type=click.IntRange(1024, 65535), default=8050, show_default=True, help="Or the next free."
)
@click.option(
    "--interval",
    type=click.FloatRange(0.5, 3600),
    default=5.0,
    show_default=True,
    help="Seconds between two looks for changes.",
)
@options.metric
@options.direction
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
def command(
    folder: Path | None,
    runs: Path,
    port: int,
    interval: float,
    metric: str | None,
    higher_is_better: bool | None,
    no_browser: bool,
) -> None:
    """Show the runs or logs in DIR, or in the runs folder, in the browser: live, and read-only.

    It is served to this machine alone; the printed address holds the key. Ctrl-C ends it.

    \b
    ired-diag dashboard
    ired-diag dashboard path/to/logs --port 8060
    """
    from app.dashboard.server import serve
    from ired_diag.errors import NotFound

    root = folder or runs
    if not root.exists():
        raise NotFound(
            f"{root}: expected a folder of runs or logs, found nothing. Make runs with: ired-diag demo"
        )

    def ready(address: str) -> None:
        click.echo(f"{root}: {address}")
        click.echo("Ctrl-C ends it.")
        if not no_browser:
            click.launch(address)

    serve(root, port=port, interval=interval, ready=ready, metric=metric, higher_is_better=higher_is_better)
    click.echo("The dashboard has ended.")

"""The command line: one file per command group; parse, one library call, print."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.group import DiagGroup

EXIT_USAGE = 2  # click's, for a command line without a command


@click.group(
    cls=DiagGroup,
    commands_in={
        "demo": "app.cli.demo",
        "train": "app.cli.train",
        "study": "app.cli.study",
        "launch": "app.cli.launch",
        "probe": "app.cli.probe",
        "probe-jobs": "app.cli.probe_jobs",
        "map": "app.cli.map",
        "import": "app.cli.import_logs",
        "ls": "app.cli.ls",
        "stats": "app.cli.stats",
        "gate": "app.cli.gate",
        "when": "app.cli.when",
        "across": "app.cli.across",
        "variance": "app.cli.variance",
        "plan": "app.cli.plan",
        "journal": "app.cli.journal",
        "watch": "app.cli.watch",
        "mcp": "app.cli.mcp",
        "diagnose": "app.cli.diagnose",
        "check": "app.cli.check",
        "figures": "app.cli.figures",
        "report": "app.cli.report",
        "verify": "app.cli.verify",
        "dashboard": "app.cli.dashboard",
    },
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.version_option(package_name="ired-diag", message="ired-diag %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Diagnose training runs of energy-based and diffusion models.

    Reads the checkpoints and logs of runs, and says what is true, what is noise, and what was a mistake.

    \b
    ired-diag demo
    ired-diag import path/to/logs --runs runs
    ired-diag stats q101 q102 q103
    ired-diag diagnose path/to/logs
    ired-diag probe conditioning runs/q103/seed0

    Without a command: what is in this folder, and which commands fit it.
    """
    if context.invoked_subcommand is not None:
        return
    from app.cli.first_look import show_folder

    if not show_folder(Path()):
        click.echo(context.get_help(), err=True)
        context.exit(EXIT_USAGE)

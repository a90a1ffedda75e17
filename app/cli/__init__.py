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
        "ls": "app.cli.ls",
        "diagnose": "app.cli.diagnose",
        "stats": "app.cli.stats",
        "when": "app.cli.when",
        "gate": "app.cli.gate",
        "across": "app.cli.across",
        "variance": "app.cli.variance",
        "check": "app.cli.check",
        "watch": "app.cli.watch",
        "figures": "app.cli.figures",
        "report": "app.cli.report",
        "dashboard": "app.cli.dashboard",
        "probe": "app.cli.probe",
        "import": "app.cli.import_logs",
        "train": "app.cli.train",
        "study": "app.cli.study",
        "launch": "app.cli.launch",
        "map": "app.cli.map",
        "plan": "app.cli.plan",
        "journal": "app.cli.journal",
        "verify": "app.cli.verify",
        "mcp": "app.cli.mcp",
        "probe-jobs": "app.cli.probe_jobs",
    },
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.version_option(package_name="ired-diag", message="ired-diag %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Diagnose training runs: what is true, what is noise, and what was a mistake.

    Reads the logs of any training, and the checkpoints of energy-based and diffusion models.

    \b
    ired-diag demo
    ired-diag diagnose path/to/logs
    ired-diag stats old='old/*' new='new/*'
    ired-diag dashboard path/to/logs
    ired-diag probe conditioning runs/q103/seed0

    Without a command: what is in this folder, and which commands fit it.
    """
    if context.invoked_subcommand is not None:
        return
    from app.cli.first_look import show_folder

    if not show_folder(Path()):
        click.echo(context.get_help(), err=True)
        context.exit(EXIT_USAGE)

"""``ired-diag diagnose``: what logs and configurations alone already tell."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import options, output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ired_diag.finding import Finding, Severity

EXIT_FOUND = 3
LEVELS: tuple[Severity, ...] = ("error", "warning", "note")
COLOURS = {"error": "red", "warning": "yellow", "note": None}


@click.command("diagnose")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, readable=False))
@options.runs
@click.option("--list", "list_them", is_flag=True, help="List the rules and what each asks.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning"]),
    help="End with exit status 3 if something as severe is found.",
)
@options.as_json
def command(paths: tuple[Path, ...], runs: Path, list_them: bool, fail_on: str | None, as_json: bool) -> None:
    """Look for mistakes in the runs under PATHS, or in the runs folder: worst first, with numbers.

    PATHS are run folders, folders of runs, or foreign logs, which are read in place. Nothing is trained, and
    no checkpoint is read.

    \b
    ired-diag diagnose
    ired-diag diagnose path/to/logs --fail-on error
    """
    from ired_diag import forensics
    from ired_diag.open import open_study

    if list_them:
        rows = [(name, forensics.load(name).question) for name in forensics.names()]
        output.print_table("", ("rule", "what it asks"), rows, left=2)
        return
    study = open_study(paths or [runs])
    found = forensics.diagnose(study)
    if as_json:
        content = {"runs": len(study.runs), "findings": found, "skipped": study.skipped}
        output.print_json(content)
    else:
        _print(found, len(study.runs), len(study.skipped))
    if fail_on and any(f.severity in (fail_on, "error") for f in found):
        raise click.exceptions.Exit(EXIT_FOUND)


def _print(found: Sequence[Finding], runs: int, skipped: int) -> None:
    for finding in found:
        click.secho(f"{finding.severity}: ", fg=COLOURS[finding.severity], bold=True, nl=False)
        click.echo(f"{finding.statement} [{finding.rule}]")
        if finding.advice:
            click.echo(f"    {finding.advice}")
    counts = Counter(finding.severity for finding in found)
    told = ", ".join(f"{counts[level]} {level}{'s' if counts[level] != 1 else ''}" for level in LEVELS)
    unread = f"; {skipped} files are no runs (ired-diag ls names them)" if skipped else ""
    click.echo(f"{runs} runs: {told}{unread}. Silence is no proof of health: --list says what was asked.")

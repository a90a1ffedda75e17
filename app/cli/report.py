"""``ired-diag report``: one offline page with verdicts, findings, figures, tables and methods."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from app.cli import completion, options, output


@click.command("report")
@click.argument("experiments", nargs=-1, required=True, shell_complete=completion.names_or_paths)
@options.runs
@options.grouping
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.html"),
    show_default=True,
    help="File to write.",
)
@click.option("--title", help="Title of the page. Default: the names of the experiments.")
@click.option("--question", help="Question of the study, printed below the title.")
@click.option(
    "--plan",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Declared analysis: what the runs say of it stands on the page.",
)
@click.option(
    "--journal",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Research journal: its evidence is run again, and stands on the page.",
)
@options.metric
@options.direction
@options.readout
@options.margin
@options.pairing
@options.sweep
@options.labels
@options.as_json
def command(
    experiments: tuple[str, ...],
    runs: Path,
    out: Path,
    title: str | None,
    question: str | None,
    plan: Path | None,
    journal: Path | None,
    as_json: bool,
    **choices: Any,
) -> None:
    """Write one HTML file about EXPERIMENTS that opens anywhere, without a network.

    EXPERIMENTS are names of runs in the runs folder, or paths, as for stats.

    \b
    ired-diag report q101 q102 q103 --out report.html
    ired-diag report q101 q103 --plan plan.yaml --journal journal.md
    """
    from app.calls.drawing import write_report

    written = write_report(
        experiments,
        out,
        runs=runs,
        command=["ired-diag", *sys.argv[1:]],
        title=title,
        question=question,
        plan=plan,
        journal=journal,
        skip_missing=True,
        **choices,
    )
    report = written.content
    size = out.stat().st_size
    if as_json:
        content = {
            "file": out,
            "bytes": size,
            "metric": report.metric,
            "findings": written.findings,
            "not_drawn": report.not_drawn,
            "notes": written.notes,
        }
        output.print_json(content)
        return
    for note in written.notes:
        click.echo(f"note: {note}", err=True)
    output.print_lines(report.metric)
    click.echo(f"{output.shorten(out)}: {len(report.figures)} figures, {size / 1e6:.1f} MB")

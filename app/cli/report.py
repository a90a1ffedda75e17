"""``ired-diag report``: one offline page with verdicts, findings, figures, tables and methods."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli import options, output
from app.cli.figures import material_of
from app.run_groups import all_runs

if TYPE_CHECKING:
    from app.next_command import Place


@click.command("report")
@click.argument("experiments", nargs=-1, required=True)
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
@options.metric
@options.direction
@options.readout
@options.margin
@options.pairing
@options.sweep
@options.as_json
def command(
    experiments: tuple[str, ...],
    runs: Path,
    out: Path,
    title: str | None,
    question: str | None,
    as_json: bool,
    **choices: object,
) -> None:
    """Write one HTML file about EXPERIMENTS that opens anywhere, without a network.

    EXPERIMENTS are names of runs in the runs folder, or paths, as for stats.

    \b
    ired-diag report q101 q102 q103 --out report.html
    """
    from app.report import write
    from app.report_content import report_on
    from ired_diag import forensics
    from ired_diag.runs.study import Study

    material, notes = material_of(experiments, runs, choices)
    findings = forensics.diagnose(Study.of(all_runs(material.groups)))
    report = report_on(
        material,
        findings=findings,
        place=_place(experiments, runs, choices),
        command=["ired-diag", *sys.argv[1:]],
        notes=notes,
        title=title,
        question=question,
    )
    write(report, out)
    size = out.stat().st_size
    if as_json:
        content = {
            "file": out,
            "bytes": size,
            "metric": report.metric,
            "findings": findings,
            "not_drawn": report.not_drawn,
            "notes": notes,
        }
        output.print_json(content)
        return
    for note in notes:
        click.echo(f"note: {note}", err=True)
    output.print_lines(report.metric)
    click.echo(f"{output.shorten(out)}: {len(report.figures)} figures, {size / 1e6:.1f} MB")


def _place(experiments: Sequence[str], runs: Path, choices: Mapping[str, Any]) -> Place:
    """Return where the runs are: in the runs folder, or at the paths that the command line gives."""
    from app.next_command import Place, options_in_words
    from ired_diag.named_paths import split_arguments

    patterns, others = split_arguments(experiments)
    options = options_in_words(
        metric=choices["metric"],
        higher_is_better=choices["higher_is_better"],
        grouping=choices["grouping"],
    )
    if patterns or any(Path(word).exists() for word in others):
        return Place(paths=tuple(experiments), runs=runs, options=options)
    return Place(runs=runs, options=options)

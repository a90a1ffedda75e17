"""``ired-diag report``: one offline page with verdicts, findings, figures, tables and methods."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli import options, output
from app.cli.figures import material_of
from app.run_groups import all_runs

if TYPE_CHECKING:
    from app.next_command import Place
    from app.pictures import Material
    from app.report import Advised, Report, Table
    from ired_diag.comparison import Comparison
    from ired_diag.finding import Finding
    from ired_diag.runs.study import Study


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
    from app.pictures import make_pictures
    from app.provenance import provenance_of
    from app.report import Report, write
    from ired_diag import forensics
    from ired_diag.runs.study import Study

    material, notes = material_of(experiments, runs, choices)
    every_run = all_runs(material.groups)
    pictures = make_pictures(material)
    study = Study.of(every_run)
    findings = forensics.diagnose(study)
    report = Report(
        title=title or f"{', '.join(material.groups)}: what the runs say",
        question=question or _usual_question(material),
        caveats=notes,
        findings=_advised(findings, study, _place(experiments, runs, choices)),
        figures=pictures.figures,
        not_drawn=[f"{name}: {reason}" for name, reason in pictures.not_drawn.items()],
        provenance=provenance_of(["ired-diag", *sys.argv[1:]], every_run),
        metric=material.metric_lines,
    )
    if material.comparison is not None:
        report = _with_comparison(report, material.comparison)
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


def _usual_question(material: Material) -> str:
    """Return the question of a report where the command line asks none."""
    names = " and ".join(material.groups)
    if material.comparison is not None:
        return f"What differs between {names}?"
    return f"What does {names} show?"


def _with_comparison(report: Report, comparison: Comparison) -> Report:
    """Return a report with the verdicts, caveats, tables and paragraphs of a comparison."""
    from ired_diag.comparison import words

    verdicts = []
    caveats = list(report.caveats)
    for pair in comparison.pairs:
        verdicts.append(words.verdict_of(pair, comparison))
        caveats += words.caveats_of(pair, comparison)
    return replace(
        report,
        verdicts=verdicts,
        caveats=caveats,
        tables=list(_tables(comparison)),
        methods=words.methods_of(comparison),
        results=words.results_of(comparison),
    )


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


def _advised(findings: Sequence[Finding], study: Study, place: Place) -> list[Advised]:
    from app.next_command import advice_in_words, command_of_fact
    from app.report import Advised
    from ired_diag.finding_clusters import clusters_of

    advised = []
    for cluster in clusters_of(findings, study):
        advice = [
            (advice_in_words(fact.advice), command_of_fact(fact, study, place)) for fact in cluster.facts
        ]
        advised.append(Advised(cluster, advice))
    return advised


def _tables(comparison: Comparison) -> Iterator[Table]:
    from app.cli.stats_groups import group_columns, group_rows
    from app.cli.stats_tests import TEST_COLUMNS, test_rows
    from app.report import Table
    from ired_diag.comparison import words

    title = f"{words.readout_of_metric(comparison)}, each seed"
    yield Table(title, group_columns(comparison), list(group_rows(comparison)))
    for pair in comparison.pairs:
        yield Table(f"{pair.a} - {pair.b}, two-sided tests", TEST_COLUMNS[1:], list(test_rows(pair)))

"""``ired-diag report``: one offline page with verdicts, findings, figures, tables and methods."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli import options, output
from app.cli.figures import material_of

if TYPE_CHECKING:
    from app.next_command import Place
    from app.report import Advised, Table
    from ired_diag.comparison import Comparison
    from ired_diag.finding import Finding
    from ired_diag.runs.study import Study


@click.command("report")
@click.argument("experiments", nargs=-1, required=True)
@options.runs
@options.grouping
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), default=Path("report.html"), show_default=True
)
@click.option("--title", help="Of the page; the experiments' names without.")
@click.option("--question", help="What was asked; it stands below the title.")
@options.metric
@options.direction
@options.readout
@options.margin
@options.pairing
@click.option("--sweep", metavar="KNOB", help="EXPERIMENTS, with all their variants, are a sweep over KNOB.")
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
    """Write one HTML file about EXPERIMENTS, to be opened anywhere, without a network.

    EXPERIMENTS are names of runs in the runs folder, or paths, as for stats.

    \b
    ired-diag report q101 q102 q103 --out report.html
    """
    from app.pictures import make_pictures
    from app.provenance import provenance_of
    from app.report import Report, write
    from ired_diag import forensics
    from ired_diag.comparison import words
    from ired_diag.runs.study import Study

    material, notes = material_of(experiments, runs, choices)
    every = [run for members in material.groups.values() for run in members]
    comparison = material.comparison
    pairs = comparison.pairs if comparison else []
    pictures = make_pictures(material)
    names = " and ".join(material.groups)
    study = Study.of(every)
    findings = forensics.diagnose(study)
    report = Report(
        title=title or f"{', '.join(material.groups)}: what the runs say",
        question=question or (f"What differs between {names}?" if comparison else f"What does {names} show?"),
        verdicts=[words.verdict_of(pair, comparison) for pair in pairs] if comparison else [],
        caveats=[*notes, *(c for p in pairs for c in words.caveats_of(p, comparison))]
        if comparison
        else notes,
        findings=_advised(findings, study, _place(experiments, runs, choices)),
        figures=pictures.figures,
        not_drawn=[f"{name}: {reason}" for name, reason in pictures.not_drawn.items()],
        tables=list(_tables(comparison)) if comparison else [],
        methods=words.methods_of(comparison) if comparison else "",
        results=words.results_of(comparison) if comparison else "",
        provenance=provenance_of(["ired-diag", *sys.argv[1:]], every),
        metric=material.metric_lines,
    )
    write(report, out)
    size = out.stat().st_size
    if as_json:
        output.print_json(
            {
                "file": out,
                "bytes": size,
                "metric": report.metric,
                "findings": findings,
                "not_drawn": report.not_drawn,
                "notes": notes,
            }
        )
    else:
        for note in notes:
            click.echo(f"note: {note}", err=True)
        output.print_lines(report.metric)
        click.echo(f"{output.shorten(out)}: {len(report.figures)} figures, {size / 1e6:.1f} MB")


def _place(experiments: Sequence[str], runs: Path, choices: Mapping[str, Any]) -> Place:
    """Return where the runs are: in the runs folder where the experiments are names of runs in it."""
    from app.next_command import Place, options_in_words
    from ired_diag.named_paths import split_arguments

    named, others = split_arguments(experiments)
    at_paths = named or any(Path(word).exists() for word in others)
    options = options_in_words(
        metric=choices["metric"],
        higher_is_better=choices["higher_is_better"],
        grouping=choices["grouping"],
    )
    return Place(paths=tuple(experiments) if at_paths else (), runs=runs, options=options)


def _advised(findings: Sequence[Finding], study: Study, place: Place) -> list[Advised]:
    from app.next_command import advice_in_words, command_of_fact
    from app.report import Advised
    from ired_diag.finding_clusters import clusters_of

    return [
        Advised(
            cluster,
            [(advice_in_words(fact.advice), command_of_fact(fact, study, place)) for fact in cluster.facts],
        )
        for cluster in clusters_of(findings, study)
    ]


def _tables(comparison: Comparison) -> Iterator[Table]:
    from app.cli.stats_groups import group_columns, group_rows
    from app.cli.stats_tests import TEST_COLUMNS, test_rows
    from app.report import Table
    from ired_diag.comparison import words

    what = f"{words.readout_of_metric(comparison)}, each seed"
    yield Table(what, group_columns(comparison), list(group_rows(comparison)))
    for pair in comparison.pairs:
        yield Table(f"{pair.a} - {pair.b}, two-sided tests", TEST_COLUMNS[1:], list(test_rows(pair)))

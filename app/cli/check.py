"""``ired-diag check``: recompute the numbers of a report."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import options, output

if TYPE_CHECKING:
    from ired_diag.claims import Checked
    from ired_diag.runs.regroup import Grouping

EXIT_FOUND = 3
COLOURS = {"error": "red", "warning": "yellow", "note": None}


@click.command("check")
@click.argument("report", type=click.Path(path_type=Path, readable=False))
@options.runs
@options.grouping
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning"]),
    help="End with exit status 3 if something as severe is found.",
)
@options.metric
@options.direction
@options.as_json
@click.pass_context
def command(
    context: click.Context,
    report: Path,
    runs: Path,
    fail_on: str | None,
    metric: str | None,
    higher_is_better: bool | None,
    as_json: bool,
    grouping: Grouping,
) -> None:
    """Recompute the numbers of REPORT, a Markdown file: from the runs, and from each other.

    Means, standard deviations, intervals, t, p, effect sizes and percentages in tables and sentences are
    recomputed, and "significant" and "equivalent" are held against them. Without a runs folder the report is
    checked against itself. What cannot be checked is said to be so.

    \b
    ired-diag check results.md
    ired-diag check results.md --runs path/to/logs --fail-on error
    """
    from ired_diag.claims import check_report
    from ired_diag.claims.report_file import open_report
    from ired_diag.open import open_study

    given = context.get_parameter_source("runs") is not click.core.ParameterSource.DEFAULT
    is_there = given or runs.exists()
    study = open_study(runs, grouping=grouping).judged_by(metric, higher_is_better) if is_there else None
    if study is None and (metric or higher_is_better is not None):
        raise click.UsageError("--metric and its direction are of runs: say where they are with --runs DIR.")
    for place in study.unreadable if study else ():
        click.echo(f"note: {place.statement}. It is not counted.", err=True)
    checked = check_report(open_report(report), study)
    if as_json:
        output.print_json({
            "metric": checked.metric,
            "counts": checked.counts,
            "readout": checked.readout,
            "groups": checked.groups,
            "findings": checked.findings,
            "claims": checked.verdicts,
            "unreadable": study.unreadable if study else (),
        })  # fmt: skip
    else:
        _print(checked)
    if fail_on and any(f.severity in (fail_on, "error") for f in checked.findings):
        raise click.exceptions.Exit(EXIT_FOUND)


def _print(checked: Checked) -> None:
    for finding in checked.findings:
        click.secho(f"{finding.severity}: ", fg=COLOURS[finding.severity], bold=True, nl=False)
        click.echo(f"{finding.statement} [{finding.rule}]")
        if finding.advice:
            click.echo(f"    {finding.advice}")
    output.print_lines(checked.metric)
    counts = checked.counts
    reasons = Counter(verdict.why for verdict in checked.verdicts if verdict.outcome == "unchecked")
    why = "; ".join(f"{count}: {reason}" for reason, count in reasons.most_common(3))
    more = "; …" if len(reasons) > 3 else ""
    click.echo(
        f"{len(checked.verdicts)} claims: {counts['holds']} hold, {counts['fails']} do not, "
        f"{counts['unchecked']} could not be checked{f' ({why}{more})' if why else ''}."
    )

"""``ired-diag check``: recompute the numbers of a report."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import options, output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.next_command import Place
    from ired_diag.claims import Checked
    from ired_diag.finding import Finding
    from ired_diag.runs.regroup import Grouping
    from ired_diag.runs.study import Study

    AdviceOn = Callable[[Finding], Iterator[str]]

EXIT_FOUND = 3
COLOURS = {"error": "red", "warning": "yellow", "note": None}
MOST_FINDINGS = 12  # without --full
MOST_REASONS = 4
MOST_NAMES = 6  # of groups in the line that says which runs are used


@click.command("check")
@click.argument("report", type=click.Path(path_type=Path, readable=False))
@options.runs
@options.grouping
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning"]),
    help="End with exit status 3 if a finding is that severe.",
)
@options.metric
@options.direction
@click.option("--full", is_flag=True, help="Print all findings, and every unchecked claim with its reason.")
@options.as_json
@click.pass_context
def command(
    context: click.Context,
    report: Path,
    runs: Path,
    fail_on: str | None,
    metric: str | None,
    higher_is_better: bool | None,
    full: bool,
    as_json: bool,
    grouping: Grouping,
) -> None:
    """Recompute the numbers of REPORT, in Markdown, LaTeX or HTML: from the runs, and from each other.

    Means, spreads, intervals, medians, tests with their p, effect sizes, differences and ratios in tables,
    sentences and lists in code are recomputed, and "significant", "equivalent" and bold numbers are held
    against them. Without a runs folder the report is checked against itself. A claim that cannot be checked
    is counted, with the reason.

    \b
    ired-diag check results.md
    ired-diag check results.md --runs path/to/logs --fail-on error
    """
    from app.next_command import Place, options_in_words
    from ired_diag.claims import check_report
    from ired_diag.claims.report_file import open_report
    from ired_diag.final_values import open_runs_or_table

    given = context.get_parameter_source("runs") is not click.core.ParameterSource.DEFAULT
    is_there = given or runs.exists()
    study = open_runs_or_table(runs, grouping=grouping) if is_there else None
    study = study.judged_by(metric, higher_is_better) if study else None
    if study is None and (metric or higher_is_better is not None):
        raise click.UsageError("--metric and its direction are of runs: say where they are with --runs DIR.")
    for place in study.unreadable if study else ():
        click.echo(f"note: {place.statement}. It is not counted.", err=True)
    text = open_report(report)
    checked = check_report(text, study)
    source = _runs_in_words(study, checked, runs, text, given=given)
    if as_json:
        output.print_json({
            "runs": source,
            "metric": checked.metric,
            "counts": checked.counts,
            "share_checked": checked.share,
            "numbers_not_read": checked.not_read,
            "readout": checked.readout,
            "groups": checked.groups,
            "findings": checked.findings,
            "claims": checked.verdicts,
            "unreadable": study.unreadable if study else (),
        })  # fmt: skip
    else:
        words = options_in_words(metric=metric, higher_is_better=higher_is_better, grouping=grouping)
        advice = partial(_advice, study=study, place=Place(runs=runs, options=words))
        click.echo(source)
        _print(checked, text.splitlines(), advice, full=full)
    if fail_on and any(f.severity in (fail_on, "error") for f in checked.findings):
        raise click.exceptions.Exit(EXIT_FOUND)


def _runs_in_words(study: Study | None, checked: Checked, runs: Path, text: str, *, given: bool) -> str:
    """Return which runs the report is held against, so that none are used silently."""
    if study is None:
        return "runs: none (the report is checked against itself; --runs DIR names runs)"
    if not study.runs:
        why = (
            f" ({study.skipped[0].path.name}: {study.skipped[0].reason.strip('.')})" if study.skipped else ""
        )
        return f"runs: none could be read in {runs}{why}; the report is checked against itself"
    names = list(study.groups())
    shown = ", ".join(names[:MOST_NAMES]) + (
        f" and {len(names) - MOST_NAMES} more" * (len(names) > MOST_NAMES)
    )
    default = "" if given else " (the default folder; --runs DIR names another)"
    named = any(group and label.lower() in text.lower() for label, group in checked.groups.items())
    return f"runs: {runs}{default}: {len(study.runs)} of {shown}" + (
        "" if named else "; the report names none of these groups"
    )


def _print(checked: Checked, lines: list[str], advice_on: AdviceOn, *, full: bool) -> None:
    """Print the findings, each under the line of the report, and what was checked."""
    findings = checked.findings if full else checked.findings[:MOST_FINDINGS]
    for finding in findings:
        click.secho(f"{finding.severity}: ", fg=COLOURS[finding.severity], bold=True, nl=False)
        click.echo(f"{finding.statement} [{finding.rule}]")
        if quoted := _quoted(lines, finding.evidence.get("line")):
            click.echo(f"    > {quoted}")
        for line in advice_on(finding):
            click.echo(f"    {line}")
    if left := len(checked.findings) - len(findings):
        click.echo(f"{left} more findings: --full prints them.")
    output.print_lines(checked.metric)
    _print_counts(checked, full=full)


def _quoted(lines: list[str], line: object) -> str:
    """Return a line of the report, cut to the width of a screen."""
    text = lines[line - 1].strip() if isinstance(line, int) and 0 < line <= len(lines) else ""
    return f"{text[:90]}…" if len(text) > 91 else text


def _print_counts(checked: Checked, *, full: bool) -> None:
    counts = checked.counts
    number = len(checked.verdicts)
    click.echo(
        f"checked {number - counts['unchecked']} of {number} claims: {counts['holds']} hold, "
        f"{counts['fails']} do not; {counts['unchecked']} could not be checked."
    )
    if not number:
        click.echo(
            "No claim was read: name the groups in the first column of a table, and the metric in its head "
            "(val_loss, accuracy (%)); tables with two rows on one line and pictures are skipped."
        )
    if checked.not_read:
        click.echo(f"{checked.not_read} numbers in tables and sentences were not read as claims.")
    unchecked = [verdict for verdict in checked.verdicts if verdict.outcome == "unchecked"]
    if full:
        for verdict in unchecked:
            click.echo(
                f"    line {verdict.claim.line}: {verdict.claim.kind} {verdict.claim.said}: {verdict.why}"
            )
        return
    reasons = Counter(verdict.why for verdict in unchecked)
    for reason, count in reasons.most_common(MOST_REASONS):
        click.echo(f"    {count}: {reason}")
    if len(reasons) > MOST_REASONS:
        click.echo("    --full lists all of them.")


def _advice(finding: Finding, study: Study | None, place: Place) -> Iterator[str]:
    """Yield what to do about a finding, and the next command where the runs are there to run it on."""
    from app.next_command import advice_in_words, command_of_fact
    from ired_diag.finding_clusters import fact_of

    if words := advice_in_words(finding.advice):
        yield words
    if study is not None and (command := command_of_fact(fact_of(finding, study), study, place)):
        yield command

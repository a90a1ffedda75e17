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

EXIT_FOUND = 3  # 1 and 2 are click's, for errors and wrong usage
COLOURS = {"error": "red", "warning": "yellow", "note": None}
MOST_FINDINGS = 12  # without --full
MOST_REASONS = 4  # of unchecked claims, without --full
MOST_NAMES = 6  # of groups in the line that says which runs are used
LONGEST_LINE = 90  # characters of a quoted line


@click.command("check")
@click.argument("report", type=click.Path(path_type=Path, readable=False))
@options.runs
@options.grouping
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning"]),
    help="End with exit status 3 if a finding is at least as severe.",
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
    """Recompute the numbers of REPORT (Markdown, LaTeX, HTML, a notebook) from the runs and from each other.

    Means, spreads, intervals, medians, tests with their p, effect sizes, differences and ratios in tables,
    sentences and lists in code are recomputed; "significant", "equivalent" and bold numbers are compared with
    the results. Without a runs folder, the report is checked against itself. A claim that cannot be checked
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
    study = None
    if given or runs.exists():
        study = open_runs_or_table(runs, grouping=grouping).judged_by(metric, higher_is_better)
    elif metric or higher_is_better is not None:
        raise click.UsageError("--metric and its direction need runs: name their folder with --runs DIR.")
    unreadable = study.unreadable if study else ()
    for place in unreadable:
        click.echo(f"note: {place.statement}. It is not counted.", err=True)
    text = open_report(report)
    checked = check_report(text, study)
    source = _runs_in_words(study, runs, given=given, unnamed=not _names_a_group(text, checked))
    if as_json:
        output.print_json({"runs": source, **_as_dict(checked), "unreadable": unreadable})
    else:
        words = options_in_words(metric=metric, higher_is_better=higher_is_better, grouping=grouping)
        advice = partial(_advice, study=study, place=Place(runs=runs, options=words))
        click.echo(source)
        _print(checked, text.splitlines(), advice, full=full)
    if fail_on and any(finding.severity in (fail_on, "error") for finding in checked.findings):
        raise click.exceptions.Exit(EXIT_FOUND)


def _as_dict(checked: Checked) -> dict[str, object]:
    return {
        "metric": checked.metric,
        "counts": checked.counts,
        "share_checked": checked.share,
        "numbers_not_read": checked.not_read,
        "readout": checked.readout,
        "groups": checked.groups,
        "findings": checked.findings,
        "claims": checked.verdicts,
    }


def _names_a_group(text: str, checked: Checked) -> bool:
    """Say whether a report names at least one group of the runs."""
    words = text.lower()
    return any(group and label.lower() in words for label, group in checked.groups.items())


def _runs_in_words(study: Study | None, runs: Path, *, given: bool, unnamed: bool) -> str:
    """Return which runs the report is checked against, so that none are used silently.

    Args:
        study: The runs.
        runs: Their folder.
        given: Whether the command line or the environment names the folder.
        unnamed: Whether the report names none of their groups.
    """
    if study is None:
        return "runs: none (the report is checked against itself; --runs DIR names runs)"
    if not study.runs:
        source = f"runs: none could be read in {runs}{_first_reason(study)}"
        return f"{source}; the report is checked against itself"
    from ired_diag.forensics.rule import listed

    source = f"runs: {runs}"
    if not given:
        source += " (the default folder; --runs DIR names another)"
    words = f"{source}: {len(study.runs)} of {listed(study.groups(), MOST_NAMES)}"
    if unnamed:
        words += "; the report names none of these groups"
    return words


def _first_reason(study: Study) -> str:
    """Return why the first file is not a run, in brackets; nothing where no file was skipped."""
    if not study.skipped:
        return ""
    first = study.skipped[0]
    return f" ({first.path.name}: {first.reason.strip('.')})"


def _print(checked: Checked, lines: list[str], advice_on: AdviceOn, *, full: bool) -> None:
    """Print the findings, each with its line of the report and its advice; then the counts."""
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
    """Return a line of the report, cut to the width of a screen; nothing where there is no such line."""
    if not isinstance(line, int) or not 0 < line <= len(lines):
        return ""
    text = lines[line - 1].strip()
    if len(text) > LONGEST_LINE + 1:
        return f"{text[:LONGEST_LINE]}…"
    return text


def _print_counts(checked: Checked, *, full: bool) -> None:
    counts = checked.counts
    number = len(checked.verdicts)
    hold = "holds" if counts["holds"] == 1 else "hold"
    fail = "does not" if counts["fails"] == 1 else "do not"
    click.echo(
        f"checked {number - counts['unchecked']} of {number} claims: {counts['holds']} {hold}, "
        f"{counts['fails']} {fail}; {counts['unchecked']} could not be checked."
    )
    if not number:
        click.echo(
            "No claim was read: name the groups in the first column of a table, and the metric in its head "
            "(val_loss, accuracy (%)); tables with two rows on one line and pictures are skipped."
        )
    if checked.not_read:
        numbers = "number was" if checked.not_read == 1 else "numbers were"
        click.echo(
            f"{checked.not_read} {numbers.partition(' ')[0]} in tables and sentences "
            f"{numbers.partition(' ')[2]} not read as claims."
        )
    unchecked = [verdict for verdict in checked.verdicts if verdict.outcome == "unchecked"]
    if full:
        for verdict in unchecked:
            claim = verdict.claim
            click.echo(f"    line {claim.line}: {claim.kind} {claim.said}: {verdict.why}")
        return
    reasons = Counter(verdict.why for verdict in unchecked)
    for reason, count in reasons.most_common(MOST_REASONS):
        click.echo(f"    {count}: {reason}")
    if len(reasons) > MOST_REASONS:
        click.echo("    --full lists all of them.")


def _advice(finding: Finding, study: Study | None, place: Place) -> Iterator[str]:
    """Yield what to do about a finding; with runs also the next command."""
    from app.next_command import advice_in_words, command_of_fact
    from ired_diag.finding_clusters import fact_of

    if words := advice_in_words(finding.advice):
        yield words
    if study is not None and (command := command_of_fact(fact_of(finding, study), study, place)):
        yield command

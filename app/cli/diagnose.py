"""``ired-diag diagnose``: what logs and configurations alone already tell."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import options, output
from ired_diag.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ired_diag.finding import Finding, Severity
    from ired_diag.runs.regroup import Grouping
    from ired_diag.runs.study import Study
    from ired_diag.verdict import Verdict

EXIT_FOUND = 3
LEVELS: tuple[Severity, ...] = ("error", "warning", "note")
COLOURS = {"error": "red", "warning": "yellow", "note": None}


@click.command("diagnose")
@click.argument("paths", nargs=-1)
@options.runs
@options.grouping
@click.option("--list", "list_them", is_flag=True, help="List the rules and what each asks.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning"]),
    help="End with exit status 3 if something as severe is found.",
)
@options.metric
@options.direction
@options.as_json
def command(
    paths: tuple[str, ...],
    runs: Path,
    list_them: bool,
    fail_on: str | None,
    metric: str | None,
    higher_is_better: bool | None,
    as_json: bool,
    grouping: Grouping,
) -> None:
    """Look for mistakes in the runs under PATHS, or in the runs folder: worst first, with numbers.

    PATHS are run folders, folders of runs, or foreign logs, which are read in place; NAME=GLOB makes one
    group of all runs at the paths that match. Nothing is trained, and no checkpoint is read.

    \b
    ired-diag diagnose
    ired-diag diagnose path/to/logs --fail-on error
    """
    from ired_diag import forensics
    from ired_diag.grouping import open_arguments
    from ired_diag.runs.judged import judged_in_words
    from ired_diag.verdict import verdict_of

    if list_them:
        rows = [(name, forensics.load(name).question) for name in forensics.names()]
        output.print_table("", ("rule", "what it asks"), rows, left=2)
        return
    study = open_arguments(paths or [str(runs)], grouping=grouping)
    study = study.judged_by(metric, higher_is_better) if study.runs else study
    if not study.runs and not study.evaluations:
        raise _nothing(paths or (str(runs),), study)
    found, verdicts = forensics.diagnose(study), [verdict_of(run) for run in study.runs]
    if as_json:
        output.print_json(
            {
                "runs": verdicts,
                "findings": found,
                "skipped": study.skipped,
                "unreadable": study.unreadable,
            }
        )
    else:
        _print(found)
        output.print_lines(judged_in_words(study.runs))
        output.print_lines(place.statement for place in study.unreadable)
        _print_counts(found, verdicts, len(study.skipped))
    if fail_on and any(f.severity in (fail_on, "error") for f in found):
        raise click.exceptions.Exit(EXIT_FOUND)


def _nothing(paths: Sequence[str], study: Study) -> NotFound:
    """Return that nothing could be judged: silence about a wrong folder would look like health."""
    skipped = study.skipped
    first = (
        f" ({len(skipped)} files are none; {skipped[0].path.name}: {skipped[0].reason})" if skipped else ""
    )
    if study.unreadable:
        first = f" ({study.unreadable[0].statement})"
    return NotFound(f"{', '.join(paths)}: expected runs or logs of runs, found none{first}.")


def _print(found: Sequence[Finding]) -> None:
    from ired_diag.forensics_summary import answers_of

    for answer in answers_of(found):
        click.secho(answer.severity, fg=COLOURS[answer.severity], bold=True, nl=False)
        click.echo(f" · {answer.rule}: {answer.question}")
        for part in answer.parts:
            for finding in part.findings:
                click.echo(f"  - {finding.statement}")
            if part.advice:
                click.echo(f"    → {part.advice}")
        click.echo()


def _print_counts(found: Sequence[Finding], verdicts: Sequence[Verdict], skipped: int) -> None:
    shapes = Counter(v.shape for v in verdicts if v.shape).most_common()
    ends = Counter(v.completion for v in verdicts).most_common()
    if shapes:
        click.echo(f"curves: {_told(shapes)}")
    if ends:
        click.echo(f"runs: {_told(ends)}")
    counts = Counter(finding.severity for finding in found)
    told = ", ".join(f"{counts[level]} {level}{'s' if counts[level] != 1 else ''}" for level in LEVELS)
    unread = f"; {skipped} files are no runs (ired-diag ls names them)" if skipped else ""
    click.echo(
        f"{len(verdicts)} runs: {told}{unread}. Silence is no proof of health: --list says what was asked."
    )


def _told(counts: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{count} {word}".replace("_", " ") for word, count in counts)

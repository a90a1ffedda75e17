"""``ired-diag diagnose``: the mistakes that logs and configurations show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import completion, options, output
from app.cli.explain import explain as print_rule
from ired_diag.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ired_diag.forensics.rule import Rule
    from ired_diag.runs.regroup import Grouping
    from ired_diag.runs.study import Study

EXIT_FOUND = 3  # 1 and 2 are click's, for errors and wrong usage


@click.command("diagnose")
@click.argument("paths", nargs=-1, shell_complete=completion.names_or_paths)
@options.runs
@options.grouping
@click.option("--list", "list_them", is_flag=True, help="List the rules, each with its question.")
@click.option("--full", is_flag=True, help="Print every finding. Default: one screen.")
@click.option(
    "--rule",
    metavar="NAME",
    shell_complete=completion.rules,
    help="Apply only this rule, and print all of its findings.",
)
@click.option(
    "--explain",
    metavar="RULE",
    shell_complete=completion.rules,
    help="Explain a rule, and what would prove its finding wrong.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning"]),
    help="End with exit status 3 if a finding is at least as severe.",
)
@options.metric
@options.direction
@options.as_json
def command(
    paths: tuple[str, ...],
    runs: Path,
    list_them: bool,
    full: bool,
    rule: str | None,
    explain: str | None,
    fail_on: str | None,
    metric: str | None,
    higher_is_better: bool | None,
    as_json: bool,
    grouping: Grouping,
) -> None:
    """Look for mistakes in the runs under PATHS, or in the runs folder.

    PATHS are run folders, folders of runs, foreign logs (read in place), or tables with one number for each
    seed. NAME=GLOB makes one group of all runs at the paths that match. Nothing is trained, and no
    checkpoint is read. One screen is printed: first what makes a conclusion wrong, then wrong numbers, then
    lost compute. Notes come last.

    \b
    ired-diag diagnose
    ired-diag diagnose path/to/logs --fail-on error
    ired-diag diagnose path/to/logs --full
    ired-diag diagnose --explain identical_curves
    """
    from app.cli.diagnose_screen import print_in_full, print_screen
    from app.cli.diagnosis import Diagnosis
    from app.next_command import Place, options_in_words
    from ired_diag import forensics
    from ired_diag.seed_table_runs import open_with_tables
    from ired_diag.verdict import verdict_of

    if list_them:
        output.print_list([(name, forensics.load(name).question) for name in forensics.names()])
        return
    if explain is not None:
        print_rule(explain, as_json=as_json)
        return
    rules = None if rule is None else [_rule_called(rule)]
    study = open_with_tables(paths or [str(runs)], grouping=grouping, metric=metric)
    if study.runs:
        study = study.judged_by(metric, higher_is_better)
    elif not study.evaluations:
        raise _nothing(paths or (str(runs),), study)
    words = options_in_words(metric=metric, higher_is_better=higher_is_better, grouping=grouping)
    diagnosis = Diagnosis(
        study,
        forensics.diagnose(study, rules),
        [verdict_of(run) for run in study.runs],
        Place(paths=paths, runs=runs, options=words),
    )
    if as_json:
        output.print_json(diagnosis.as_json())
    elif full or rule:
        print_in_full(diagnosis)
    else:
        print_screen(diagnosis)
    if fail_on and any(finding.severity in (fail_on, "error") for finding in diagnosis.findings):
        raise click.exceptions.Exit(EXIT_FOUND)


def _rule_called(name: str) -> Rule:
    """Return a rule.

    Raises:
        NotFound: No rule has this name.
    """
    from ired_diag import forensics

    if name not in forensics.names():
        raise NotFound(f"No rule is named {name!r}. There are: {', '.join(forensics.names())}.")
    return forensics.load(name)


def _nothing(paths: Sequence[str], study: Study) -> NotFound:
    """Return the error that nothing could be judged: silence about a wrong folder would look like health."""
    reason = ""
    if study.unreadable:
        reason = f" ({study.unreadable[0].statement})"
    elif study.skipped:
        first = study.skipped[0]
        count = len(study.skipped)
        subject = "1 file is not a run" if count == 1 else f"{count} files are not runs"
        reason = f" ({subject}; {first.path.name}: {first.reason.removesuffix('.')})"
    return NotFound(f"{', '.join(paths)}: expected runs or logs of runs, found none{reason}.")

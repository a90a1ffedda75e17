"""``ired-diag journal``: a research journal whose evidence is run again."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import options, output
from app.cli.whole_summaries import WholeSummaries

if TYPE_CHECKING:
    from app.journal_check import CheckedEvidence, CheckedJournal

EXIT_BROKEN = 3
EXIT_UNCHECKED = 4
COLOURS = {"holds": "green", "changed": "red", "gone": "red", "corrected": "yellow", "not checked": "yellow"}
JOURNAL = Path("journal.md")

journal_file = click.argument("file", type=click.Path(path_type=Path), default=JOURNAL, metavar="[FILE]")


@click.group("journal", cls=WholeSummaries)
def command() -> None:
    """Keep a research journal in Markdown, and run its evidence again.

    \b
    ired-diag journal new
    ired-diag journal add "Mining makes good answers" --evidence "ired-diag gate q103 --against q101"
    ired-diag journal check
    """


@command.command("new")
@journal_file
def new(file: Path) -> None:
    """Begin a journal in FILE (default journal.md).

    \b
    ired-diag journal new
    """
    from ired_diag.journals.writing import begin

    begin(file)
    click.echo(f"{output.shorten(file)}: written. Next: ired-diag journal add TITLE")


@command.command("add")
@click.argument("title")
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=JOURNAL,
    show_default=True,
    help="The journal.",
)
@click.option("--observation", default="", help="What was seen.")
@click.option("--hypothesis", default="", help="What may explain it.")
@click.option(
    "--evidence",
    multiple=True,
    metavar="COMMAND",
    help="Command of ired-diag that reads: it is run, and quoted with what it prints. May be repeated.",
)
@click.option("--implication", default="", help="What follows if it is so.")
@click.option("--next", "next_step", default="", help="What is done next.")
def add(
    title: str,
    file: Path,
    observation: str,
    hypothesis: str,
    evidence: tuple[str, ...],
    implication: str,
    next_step: str,
) -> None:
    """Append an entry with today's date and a TITLE to the journal.

    \b
    ired-diag journal add "Mining makes good answers" --evidence "ired-diag gate q103 --against q101"
    """
    from app.journal_check import evidence_lines
    from ired_diag.journals.writing import append, read_journal

    read_journal(file)
    texts = {
        "observation": observation,
        "hypothesis": hypothesis,
        "implication": implication,
        "next": next_step,
    }
    parts: dict[str, Sequence[str]] = {name: [text] for name, text in texts.items() if text}
    lines: list[str] = []
    for each in evidence:
        lines += evidence_lines(each, file.parent)
    parts["evidence"] = lines
    append(file, title, parts, today=date.today())
    click.echo(f"{output.shorten(file)}: entry added. Its evidence is run again by ired-diag journal check.")


@command.command("check")
@journal_file
@click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder in which commands run and in which all paths must lie. Default: the folder of FILE.",
)
@click.option(
    "--correct",
    "is_correcting",
    is_flag=True,
    help="Append an entry that corrects the numbers that changed. Nothing else is rewritten.",
)
@options.as_json
def check(file: Path, root: Path | None, is_correcting: bool, as_json: bool) -> None:
    """Run the evidence in FILE (default journal.md) again, and mark each number that no longer holds.

    Only commands that read are run: stats, gate, diagnose, check, ls, plan check; no shell is used. The exit
    status is 0 where all evidence holds, 3 where some does not, 4 where nothing or not all could be checked.

    \b
    ired-diag journal check
    ired-diag journal check notes/journal.md --root .
    """
    from app.journal_check import check_journal, correct

    with output.progress("running the evidence again", unit="lines") as progress:
        checked = check_journal(file, root=root, progress=progress)
    if as_json:
        output.print_json(as_dict(checked))
    else:
        _print(checked)
    if is_correcting:
        count = correct(checked, today=date.today())
        click.echo(f"{count} corrected by a new entry at the end of {output.shorten(file)}.", err=True)
    raise click.exceptions.Exit(_exit_status(checked))


def as_dict(checked: CheckedJournal) -> dict[str, object]:
    """Return a checked journal as JSON prints it."""
    return {
        "journal": checked.path,
        "entries": len(checked.entries),
        "counts": checked.counts,
        "evidence": checked.evidence,
    }


def _exit_status(checked: CheckedJournal) -> int:
    if checked.broken:
        return EXIT_BROKEN
    if not checked.evidence or checked.counts.get("not checked"):
        return EXIT_UNCHECKED
    return 0


def _print(checked: CheckedJournal) -> None:
    if not checked.evidence:
        name = output.shorten(checked.path)
        entries = "1 entry" if len(checked.entries) == 1 else f"{len(checked.entries)} entries"
        click.echo(
            f"{name}: no evidence was found in {entries}. A line of evidence stands "
            "below the word Evidence: a command or a cell in code, an arrow, and what it gave. An example: "
            "ired-diag journal add TITLE --evidence 'ired-diag ls'"
        )
        return
    for (entry, source), evidence in itertools.groupby(checked.evidence, key=_entry_and_source):
        click.echo(f"{entry}: {source}")
        for each in evidence:
            _print_evidence(each)
    lines = "1 line" if len(checked.evidence) == 1 else f"{len(checked.evidence)} lines"
    click.echo(f"{lines} of evidence: {checked.counts_in_words}.")
    if any(each.quote_today for each in checked.broken):
        click.echo("Correct them by a new entry: ired-diag journal check --correct")


def _entry_and_source(checked: CheckedEvidence) -> tuple[str, str]:
    return checked.entry, checked.source


def _print_evidence(checked: CheckedEvidence) -> None:
    status = click.style(checked.status, fg=COLOURS[checked.status], bold=checked.status != "holds")
    if checked.status == "holds":
        remark = f" ({checked.remark})" if checked.remark else ""
        click.echo(f"  line {checked.line}: {status}{remark}")
        return
    click.echo(f"  line {checked.line}: {status}")
    if checked.quote:
        click.echo(f"    the journal says: {checked.quote}")
    for moved in checked.moved:
        click.echo(f"    {moved.old} → {moved.new or 'not there any more'}")
    if checked.remark:
        click.echo(f"    {checked.remark}")

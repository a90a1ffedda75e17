"""What ``ired-diag probe`` prints: answers, their comparisons, trends, and where the files are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli import output

if TYPE_CHECKING:
    from ired_diag.finding import Finding
    from ired_diag.probing.driver import Answer, Trend, Unanswered
    from ired_diag.probing.probe import Probe
    from ired_diag.table import Table

MOST_ROWS = 40  # of a comparison: about a screen
MOST_FILES = 8  # that are listed one by one
ALL_LEVELS = -1  # in the column of levels: the row is over all of them
UNNAMED = {"reason": ""}  # columns without a heading: their words explain themselves
KEYS = ("level", "kind", "versus", "quantity", "part", "layer", "term", "name", "data", "step")


def print_questions(probes: Mapping[str, Probe]) -> None:
    """Print each probe's name and question."""
    rows = [(probe.name, probe.question) for probe in probes.values()]
    output.print_list(rows)


def print_answers(
    answers: Sequence[Answer], trends: Sequence[Trend], unanswered: Sequence[Unanswered], *, tables: bool
) -> None:
    """Print what was measured, run by run.

    Args:
        answers: Answers at single checkpoints.
        trends: Answers over training.
        unanswered: Questions without an answer, each with the reason.
        tables: Whether to print comparisons too.
    """
    by_run: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_run[answer.label].append(answer)
    for label, of_run in by_run.items():
        trends_of_run = [trend for trend in trends if trend.label == label]
        _print_run(label, of_run, trends_of_run, tables=tables)
    for question in unanswered:
        subject = f"the probe {question.probe} " if question.probe else ""
        checkpoint = output.shorten(question.checkpoint)
        click.echo(f"{question.label}, {checkpoint}: {subject}{question.reason}", err=True)


def _print_run(label: str, answers: Sequence[Answer], trends: Sequence[Trend], *, tables: bool) -> None:
    """Print the answers of one run: all of them with ``tables``, else the last of each probe."""
    click.secho(f"\n{label}", bold=True)
    _print_notes(answers)
    last = {answer.probe: answer for answer in answers}
    printed = answers if tables else tuple(last.values())
    for answer in printed:
        is_last = answer is last[answer.probe]
        _print_answer(answer, tables=tables and is_last)
        if not is_last:
            continue
        for trend in trends:
            if trend.probe == answer.probe:
                click.echo(f"  {_marked(trend.finding)}")
    _print_places(answers, trends)


def _print_answer(answer: Answer, *, tables: bool) -> None:
    place = answer.checkpoint.name if answer.step is None else f"step {answer.step}"
    details = [place, f"{answer.weights} weights"]
    if answer.known:
        details.append("measured before")
    click.secho(f"{answer.probe} ({', '.join(details)})", underline=True)
    click.echo(f"  {_marked(answer.finding)}")
    if answer.finding.advice:
        click.echo(f"  {answer.finding.advice}")
    if tables:
        _print_comparison(answer.comparison)


def _marked(finding: Finding) -> str:
    if finding.severity == "note":
        return finding.statement
    return f"{finding.severity}: {finding.statement}"


def _print_notes(answers: Sequence[Answer]) -> None:
    """Print what is unusual about the checkpoints, each note once."""
    notes: dict[str, None] = {}
    for answer in answers:
        notes.update(dict.fromkeys(map(_marked, answer.notes)))
    for text in notes:
        click.echo(text, err=True)


def _print_places(answers: Sequence[Answer], trends: Sequence[Trend]) -> None:
    """Print the files of a run: each by itself, or of many their folder and their number."""
    tables = list(dict.fromkeys(answer.table for answer in answers))
    figures: list[Path] = []
    for answer in answers:
        figures += answer.figures
    for trend in trends:
        figures += trend.figures
    figures = list(dict.fromkeys(figures))
    files = [*tables, *figures]
    if len(files) <= MOST_FILES:
        for file in files:
            click.echo(f"  {output.shorten(file)}")
        return
    folder = output.shorten(answers[-1].table.parent)
    pictures = sum(file.suffix == ".png" for file in figures)
    click.echo(f"  {folder}: {len(tables)} tables, {pictures} pictures")


def _print_comparison(table: Table) -> None:
    """Print a comparison: only the rows over all levels where it has them, intervals next to their values."""
    rows = list(range(len(next(iter(table.values())))))
    names = [name for name in table if not name.endswith(("_low", "_high"))]
    if "level" in table:
        pooled = [row for row in rows if table["level"][row] == ALL_LEVELS]
        if pooled:
            rows = pooled
            names.remove("level")
    cells = [_cells(table, names, row) for row in rows[:MOST_ROWS]]
    more = len(rows) - len(cells)
    output.print_table(
        "",
        _header(table, names),
        cells,
        left=sum(name in KEYS for name in names),
        caption=f"and {more} more rows: with --json" if more else "",
    )


def _header(table: Table, names: Sequence[str]) -> list[str]:
    header: list[str] = []
    for name in names:
        header.append(UNNAMED.get(name, name.replace("_", " ")))
        if _has_interval(table, name):
            header.append("95% interval")
    return header


def _cells(table: Table, names: Sequence[str], row: int) -> list[str]:
    cells = []
    for name in names:
        cells.append(_cell(table[name][row]))
        if _has_interval(table, name):
            cells.append(_interval(table, name, row))
    return cells


def _has_interval(table: Table, name: str) -> bool:
    return f"{name}_low" in table


def _interval(table: Table, name: str, row: int) -> str:
    low = _cell(table[f"{name}_low"][row])
    high = _cell(table[f"{name}_high"][row])
    if low == high == "-":
        return "-"
    return f"{low} to {high}"


def _cell(value: Any) -> str:
    if hasattr(value, "item"):  # a number of numpy, which would print its type
        value = value.item()
    if isinstance(value, float):
        return output.number(value, ".4g")
    return str(value)

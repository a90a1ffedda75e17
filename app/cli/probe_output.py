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
    from ired_diag.probe import Probe
    from ired_diag.probing.driver import Answer, Trend, Unanswered
    from ired_diag.table import Table

MOST_ROWS = 40
KEYS = ("level", "kind", "versus", "quantity", "part", "layer", "term", "name", "data", "step")


def print_questions(known: Mapping[str, Probe]) -> None:
    """Print each probe's name and question."""
    rows = [(probe.name, probe.question) for probe in known.values()]
    output.print_list(rows)


def print_answers(
    answers: Sequence[Answer], trends: Sequence[Trend], unanswered: Sequence[Unanswered], *, tables: bool
) -> None:
    """Print what was found, run by run.

    Args:
        answers: Every answer.
        trends: Those over training.
        unanswered: What could not be asked, and why.
        tables: Whether to print comparisons too.
    """
    by_run: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_run[answer.label].append(answer)
    for label, some in by_run.items():
        click.secho(f"\n{label}", bold=True)
        _print_notes(some)
        last = {answer.probe: answer for answer in some}
        for answer in some if tables else last.values():
            _print_answer(answer, tables=tables and answer is last[answer.probe])
            for trend in trends:
                if (trend.label, trend.probe) == (label, answer.probe) and answer is last[answer.probe]:
                    click.echo(f"  {_marked(trend.finding)}")
        _print_places(some, trends, label)
    for one in unanswered:
        what = f"the probe {one.probe} " if one.probe else ""
        click.echo(f"{one.label}, {output.shorten(one.checkpoint)}: {what}{one.reason}", err=True)


def _print_answer(answer: Answer, *, tables: bool) -> None:
    step = f"step {answer.step}" if answer.step is not None else answer.checkpoint.name
    before = ", known from before" if answer.known else ""
    click.secho(f"{answer.probe} ({step}, {answer.weights} weights{before})", underline=True)
    click.echo(f"  {_marked(answer.finding)}")
    if answer.finding.advice:
        click.echo(f"  {answer.finding.advice}")
    if tables:
        _print_comparison(answer.comparison)


def _marked(finding: Finding) -> str:
    mark = "" if finding.severity == "note" else f"{finding.severity}: "
    return f"{mark}{finding.statement}"


def _print_notes(answers: Sequence[Answer]) -> None:
    """Print what is odd about the checkpoints, each once."""
    for text in dict.fromkeys(_marked(note) for answer in answers for note in answer.notes):
        click.echo(text, err=True)


def _print_places(answers: Sequence[Answer], trends: Sequence[Trend], label: str) -> None:
    figures = [f for a in answers for f in a.figures]
    figures += [f for trend in trends if trend.label == label for f in trend.figures]
    files: list[Path] = list(dict.fromkeys([*(answer.table for answer in answers), *figures]))
    if len(files) <= 8:
        for file in files:
            click.echo(f"  {output.shorten(file)}")
    else:
        folder = output.shorten(answers[-1].table.parent)
        pictures = len([f for f in dict.fromkeys(figures) if f.suffix == ".png"])
        click.echo(f"  {folder}: {len({a.table for a in answers})} tables, {pictures} pictures")


def _print_comparison(table: Table) -> None:
    """Print a comparison: over all levels where it has such rows, intervals beside their values."""
    count = len(next(iter(table.values())))
    rows = list(range(count))
    pooled = [i for i in rows if "level" in table and table["level"][i] == -1]
    names = [name for name in table if not name.endswith(("_low", "_high"))]
    if pooled:
        rows, names = pooled, [name for name in names if name != "level"]
    header: list[str] = []
    for name in names:
        header.append("" if name == "reason" else name.replace("_", " "))
        if f"{name}_low" in table:
            header.append("95% interval")
    cells = [_cells(table, names, row) for row in rows[:MOST_ROWS]]
    more = len(rows) - len(cells)
    caption = f"and {more} rows more: with --json" if more else ""
    left = sum(name in KEYS for name in names)
    output.print_table("", header, cells, left=left, caption=caption)


def _cells(table: Table, names: Sequence[str], row: int) -> list[str]:
    cells = []
    for name in names:
        cells.append(_cell(table[name][row]))
        if f"{name}_low" in table:
            low, high = (_cell(table[f"{name}_{end}"][row]) for end in ("low", "high"))
            cells.append("-" if low == high == "-" else f"{low} to {high}")
    return cells


def _cell(value: Any) -> str:
    plain = value.item() if hasattr(value, "item") else value
    return output.number(plain, ".4g") if isinstance(plain, float) else str(plain)

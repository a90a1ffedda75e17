"""Skill of groups that solve different problems: one row for each strategy, one column for each problem."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from app.cli import output

if TYPE_CHECKING:
    from ired_diag.comparison.skill import SkillCell, SkillTable


def print_skill(table: SkillTable) -> None:
    """Print the table of skill, and what a skill of 0 is on each problem."""
    rows = skill_rows(table)
    output.print_table(skill_title(table), ("", *table.problems), rows, left=1)


def skill_title(table: SkillTable) -> str:
    """Return the title of the table."""
    counts = {cell.n for cell in table.cells}
    seeds = f"{counts.pop()} seeds" if len(counts) == 1 else "seeds"
    return (
        f"Skill, 1 - MSE / MSE of {table.predictor} on the same data (1: right everywhere; 0: no better; "
        f"mean over {seeds}, 95% t interval)"
    )


def skill_rows(table: SkillTable) -> list[tuple[str, ...]]:
    """Return the rows: the floor of each problem, then the skill of each group on its own problem."""
    cells = {(cell.row, cell.problem): cell for cell in table.cells}
    floors = {cell.problem: f"{cell.floor:.4g}" for cell in table.cells}
    alike = len({cell.n for cell in table.cells}) == 1
    rows = [(f"MSE of {table.predictor}", *(floors[problem] for problem in table.problems))]
    for row in table.rows:
        shown = [_shown(cells.get((row, problem)), with_n=not alike) for problem in table.problems]
        rows.append((row, *shown))
    return rows


def _shown(cell: SkillCell | None, *, with_n: bool) -> str:
    """Return a cell: its skill, the interval, how many seeds where that differs, and how many failed."""
    if cell is None:
        return ""
    parts = []
    if math.isfinite(cell.low):
        parts.append(f"{cell.low:.3g} to {cell.high:.3g}")
    if with_n or not parts:
        parts.append(f"n = {cell.n}")
    if cell.failed:
        parts.append(f"{cell.failed} failed")
    skill = f"{cell.skill:.3g}" if math.isfinite(cell.skill) else "unknown"
    return f"{skill} ({', '.join(parts)})"

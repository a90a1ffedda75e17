"""A comparison as LaTeX and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.latex import comment, escaped
from app.cli.stats_groups import AMONG_FINISHED, group_columns, group_rows, text_columns

if TYPE_CHECKING:
    from ired_diag.comparison import Comparison


def as_markdown(comparison: Comparison) -> str:
    """Return the means as a Markdown table, and the paragraphs for methods and results."""
    from ired_diag.comparison import words

    columns, rows = group_columns(comparison), list(group_rows(comparison))
    lines = [
        f"| {' | '.join(columns)} |",
        f"|{'---|' * len(columns)}",
        *(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows),
        "",
        f"**Methods.** {words.methods_of(comparison)}",
        "",
        f"**Results.** {words.results_of(comparison)}",
    ]
    return "\n".join(lines)


def as_latex(comparison: Comparison) -> str:
    """Return the means as a LaTeX table, and the paragraphs for methods and results.

    Notes on what was compared stand above it as comments.
    """
    from ired_diag.comparison import words

    columns, rows = group_columns(comparison), list(group_rows(comparison))
    left = text_columns(comparison)
    title = f"{words.readout_of_metric(comparison, words.readout_name(comparison).capitalize())} over seeds."
    if words.among_finished(comparison):
        title += f" {AMONG_FINISHED}."
    lines = [
        *map(comment, filter(None, (comparison.metric_words, comparison.other_sets))),
        *(comment(f"note: {note}") for note in comparison.notes),
        r"\begin{table}",
        rf"\caption{{{escaped(title)}}}",
        rf"\begin{{tabular}}{{{'l' * left}{'r' * (len(columns) - left)}}}",
        r"\hline",
        " & ".join(map(escaped, columns)) + r" \\ \hline",
        *(" & ".join(map(escaped, row)) + r" \\" for row in rows),
        r"\hline",
        r"\end{tabular}",
        r"\end{table}",
        "",
        rf"\paragraph{{Methods.}} {escaped(words.methods_of(comparison))}",
        "",
        rf"\paragraph{{Results.}} {escaped(words.results_of(comparison))}",
    ]
    return "\n".join(lines)

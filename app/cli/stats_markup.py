"""A comparison as LaTeX and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.stats_groups import AMONG_FINISHED, group_columns, group_rows, text_columns
from ired_diag.latex_text import comment, escaped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ired_diag.comparison import Comparison


LABEL = "tab:comparison"


def as_markdown(comparison: Comparison) -> str:
    """Return the means as a Markdown table, and the paragraphs for methods and results."""
    from ired_diag.comparison import words

    columns = group_columns(comparison)
    lines = [_markdown_row(columns), f"|{'---|' * len(columns)}"]
    lines += map(_markdown_row, group_rows(comparison))
    lines += ["", f"**Methods.** {words.methods_of(comparison)}"]
    lines += ["", f"**Results.** {words.results_of(comparison)}"]
    return "\n".join(lines)


def _markdown_row(cells: Sequence[str]) -> str:
    escaped_cells = [cell.replace("|", r"\|") for cell in cells]
    return f"| {' | '.join(escaped_cells)} |"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(map(escaped, cells)) + r" \\"


def as_latex(comparison: Comparison) -> str:
    """Return the means as a LaTeX table, and the paragraphs for methods and results.

    Notes on what was compared stand above it as comments.
    """
    from ired_diag.comparison import words

    columns = group_columns(comparison)
    left = text_columns(comparison)
    alignment = "l" * left + "r" * (len(columns) - left)
    readout = words.readout_name(comparison).capitalize()
    title = f"{words.readout_of_metric(comparison, readout)} over {comparison.run_noun}s."
    if words.among_finished(comparison):
        title += f" {AMONG_FINISHED}."
    remarks = list(filter(None, (comparison.metric_words, comparison.other_sets)))
    remarks += [f"note: {note}" for note in comparison.notes]
    lines = [
        *map(comment, remarks),
        comment(r"Needs \usepackage{booktabs}."),
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(title)}}}",
        rf"\label{{{LABEL}}}",
        rf"\begin{{tabular}}{{@{{}}{alignment}@{{}}}}",
        r"\toprule",
        _latex_row(columns),
        r"\midrule",
        *map(_latex_row, group_rows(comparison)),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
        "",
        rf"\paragraph{{Methods.}} {escaped(words.methods_of(comparison))}",
        "",
        rf"\paragraph{{Results.}} {escaped(words.results_of(comparison))}",
    ]
    return "\n".join(lines)

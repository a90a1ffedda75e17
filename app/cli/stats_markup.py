"""A comparison as LaTeX and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.stats_groups import AMONG_FINISHED, group_columns, group_rows, text_columns
from ired_diag.latex_numbers import numbers_in_latex
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
    return " & ".join("--" if cell == "-" else _in_latex(cell) for cell in cells) + r" \\"


def _in_latex(text: str) -> str:
    return numbers_in_latex(escaped(text))


def _caption(comparison: Comparison) -> str:
    """Return what the table shows, with what its columns are."""
    from ired_diag.comparison import words

    better = "lower" if comparison.lower_is_better else "higher"
    readout = words.readout_name(comparison).capitalize()
    caption = f"{words.readout_of_metric(comparison, readout)} ({better} is better"
    if comparison.readout == "plateau" and comparison.plateau_step is not None:
        caption += f"; the plateau starts at step {comparison.plateau_step:.0f}"
    caption += f"): mean over {comparison.run_noun}s with its interval, "
    caption += "standard deviation (sd, with n - 1) and range."
    if words.among_finished(comparison):
        caption += f" {AMONG_FINISHED}."
    return caption


def as_latex(comparison: Comparison) -> str:
    """Return the means as a LaTeX table, and the paragraphs for methods and results.

    Notes on what was compared stand above it as comments.
    """
    from ired_diag.comparison import words

    columns = group_columns(comparison)
    left = text_columns(comparison)
    alignment = "l" * left + "r" * (len(columns) - left)
    remarks = list(filter(None, (comparison.metric_words, comparison.other_sets)))
    remarks += [f"note: {note}" for note in comparison.notes]
    lines = [
        *map(comment, remarks),
        comment(r"Needs \usepackage{booktabs}."),
        r"\begin{table}",
        r"\centering",
        r"\small\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{_in_latex(_caption(comparison))}}}",
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
        rf"\paragraph{{Methods.}} {_in_latex(words.methods_of(comparison))}",
        "",
        rf"\paragraph{{Results.}} {_in_latex(words.results_of(comparison))}",
    ]
    return "\n".join(lines)

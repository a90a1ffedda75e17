"""A comparison as LaTeX and as Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.cli.stats_groups import group_columns, group_rows, text_columns

if TYPE_CHECKING:
    from ired_diag.comparison import Comparison


SPECIAL = re.compile(r"([&%$#_{}])")


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
    """Return the means as a LaTeX table, and the paragraphs for methods and results."""
    from ired_diag.comparison import words

    columns, rows = group_columns(comparison), list(group_rows(comparison))
    left = text_columns(comparison)
    title = f"{words.READOUT_NAMES[comparison.readout].capitalize()} of {comparison.metric} over seeds."
    lines = [
        r"\begin{table}",
        rf"\caption{{{_escaped(title)}}}",
        rf"\begin{{tabular}}{{{'l' * left}{'r' * (len(columns) - left)}}}",
        r"\hline",
        " & ".join(map(_escaped, columns)) + r" \\ \hline",
        *(" & ".join(map(_escaped, row)) + r" \\" for row in rows),
        r"\hline",
        r"\end{tabular}",
        r"\end{table}",
        "",
        rf"\paragraph{{Methods.}} {_escaped(words.methods_of(comparison))}",
        "",
        rf"\paragraph{{Results.}} {_escaped(words.results_of(comparison))}",
    ]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """Return text as LaTeX takes it.

    >>> _escaped("a_b 5%")
    'a\\\\_b 5\\\\%'
    """
    return SPECIAL.sub(r"\\\1", text)

r"""LaTeX as Markdown: tables, headings and emphasis, line by line, so that line numbers stay.

    \begin{tabular}{lcc} Method & MSE & n \\ \midrule A & \textbf{0.1} $\pm$ 0.01 & 5 \\ \end{tabular}

becomes a table with pipes. A row that runs over several lines is written on its first one. What is not a
table, a heading or a comment stays as it is. A text without ``\begin{tabular}`` and ``\section`` is not
changed.
"""

from __future__ import annotations

import re

from ired_diag.claims.siunitx import with_uncertainty

TABULAR = re.compile(r"\\begin\{(tabular[x*]?|longtable|array)\}")
S_COLUMN = re.compile(
    r"\\begin\{tabular[x*]?\}\s*(?:\{[^{}]*\}\s*)?\{(?:[^{}]|\{[^{}]*\})*S(?:[^{}]|\{[^{}]*\})*\}"
)
END = re.compile(r"\\end\{(?:tabular[x*]?|longtable|array)\}")
HEADING = re.compile(r"\\(?:chapter|(?:sub)*section|paragraph)\*?\{([^{}]*)\}")
CAPTION = re.compile(r"\\caption(?:\[[^\]]*\])?\{((?:[^{}]|\{[^{}]*\})*)\}")
RULES = re.compile(
    r"\\(?:toprule|midrule|bottomrule|hline|cmidrule|cline|addlinespace)(?:\([^)]*\))?(?:\[[^\]]*\])?(?:\{[^}]*\})?"
)
SPAN = re.compile(r"\\multicolumn\{(\d+)\}\{[^}]*\}\{((?:[^{}]|\{[^{}]*\})*)\}")
TALL = re.compile(r"\\multirow(?:\[[^\]]*\])?\{[^}]*\}\{[^}]*\}\{((?:[^{}]|\{[^{}]*\})*)\}")
BOLD = re.compile(r"\\(?:textbf|mathbf|bm|boldsymbol)\{((?:[^{}]|\{[^{}]*\})*)\}")
PLAIN = re.compile(
    r"\\(?:textit|emph|underline|texttt|textsc|textsf|textrm|textup|text|mathrm|small|footnotesize)\{([^{}]*)\}"
)
SPACE = re.compile(r"\\(?:q?quad|enspace|hfill|indent)\b|\\[hv](?:space|skip)\*?\s*\{[^{}]*\}|\\[;:!~]")
COMMENT = re.compile(r"(?<!\\)%.*$")
BREAK = re.compile(r"(\\\\(?:\[[^\]]*\])?)")  # ends a row of a table
LAYOUT = re.compile(r"\\(?:label|centering|begin|end|ref|cite[pt]?)\b(?:\[[^\]]*\])?(?:\{[^{}]*\})*")
COLUMN_TYPES = re.compile(r"^\s*(?:\{[^&\\]*\}\s*)+$")
Rows = list[tuple[int, list[str]]]


def as_markdown(text: str) -> str:
    r"""Return a text with its LaTeX tables and headings written as Markdown's.

    >>> print(as_markdown("\\begin{tabular}{lc}\nA & B \\\\\n\\hline\nx & \\textbf{1} \\\\\n\\end{tabular}"))
    <BLANKLINE>
    | A | B |
    |---|---|
    | x | **1** |
    <BLANKLINE>
    """
    if not (TABULAR.search(text) or HEADING.search(text)):
        return text
    lines = re.split(r"\r\n|\r|\n", text)
    at = 0
    while at < len(lines):
        if TABULAR.search(lines[at]):
            end = _end_of_table(lines, at)
            lines[at : end + 1] = _table(lines[at : end + 1])
            at = end
        else:
            lines[at] = _prose(lines[at])
        at += 1
    return "\n".join(lines)


def _end_of_table(lines: list[str], start: int) -> int:
    """Return the last line of a table; of one that is not closed, the last of the text."""
    for number in range(start, len(lines)):
        if END.search(lines[number]):
            return number
    return len(lines) - 1


def _prose(line: str) -> str:
    # In Markdown a percent sign starts no comment.
    if "\\" in line or line.lstrip().startswith("%"):
        line = COMMENT.sub("", line)
    if heading := HEADING.search(line):
        return f"# {heading[1]}"
    line = CAPTION.sub(r"\1", line)
    line = LAYOUT.sub("", line)
    line = BOLD.sub(r"**\1**", line)
    return PLAIN.sub(r"\1", line)


def _table(lines: list[str]) -> list[str]:
    """Return as many lines, of which the table's rows are Markdown's; the rule stands after the first row."""
    rows = _rows(lines)
    if S_COLUMN.search(" ".join(lines)):
        rows = [(line, list(map(_uncertain, cells))) for line, cells in rows]
    starts = {line for line, _ in rows}
    written = [""] * len(lines)
    has_head = False
    for line, cells in rows:
        if not "".join(cells).strip():
            continue
        written[line] = f"| {' | '.join(cells)} |"
        if not has_head:
            has_head = True
            _put_rule(written, line, len(cells), starts)
    _fill_gaps(written)
    return written


def _put_rule(written: list[str], head: int, columns: int, starts: set[int]) -> None:
    """Write the rule below the head of a table.

    Args:
        written: The lines of the table; those that are needed are changed.
        head: Line of the head.
        columns: How many it has.
        starts: The lines on which rows start.
    """
    rule = f"|{'---|' * columns}"
    if head + 1 < len(written) and head + 1 not in starts:
        written[head + 1] = rule
    elif head > 0:  # no rule in the LaTeX: the line of \begin{tabular} gives room
        written[head - 1] = written[head]
        written[head] = rule


def _fill_gaps(written: list[str]) -> None:
    """Write a rule on each empty line inside a table: an empty one would end it."""
    filled = [number for number, text in enumerate(written) if text]
    if not filled:
        return
    for number in range(filled[0], filled[-1]):
        written[number] = written[number] or "|---|---|"


def _uncertain(cell: str) -> str:
    """Return a cell of a column of type S, its uncertainty in brackets written after a ±."""
    bare = cell.removeprefix("**").removesuffix("**")
    if not bare:
        return cell
    return cell.replace(bare, with_uncertainty(bare))


def _rows(lines: list[str]) -> Rows:
    r"""Return the cells of each row, with the line on which it starts; rows end with ``\\``."""
    rows: Rows = []
    row, start = "", -1
    for number, line in enumerate(lines):
        for part in BREAK.split(_bare(line)):
            if part.startswith("\\\\"):
                if row.strip():
                    rows.append((start, _cells(row)))
                row, start = "", -1
            elif part.strip():
                if start < 0:
                    start = number
                row += f" {part}"
    if row.strip() and "&" in row:
        rows.append((start, _cells(row)))
    return rows


def _bare(line: str) -> str:
    """Return a line of a table without comments, rules, and the commands that open and close it."""
    bare = COMMENT.sub("", line)
    bare = END.sub(" ", bare)
    bare = TABULAR.sub(" ", bare)
    bare = RULES.sub(" ", bare)
    if TABULAR.search(line):
        bare = COLUMN_TYPES.sub(" ", bare)
    return bare


def _cells(row: str) -> list[str]:
    row = SPAN.sub(_spanning, row)
    return [_cell(cell) for cell in re.split(r"(?<!\\)&", row)]


def _spanning(hit: re.Match[str]) -> str:
    """Return a cell over several columns, followed by as many empty ones as it hides."""
    hidden = int(hit[1]) - 1
    return hit[2] + " &" * hidden


def _cell(cell: str) -> str:
    cell = SPACE.sub(" ", TALL.sub(r"\1", cell))
    cell = cell.replace("\\&", "and").replace("|", "\\|").strip()
    cell = re.sub(r"\$\s*(\\(?:mathbf|bm|boldsymbol)\{)", r"\1", cell)
    is_bold = BOLD.search(cell) is not None
    cell = BOLD.sub(r"\1", cell)
    cell = PLAIN.sub(r"\1", cell)
    cell = re.sub(r"^\{(.*)\}$", r"\1", cell).strip()
    if is_bold and cell:
        return f"**{cell}**"
    return cell

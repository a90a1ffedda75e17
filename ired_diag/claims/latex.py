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
PLAIN = re.compile(r"\\(?:textit|emph|underline|texttt|text|mathrm|small|footnotesize)\{([^{}]*)\}")
COMMENT = re.compile(r"(?<!\\)%.*$")


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
    lines, at = re.split(r"\r\n|\r|\n", text), 0
    while at < len(lines):
        if TABULAR.search(lines[at]):
            end = next((k for k in range(at, len(lines)) if END.search(lines[k])), len(lines) - 1)
            lines[at : end + 1] = _table(lines[at : end + 1])
            at = end
        else:
            lines[at] = _prose(lines[at])
        at += 1
    return "\n".join(lines)


def _prose(line: str) -> str:
    line = COMMENT.sub("", line) if "\\" in line or line.lstrip().startswith("%") else line
    if heading := HEADING.search(line):
        return f"# {heading[1]}"
    line = CAPTION.sub(lambda hit: hit[1], line)
    line = re.sub(r"\\(?:label|centering|begin|end|ref|cite[pt]?)\b(?:\[[^\]]*\])?(?:\{[^{}]*\})*", "", line)
    return PLAIN.sub(r"\1", BOLD.sub(r"**\1**", line))


def _table(lines: list[str]) -> list[str]:
    """Return as many lines, of which the table's rows are Markdown's; the rule stands after the first row."""
    written = [""] * len(lines)
    rows, started = _rows(lines), False
    if S_COLUMN.search(" ".join(lines)):
        rows = [(line, [_uncertain(cell) for cell in cells]) for line, cells in rows]
    above: list[str] = []
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        cells = [above[k] if cell == "\0" and k < len(above) else cell for k, cell in enumerate(cells)]
        above = [
            cell if cell.strip() else (above[k] if k < len(above) else "") for k, cell in enumerate(cells)
        ]
        written[line] = f"| {' | '.join(cells)} |"
        if not started:
            started = True
            rule = f"|{'---|' * len(cells)}"
            free = line + 1
            if free < len(written) and not any(free == other for other, _ in rows):
                written[free] = rule
            elif line > 0:  # no rule in the LaTeX: the line of \begin{tabular} gives room
                written[line - 1], written[line] = written[line], rule
    filled = [number for number, text in enumerate(written) if text]
    for number in range(filled[0], filled[-1]) if filled else ():
        written[number] = written[number] or "|---|---|"  # a rule inside, which ends no table
    return written


def _uncertain(cell: str) -> str:
    """Return a cell of a column of type S, its uncertainty in brackets written after a ±."""
    bare = cell.removeprefix("**").removesuffix("**")
    return cell.replace(bare, with_uncertainty(bare)) if bare else cell


def _rows(lines: list[str]) -> list[tuple[int, list[str]]]:
    r"""Return the cells of each row, with the line on which it starts; rows end with ``\\``."""
    rows: list[tuple[int, list[str]]] = []
    row, start = "", -1
    for number, line in enumerate(lines):
        bare = RULES.sub(" ", TABULAR.sub(" ", END.sub(" ", COMMENT.sub("", line))))
        bare = re.sub(r"^\s*(?:\{[^&\\]*\}\s*)+$", " ", bare) if TABULAR.search(line) else bare
        for part in re.split(r"(\\\\(?:\[[^\]]*\])?)", bare):
            if part.startswith("\\\\"):
                if row.strip():
                    rows.append((start, _cells(row)))
                row, start = "", -1
            elif part.strip():
                start = number if start < 0 else start
                row += f" {part}"
    return [*rows, (start, _cells(row))] if row.strip() and "&" in row else rows


def _cells(row: str) -> list[str]:
    row = SPAN.sub(lambda hit: hit[2] + " &" * (int(hit[1]) - 1), row)
    cells = re.split(r"(?<!\\)&", row)
    return [_cell(cell) for cell in cells]


def _cell(cell: str) -> str:
    cell = TALL.sub(r"\1", cell).replace("\\&", "and").replace("|", "\\|").strip()
    cell = re.sub(r"\$\s*(\\(?:mathbf|bm|boldsymbol)\{)", r"\1", cell)
    bold = BOLD.search(cell)
    cell = PLAIN.sub(r"\1", BOLD.sub(r"\1", cell))
    cell = re.sub(r"^\{(.*)\}$", r"\1", cell).strip()
    return f"**{cell}**" if bold and cell else cell

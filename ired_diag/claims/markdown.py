"""The parts of a Markdown text in which claims stand: table rows, and sentences under their headings.

A table is a row of cells, a row of dashes, and rows; rows with fewer or more cells than the head are kept as
far as they go. What is damaged is read as text, never guessed to be a table. Tables in HTML are read
(``html_tables``), and code blocks that are a table (``text_tables``); other code is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ired_diag.claims.decorations import undecorated
from ired_diag.claims.head_rows import with_one_head
from ired_diag.claims.html_prose import without_html_prose
from ired_diag.claims.html_tables import START as HTML_TABLE
from ired_diag.claims.html_tables import html_table
from ired_diag.claims.latex import as_markdown
from ired_diag.claims.printed_output import has_prompts, output_of
from ired_diag.claims.rst_tables import with_markdown_tables
from ired_diag.claims.table import Table
from ired_diag.claims.text_tables import FENCE, OF_TEXT, table_in_text

RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$")
# Of a heading in reStructuredText, and in Markdown; three of ~ or ` begin a block of code.
UNDERLINE = re.compile(r"^(?:([=\-^\"'*+#])\1{2,}|~{4,})\s*$")
LONGEST_TITLE = 90  # letters
INDENTED = re.compile(r"^(?: {4}|\t)\s*\S")
SPACED = re.compile(r"^[^\s|#>].*\S(?: {2,}|\t)\S")
ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
ABBREVIATION = (  # a full stop that ends no sentence
    r"(?<!\bvs\.)(?<!\bcf\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bapprox\.)(?<!\bFig\.)(?<!\bTab\.)(?<!\bresp\.)"
)
SENTENCE_END = re.compile(
    ABBREVIATION
    + r"(?<=[.!?])(?:\*\*|__)?\n|"
    + ABBREVIATION
    + r"(?<=[.!?])(?:\*\*|__)?\s+(?=[^a-z\d\s]|[a-z]+\d)|"
    # A name in small letters may start a sentence; a shorter word before the full stop may be abbreviated.
    + ABBREVIATION
    + r"(?:(?<=[a-z]{5}\.)|(?<=[\d%)]\.))\s+(?=[a-z])|"
    + r"(?<=[!?])\s+|\s\|\s"
)
BOLD = re.compile(r"^\s*(?:\*\*|__|<(?:b|strong)>)(?=\S).*?(?:\*\*|__|</(?:b|strong)>)\s*\W*$", re.IGNORECASE)
Line = tuple[int, str]


@dataclass(frozen=True)
class Sentence:
    """A sentence, the line that it starts on, and the heading above it.

    Attributes:
        text: Without markup.
        line: Where it starts.
        heading: Above it.
        lines: The lines of its paragraph, with their numbers.
    """

    text: str
    line: int
    heading: str
    lines: tuple[Line, ...] = ()

    def line_of(self, words: str, count: int) -> int:
        """Return the line on which words stand after they stood ``count`` times in the sentence."""
        for line, text in self.lines:
            if line < self.line:
                continue
            count -= text.count(words)
            if count < 0:
                return line
        return self.line


def parts_of(text: str) -> Iterator[Table | Sentence]:
    """Yield tables and sentences in reading order; those of LaTeX and HTML are read as Markdown's."""
    markdown = as_markdown(with_markdown_tables(undecorated(without_html_prose(text))))
    lines = re.split(r"\r\n|\r|\n", markdown)
    paragraph: list[Line] = []
    heading = ""
    last = ""  # the paragraph before, which may be the caption of a table
    at = 0
    while at < len(lines):
        line = lines[at]
        caption = " ".join(words for _, words in paragraph) or last
        block = _block(lines, at, f"{heading}\n{caption}")
        title = _title(lines, at)
        if block is not None or title or not line.strip() or ITEM.match(line):
            last = caption
            yield from _sentences(paragraph, heading)
            paragraph = []
        if block is not None:
            table, at = block
            if table is not None:
                yield with_one_head(replace(table, below=_below(lines, at)))
            continue
        if title:
            heading = unmarked(title)
            last = ""
            yield Sentence(heading, at + 1, heading)
            at += _is_underlined(lines, at)
        elif line.strip():
            words = ITEM.sub("", line).strip()
            paragraph.append((at + 1, words.lstrip("> ")))
        at += 1
    yield from _sentences(paragraph, heading)


def _title(lines: list[str], at: int) -> str:
    """Return the heading on a line, behind ``#`` or above a row of signs; empty where there is none."""
    hit = HEADING.match(lines[at])
    if hit is not None:
        return hit[1]
    return lines[at].strip() if _is_underlined(lines, at) else ""


def _is_underlined(lines: list[str], at: int) -> bool:
    """Say whether a line is a paragraph of its own with a row of signs below it."""
    line = lines[at]
    if not line.strip() or line[0] in " \t|>" or len(line) > LONGEST_TITLE or UNDERLINE.match(line):
        return False
    if at + 1 >= len(lines) or not UNDERLINE.match(lines[at + 1]):
        return False
    return at == 0 or _is_blank(lines[at - 1]) or _is_overline(lines, at)


def _is_overline(lines: list[str], at: int) -> bool:
    """Say whether the line above a title has the same row of signs as the one below it."""
    return lines[at - 1].rstrip() == lines[at + 1].rstrip()


def _below(lines: list[str], at: int) -> str:
    """Return the paragraph that follows a table, at most one blank line away; empty where none does."""
    start = at + (at < len(lines) and _is_blank(lines[at]))
    if start >= len(lines) or _block(lines, start, "") is not None or HEADING.match(lines[start]):
        return ""
    end = _first(lines, start, _is_blank)
    return unmarked(" ".join(ITEM.sub("", line).strip() for line in lines[start:end]))


def _block(lines: list[str], at: int, above: str) -> tuple[Table | None, int] | None:
    """Return the table that starts at a line, or no table for code, with the next line; None for prose."""
    line = lines[at]
    if "|" in line and _is_rule(lines, at + 1):
        return _table(lines, at, above)
    if HTML_TABLE.search(line):
        return html_table(lines, at, above)
    if fence := FENCE.match(line):
        return _fenced(lines, at, fence[1], above)
    # Below a line of prose, an indented or spaced line continues the paragraph.
    if at > 0 and lines[at - 1].strip():
        return None
    if INDENTED.match(line):
        # The head of a printed data frame is indented by its index.
        if at + 1 < len(lines) and SPACED.search(lines[at + 1]):
            return _text_until(lines, at, _first(lines, at, _is_blank), above)
        return _text_until(lines, at, _first(lines, at, _is_not_indented), above)
    if SPACED.search(line):
        return _text_until(lines, at, _first(lines, at, _is_blank), above)
    return None


def _is_rule(lines: list[str], at: int) -> bool:
    """Say whether a line is the row of dashes below the head of a table."""
    return at < len(lines) and "|" in lines[at] and RULE.match(lines[at]) is not None


def _is_blank(line: str) -> bool:
    return not line.strip()


def _is_not_indented(line: str) -> bool:
    return INDENTED.match(line) is None


def _is_fence(line: str) -> bool:
    return FENCE.match(line) is not None


def _first(lines: list[str], start: int, is_end: Callable[[str], bool]) -> int:
    """Return the first line from ``start`` on that ends a block; the number of lines where none does."""
    for number in range(start, len(lines)):
        if is_end(lines[number]):
            return number
    return len(lines)


def _text_until(lines: list[str], at: int, end: int, above: str) -> tuple[Table, int] | None:
    table = table_in_text(lines[at:end], at + 1, above)
    if table is None:
        return None
    return table, end


def _fenced(lines: list[str], at: int, info: str, above: str) -> tuple[Table | None, int]:
    """Return the table in a code block, where it is one, and the line after the block."""
    end = _first(lines, at + 1, _is_fence)
    table = None
    inside = lines[at + 1 : end]
    if OF_TEXT.match(info) or has_prompts(inside):
        start, output = output_of(inside)
        table = table_in_text(output, at + 2 + start, above)
    return table, end + 1


def unmarked(text: str) -> str:
    """Return a text without bold, italics, code marks and links; stars that mark significance stay.

    >>> unmarked("**0.042*** of `q101`")
    '0.042* of q101'
    """
    text = re.sub(r"!?\[([^\[\]]*)\]\([^()]*\)", r"\1", text)
    text = re.sub(r"\*\*(?=\S)([^*]+?)\*\*", r"\1", text)
    text = re.sub(r"(?<![\w*\\])\*(?=[^\s*])([^*]+?)\*(?![\w*])", r"\1", text)
    text = re.sub(r"(?<!\w)__?(?=\S)([^_]+?)__?(?!\w)", r"\1", text)
    text = text.replace("`", "")
    text = re.sub(r"</?(?:b|i|em|strong|br)\s*/?>", " ", text)
    return text.replace("\\*", "*").strip()


def _table(lines: list[str], at: int, above: str) -> tuple[Table, int]:
    """Return the table whose head is on a line, and the line after its last row."""
    head = map(unmarked, _cells(lines[at]))
    line = at + 1
    rows = []
    bold = set()
    at += 2
    while at < len(lines) and "|" in lines[at]:
        if not RULE.match(lines[at]):
            cells = _cells(lines[at])
            rows.append((at + 1, tuple(map(unmarked, cells))))
            for column, cell in enumerate(cells):
                if BOLD.match(cell):
                    bold.add((at + 1, column))
        at += 1
    table = Table(
        head=tuple(head),
        rows=tuple(rows),
        line=line,
        above=above,
        bold=frozenset(bold),
    )
    return table, at


def _cells(line: str) -> list[str]:
    bare = line.strip().removeprefix("|")
    if bare.endswith("|") and not bare.endswith("\\|"):
        bare = bare.removesuffix("|")
    cells = re.split(r"(?<!\\)\|", bare)
    return [cell.replace("\\|", "|").strip() for cell in cells]


def _sentences(paragraph: list[Line], heading: str) -> Iterator[Sentence]:
    """Yield the sentences of a paragraph, each with the line that it starts on."""
    whole = ""
    starts = []
    for line, text in paragraph:
        starts.append((len(whole), line))
        whole += f"{text}\n"
    ends = [hit.end() for hit in SENTENCE_END.finditer(whole)]
    at = 0
    for end in (*ends, len(whole)):
        text = whole[at:end].strip()
        if text:
            line = max(number for start, number in starts if start <= at)
            shown = unmarked(text.replace("\n", " "))
            yield Sentence(
                text=shown,
                line=line,
                heading=heading,
                lines=tuple(paragraph),
            )
        at = end

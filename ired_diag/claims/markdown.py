"""The parts of a Markdown text in which claims stand: table rows, and sentences under their headings.

A table is a row of cells, a row of dashes, and rows; rows with fewer or more cells than the head are kept as
far as they go. What is damaged is read as text, never guessed to be a table. Tables in HTML are read
(``html_tables``), and code blocks that are a table (``text_tables``); other code is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ired_diag.claims.decorations import undecorated
from ired_diag.claims.html_prose import without_html_prose
from ired_diag.claims.html_tables import START as HTML_TABLE
from ired_diag.claims.html_tables import html_table
from ired_diag.claims.latex import as_markdown
from ired_diag.claims.table import Table
from ired_diag.claims.text_tables import FENCE, OF_TEXT, table_in_text

RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$")
INDENTED = re.compile(r"^(?: {4}|\t)\s*\S")
SPACED = re.compile(r"^[^\s|#>].*\S(?: {2,}|\t)\S")
ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
ABBREVIATION = r"(?<!\bvs)(?<!\bcf)(?<!\be\.g)(?<!\bi\.e)(?<!\bapprox)(?<!\bFig)(?<!\bTab)(?<!\bresp)"
SENTENCE_END = re.compile(
    ABBREVIATION
    + r"(?<=[.!?])(?:\*\*|__)?\n|"
    + ABBREVIATION
    + r"(?<=[.!?])(?:\*\*|__)?\s+(?=[^a-z\d\s]|[a-z]+\d)|"
    + r"(?<=[!?])\s+|\s\|\s"
)
BOLD = re.compile(r"^\s*(?:\*\*|__|<(?:b|strong)>)(?=\S).*?(?:\*\*|__|</(?:b|strong)>)\s*\W*$", re.IGNORECASE)


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
    lines: tuple[tuple[int, str], ...] = ()

    def line_of(self, words: str, count: int) -> int:
        """Return the line on which words stand after they stood ``count`` times in the sentence."""
        for line, text in self.lines:
            if line >= self.line:
                count -= text.count(words)
                if count < 0:
                    return line
        return self.line


def parts_of(text: str) -> Iterator[Table | Sentence]:
    """Yield tables and sentences in reading order; those of LaTeX and HTML are read as Markdown's."""
    lines = re.split(r"\r\n|\r|\n", as_markdown(undecorated(without_html_prose(text))))
    paragraph: list[tuple[int, str]] = []
    heading, last, at = "", "", 0
    while at < len(lines):
        line = lines[at]
        beside = " ".join(words for _, words in paragraph) or last
        if (block := _block(lines, at, f"{heading}\n{beside}")) is not None:
            last = beside
            yield from _sentences(paragraph, heading)
            paragraph = []
            table, at = block
            if table is not None:
                yield table
            continue
        title = HEADING.match(line)
        if title or not line.strip() or ITEM.match(line):
            last = beside
            yield from _sentences(paragraph, heading)
            paragraph = []
        if title:
            heading, last = unmarked(title[1]), ""
            yield Sentence(heading, at + 1, heading)
        elif line.strip():
            paragraph.append((at + 1, ITEM.sub("", line).strip().lstrip("> ")))
        at += 1
    yield from _sentences(paragraph, heading)


def _block(lines: list[str], at: int, above: str) -> tuple[Table | None, int] | None:
    """Return the table that starts at a line, or no table for code, with the next line; None for prose."""
    line = lines[at]
    if "|" in line and at + 1 < len(lines) and "|" in lines[at + 1] and RULE.match(lines[at + 1]):
        return _table(lines, at, above)
    if HTML_TABLE.search(line):
        return html_table(lines, at, above)
    if fence := FENCE.match(line):
        return _fenced(lines, at, fence[1], above)
    if SPACED.search(line) and (at == 0 or not lines[at - 1].strip()) and not INDENTED.match(line):
        end = next((k for k in range(at, len(lines)) if not lines[k].strip()), len(lines))
        table = table_in_text(lines[at:end], at + 1, above)
        return (table, end) if table else None
    if INDENTED.match(line) and (at == 0 or not lines[at - 1].strip()):
        end = next((k for k in range(at, len(lines)) if not INDENTED.match(lines[k])), len(lines))
        table = table_in_text(lines[at:end], at + 1, above)
        return (table, end) if table else None
    return None


def _fenced(lines: list[str], at: int, info: str, above: str) -> tuple[Table | None, int]:
    """Return the table in a code block, where it is one, and the line after the block."""
    end = next((k for k in range(at + 1, len(lines)) if FENCE.match(lines[k])), len(lines))
    is_text = OF_TEXT.match(info)
    return (table_in_text(lines[at + 1 : end], at + 2, above) if is_text else None), end + 1


def unmarked(text: str) -> str:
    """Return a text without bold, italics, code marks and links; stars that mark significance stay.

    >>> unmarked("**0.042*** of `q101`")
    '0.042* of q101'
    """
    text = re.sub(r"!?\[([^\[\]]*)\]\([^()]*\)", r"\1", text)
    text = re.sub(r"\*\*(?=\S)([^*]+?)\*\*", r"\1", text)
    text = re.sub(r"(?<![\w*\\])\*(?=[^\s*])([^*]+?)\*(?![\w*])", r"\1", text)
    text = re.sub(r"(?<!\w)__?(?=\S)([^_]+?)__?(?!\w)", r"\1", text)
    return re.sub(r"</?(?:b|i|em|strong|br)\s*/?>", " ", text.replace("`", "")).replace("\\*", "*").strip()


def _table(lines: list[str], at: int, above: str) -> tuple[Table, int]:
    head, start = tuple(unmarked(cell) for cell in _cells(lines[at])), at + 1
    rows, bold, at = [], set(), at + 2
    while at < len(lines) and "|" in lines[at]:
        if not RULE.match(lines[at]):
            cells = _cells(lines[at])
            rows.append((at + 1, tuple(unmarked(cell) for cell in cells)))
            bold |= {(at + 1, column) for column, cell in enumerate(cells) if BOLD.match(cell)}
        at += 1
    return Table(head, tuple(rows), start, above, frozenset(bold)), at


def _cells(line: str) -> list[str]:
    bare = line.strip().removeprefix("|")
    bare = bare[:-1] if bare.endswith("|") and not bare.endswith("\\|") else bare
    return [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", bare)]


def _sentences(paragraph: list[tuple[int, str]], heading: str) -> Iterator[Sentence]:
    if not paragraph:
        return
    starts, whole = [], ""
    for line, text in paragraph:
        starts.append((len(whole), line))
        whole += text + "\n"
    at = 0
    for end in [*(hit.end() for hit in SENTENCE_END.finditer(whole)), len(whole)]:
        if text := whole[at:end].strip():
            line = max(number for start, number in starts if start <= at)
            yield Sentence(unmarked(text.replace("\n", " ")), line, heading, tuple(paragraph))
        at = end

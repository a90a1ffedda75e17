"""The parts of a Markdown text in which claims stand: table rows, and sentences under their headings.

Code blocks are left out. A table is a row of cells, a row of dashes, and rows; rows with fewer or more
cells than the head are kept as far as they go. What is damaged is read as text, never guessed to be a
table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ired_diag.claims.latex import as_markdown

RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$")
FENCE = re.compile(r"^\s*(```|~~~)")
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
class Table:
    """A table: its head, its rows with their line numbers, and what stands above it.

    Attributes:
        head: The names of its columns, markup left out.
        rows: Line number and cells of each row.
        line: Line number of its head.
        above: Its heading and the paragraph before it.
        bold: Line and column of each cell that is set in bold.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    line: int
    above: str
    bold: frozenset[tuple[int, int]] = frozenset()


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
    """Yield tables and sentences in reading order; those of LaTeX are read as Markdown's."""
    lines = _without_code(as_markdown(text))
    paragraph: list[tuple[int, str]] = []
    heading, last, at = "", "", 0
    while at < len(lines):
        line = lines[at]
        if "|" in line and at + 1 < len(lines) and "|" in lines[at + 1] and RULE.match(lines[at + 1]):
            last = " ".join(paragraph_text for _, paragraph_text in paragraph) or last
            yield from _sentences(paragraph, heading)
            table, at = _table(lines, at, f"{heading}\n{last}")
            paragraph = []
            yield table
            continue
        title = HEADING.match(line)
        if title or not line.strip() or ITEM.match(line):
            last = " ".join(paragraph_text for _, paragraph_text in paragraph) or last
            yield from _sentences(paragraph, heading)
            paragraph = []
        if title:
            heading, last = unmarked(title[1]), ""
            yield Sentence(heading, at + 1, heading)
        elif line.strip():
            paragraph.append((at + 1, ITEM.sub("", line).strip().lstrip("> ")))
        at += 1
    yield from _sentences(paragraph, heading)


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


def _without_code(text: str) -> list[str]:
    lines, inside = [], False
    for line in re.split(r"\r\n|\r|\n", text):
        if FENCE.match(line):
            inside = not inside
            lines.append("")
        else:
            lines.append("" if inside else line)
    return lines


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

"""The entries of a journal, and their evidence.

An entry begins with a heading. Within it, parts are labelled: observation, hypothesis, evidence, implication,
next; by a heading, in bold type, or by a word with a colon. Only what stands below *evidence* is looked at:

    - `ired-diag gate q103 --against q101` → better by 0.034
    - `results.csv[seed=3, val_loss]`: 0.512

a command or a cell in code, then an arrow (→, ->, =>), a colon, an equals sign or a cell of a table, then
what it says. Items below it, deeper in the list, quote the same command, and so does a block of code below
it. In a block, ``$ ired-diag …`` is a command, and the lines below it are what it printed.

Everything else is text, and is left alone: front matter, other blocks of code, and lists of evidence that is
yet "to collect".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

PROGRAM = "ired-diag"
FENCE = re.compile(r"^[\s>]*(?P<fence>`{3,}|~{3,})")
HEADING = re.compile(r"^\s{0,3}(?P<marks>#{1,6})\s+(?P<title>.*?)\s*#*\s*$")
ITEM = re.compile(r"^(?P<indent>[\s>]*)(?:[-*+]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?")
BREAK = re.compile(r"^\s{0,3}(?:[-*_]\s*){3,}$")
DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
PROMPT = re.compile(r"^\s*[$>%]\s+(?=ired-diag\s)")
CODE = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)")
CELL = re.compile(r"^[^\[\]]+\.(?:csv|tsv|parquet)\[[^\[\]]+\]$")
SAYS = "gave|gives|says|said|prints|printed|shows|showed|reports|returns|returned"
SEPARATOR = re.compile(rf"^\s*(?:→|⇒|-+>|=+>|:|=|\||\u2014|\u2013|(?:{SAYS})\b:?)\s*")
ARROW = re.compile(r"\s+(?:→|⇒|-+>|=+>)\s+")
NAMES = "observations?|hypothes[ie]s|evidence|implications?|conclusions?|next(?: steps?)?|results?|methods?"
LABEL = re.compile(
    rf"^\W*?(?P<bold>\*\*|__)?(?P<name>{NAMES})\b(?P<rest>[^.:*_`]{{0,40}}?)"
    rf"(?P<end>[.:]?(?P=bold)[.:]?|:)",
    re.IGNORECASE,
)
PLAIN_LABEL = re.compile(
    rf"^\W*?(?P<name>{NAMES})\b(?P<rest>[^.:*_`]{{0,40}}?)(?P<end>:)",
    re.IGNORECASE,
)
BOLD = re.compile(r"^\s{0,3}(?:\*\*|__)[^*_]{1,60}?[.:]?(?:\*\*|__)[.:]?")
WORD = re.compile(r"\w")
MARKS = re.compile(r"[*_`:]")
YET = "to collect"


@dataclass(frozen=True)
class Evidence:
    """A line of evidence.

    Attributes:
        line: Number of the line in the file, from 1.
        source: Command, or cell of a table.
        quote: What it is said to give; empty where nothing is said.
    """

    line: int
    source: str
    quote: str

    @property
    def is_command(self) -> bool:
        """Whether the source is a command."""
        return self.source.split()[:1] == [PROGRAM]


@dataclass(frozen=True)
class Entry:
    """An entry of a journal.

    Attributes:
        title: Its heading.
        date: The date in its heading, as YYYY-MM-DD; empty without one.
        line: Number of the line of its heading, from 1; 0 where evidence stands before any heading.
        evidence: Its evidence, in its order.
    """

    title: str
    date: str
    line: int
    evidence: Sequence[Evidence] = ()


@dataclass
class _Item:
    """An item of a list, or a paragraph: its text, and how far it is indented."""

    line: int
    indent: int
    parts: list[str] = field(default_factory=list)


@dataclass
class _State:
    """Where in the text the reading is."""

    is_evidence: bool = False
    item: _Item | None = None
    command: Evidence | None = None
    indent: int = 0
    evidence: list[Evidence] = field(default_factory=list)


def entries_of(text: str) -> list[Entry]:
    r"""Return the entries of a journal that hold anything, in their order.

    Args:
        text: The journal; lines may end in any way.

    >>> (entry,) = entries_of("## 2026-11-29 Gate\n**Evidence.**\n- `ired-diag ls` → 3 runs\n")
    >>> entry.date, entry.evidence[0].source, entry.evidence[0].quote
    ('2026-11-29', 'ired-diag ls', '3 runs')
    """
    entries: list[Entry] = []
    current = Entry("", "", 0)
    state = _State()
    lines = text.splitlines()
    for number, line, block in _with_blocks(lines):
        if block is not None:
            _take_block(state, number, block)
            continue
        heading = HEADING.match(line)
        label = _label_of(line, is_heading=heading is not None)
        if heading is not None and label is None:
            _finish_item(state)
            entries.append(replace(current, evidence=tuple(state.evidence)))
            title = heading["title"]
            date = DATE.search(title)
            current = Entry(title, "", number)
            if date is not None:
                current = replace(current, date=date[0])
            state = _State()
            continue
        if label is not None:
            _finish_item(state)
            name, rest, remainder = label
            state.is_evidence = name == "evidence" and YET not in rest
            state.command = None
            if remainder:
                _take_line(state, number, remainder)
            continue
        is_bold = BOLD.match(line) and not ITEM.match(line)
        if BREAK.match(line) or is_bold:
            _finish_item(state)
            state.is_evidence = False
            continue
        _take_line(state, number, line)
    _finish_item(state)
    entries.append(replace(current, evidence=tuple(state.evidence)))
    kept = [entry for entry in entries if entry.line or entry.evidence]
    return kept[1:] if _is_title(kept[:2], lines) else kept


def _is_title(first: Sequence[Entry], lines: Sequence[str]) -> bool:
    """Say whether the first heading is that of the journal: the largest, with no date and no evidence."""
    if len(first) < 2 or first[0].date or first[0].evidence:
        return False
    return lines[first[0].line - 1].startswith("# ") and lines[first[1].line - 1].startswith("## ")


def _with_blocks(lines: Sequence[str]) -> Iterator[tuple[int, str, list[str] | None]]:
    """Yield each line with its number, or a block of code as a whole; front matter is left out."""
    number = _after_front_matter(lines)
    while number < len(lines):
        line = lines[number]
        fence = FENCE.match(line)
        number += 1
        if fence is None:
            yield number, line, None
            continue
        start = number
        block = []
        while number < len(lines):
            closing = FENCE.match(lines[number])
            # A longer fence may close a shorter one, but not the other way round.
            if closing and closing["fence"].startswith(fence["fence"]):
                break
            block.append(lines[number])
            number += 1
        number += 1
        yield start, line, block


def _after_front_matter(lines: Sequence[str]) -> int:
    """Return the index of the first line behind the front matter."""
    if not lines or lines[0].strip() != "---":
        return 0
    for index, line in enumerate(lines[1:], start=1):
        if line.strip() in ("---", "..."):
            return index + 1
    return 0


def _label_of(line: str, *, is_heading: bool) -> tuple[str, str, str] | None:
    """Return the name of a label, what stands behind the name, and the rest of the line; None without one."""
    text = line
    if text.lstrip().startswith("|"):
        cells = [MARKS.sub("", cell).strip().lower() for cell in text.split("|")]
        if "evidence" in cells:  # the head of a table of evidence
            return "evidence", "", ""
        return None
    if is_heading:
        text = line.strip().strip("#").strip()
        words = re.sub(r"^\W+", "", text).lower()
        named = re.match(rf"(?P<name>{NAMES})\b(?P<rest>.*)", words)
        if named is None or DATE.search(text):
            return None
        return named["name"], named["rest"], ""
    match = PLAIN_LABEL.match(_without_item(text))
    bold = LABEL.match(_without_item(text))
    if bold is not None and bold["bold"]:
        match = bold
    if match is None:
        return None
    remainder = _without_item(text)[match.end() :].strip()
    return match["name"].lower(), match["rest"].lower(), remainder


def _without_item(line: str) -> str:
    """Return a line without the mark of a list."""
    item = ITEM.match(line)
    return line[item.end() :] if item else line


def _take_line(state: _State, number: int, line: str) -> None:
    """Read a line: it begins an item, goes on with one, or ends one."""
    if not state.is_evidence:
        return
    if not line.strip():
        _finish_item(state)
        return
    item = ITEM.match(line)
    begins = item is not None or line.lstrip().startswith("|")
    if state.item is not None and not begins:
        state.item.parts.append(line.strip().lstrip(">").strip())
        return
    _finish_item(state)
    indent = len(line) - len(line.lstrip())
    state.item = _Item(number, indent, [_without_item(line).strip()])


def _finish_item(state: _State) -> None:
    """Turn the text of the item that was read into evidence, if it holds any."""
    item = state.item
    state.item = None
    if item is None or not state.is_evidence:
        return
    text = " ".join(item.parts)
    spans = list(CODE.finditer(text))
    if not spans and text.startswith(f"{PROGRAM} "):
        text = _as_code(text)
        spans = list(CODE.finditer(text))
    sources = [span for span in spans if is_source(span["code"])]
    for place, span in enumerate(sources):
        end = len(text)
        if place + 1 < len(sources):
            end = sources[place + 1].start()
        quote = _quote_in(text[span.end() : end])
        source = " ".join(span["code"].split())
        state.command = Evidence(item.line, source, quote)
        state.indent = item.indent
        state.evidence.append(state.command)
    # What stands deeper in the list than a command is about that command.
    if not sources and state.command is not None and item.indent > state.indent:
        _add_quote(state, item.line, text)


def _as_code(text: str) -> str:
    """Return an item that is a command and an arrow, with the command as code."""
    arrow = ARROW.search(text)
    if arrow is None:
        return text
    return f"`{text[: arrow.start()]}` → {text[arrow.end() :]}"


def is_source(code: str) -> bool:
    """Say whether code is a command of this program, or a cell of a table."""
    words = code.split()
    if words[:1] == [PROGRAM] and len(words) > 1:
        return True
    return CELL.match(code.strip()) is not None


def _quote_in(text: str) -> str:
    """Return what stands behind a separator; empty where nothing is separated."""
    separator = SEPARATOR.match(text)
    if separator is None:
        return ""
    return text[separator.end() :].strip().rstrip("|,;").strip()


def _take_block(state: _State, number: int, block: Sequence[str]) -> None:
    """Read a block of code: a session with prompts, or what the command above it printed."""
    _finish_item(state)
    if not state.is_evidence:
        return
    for offset, line in enumerate(block, start=1):
        prompt = PROMPT.match(line)
        if prompt is not None:
            words = line[prompt.end() :].split()
            state.command = Evidence(number + offset, " ".join(words), "")
            state.evidence.append(state.command)
        elif state.command is not None and WORD.search(line):  # and not only the rule of a table
            _add_quote(state, number + offset, line.strip())


def _add_quote(state: _State, line: int, quote: str) -> None:
    """Add a further quote of the last command; a command without one gets it as its own."""
    command = state.command
    if command is None:
        return
    quoted = Evidence(line, command.source, quote)
    if state.evidence[-1] is command and not command.quote:
        state.evidence.pop()
    state.evidence.append(quoted)

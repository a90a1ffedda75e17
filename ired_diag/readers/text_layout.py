r"""The kind of a line of a text log, and the numbers that are read from it.

    row       a counter and metrics         step 100 | loss 3.1
    pairs     metrics of a row before it    Test set: Average loss: 0.05, Accuracy: 98%
    header    a counter or data alone       Epoch 3/10    Test Error:
    triple    a step, a name, a value   250 val 3.2811
    run       a number of a run alone   === Seed 3 ===
    cell      a row of a box table          | loss | 0.1 |
    section   a heading in a box table      | rollout/ |  |
    rule      a line of dashes
    bar       a progress bar
    other     anything else: it is counted, and its form can be shown

A sentence about saving, loading or the best result so far is no row: its step may be one of the past.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

from ired_diag.readers.text_fields import COUNTING, Field, Fields, fields_of
from ired_diag.readers.text_tokens import COLOURS, NUMBER, UNITS, WRAPPED
from ired_diag.runs.metric_words import ALIASES, MEASURES, measures_in, words_of

LineKind = Literal[
    "row", "pairs", "triple", "run", "header", "cell", "section", "rule", "bar", "blank", "other"
]

LONGEST = 16384  # bytes of a line that is read
MOST_STRAYS, MOST_STRAYS_OF_PAIRS, MOST_STRAYS_OF_HEADER = 10, 5, 4
LONGEST_NAME, MOST_WORDS = 80, 7
EDGE = rb"(?:\||\xe2\x94\x82|\xe2\x94\x83)"
# Possessive where a repetition can end in one way only: a line of a table is long, and fits neither.
RULE = re.compile(rb"\s*+(?:(?:[-=+|*_~#]|\xe2[\x94\x95].)\s*+){3,}+")
DRAWN = re.compile(rb"\d%\|")
KERAS = re.compile(rb"\s*\d+/(?:\d+|Unknown) (?:\[(?P<done>=+)\]|\[[=>.\s]+\]|(?:\xe2\x94[\x80-\xbf])+)")
CELL = re.compile(
    rb"\s*+%b(?P<name>[^|A-Za-z\x80-\xff]*+[A-Za-z][^|\x80-\xff]*+)%b\s*(?P<number>%b)(?P<unit>%%|[a-zA-Z/]+)?\s*%b\s*"
    % (EDGE, EDGE, NUMBER, EDGE)
)
SECTION = re.compile(rb"\s*%b\s*(?P<name>[A-Za-z][\w /-]*/)\s*%b\s*%b\s*" % (EDGE, EDGE, EDGE))
PAST = re.compile(
    r"(?i)(?:sav|load|resum|restor|improv|reduc|decay|writ|download|upload|evict|dump)(?:e|ed|es|s|ing|ten|ting)?"
    r"|checkpoint(?:ed|ing)?|stopping|stopped|did"
)
BEST = re.compile(
    rb"(?i)[\W_]*(?:(?:new|the|current|our|final|overall) )*best\b|[^:=|,]*\bbest[ _](?:epoch|step|iter)"
)


# A step, the data or the measure, and the number: as GPT-2 is trained by short programs.
TRIPLE = re.compile(
    rb"\s*(?P<step>\d{1,15})\s+(?P<name>[A-Za-z][\w/.-]*)\s+(?P<value>%b)\s*" % NUMBER.replace(b"%", b"%%")
)
HEADING = re.compile(  # names the data of the lines below it; any other heading ends that
    rb"(?i)\W*(?:(?P<split>test|testing|valid|validation|val|eval|evaluation|dev)"
    rb"(?:\ (?:error|errors|results?|set|metrics|performance|scores?|summary|loss))?"
    rb"|[a-z][\w\ /().-]{0,60})\s*:\s*"
)
RUN_HEADING = re.compile(
    rb"(?i)[\W_]*(?:(?:starting|beginning|begin|training|random|global)\ )?"
    rb"(?P<name>run|seed|fold|repetition|repeat|replicate)(?:\ set\ to)?[\W_]*?\ ?(?P<number>\d{1,9})"
    rb"(?:\s*(?:/|of)\s*\d+)?[\W_]*"
)
OF_LLM_C = re.compile(rb"s:\d+ (?:tel|trl|eval):")  # "s:250 trl:3.1 lr:0.0006", "s:250 tel:3.3"
OF_MARIAN = re.compile(rb"\bEp\. \d+ : Up\. \d+ : ")

PARTS = tuple(
    b"step iter epoch batch update episode round tick generation itr loss acc error reward score".split()
)
ANY_PART = re.compile(b"|".join(PARTS))
WORD = re.compile(rb"[a-z]+[0-9]?")
IN_BOX = re.compile(rb"\s*%b" % EDGE)
CLOCK_BEFORE = re.compile(rb"[\s\[(]*\d+[-/:]\d+[-/:][\d:.,/TZ -]*[\])]?")
UNNAMED = re.compile(rb"[^A-Za-z0-9]*\d+\s*[/:|\],]")
MEASURE_WORDS = frozenset(word.encode() for word in (*MEASURES, *ALIASES, *COUNTING, "it"))


@dataclass(frozen=True)
class Layout:
    """A line: its kind, the numbers that are read, the heading of a section, and the data it measures on."""

    kind: LineKind
    fields: tuple[Field, ...] = ()
    example: bytes = b""
    heading: str = ""
    split: str = ""
    spans: tuple[tuple[int, int], ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        spans = []
        for number in self.fields:
            spans.append((number.start, number.end))
            if number.total:
                spans.append(number.total)
        object.__setattr__(self, "spans", tuple(spans))

    @property
    def signature(self) -> tuple[object, ...]:
        """What lines of the same names have in common, wherever their numbers stand."""
        names = tuple((number.name, number.role, number.unit, bool(number.total)) for number in self.fields)
        return (self.kind, self.heading, self.split, names)


NOT_UNDERSTOOD = Layout("other")  # one value: most lines of other texts are of this kind


def plain(text: bytes) -> bytes:
    """Return a text without colours, and with numbers that stand in ``tensor(…)`` alone."""
    text = without_colours(text)
    return unwrapped(text) if may_be_wrapped(text) else text


def without_colours(text: bytes) -> bytes:
    """Return a text without the marks of a terminal's colours."""
    return COLOURS.sub(b"", text) if b"\x1b" in text else text


def may_be_wrapped(text: bytes) -> bool:
    """Say whether numbers may stand in ``tensor(…)`` and the like, by a text or by it without its digits."""
    return b"tensor(" in text or b"rray(" in text or b"float" in text


def unwrapped(text: bytes) -> bytes:
    """Return a text with numbers that stand in ``tensor(…)`` alone."""
    return WRAPPED.sub(rb"\1", text)


def layout_of(line: bytes) -> Layout:
    """Return the layout of a line.

    >>> layout_of(b"step:125/3225 val_loss:4.3").kind, layout_of(b"Saved step_100.pt at step 100").kind
    ('row', 'other')
    """
    if not line.strip():
        return Layout("blank")
    if len(line) > LONGEST:
        return NOT_UNDERSTOOD
    if b"%|" in line and DRAWN.search(line):
        return Layout("bar")
    if RULE.fullmatch(line):
        return Layout("rule")
    in_box = IN_BOX.match(line)
    if in_box and (section := SECTION.fullmatch(line)):
        return Layout("section", heading=section["name"].decode())
    if in_box and (cell := CELL.fullmatch(line)):
        return _cell(cell, line)
    if b"Namespace(" in line:  # arguments, which are settings and no measurements
        return NOT_UNDERSTOOD
    if heading := HEADING.fullmatch(line):
        return Layout("header", example=line, split=(heading["split"] or b"").decode().lower())
    if run := RUN_HEADING.fullmatch(line):
        number = Field(run["name"].decode().lower(), "metric", *run.span("number"))
        return Layout("run", (number,), line)
    if triple := TRIPLE.fullmatch(line):
        return _triple(triple, line)
    if not _may_be_row(line):
        return NOT_UNDERSTOOD
    keras = KERAS.match(line)
    if keras and not keras["done"] and b"\xe2" not in keras[0]:
        return Layout("bar")
    blank = b" " * keras.end() if keras else b""
    return _layout_of_text(blank + line[len(blank) :])


def _may_be_row(line: bytes) -> bool:
    """Say whether a line may state a counter or a measure: most lines of other texts do not."""
    if OF_LLM_C.match(line) or OF_MARIAN.search(line):
        return True
    lower = line.lower()
    if ANY_PART.search(lower):
        return True
    clock = CLOCK_BEFORE.match(line)
    if UNNAMED.match(line, clock.end() if clock else 0):
        return True
    words = WORD.findall(lower)
    return any(word in MEASURE_WORDS or word.rstrip(b"0123456789") in MEASURE_WORDS for word in words)


def _cell(match: re.Match[bytes], line: bytes) -> Layout:
    unit = (match["unit"] or b"").decode()
    name = match["name"].strip().decode("utf-8", "replace")
    if unit and unit not in UNITS:
        return Layout("other")
    cell = Field(name, "metric", match.start("number"), match.end("number"), unit)
    return Layout("cell", (cell,), line)


def _triple(match: re.Match[bytes], line: bytes) -> Layout:
    step = Field("step", "step", *match.span("step"), is_named=False)
    value = Field(match["name"].decode("utf-8", "replace"), "metric", *match.span("value"))
    return Layout("triple", (step, value), line)


def _layout_of_text(line: bytes) -> Layout:
    fields = fields_of(line)
    if OF_LLM_C.match(line):
        fields = _counted_by_s(fields)
    if BEST.match(line):
        return Layout("other")
    kind = _kind(line, fields)
    if kind == "other":
        return Layout("other")
    numbers = sorted([*fields.counters, *fields.metrics], key=lambda number: number.start)
    return Layout(kind, tuple(numbers), line, split=fields.split)


def _counted_by_s(fields: Fields) -> Fields:
    """Return the numbers of a line of llm.c, whose ``s`` is the step."""
    counter, *metrics = fields.metrics
    return replace(fields, counters=(replace(counter, name="step", role="step"),), metrics=tuple(metrics))


def _kind(line: bytes, fields: Fields) -> LineKind:
    names_are_short = all(_is_short(metric.name) for metric in fields.metrics)
    if not names_are_short or len(fields.strays) > MOST_STRAYS or _is_of_the_past(line, fields):
        return "other"
    if fields.counters and fields.metrics:
        return "row"
    if fields.counters:
        return "header" if len(fields.strays) <= MOST_STRAYS_OF_HEADER else "other"
    if fields.metrics and len(fields.strays) <= MOST_STRAYS_OF_PAIRS:
        has_measure = any(measures_in(words_of(metric.name)) for metric in fields.metrics)
        return "pairs" if has_measure else "other"
    return "other"


def _is_short(name: str) -> bool:
    words = name.split()
    is_sentence = any(PAST.fullmatch(word) for word in words)
    return len(name) <= LONGEST_NAME and len(words) <= MOST_WORDS and not is_sentence


def _is_of_the_past(line: bytes, fields: Fields) -> bool:
    """Say whether a verb of saving, loading or improving stands before the first metric."""
    end = min((metric.start for metric in fields.metrics), default=len(line))
    words = re.findall(r"[A-Za-z]+", line[:end].decode("utf-8", "replace"))
    return any(map(PAST.fullmatch, words))

"""Which statistic are the numbers of a table, where only the words next to it say so?

    "Medians over 4 seeds of the last epoch."     each number is a median
    "Best of 5 runs:"                             each is the best of its runs
    "mean (standard deviation) of 3 seeds"        each is a mean, with a sd in brackets

The words may stand in the caption, in the line above the table, or in the one below it. They hold for each
column that says no statistic of its own. Words that name several statistics leave open which is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ired_diag.claims.cells import Cell
from ired_diag.claims.claim import Kind
from ired_diag.claims.numbers import plain
from ired_diag.claims.spread_in_brackets import spread_in_brackets
from ired_diag.claims.table import Table

COUNT = r"(?:the\s+)?(?:all\s+)?(?:\d+|two|three|four|five|six|seven|eight|nine|ten|twelve|our|n)\s+"
RUNS = (
    r"(?:(?:random|independent|different|training)\s+)?"
    r"(?:seeds?|runs?|trials?|restarts?|repetitions?|replicates?)\b"
)
OVER = (
    r"(?:\s+(?:values?|numbers?|results?))?\s*(?:\([^()]*\)\s*)?"
    rf"(?:of|over|across|from|among|out of)\s+(?:{COUNT})?{RUNS}"
)
SUBJECT = (
    r"(?:all|the|each|every|table|cells?|entries|entry|numbers?|values?|scores?|results?|figures?|shown|"
    r"reported|listed|given|we|report|reporting|show|list|give|is|are|as|a|final|below|above|here|in|this|"
    r"these|those|column|columns|row|rows|entr\w+|number|metrics?|performance)"
)
STATES = rf"^\W*(?:{SUBJECT}\W+){{0,8}}"
WORDS: tuple[tuple[Kind, str], ...] = (
    ("median", r"medians?"),
    ("best", r"best|maximum|minimum"),
    ("worst", r"worst"),
    ("mean", r"means?|averages?|averaged"),
)
MEDIAN = re.compile(r"\bmedians?\b", re.IGNORECASE)
RESULT = re.compile(r"\d\.\d{2,}")
SENTENCE = re.compile(r"(?<=[.!?:;])\s+")
NOT_SAID = "whether it is a mean or a median is not said"


@dataclass(frozen=True)
class TableStatistic:
    """What the words next to a table say of its numbers.

    Attributes:
        kind: Which statistic each number is; None where it is not said, or not certain.
        after: What the number in brackets behind a mean is; ``spread`` where it is not said.
        doubt: Why the statistic is not certain; empty where it is, or where nothing is said.
    """

    kind: Kind | None = None
    after: Kind = "spread"
    doubt: str = ""


def statistic_of(table: Table) -> TableStatistic:
    """Return what the caption of a table, or the line above or below it, says of its numbers."""
    sentences = list(_sentences(table))
    kinds = {kind for sentence in sentences for kind in _kinds_stated(sentence)}
    after = spread_in_brackets("\n".join(sentences))
    if len(kinds) == 1:
        return TableStatistic(kind=kinds.pop(), after=after)
    says_median = any(map(MEDIAN.search, sentences))
    return TableStatistic(after=after, doubt=NOT_SAID if says_median else "")


def _sentences(table: Table) -> Iterator[str]:
    """Yield the sentences of the caption or paragraph above a table, and of the line below it.

    A sentence with a result of its own speaks of this one.
    """
    caption = table.above.partition("\n")[2]
    for text in (caption, table.below):
        for sentence in SENTENCE.split(plain(text)):
            if not RESULT.search(sentence):
                yield sentence


def _kinds_stated(sentence: str) -> Iterator[Kind]:
    """Yield the statistics that a sentence says the numbers of its table are."""
    for kind, words in WORDS:
        if re.search(rf"{STATES}(?:{words})\b(?:{OVER}|\s+(?:over|across)\b)", sentence, re.IGNORECASE):
            yield kind
        elif re.search(rf"[,;(]\s*(?:{words}){OVER}", sentence, re.IGNORECASE):
            yield kind


def with_statistic(cells: Sequence[Cell], table: Table) -> Iterator[Cell]:
    """Yield the cells of a table; those whose column says no statistic are of the one that its words say."""
    stated = statistic_of(table)
    for cell in cells:
        if cell.kind != "mean" or cell.head.kind is not None:
            yield cell
            continue
        doubt = cell.doubt or ("" if stated.kind else stated.doubt)
        yield replace(cell, kind=stated.kind or cell.kind, doubt=doubt)

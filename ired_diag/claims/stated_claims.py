"""All that a report states: the claims of its tables, of its code blocks, and of its sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ired_diag.claims import code, sentences, summaries, tables
from ired_diag.claims.bold_cells import bold_claims
from ired_diag.claims.claim import Claim
from ired_diag.claims.markdown import Sentence
from ired_diag.claims.table import Table

LONGEST_SENTENCE = 4000  # letters: no prose is, and to search longer text takes the square of its length
Parts = Sequence[Table | Sentence]


def claims_of_tables(
    parts: Parts,
    text: str,
    *,
    comma: bool,
    groups: Sequence[str] = (),
    benchmarks: Sequence[frozenset[str]] = (),
) -> list[Claim]:
    """Return the claims of tables and code blocks; a row is a block, numbered by its line.

    Args:
        parts: Tables and sentences of the report.
        text: The report.
        comma: Whether it writes decimal commas.
        groups: The names of the groups of runs.
        benchmarks: The words of each logged metric that is no known measure.
    """
    every = [part for part in parts if isinstance(part, Table)]
    claims: list[Claim] = []
    for table in every:
        claims += tables.claims_of(table, comma=comma, groups=groups, benchmarks=benchmarks)
    for table in every:
        claims += bold_claims(table, comma=comma)
    claims += code.claims_of(text)
    return claims


def claims_of_sentences(
    parts: Parts, names: Sequence[str], *, comma: bool, vocabulary: set[str]
) -> Iterator[Claim]:
    """Yield the claims of all sentences.

    Their blocks have negative numbers, so that they never equal a block of a table. A sentence that is longer
    than a page is skipped: its numbers are counted as not read.

    Args:
        parts: Tables and sentences of the report.
        names: The groups that the report and the runs know.
        comma: Whether the text writes decimal commas.
        vocabulary: The metrics that the report's tables name.
    """
    for number, part in enumerate(parts, start=1):
        if not isinstance(part, Sentence) or len(part.text) > LONGEST_SENTENCE:
            continue
        block = -number
        claims = sentences.claims_of(part, names, block, comma=comma, vocabulary=vocabulary)
        yield from summaries.claims_of_summaries(part, list(claims), block, comma=comma)

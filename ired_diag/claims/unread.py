"""How many numbers of a report are part of no claim: what a report says that was not understood.

"0 of 0 claims" of a report full of numbers sounds like a clean bill. Counted are the numbers in the cells of
tables and in sentences, but for those that are read as a part of a claim, one a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ired_diag.claims.claim import Claim
from ired_diag.claims.labels import seed_of
from ired_diag.claims.markdown import Sentence
from ired_diag.claims.numbers import numbers_in, plain
from ired_diag.claims.table import Table


def count_not_read(parts: Sequence[Table | Sentence], claims: Iterable[Claim], *, comma: bool) -> int:
    """Return how many numbers of a report are part of no claim.

    Args:
        parts: The tables and sentences of the report.
        claims: Those that were read in it.
        comma: Whether the text writes decimal commas.
    """
    # Counted, and not only listed: a number may stand in a claim and elsewhere, too.
    printed: Counter[str] = Counter()
    for text in _texts(parts):
        printed.update(number.text.strip() for number in numbers_in(plain(text), comma=comma))
    read: Counter[str] = Counter()
    for claim in claims:
        read.update(number.text.strip() for number in claim.numbers)
    return (printed - read).total()


def _texts(parts: Sequence[Table | Sentence]) -> Iterator[str]:
    """Yield the texts in which numbers are counted; the number of a seed is a name."""
    for part in parts:
        if isinstance(part, Sentence):
            yield part.text
            continue
        for _, row in part.rows:
            yield from row[1:]
            if row and not seed_of(plain(row[0])):
                yield row[0]

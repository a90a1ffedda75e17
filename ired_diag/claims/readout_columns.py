"""Columns that are two readouts of one metric: the last evaluation of each run, and its best one.

    |     | Last       | Best       |      the metric is that of the caption, the number in
    | ppo | 2921 (116) | 3120 (116) |      brackets what the caption says of brackets

A table that prints both says which is which: its best column is the mean over the seeds of each run's best
evaluation. It is read so only where the number has a spread, or the words above say "each run": else "best"
may be the best seed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted
from ired_diag.claims.heads import Head
from ired_diag.claims.numbers import plain
from ired_diag.claims.ranges import fits
from ired_diag.claims.table import Table

BEHIND = r"(?:\s+(?:evaluation|eval|checkpoint|ckpt|epoch|step|iterate|value|model)s?)?$"
LAST = re.compile(rf"^(?:last|final){BEHIND}", re.IGNORECASE)
BEST = re.compile(rf"^best{BEHIND}", re.IGNORECASE)
OF_EACH = re.compile(
    r"\bbest (?:evaluation|checkpoint|epoch|step|value)?\s*(?:of|for|in|within|during) "
    r"(?:each|every|the|a|its)\b|"
    r"\bbest (?:evaluation|checkpoint|epoch)s?\b|\beach run'?s best\b",
    re.IGNORECASE,
)
WITH_SPREAD = re.compile(r"±|\d\s*[(\[]\s*[\d.]+\s*[)\]]")


def with_readouts(heads: Sequence[Head], table: Table) -> list[Head]:
    """Return the heads of a table; a pair "last" and "best" is of means, of the metric of the caption."""
    lasts = [k for k, head in enumerate(heads) if LAST.match(head.text.strip())]
    bests = [k for k, head in enumerate(heads) if BEST.match(head.text.strip())]
    if len(lasts) != 1 or len(bests) != 1 or not _is_of_means(table, bests[0]):
        return list(heads)
    changed = list(heads)
    for k in (*lasts, *bests):
        changed[k] = replace(heads[k], kind="mean", metric="")
    return changed


def _is_of_means(table: Table, column: int) -> bool:
    """Say whether the best numbers of a table are means over seeds of each run's best."""
    if OF_EACH.search(plain(f"{table.above}\n{table.below}")):
        return True
    cells = [plain(row[column]) for _, row in table.rows if column < len(row) and row[column].strip()]
    return bool(cells) and all(map(WITH_SPREAD.search, cells))


def readout_of_column(claim: Claim) -> str:
    """Return the readout that the head of a column of means is, "last" or "best"; else nothing."""
    if not claim.table or claim.metric:
        return ""
    if LAST.match(claim.wording.strip()):
        return "last"
    return "best" if BEST.match(claim.wording.strip()) else ""


def by_named_readout(claim: Claim, book: Book, group: str) -> Verdict | None:
    """Return the verdict on a mean whose column names its readout; None where it names none.

    Args:
        claim: The mean.
        book: What is known.
        group: Of the runs.
    """
    readout = readout_of_column(claim)
    sample = book.groups.sample(group, readout) if readout else None
    if sample is None:
        return None
    if fits(claim.number, sample.mean):
        return holds(claim, f"the runs of {group} ({readout}), as its column says")
    printed = f"the mean of the {readout} evaluations is printed as {claim.said}"
    return refuted(
        claim,
        rule="mean",
        words=f"{printed}; that of the runs of {group} is {sample.mean.middle:.6g}.",
        evidence={f"mean_{readout}": sample.mean.middle},
    )

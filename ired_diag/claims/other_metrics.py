"""The other metrics that the runs log: a number that does not say of which metric it is may be of them.

The runs are judged by one metric. A claim in a sentence that names none is accused only if it agrees with no
metric of the runs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict
from ired_diag.claims.groups import RunGroups, groups_of, only
from ired_diag.claims.metrics import is_exactly, relation_to
from ired_diag.claims.other_units import in_another_unit
from ired_diag.errors import DiagError
from ired_diag.runs.metric_words import measures_in, words_of
from ired_diag.runs.study import Study

MOST = 6  # metrics: with more of them one agrees by chance
READOUTS_OF_A_NUMBER = ("last", "best")  # that a number without a metric may be by
EVERY_READOUT = ("last", "best", "plateau", "last10")
Check = Callable[[Claim, Book], Verdict]


@dataclass(frozen=True)
class OtherMetrics:
    """The runs of a report, read by each of their other metrics when that is first needed."""

    study: Study | None
    read: dict[str, RunGroups] = field(default_factory=dict)

    def metric_of(self, claim: Claim, book: Book, check: Check) -> str:
        """Return the other metric that a claim agrees with; empty where it names its metric, or with none.

        Args:
            claim: One that fails by the metric that judges the runs.
            book: What is known.
            check: Of its kind.
        """
        if self.study is None or not is_about_runs(claim, book):
            return ""
        if claim.metric and relation_to(claim.metric, book.groups.metric) == "same":
            return ""
        for metric, groups in self._groups(book):
            if _is_constant(groups):
                continue
            for other in _books_by(groups, READOUTS_OF_A_NUMBER, book):
                if _in_any_unit(claim, other, check).outcome == "holds":
                    return metric
        return ""

    def verdict_by_its_own(self, claim: Claim, book: Book, check: Check) -> Verdict | None:
        """Return the verdict by the one other logged metric that the claim names; None where there is none.

        It is accused only where another number of its column agrees.
        """
        if self.study is None or not claim.table or not is_about_runs(claim, book):
            return None
        if not claim.metric or relation_to(claim.metric, book.groups.metric) != "other":
            return None
        named = []
        exact = []
        for metric, groups in self._groups(book):
            if relation_to(claim.metric, metric) == "same":
                named.append(groups)
            if is_exactly(claim.metric, metric):
                exact.append(groups)
        named = exact or named
        # Two logged metrics with the same words: which one the column is of is not certain.
        if len(named) != 1:
            return None
        books = _books_by(named[0], EVERY_READOUT, book)
        verdicts = [_while_failing_in_any_unit(claim, other, check) for other in books]
        for verdict in verdicts:
            if verdict.outcome == "holds":
                return verdict
        if not verdicts or verdicts[0].outcome != "fails":
            return None
        if not _agrees_anywhere(_column_of(claim, book), books, check):
            return None
        return verdicts[0]

    def _groups(self, book: Book) -> Iterator[tuple[str, RunGroups]]:
        if self.study is None:
            return
        metrics = metrics_of(book.groups.costs, book.groups.metric)
        for metric in metrics[:MOST]:
            if metric not in self.read:
                self.read[metric] = _read(self.study, metric, book)
            if self.read[metric].members:
                yield metric, self.read[metric]


def is_about_runs(claim: Claim, book: Book) -> bool:
    """Say whether all groups of a claim are groups of runs."""
    return bool(claim.groups) and all(map(book.group, claim.groups))


def _is_constant(groups: RunGroups) -> bool:
    """Say whether all runs end at one value, so that any order and any count of wins agrees with them."""
    ends = {value for by_seed in groups.values.get("last", {}).values() for value in by_seed.values()}
    return len(ends) == 1


def _books_by(groups: RunGroups, readouts: Sequence[str], book: Book) -> list[Book]:
    """Return a book with other groups by each of the readouts that they have."""
    there = [readout for readout in readouts if readout in groups.values]
    return [replace(book, groups=groups, readout=readout) for readout in there]


def _column_of(claim: Claim, book: Book) -> list[Claim]:
    """Return the claims of the same kind in the column of a claim, itself among them."""
    column = []
    for other in book.claims:
        if other.table == claim.table and other.metric == claim.metric and other.kind == claim.kind:
            column.append(other)
    return column


def _agrees_anywhere(claims: Sequence[Claim], books: Sequence[Book], check: Check) -> bool:
    """Say whether any of several claims holds by any of several books."""
    for claim, book in itertools.product(claims, books):
        if _while_failing_in_any_unit(claim, book, check).outcome == "holds":
            return True
    return False


def metrics_of(logged: Mapping[str, object], judged: str) -> list[str]:
    """Return the logged metrics of quality, by their names, but the one that judges the runs."""
    return [name for name in sorted(logged) if name != judged and measures_in(words_of(name))]


def _read(study: Study, metric: str, book: Book) -> RunGroups:
    """Return the groups of a book by another metric; none where it is not in all logs."""
    try:
        every = groups_of(study.judged_by(metric))
    except DiagError:
        return RunGroups()
    names = list(book.groups.members)
    if not all(name in every.members for name in names):
        return RunGroups()
    return only(every, names)


def _in_any_unit(claim: Claim, book: Book, check: Check) -> Verdict:
    """Return the verdict on a claim; where it does not hold, that in another unit, if there is one."""
    verdict = check(claim, book)
    if verdict.outcome == "holds":
        return verdict
    return in_another_unit(claim, book, check) or verdict


def _while_failing_in_any_unit(claim: Claim, book: Book, check: Check) -> Verdict:
    """Return the verdict on a claim; only where it fails, that in another unit, if there is one."""
    verdict = check(claim, book)
    if verdict.outcome != "fails":
        return verdict
    return in_another_unit(claim, book, check) or verdict

"""A report, read once by each logged metric that it names: each number is held against its own.

The runs are judged by one metric. Where a column, a caption or a sentence names another one that the runs log
(``claimed_metrics``), the claim is checked in a book whose runs are read out by that one, as by ``--metric``.
A number of it is accused only where another number of the report agrees with that metric: else the words may
mean something else than the log does. Where it is not known in which direction a metric improves, only levels
and spreads are checked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ired_diag.claims.book import Book
from ired_diag.claims.claimed_metrics import claimed_metrics
from ired_diag.claims.named_metrics import NamedMetric
from ired_diag.errors import DiagError
from ired_diag.runs.judged import shared_direction
from ired_diag.runs.metric_words import NO_MEASURE, words_of
from ired_diag.runs.study import Study


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The books of a report: one by the metric that judges the runs, and one by each other that it names.

    Attributes:
        judged: The book by the metric that judges the runs.
        study: The runs; None where there are none.
        read: Reads the report by the metric that a study is judged by.
        metrics: The logged metrics that each claim of the report may be of.
        books: Those that have been read, by metric; None where one cannot be read.
    """

    judged: Book
    study: Study | None
    read: Callable[[Study], Book]
    metrics: Sequence[NamedMetric]
    books: dict[str, Book | None] = field(default_factory=dict)

    def metric_of(self, place: int) -> str:
        """Return the logged metric of a claim where it is certain, and not the one that judges the runs."""
        name = self.metrics[place].name
        if name == self.judged.groups.metric:
            return ""
        return name

    def book_by(self, metric: str) -> Book | None:
        """Return the book by a logged metric; None where not all groups of the report log it."""
        if metric in ("", self.judged.groups.metric):
            return self.judged
        if metric not in self.books:
            self.books[metric] = self._read_by(metric)
        return self.books[metric]

    def _read_by(self, metric: str) -> Book | None:
        if self.study is None:
            return None
        try:
            book = self.read(self.study.judged_by(metric))
        # The groups of the report do not share the metric: its numbers stay unchecked.
        except DiagError:
            return None
        if set(book.groups.members) < set(self.judged.groups.members):
            return None
        return book

    @property
    def logged(self) -> list[str]:
        """The names of the logged metrics that may measure how good a model is."""
        return _logged(self.judged)

    def knows_direction(self, metric: str) -> bool:
        """Say whether it is known in which direction a metric improves."""
        if self.study is None:
            return False
        return shared_direction(self.study.groups(), metric).source != "assumed"


def shelf_of(judged: Book, study: Study | None, read: Callable[[Study], Book]) -> Shelf:
    """Return the shelf of a report.

    Args:
        judged: The report, read by the metric that judges the runs.
        study: The runs; None where there are none.
        read: Reads the report by the metric that a study is judged by.
    """
    metrics = [NamedMetric()] * len(judged.claims)
    if study is not None and judged.groups.members:
        metrics = claimed_metrics(judged.claims, _logged(judged))
    return Shelf(judged=judged, study=study, read=read, metrics=metrics)


def _logged(judged: Book) -> list[str]:
    """Return the names of the logged metrics that may measure how good a model is."""
    names = {*judged.groups.costs, judged.groups.metric}
    return sorted(name for name in names if name and not NO_MEASURE.intersection(words_of(name)))

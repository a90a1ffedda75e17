"""The other metrics that the runs log: a number that does not say of which metric it is may be of them.

The runs are judged by one metric. A claim in a sentence that names none is accused only if it agrees with no
metric of the runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict
from ired_diag.claims.groups import RunGroups, groups_of, only
from ired_diag.claims.metrics import relation_to
from ired_diag.claims.other_units import in_another_unit
from ired_diag.errors import DiagError
from ired_diag.runs.metric_words import measures_in, words_of
from ired_diag.runs.study import Study

MOST = 6  # metrics: with more of them one agrees by chance


@dataclass(frozen=True)
class OtherMetrics:
    """The runs of a report, read by each of their other metrics when that is first needed."""

    study: Study | None
    read: dict[str, RunGroups] = field(default_factory=dict)

    def metric_of(self, claim: Claim, book: Book, check: Callable[[Claim, Book], Verdict]) -> str:
        """Return the other metric that a claim agrees with; empty where it names its metric, or with none.

        Args:
            claim: One that fails by the metric that judges the runs.
            book: What is known.
            check: Of its kind.
        """
        if self.study is None or not claim.groups or not all(map(book.group, claim.groups)):
            return ""
        if claim.metric and relation_to(claim.metric, book.groups.metric) == "same":
            return ""
        for metric, groups in self._groups(book):
            readouts = [
                replace(book, groups=groups, readout=r) for r in ("last", "best") if r in groups.values
            ]
            for other in readouts:
                agrees = check(claim, other).outcome == "holds"
                if agrees or _holds(in_another_unit(claim, other, check)):
                    return metric
        return ""

    def verdict_by_its_own(
        self, claim: Claim, book: Book, check: Callable[[Claim, Book], Verdict]
    ) -> Verdict | None:
        """Return the verdict by the one other logged metric that the claim names; None where there is none.

        It is accused only where another number of its column agrees.
        """
        if (
            self.study is None
            or not claim.table
            or not claim.groups
            or not all(map(book.group, claim.groups))
        ):
            return None
        if not claim.metric or relation_to(claim.metric, book.groups.metric) != "other":
            return None
        named = [(m, g) for m, g in self._groups(book) if relation_to(claim.metric, m) == "same"]
        if len(named) != 1:
            return None
        books = [replace(book, groups=named[0][1], readout=r) for r in ("last", "best", "plateau", "last10")]
        books = [b for b in books if b.readout in named[0][1].values]
        siblings = [
            c for c in book.claims if (c.table, c.metric, c.kind) == (claim.table, claim.metric, claim.kind)
        ]
        verdicts = [_first_holding(claim, b, check) for b in books]
        held = next((v for v in verdicts if v.outcome == "holds"), None)
        agreeing = any(_first_holding(c, b, check).outcome == "holds" for c in siblings for b in books)
        return held or (verdicts[0] if verdicts and agreeing and verdicts[0].outcome == "fails" else None)

    def _groups(self, book: Book) -> Iterator[tuple[str, RunGroups]]:
        for metric in metrics_of(book.groups.costs, book.groups.metric)[:MOST]:
            if metric not in self.read:
                self.read[metric] = _read(self.study, metric, book) if self.study else RunGroups()
            if self.read[metric].members:
                yield metric, self.read[metric]


def metrics_of(logged: Mapping[str, object], judged: str) -> list[str]:
    """Return the logged metrics of quality, by their names, but the one that judges the runs."""
    return [name for name in sorted(logged) if name != judged and measures_in(words_of(name))]


def _read(study: Study, metric: str, book: Book) -> RunGroups:
    """Return the groups of a book by another metric; none where it is not in all logs."""
    try:
        every = groups_of(study.judged_by(metric))
    except DiagError:
        return RunGroups()
    there = [name for name in book.groups.members if name in every.members]
    return only(every, there) if len(there) == len(book.groups.members) else RunGroups()


def _first_holding(claim: Claim, book: Book, check: Callable[[Claim, Book], Verdict]) -> Verdict:
    verdict = check(claim, book)
    if verdict.outcome != "fails":
        return verdict
    return in_another_unit(claim, book, check) or verdict


def _holds(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.outcome == "holds"

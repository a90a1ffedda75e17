"""The numbers after ± in one column are one statistic: all sds, or all standard errors.

Each of them alone may rightly be a sd, a standard error, or half of an interval. One that agrees as another
statistic than all others of its column is printed as what it is not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ired_diag.claims.claim import Fault, Verdict

NAME = re.compile(r"^the (sample sd|standard error|half of the t interval) of ")
FEWEST_OTHERS = 2  # numbers that agree with each other


def of_one_statistic(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts; the one number of a column that is another statistic than the others fails."""
    columns: dict[tuple[int, str], list[Verdict]] = {}
    for verdict in verdicts:
        claim = verdict.claim
        if claim.table and claim.kind == "spread" and verdict.outcome == "holds":
            columns.setdefault((claim.table, claim.wording), []).append(verdict)
    judged = list(verdicts)
    for column in columns.values():
        odd, usual = _odd_one(column)
        if odd is not None:
            judged[_place_of(odd, judged)] = _refuted(odd, usual)
    return judged


def _place_of(verdict: Verdict, verdicts: Sequence[Verdict]) -> int:
    """Return where a verdict stands; by identity, because two cells may print the same claim."""
    return list(map(id, verdicts)).index(id(verdict))


def _odd_one(column: Sequence[Verdict]) -> tuple[Verdict | None, str]:
    """Return the one number that is another statistic than all others of its column, and what those are."""
    by_name: dict[str, list[Verdict]] = {}
    for verdict in column:
        by_name.setdefault(_statistic(verdict), []).append(verdict)
    if "" in by_name or len(by_name) != 2:
        return None, ""
    rare, usual = sorted(by_name, key=lambda name: len(by_name[name]))
    if len(by_name[rare]) != 1 or len(by_name[usual]) < FEWEST_OTHERS:
        return None, ""
    return by_name[rare][0], usual


def _statistic(verdict: Verdict) -> str:
    """Return the statistic that a number after ± agrees as; empty where its verdict does not say."""
    hit = NAME.match(verdict.why)
    if hit is None:
        return ""
    return hit[1]


def _refuted(verdict: Verdict, usual: str) -> Verdict:
    claim = verdict.claim
    fault = Fault(
        rule="spread",
        severity="warning",
        words=f"{claim.said} stands after ±: {verdict.why}; each other number of its column is the {usual}.",
        advice="Print one statistic in a column, and say which.",
    )
    finding = fault.of(claim)
    return replace(verdict, outcome="fails", why=finding.statement, findings=(finding,))

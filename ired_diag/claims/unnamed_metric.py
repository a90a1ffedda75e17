"""Which metric do the numbers of a table of final values measure, where the table does not say?

A wide table (``seed,baseline,muon``) names groups and no metric. It is taken for the one metric of the report
that has means of its groups; where there is none, or several have, it is not certain of what the numbers are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ired_diag.claims.agreeing_readouts import matching
from ired_diag.claims.claim import Claim
from ired_diag.claims.groups import RunGroups
from ired_diag.readers.seed_table_metrics import UNNAMED
from ired_diag.runs.metric_words import HIGHER, measures_in, words_of

LEVELS = ("mean", "level")


def with_metric_of_report(
    groups: RunGroups, claims: Sequence[Claim], meant: Mapping[str, str | None]
) -> RunGroups:
    """Return the runs, those of a table without a metric judged by the metric that the report names.

    Args:
        groups: The runs.
        claims: Those of the report.
        meant: The group of runs that each label means.
    """
    if groups.metric != UNNAMED:
        return groups
    agreeing: Counter[str] = Counter()
    for claim in claims:
        group = meant.get(claim.only_group)
        if group and claim.kind in LEVELS and matching(claim.number, group, groups):
            agreeing[claim.metric] += 1
    ranked = agreeing.most_common(2)
    if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return groups
    metric = ranked[0][0]
    measures = set(measures_in(words_of(metric)))
    higher_is_better = bool(measures) and measures <= HIGHER
    return replace(groups, metric=metric, lower_is_better=not higher_is_better)

"""Heads that are a metric by the log alone: "HellaSwag", where the runs log ``eval/hellaswag``.

A table of benchmarks has a column each, and their names are no measures. Two columns at least have to bear
the names of logged metrics: one alone ("Rank", "Size") may be something else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ired_diag.claims.heads import Head
from ired_diag.claims.metrics import telling_words
from ired_diag.claims.named_metrics import DATA_SETS
from ired_diag.runs.metric_words import ALL_MEASURES, DETAILS, NO_MEASURE, words_of
from ired_diag.runs.study import Study

FEWEST_HEADS = 2
NO_NAMES = ALL_MEASURES | NO_MEASURE | DETAILS


def benchmarks_of(study: Study | None) -> list[frozenset[str]]:
    """Return the words of each logged metric whose name holds no known measure."""
    if study is None:
        return []
    names: set[str] = set()
    for run in study.runs:
        names.update(run.history.series)
    benchmarks = []
    for name in sorted(names):
        words = frozenset(telling_words(name) - DATA_SETS)
        measures_nothing = NO_MEASURE.intersection(words_of(name))
        if words and not measures_nothing and not words & NO_NAMES:
            benchmarks.append(words)
    return benchmarks


def with_benchmarks(heads: Sequence[Head], benchmarks: Sequence[frozenset[str]]) -> list[Head]:
    """Return the heads of a table; those that are the name of a logged benchmark are metrics.

    Args:
        heads: Of the columns.
        benchmarks: The words of each logged benchmark.
    """
    marked = []
    named = 0
    for head in heads:
        is_logged = _is_benchmark(head, benchmarks)
        named += is_logged
        marked.append(replace(head, is_logged=is_logged))
    if named < FEWEST_HEADS:
        return list(heads)
    return marked


def _is_benchmark(head: Head, benchmarks: Sequence[frozenset[str]]) -> bool:
    if head.kind not in (None, "mean") or not head.metric:
        return False
    words = frozenset(telling_words(head.metric) - DATA_SETS)
    return words in benchmarks

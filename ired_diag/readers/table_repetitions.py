"""What to say of repetitions that are not independent: folds of one data set, and several runs of a seed.

The training sets of the folds of a cross-validation overlap, so the scores of the folds are correlated, and
no estimate of the variance of their mean is unbiased: the usual one is most often too small.

Reference: Bengio & Grandvalet (2004), No unbiased estimator of the variance of k-fold cross-validation,
JMLR 5.
"""

from __future__ import annotations

from collections.abc import Iterator

from ired_diag.finding import Finding
from ired_diag.readers.run_columns import normal_name
from ired_diag.readers.table_layout import TableLayout

RULE = "repetitions_of_seeds"
FOLDS = frozenset(("fold", "cv_fold"))


def notes_on_repetitions(layout: TableLayout) -> list[Finding]:
    """Return notes on a table whose values are repeated within a seed, or are folds, or trials."""
    statements = [*layout.notes, " ".join(_sentences(layout))]
    evidence = {"rows": len(layout.rows)}
    return [Finding(RULE, "note", statement, evidence=evidence) for statement in filter(None, statements)]


def _sentences(layout: TableLayout) -> Iterator[str]:
    seed = layout.header[layout.seed]
    columns = [seed]
    if layout.sources:
        places = dict.fromkeys([layout.seed, *layout.sources])
        names = " and ".join(repr(layout.header[i]) for i in places)
        yield f"Each row is a run, with the seeds of its sources of randomness in {names}."
        return
    if layout.repetition is not None:
        again = layout.header[layout.repetition]
        columns.append(again)
        yield (
            f"Each pair of {seed!r} and {again!r} counts as one value, and is shown as a seed: the pairs are "
            "numbered from 0 in their order."
        )
    elif normal_name(seed) in FOLDS:
        yield (
            f"Each {seed!r} counts as one value. Folds share training data, so their values are not "
            "independent (Bengio & Grandvalet, 2004)."
        )
        return
    else:
        return
    if any(normal_name(column) in FOLDS for column in columns):
        yield (
            "Folds share training data, so their values are not independent and intervals may be too narrow "
            "(Bengio & Grandvalet, 2004)."
        )
    else:
        yield (
            "Values of one seed may be more alike than those of different seeds; then intervals are "
            "too narrow."
        )

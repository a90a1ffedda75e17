"""A comparison as DataFrames: a row for each pair of groups, and a row for each group."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ired_diag.python_words import all_in_python, in_python

if TYPE_CHECKING:
    import pandas as pd

    from ired_diag.comparison import Comparison, Group, PairOfGroups

# Of both frames: the unit of each column that has one.
UNIT_OF_METRIC = "as the metric"
UNITS_OF_PAIRS = {
    "mean_a": UNIT_OF_METRIC,
    "mean_b": UNIT_OF_METRIC,
    "difference": UNIT_OF_METRIC,
    "low": UNIT_OF_METRIC,
    "high": UNIT_OF_METRIC,
    "percent": "% of the mean of b",
}
UNITS_OF_GROUPS = dict.fromkeys(("mean", "sd", "low", "high", "minimum", "maximum"), UNIT_OF_METRIC)


COLUMNS = (
    "a",
    "b",
    "n_a",
    "n_b",
    "failed_a",
    "failed_b",
    "mean_a",
    "mean_b",
    "difference",
    "low",
    "high",
    "percent",
    "test",
    "p",
    "p_holm",
    "verdict",
    "reason",
    "paired",
    "pairing",
    "changes_with_readout",
    "cautions",
    "metric",
    "readout",
)
COLUMNS_OF_NOTEBOOK = ("a", "b", "n_a", "n_b", "difference", "low", "high", "percent", "p_holm", "verdict")
PAIRED = ("paired", "partial", "partial_unequal")  # tests in which equal seeds are pairs


def frame_of_comparison(comparison: Comparison) -> pd.DataFrame:
    """Return one row for each pair of groups: means, difference, interval, p values, verdict and cautions.

    ``difference`` is a minus b in the unit of the metric; ``low`` and ``high`` are the ends of the interval
    that holds together with those of all other pairs. ``percent`` is NaN where a share of the mean says
    nothing. ``failed_a`` and ``failed_b`` count the seeds that have no number because they failed.
    """
    import pandas as pd

    rows = [_row(pair, comparison) for pair in comparison.pairs]
    return _described(pd.DataFrame(rows, columns=list(COLUMNS)), comparison, UNITS_OF_PAIRS)


def frame_of_groups(comparison: Comparison) -> pd.DataFrame:
    """Return one row for each group: its seeds, and their mean, standard deviation, interval and range.

    ``n`` counts the seeds with a number, ``attempted`` those that finished or failed; ``low`` and ``high``
    are the ends of the 95% t interval of the mean.
    """
    import pandas as pd

    rows = [_row_of_group(group, comparison) for group in comparison.groups]
    return _described(pd.DataFrame(rows), comparison, UNITS_OF_GROUPS)


def _described(frame: pd.DataFrame, comparison: Comparison, units: dict[str, str]) -> pd.DataFrame:
    frame.attrs["metric"] = in_python(comparison.metric_words)
    frame.attrs["readout"] = comparison.readout
    frame.attrs["units"] = dict(units)
    frame.attrs["notes"] = all_in_python([*comparison.left_out, *comparison.notes])
    return frame


def _row(pair: PairOfGroups, comparison: Comparison) -> dict[str, Any]:
    from ired_diag.comparison.answer_words import cautions_of

    n_a, n_b, _ = pair.seeds
    failed_a, failed_b = pair.failed
    means = {group.name: group.summary.mean for group in comparison.groups}
    cells = (
        pair.a,
        pair.b,
        n_a,
        n_b,
        failed_a,
        failed_b,
        means[pair.a],
        means[pair.b],
        pair.difference,
        pair.simultaneous_low,
        pair.simultaneous_high,
        100 * pair.ratio if math.isfinite(pair.reference) else math.nan,
        pair.test_name,
        pair.p,
        pair.p_holm,
        pair.verdict.decision,
        pair.verdict.reason,
        pair.primary in PAIRED,
        in_python(pair.obstacle or pair.pairing),
        pair.flips,
        in_python(" ".join(cautions_of(pair, comparison))),
        comparison.metric,
        comparison.readout,
    )
    return dict(zip(COLUMNS, cells, strict=True))


def _row_of_group(group: Group, comparison: Comparison) -> dict[str, Any]:
    summary, outcomes = group.summary, group.outcomes
    return {
        "group": group.name,
        "n": summary.n,
        "attempted": outcomes.attempted,
        "finished": outcomes.finished,
        "mean": summary.mean,
        "sd": summary.sd,
        "low": summary.low,
        "high": summary.high,
        "minimum": summary.minimum,
        "maximum": summary.maximum,
        "metric": comparison.metric,
        "readout": comparison.readout,
    }

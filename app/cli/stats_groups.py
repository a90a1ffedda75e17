"""The table of groups: how many seeds finished, their mean, spread and interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from app.cli import output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ired_diag.comparison import Comparison, Group
    from ired_diag.stats.summary import Summary


MOST_DECIMALS = 12  # more are harder to read than an exponent
AMONG_FINISHED = (
    "Means, sd and intervals are among the seeds that finished; success rates have exact intervals"
)
INTERVAL = "95% t interval of the mean"
Cells = tuple[str, ...]


def group_columns(comparison: Comparison) -> Cells:
    """Return the columns of the table of groups: mining in the study of mining, success if seeds failed."""
    columns = ["experiment"]
    if _is_of_the_study(comparison):
        columns.append("mining")
    columns += ["finished", "success rate"] if _has_failed_seeds(comparison) else ["n"]
    return (*columns, "mean", "sd", INTERVAL, "range")


def text_columns(comparison: Comparison) -> int:
    """Return how many columns of the table of groups are text; the others are numbers."""
    return 1 + _is_of_the_study(comparison)


def group_rows(comparison: Comparison) -> Iterator[Cells]:
    """Yield the cells of each group, one for each column of ``group_columns``."""
    spreads = [group.summary.sd for group in comparison.groups]
    places = output.decimals(spreads)
    form = f".{places}f"
    if places > MOST_DECIMALS or not any(spread > 0 for spread in spreads):  # no spread says how many digits
        form = ".6g"
    for group in comparison.groups:
        cells = [group.name]
        if _is_of_the_study(comparison):
            cells.append(group.strategy or "-")
        if _has_failed_seeds(comparison):
            cells += _success_cells(group)
        else:
            cells.append(str(group.summary.n))
        yield (*cells, *_summary_cells(group.summary, form))


def _is_of_the_study(comparison: Comparison) -> bool:
    return any(group.strategy is not None for group in comparison.groups)


def _has_failed_seeds(comparison: Comparison) -> bool:
    return any(group.outcomes.finished < group.outcomes.attempted for group in comparison.groups)


def _success_cells(group: Group) -> Cells:
    """Return how many of the attempted seeds finished, and the success rate with its exact interval."""
    outcomes = group.outcomes
    rate = _percent(outcomes.success_rate)
    interval = f"{_percent(outcomes.low)} to {_percent(outcomes.high)}%"
    return f"{outcomes.finished} of {outcomes.attempted}", f"{rate}% ({interval})"


def _percent(share: float) -> str:
    return output.number(100 * share, ".0f")


def _summary_cells(summary: Summary, form: str) -> Cells:
    return (
        output.number(summary.mean, form),
        output.number(summary.sd, ".3g"),
        _range(summary.low, summary.high, form),
        _range(summary.minimum, summary.maximum, form),
    )


def _range(low: float, high: float, form: str) -> str:
    """Return an interval; a single dash where both ends are NaN."""
    if math.isnan(low) and math.isnan(high):
        return "-"
    return output.interval(low, high, form)


def print_groups(comparison: Comparison, *, brief: bool = False) -> None:
    """Print the table of groups; in brief without the coverage of its intervals."""
    from ired_diag.comparison import answer_words, words

    better = "lower" if comparison.lower_is_better else "higher"
    readout = words.readout_of_metric(comparison, answer_words.readout_in_words(comparison))
    lines = caption_lines(comparison)
    if brief:
        lines.pop()
    output.print_table(
        f"{readout}, each {comparison.run_noun} ({better} is better)",
        group_columns(comparison),
        list(group_rows(comparison)),
        left=text_columns(comparison),
        caption="\n".join(lines),
        first_out=("range", "mining", "sd", INTERVAL),
        keep=("mean",),
    )


def caption_lines(comparison: Comparison) -> list[str]:
    """Return the lines below the table of groups: its seeds, and the coverage of its intervals."""
    from ired_diag.comparison import words

    coverage = "; ".join(words.coverage_of(group) for group in comparison.groups)
    lines = [f"sd of a sample (n - 1). Simulated coverage of the t interval: {coverage}"]
    if comparison.has_folds:
        lines = [
            "sd of a sample (n - 1). Intervals of folds are corrected for the training data that they share"
        ]
    if words.among_finished(comparison):
        lines.insert(0, AMONG_FINISHED)
    return lines


def left_out_and_metric(comparison: Comparison) -> list[str]:
    """Return which seeds are left out, the metric, and other evaluation sets; without empty lines."""
    lines = [*comparison.left_out, comparison.metric_words, comparison.other_sets]
    return list(filter(None, lines))


def named_rows(name: str, rows: Iterable[Cells]) -> list[Cells]:
    """Return rows with a first cell: the name in the first row, empty in the others."""
    named = []
    for row in rows:
        named.append((name, *row))
        name = ""
    return named

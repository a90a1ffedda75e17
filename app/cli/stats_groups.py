"""The table of groups: how many seeds finished, their mean, spread and interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from app.cli import output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ired_diag.comparison import Comparison, Group


AMONG_FINISHED = (
    "Means, sd and intervals are among the seeds that finished; success rates have exact intervals"
)
INTERVAL = "95% t interval of the mean"
Cells = tuple[str, ...]


def group_columns(comparison: Comparison) -> Cells:
    """Return the columns of the table of groups: mining for the IRED study, success where seeds failed."""
    mining = ("mining",) if _of_the_study(comparison) else ()
    success = ("success rate",) if _failed(comparison) else ()
    return (
        "experiment",
        *mining,
        "finished" if success else "n",
        *success,
        "mean",
        "sd",
        INTERVAL,
        "range",
    )


def text_columns(comparison: Comparison) -> int:
    """Return how many columns of the table of groups are text; the others are numbers."""
    return 2 if _of_the_study(comparison) else 1


def group_rows(comparison: Comparison) -> Iterator[Cells]:
    """Yield what is printed of each group, a cell a column of ``group_columns``."""
    places = output.decimals([group.summary.sd for group in comparison.groups])
    form = f".{places}f" if places <= 12 else ".6g"
    of_the_study, failed = _of_the_study(comparison), _failed(comparison)
    for group in comparison.groups:
        s = group.summary
        yield (
            group.name,
            *((group.strategy or "-",) if of_the_study else ()),
            *(_success_cells(group) if failed else (str(s.n),)),
            output.number(s.mean, form),
            output.number(s.sd, ".3g"),
            _range(s.low, s.high, form),
            _range(s.minimum, s.maximum, form),
        )


def _of_the_study(comparison: Comparison) -> bool:
    return any(group.strategy is not None for group in comparison.groups)


def _failed(comparison: Comparison) -> bool:
    return any(group.outcomes.finished < group.outcomes.attempted for group in comparison.groups)


def _success_cells(group: Group) -> Cells:
    """Return how many seeds finished of those attempted, and the success rate with its exact interval."""
    outcomes = group.outcomes
    rate, low, high = (output.number(100 * share, ".0f") for share in _rates(group))
    return f"{outcomes.finished} of {outcomes.attempted}", f"{rate}% ({low} to {high}%)"


def _rates(group: Group) -> tuple[float, float, float]:
    return group.outcomes.success_rate, group.outcomes.low, group.outcomes.high


def _range(low: float, high: float, form: str) -> str:
    """Return an interval, a single dash where there is none."""
    if math.isnan(low) and math.isnan(high):
        return "-"
    return f"{output.number(low, form)} to {output.number(high, form)}"


def print_groups(comparison: Comparison, *, brief: bool = False) -> None:
    """Print the table of groups; in brief without how far its intervals hold."""
    from ired_diag.comparison import answer_words, words

    better = "lower" if comparison.lower_is_better else "higher"
    what = words.readout_of_metric(comparison, answer_words.readout_in_words(comparison))
    title = f"{what}, each seed ({better} is better)"
    lines = caption_lines(comparison)
    caption = "\n".join(lines[:-1] if brief else lines)
    left = text_columns(comparison)
    output.print_table(
        title,
        group_columns(comparison),
        list(group_rows(comparison)),
        left=left,
        caption=caption,
        first_out=("range", "mining", "sd", INTERVAL),
        keep=("mean",),
    )


def caption_lines(comparison: Comparison) -> list[str]:
    """Return what stands below the table of groups: over which seeds, and how far the intervals hold."""
    from ired_diag.comparison import words

    held = "; ".join(words.coverage_of(group) for group in comparison.groups)
    lines = [f"sd of a sample (n - 1). Simulated coverage of the t interval: {held}"]
    if words.among_finished(comparison):
        lines.insert(0, AMONG_FINISHED)
    return lines


def named_rows(name: str, rows: Iterable[Cells]) -> list[Cells]:
    """Return rows with the name before the first."""
    return [(name if number == 0 else "", *row) for number, row in enumerate(rows)]

"""Which numbers of a long table are results, where it holds more numbers than one a row.

    method,seed,acc,acc_std,time_s,lr           method,seed,metric,value
    sgd,0,0.91,0.01,31,0.1                      sgd,0,acc,0.91
                                                sgd,0,loss,0.30

Clocks, spreads and hyperparameters are not compared unless they are named, nor is what describes an
experiment, such as its number of parameters: the same in all rows of each. A column that says which metric a
row is of does not name an experiment: of several metrics one must be named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ired_diag.errors import UnreadableFile
from ired_diag.readers.row_table import CLOCK
from ired_diag.readers.run_columns import HYPERPARAMETERS, METRIC_NAMES, normal_name
from ired_diag.readers.table_layout import TableLayout
from ired_diag.runs.metric_words import measures_in, words_of

SPREAD = re.compile(r"(?:^|_)(?:std|sd|stdev|std_?dev|sem|se|stderr|var|variance|ci|ci95|min|max)$")
NAMES_OF_METRICS = METRIC_NAMES[:-1]  # "name" may be that of an experiment


def results_among(places: Sequence[int], header: Sequence[str]) -> list[int]:
    """Return the places of columns that may be results; a single choice among them needs no name.

    >>> results_among([2, 3, 4], ["method", "seed", "acc", "acc_std", "time"])
    [2]
    """
    results = []
    for place in places:
        normal = normal_name(header[place])
        if not (CLOCK.search(normal) or SPREAD.search(normal) or normal in HYPERPARAMETERS):
            results.append(place)
    return results


def with_only_result(layout: TableLayout) -> TableLayout:
    """Return a layout whose only column of results is its only column of numbers; else the layout itself."""
    results = results_among(layout.numbers, layout.header)
    if len(results) > 1:
        results = [place for place in results if not _describes_experiments(layout, place)]
    if len(results) != 1:
        return layout
    return replace(layout, numbers=results)


def _describes_experiments(layout: TableLayout, place: int) -> bool:
    """Say whether a column is the same in all rows of each experiment, and is not named as a measure."""
    if measures_in(words_of(layout.header[place])):
        return False
    cell_of_experiment: dict[tuple[str, ...], str] = {}
    for _, row in layout.rows:
        experiment = tuple(row[group] for group in layout.groups)
        first = cell_of_experiment.setdefault(experiment, row[place])
        if first != row[place]:
            return False
    return len(cell_of_experiment) < len(layout.rows)


def layout_of_metric(path: Path, layout: TableLayout, metric: str | None) -> TableLayout:
    """Return the rows of one metric, where a column says of which metric a row is.

    Raises:
        UnreadableFile: The rows are of several metrics, and none of them is named.
    """
    place = _column_of_metrics(layout)
    if place is None:
        return layout
    metrics = list(dict.fromkeys(row[place] for _, row in layout.rows))
    if metric not in metrics:
        raise UnreadableFile(
            f"{path}: the column {layout.header[place]!r} names several metrics; which one is compared? Name "
            f"one with --metric; there is: {', '.join(metrics)}."
        )
    return replace(
        layout,
        rows=[(number, row) for number, row in layout.rows if row[place] == metric],
        groups=[group for group in layout.groups if group != place] or [place],
    )


def _column_of_metrics(layout: TableLayout) -> int | None:
    """Return the place of the column that names several metrics, next to one column of numbers."""
    if len(layout.numbers) != 1:
        return None
    for place in layout.groups:
        cells = {row[place] for _, row in layout.rows}
        if normal_name(layout.header[place]) in NAMES_OF_METRICS and len(cells) > 1:
            return place
    return None

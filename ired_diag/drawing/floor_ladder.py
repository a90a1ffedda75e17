"""Floor ladder: every group's error among those of the reference predictors, the largest first.

References need no network: answering zero, a constant, linear regression. A run that stands between zero and
linear regression has learned less than a linear map. References' means are over the frozen problems, which
all runs share where their data are the same; a group's is the mean over its seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain

import numpy as np

from ired_diag.drawing.by_group import Groups, all_of, counted, mean_over_seeds, spread
from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.drawing.named_places import named_places
from ired_diag.table import Table, select

Explain = Callable[[Sequence[str], Sequence[str]], str]  # of sets of data, and of references
Rung = tuple[float, float, float]  # mean, and its 95% interval

SHOWN = 1e-3  # of the largest error of a reference: what is nearer to exact would squeeze all others
SETS = {"id": "in distribution", "ood": "out of distribution"}
OWN = ("model", "unshrunk")  # predictors that are no references; the right answer has no error to draw


def no_words(data_sets: Sequence[str], references: Sequence[str]) -> str:
    """Return nothing: for where sets and references are explained elsewhere."""
    return ""


def floor_ladder(
    groups: Groups, *, order: Sequence[str] = (), lacking: str = "", explain: Explain = no_words
) -> FigureData:
    """Return every group's error among those of the reference predictors.

    Args:
        groups: Measurements of the probe ``floor``, each run at one checkpoint.
        order: All groups of the study, which fixes their colours.
        lacking: What the caption says of runs without a table.
        explain: Returns in words what the sets of data and the references are that are drawn.
    """
    data_sets = _data_sets(groups)
    ladders = {data: _rungs(groups, data) for data in data_sets}
    panels = [_ladder_panel(data, rungs, groups) for data, rungs in ladders.items()]
    first = data_sets[0]
    drawn = list(dict.fromkeys(chain.from_iterable(ladders.values())))
    goes_on = ""
    if any(low <= 0 for rungs in ladders.values() for _, low, _ in rungs.values()):
        goes_on = "A cross marks an interval that goes on to 0 or below."
    parts = [
        "Mean squared errors, the largest first.",
        explain(data_sets, drawn),
        f"Black: {_whose(groups, first)}, with 95% intervals over problems.",
        spread(groups),
        goes_on,
        f"References with less than {SHOWN:.1%} of the largest error are left out.",
        lacking,
    ]
    return FigureData(
        name="floor-ladder",
        title="Error of every group among predictors that need no network",
        x_label="",
        panels=tuple(panels),
        method=" ".join(filter(None, parts)),
        note=counted(groups),
        summary=f"Mean squared error, {first}, from the largest: {_in_words(ladders[first])}.",
        order=tuple(order or groups),
    )


def _data_sets(groups: Groups) -> list[str]:
    """Return the sets of data that any run was measured on, in the order of the panels."""
    measured: set[str] = set()
    for run in all_of(groups):
        measured.update(np.unique(run.rows["data"]).tolist())
    return [data for data in ("id", "ood") if data in measured]


def _in_words(rungs: Mapping[str, Rung]) -> str:
    words = []
    for name, (mean, _, _) in rungs.items():
        words.append(f"{_readable(name)} {mean:.3g}")
    return ", ".join(words)


def _readable(name: str) -> str:
    """Return the name of a reference as it stands on the axis."""
    return name.replace("_", " ")


def _whose(groups: Groups, data: str) -> str:
    """Say whose data the references are for: not all runs have the same."""
    runs = all_of(groups)
    errors = []
    for run in runs:
        of_zero = select(run.rows, data=data, predictor="zero")
        errors.append(of_zero["mse"].mean())
    if np.allclose(errors, errors[0], rtol=1e-5):
        return "references on the same problems as the runs"
    return f"references on the problems of {runs[0].label}; other runs have others, or more of them"


def _rungs(groups: Groups, data: str) -> dict[str, Rung]:
    """Return mean and interval of the error of references and groups, the largest first."""
    tables = _tables_on(groups, data)
    first = next(chain.from_iterable(tables.values()))
    rungs = _reference_rungs(first)
    for group, members in tables.items():
        errors = [select(table, predictor="model")["mse"] for table in members]
        if errors:
            rungs[group] = mean_over_seeds(errors)
    by_size = sorted(rungs.items(), key=_error, reverse=True)
    return dict(by_size)


def _tables_on(groups: Groups, data: str) -> dict[str, list[Table]]:
    """Return the rows of one set of data, run by run; runs without any are left out."""
    tables: dict[str, list[Table]] = {}
    for group, members in groups.items():
        tables[group] = []
        for run in members:
            rows = select(run.rows, data=data)
            if len(rows["data"]):
                tables[group].append(rows)
    return tables


def _reference_rungs(table: Table) -> dict[str, Rung]:
    """Return the error of each reference that is not too near to exact to be drawn."""
    rungs = {}
    for name in np.unique(table["predictor"]):
        if name not in OWN:
            errors = select(table, predictor=name)["mse"]
            rungs[str(name)] = mean_over_seeds([errors])
    least = SHOWN * max(mean for mean, _, _ in rungs.values())
    return {name: rung for name, rung in rungs.items() if rung[0] >= least}


def _error(named_rung: tuple[str, Rung]) -> float:
    """Return an error to sort by; an unknown one comes first."""
    _, (mean, _, _) = named_rung
    return float(np.nan_to_num(mean, nan=np.inf))


def _ladder_panel(data: str, rungs: Mapping[str, Rung], groups: Groups) -> Panel:
    """Return a panel, its names in the order of their errors."""
    order = list(rungs)
    references = [name for name in rungs if name not in groups]
    lines = [_rung_line("references", references, rungs, order)]
    for group in groups:
        if group in rungs:
            lines.append(_rung_line(group, [group], rungs, order))
    return Panel(
        y_label="mean squared error",
        lines=tuple(lines),
        y_scale="log",
        x_label="predictor",
        x_ticks=named_places(map(_readable, order)),
        x_range=(-0.6, len(order) - 0.4),
        height=1.1,
        title=SETS[data],
    )


def _rung_line(name: str, members: Sequence[str], rungs: Mapping[str, Rung], order: Sequence[str]) -> Line:
    """Return points with intervals, each at its name's place."""
    places = []
    intervals = []
    for member in members:
        places.append(float(order.index(member)))
        intervals.append(rungs[member])
    y, low, high = np.array(intervals).T
    return Line(
        name=name,
        x=np.array(places),
        y=y,
        low=low,
        high=high,
        drawn="points",
    )

"""Floor ladder: every group's error among those of the reference predictors, the largest first.

References need no network: zero, the mean inverse, linear regression, polynomials, Newton-Schulz steps. A run
that stands between zero and linear regression has learned less than a linear map. References' means are over
the frozen matrices, which all runs share where their data are the same; a group's is the mean over its seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ired_diag.figures.by_group import Groups, all_of, counted, mean_over_seeds, spread
from ired_diag.figures.data import FigureData, Line, Panel
from ired_diag.table import select

Rung = tuple[float, float, float]  # mean, and its 95% interval

SHOWN = 1e-3  # of the largest error of a reference: what is nearer to exact would squeeze all others
OWN = ("model", "unshrunk", "inverse")  # predictors that are no references


def floor_ladder(groups: Groups, *, order: Sequence[str] = (), lacking: str = "") -> FigureData:
    """Return every group's error among those of the reference predictors.

    Args:
        groups: Of the probe ``floor``, each run at one checkpoint.
        order: All groups of the study, which fixes their colours.
        lacking: What the caption says of runs without a table.
    """
    names = tuple(data for data in ("id", "ood") if any(data in m.rows["data"] for m in all_of(groups)))
    ladders = {data: _rungs(groups, data) for data in names}
    order_of_names = list(dict.fromkeys(name for rungs in ladders.values() for name in rungs))
    panels = tuple(_ladder_panel(data, rungs, order_of_names, groups) for data, rungs in ladders.items())
    first = ladders[names[0]]
    said = ", ".join(f"{name.replace('_', ' ')} {rung[0]:.3g}" for name, rung in first.items())
    return FigureData(
        "floor-ladder",
        "Every group among predictors that need no network",
        "",
        panels,
        f"Mean squared error; {_whose(groups, names[0])}, with 95% intervals over matrices. {spread(groups)} "
        f"References below {SHOWN:g} of the largest are left out; a cross: it goes on. Ordered by the first "
        f"panel. {lacking}".strip(),
        counted(groups),
        f"Mean squared error, {names[0]}, from the largest: {said}.",
        tuple(order or groups),
        stacked=True,
    )


def _whose(groups: Groups, data: str) -> str:
    """Say whose data the references are for: not all runs have the same."""
    errors = {m.label: select(m.rows, data=data, predictor="zero")["mse"].mean() for m in all_of(groups)}
    first, error = next(iter(errors.items()))
    if np.allclose(list(errors.values()), error, rtol=1e-5):
        return "references over the same frozen matrices as the runs"
    return f"references over the matrices of {first}; other runs have others, or more of them"


def _rungs(groups: Groups, data: str) -> dict[str, Rung]:
    """Return mean and interval of the error of references and groups, the largest first."""
    parts = {group: [select(m.rows, data=data) for m in members] for group, members in groups.items()}
    parts = {group: [part for part in some if len(part["data"])] for group, some in parts.items()}
    first = next(part for some in parts.values() for part in some)
    references = [str(name) for name in np.unique(first["predictor"]) if name not in OWN]
    rungs = {name: mean_over_seeds([select(first, predictor=name)["mse"]]) for name in references}
    least = SHOWN * max(rung[0] for rung in rungs.values())
    rungs = {name: rung for name, rung in rungs.items() if rung[0] >= least}
    own = {
        g: mean_over_seeds([select(p, predictor="model")["mse"] for p in some])
        for g, some in parts.items()
        if some
    }
    return dict(sorted((rungs | own).items(), key=lambda item: -np.nan_to_num(item[1][0], nan=np.inf)))


def _ladder_panel(data: str, rungs: Mapping[str, Rung], order: Sequence[str], groups: Groups) -> Panel:
    """Return a panel; all have their names at the same places, those of the first panel's order."""
    places = {name: float(place) for place, name in enumerate(order)}
    named = {group: [group] for group in groups if group in rungs}
    series = {"references": [name for name in rungs if name not in groups]} | named
    lines = []
    for name, members in series.items():
        y, low, high = np.array([rungs[one] for one in members]).T
        x = np.array([places[one] for one in members])
        black = "positive" if name == "references" else ""
        lines.append(Line(name, x, y, low, high, "points", of=black))
    ticks = tuple((place, name.replace("_", " ")) for name, place in places.items())
    ends = (-0.6, len(order) - 0.4)
    return Panel(f"MSE, {data.upper()}", tuple(lines), "log", x_ticks=ticks, x_range=ends, height=1.2)

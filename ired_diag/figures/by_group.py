"""Probes of several groups of runs in one picture, each run at its last checkpoint that was probed.

What cannot be put side by side (spectra, slices of the loss) is the picture of one run of each group, named
in the title: ``of_one_run``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import NotFound
from ired_diag.figures.data import FigureData
from ired_diag.figures.probe_tables import Found, Measured
from ired_diag.stats.finite import summarise_finite
from ired_diag.stats.summary import summarise
from ired_diag.table import Table

Array = NDArray[np.float64]
Groups = Mapping[str, Sequence[Measured]]


def last_of_groups(found: Found, weights: str | None = None) -> dict[str, list[Measured]]:
    """Return what was measured last in each run, by group; groups without a table are left out.

    Args:
        found: A probe's tables.
        weights: Which; without it, those that each table was measured with last.

    Raises:
        NotFound: There is no table at all.
        UnreadableFile: A table is damaged.
    """
    found.check()
    last = {group: [table.last(weights) for table in found.of(group)] for group in found.groups}
    told = {group: [one for one in some if one is not None] for group, some in last.items()}
    return {group: some for group, some in told.items() if some}


def of_one_run(groups: Groups, figure: Callable[[Table], FigureData]) -> list[FigureData]:
    """Return a probe's own picture of each group's first run, named in title and file name.

    Args:
        groups: Each run at one checkpoint.
        figure: Draws a table of the probe.
    """
    pictures = []
    for group, members in groups.items():
        one = members[0]
        step = f", step {one.step}" if one.step >= 0 else ""
        drawn = figure(one.rows)
        others = f" Of {len(members)} runs of {group}, the first." if len(members) > 1 else ""
        pictures.append(
            replace(
                drawn,
                name=f"{drawn.name}-{group}",
                title=f"{drawn.title}: {one.label}{step}",
                method=f"{drawn.method}{others}",
                note=f"{one.label}{step}; {drawn.note}" if drawn.note else f"{one.label}{step}",
            )
        )
    return pictures


def mean_over_seeds(seeds: Sequence[Array]) -> tuple[float, float, float]:
    """Return the mean over seeds with its interval; of one seed, over its problems."""
    each = [summarise_finite(values) for values in seeds]
    told = each[0] if len(each) == 1 else summarise([one.mean for one in each if one.n])
    return told.mean, told.low, told.high


def spread(groups: Groups) -> str:
    """Return what line and interval are, and N."""
    problems = sorted({len(np.unique(m.rows["sample"])) for m in all_of(groups)})
    alone = any(len(members) == 1 for members in groups.values())
    one = " Of one seed: mean and interval over its problems." if alone else ""
    counted = ", ".join(f"{group} {len(members)}" for group, members in groups.items())
    steps = sorted({m.step for m in all_of(groups)})
    at = f"step {steps[0]}" if len(steps) == 1 else f"steps {steps[0]} to {steps[-1]}"
    return (
        f"Groups: mean over seeds and its 95% t interval; seeds: {counted}.{one} Each seed over "
        f"{' or '.join(map(str, problems))} problems, at its last checkpoint probed ({at})."
    )


def counted(groups: Groups) -> str:
    """Return the same in few words."""
    counts = sorted({len(members) for members in groups.values()})
    return f"mean, 95% interval over seeds; seeds: {' or '.join(map(str, counts))}"


def all_of(groups: Groups) -> list[Measured]:
    """Return the runs of all groups.

    Raises:
        NotFound: There is none.
    """
    found = [one for members in groups.values() for one in members]
    if not found:
        raise NotFound("No group has a table: nothing to draw.")
    return found

"""Probes of several groups of runs in one picture, each run at its last checkpoint that was probed.

What cannot be put side by side (spectra, slices of the loss) is the picture of one run of each group, named
in the title: ``of_one_run``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.data import FigureData
from ired_diag.drawing.probe_tables import Found
from ired_diag.drawing.ranges import steps_in_words
from ired_diag.drawing.run_table import Measured
from ired_diag.errors import NotFound
from ired_diag.runs.name_list import counted as in_number
from ired_diag.stats.finite import summarise_finite
from ired_diag.stats.summary import summarise
from ired_diag.table import Table

Array = NDArray[np.float64]
Groups = Mapping[str, Sequence[Measured]]


def last_of_groups(tables: Found, weights: str | None = None) -> dict[str, list[Measured]]:
    """Return what was measured last in each run, by group; groups without a table are left out.

    Args:
        tables: A probe's tables.
        weights: The kind of weights. Default: those that each table was measured with last.

    Raises:
        NotFound: There is no table at all.
        UnreadableFile: A table is damaged.
    """
    tables.check()
    by_group: dict[str, list[Measured]] = {}
    for group in tables.groups:
        for table in tables.of(group):
            measured = table.last(weights)
            if measured is not None:
                members = by_group.setdefault(group, [])
                members.append(measured)
    return by_group


def of_one_run(groups: Groups, figure: Callable[[Table], FigureData]) -> list[FigureData]:
    """Return a probe's own picture of each group's first run, named in title and file name.

    Args:
        groups: Each run at one checkpoint.
        figure: Draws a table of the probe.
    """
    pictures = []
    for group, members in groups.items():
        first = members[0]
        drawn = figure(first.rows)
        run = first.label
        if first.step >= 0:
            run += f", step {first.step}"
        others = f" This run is the first of {len(members)} of {group}." if len(members) > 1 else ""
        picture = replace(
            drawn,
            name=f"{drawn.name}-{group}",
            title=f"{drawn.title}: {run}",
            method=f"{drawn.method}{others}",
            note=f"{run}; {drawn.note}" if drawn.note else run,
        )
        pictures.append(picture)
    return pictures


def mean_over_seeds(seeds: Sequence[Array]) -> tuple[float, float, float]:
    """Return the mean over seeds with its interval; of one seed, over its problems."""
    by_seed = [summarise_finite(values) for values in seeds]
    if len(by_seed) == 1:
        summary = by_seed[0]
    else:
        summary = summarise([seed.mean for seed in by_seed if seed.n])
    return summary.mean, summary.low, summary.high


def spread(groups: Groups) -> str:
    """Return what a group's point and bar are, and N."""
    problems = set()
    steps = []
    for run in all_of(groups):
        problems.add(len(np.unique(run.rows["sample"])))
        steps.append(run.step)
    each = " or ".join(map(str, sorted(problems)))
    where = f"{each} problems at its last probed checkpoint ({steps_in_words(steps)})"
    if all(len(members) == 1 for members in groups.values()):
        return f"Groups: one seed each, mean and 95% t interval over {where}."
    single = ""
    if any(len(members) == 1 for members in groups.values()):
        single = " Where a group has one seed, mean and interval are over its problems."
    return (
        f"Groups: mean over seeds and its 95% t interval ({seeds_in_words(groups)}), each seed on {where}."
        f"{single}"
    )


def seeds_in_words(groups: Groups) -> str:
    """Return how many seeds each group has: once where all have as many."""
    counts = {len(members) for members in groups.values()}
    if len(counts) == 1:
        return f"n = {in_number(counts.pop(), 'seed')} each"
    return "n = " + ", ".join(f"{len(members)} {group}" for group, members in groups.items())


def counted(groups: Groups) -> str:
    """Return what line and interval are, and N, in few words."""
    counts = {len(members) for members in groups.values()}
    seeds = " or ".join(map(str, sorted(counts)))
    return f"mean, 95% interval over seeds; seeds: {seeds}"


def all_of(groups: Groups) -> list[Measured]:
    """Return the runs of all groups.

    Raises:
        NotFound: There is none.
    """
    runs = list(chain.from_iterable(groups.values()))
    if not runs:
        raise NotFound("No group has a table: nothing to draw.")
    return runs

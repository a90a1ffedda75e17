"""From which place on are the mean curves of two groups apart?

Curves are compared where all seeds have a value (``curve_grid``), seeds that failed among them as far as they
go: where one has broken down, a mean over the others would be one of survivors, and the comparison ends.
Seeds that were stopped from outside are left out, unless the user keeps them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.curve_grid import CurveGrid, curve_grid
from ired_diag.comparison.watched import Watched
from ired_diag.errors import NotFound
from ired_diag.runs.name_list import counted
from ired_diag.stats.separation import Separation, separation_of_groups, separation_of_pairs

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CurvesApart:
    """Where the mean curves of two groups are apart.

    Attributes:
        places: Steps, or times, at which they are compared, of shape (n,).
        mean_a: Mean of the first group there.
        mean_b: Mean of the second group.
        separation: The tests, of first minus second.
        is_paired: Whether differences are those of pairs.
        seeds: How many seeds of each group are compared.
        grid: How the places were chosen.
        limited_by: Which run ends the comparison before others end, as ``group/seed``; empty where none does.
        limit: How that run failed, in words; empty where it did not.
        ends_alone: Whether all other runs of its group go on further.
        left_out: Runs that are not compared, as ``group/seed``.
    """

    places: Array
    mean_a: Array
    mean_b: Array
    separation: Separation
    is_paired: bool
    seeds: tuple[int, int]
    grid: CurveGrid
    limited_by: str
    limit: str
    ends_alone: bool
    left_out: Sequence[str]

    @property
    def since(self) -> float | None:
        """The place from which on the curves are apart up to the last one; None where they are not."""
        index = self.separation.since
        return None if index is None else float(self.places[index])

    @property
    def stretches(self) -> list[tuple[float, float]]:
        """First and last place of each stretch in which the curves are apart."""
        ends = []
        for stretch in self.separation.stretches:
            ends.append((float(self.places[stretch.first]), float(self.places[stretch.last])))
        return ends


def curves_apart(
    groups: dict[str, list[Watched]],
    *,
    is_paired: bool,
    alpha: float = 0.05,
    survivors: bool = False,
    include_incomplete: bool = False,
    seed: int = 0,
) -> CurvesApart:
    """Return where the mean curves of two groups are apart.

    Args:
        groups: The runs of the two groups, by name.
        is_paired: Whether equal seeds are pairs; seeds without a partner are left out then.
        alpha: Chance that any place is called apart where none is.
        survivors: Leave out seeds that failed.
        include_incomplete: Keep seeds that were stopped from outside.
        seed: Random seed of what is drawn.

    Raises:
        NotFound: There are fewer than two seeds of a group, or two pairs, or they have no place in common.
    """
    kept, left_out = _kept(groups, survivors=survivors, include_incomplete=include_incomplete)
    (name_a, a), (name_b, b) = kept.items()
    if is_paired:
        a, b, alone = _partners(kept)
        left_out += alone
    if min(len(a), len(b)) < 2:
        raise NotFound(_too_few(name_a, name_b, len(a), len(b), is_paired=is_paired))
    _check_several_evaluations([*a, *b])
    # A seed that failed is among them: the places that all seeds share end where it breaks down.
    grid = curve_grid(_curves(a), _curves(b))
    if is_paired:
        separation = separation_of_pairs(grid.a - grid.b, alpha=alpha, seed=seed)
    else:
        separation = separation_of_groups(grid.a, grid.b, alpha=alpha, seed=seed)
    limited_by = ""
    limit = ""
    ends_alone = False
    if grid.limited_by is not None:
        run = [*a, *b][grid.limited_by]
        owner = name_a
        group = a
        if grid.limited_by >= len(a):
            owner = name_b
            group = b
        limited_by = f"{owner}/{run.label}"
        ends_alone = _ends_alone(run, group)
        if run.has_failed and run.failure is not None:
            limit = run.failure.reason
    return CurvesApart(
        places=grid.places,
        mean_a=grid.a.mean(axis=0),
        mean_b=grid.b.mean(axis=0),
        separation=separation,
        is_paired=is_paired,
        seeds=(len(a), len(b)),
        grid=grid,
        limited_by=limited_by,
        limit=limit,
        ends_alone=ends_alone,
        left_out=left_out,
    )


def _ends_alone(run: Watched, group: Sequence[Watched]) -> bool:
    end = run.places[-1]
    ended = [each for each in group if each.places[-1] <= end]
    return len(ended) == 1


def _kept(
    groups: dict[str, list[Watched]], *, survivors: bool, include_incomplete: bool
) -> tuple[dict[str, list[Watched]], list[str]]:
    kept: dict[str, list[Watched]] = {}
    left_out = []
    for name, runs in groups.items():
        of_group = kept.setdefault(name, [])
        for run in runs:
            is_out = not run.has_finite
            if run.is_stopped and not include_incomplete:
                is_out = True
            if run.has_failed and survivors:
                is_out = True
            if is_out:
                left_out.append(f"{name}/{run.label}")
            else:
                of_group.append(run)
    return kept, left_out


def _partners(groups: dict[str, list[Watched]]) -> tuple[list[Watched], list[Watched], list[str]]:
    """Return the runs of both groups that are pairs, in equal order, and those without a partner."""
    a, b = groups.values()
    by_label = {run.label: run for run in b if run.pairable}
    first = []
    second = []
    for run in a:
        if run.pairable and run.label in by_label:
            first.append(run)
            second.append(by_label[run.label])
    labels = [run.label for run in first]
    alone = []
    for name, runs in groups.items():
        alone += [f"{name}/{run.label}" for run in runs if run.label not in labels]
    return first, second, alone


def _too_few(name_a: str, name_b: str, n_a: int, n_b: int, *, is_paired: bool) -> str:
    if is_paired:
        pairs = counted(n_a, "pair")
        return f"{name_a} and {name_b} have {pairs} of seeds with curves; 2 are the least, and 6 tell at 5%."
    name = name_a
    count = n_a
    if n_b < n_a:
        name = name_b
        count = n_b
    seeds = counted(count, "seed")
    noise = "so the noise of its mean is unknown"
    return f"{name} has {seeds} with a curve, {noise}; 2 are the least, 4 tell at 5%."


def _check_several_evaluations(runs: Sequence[Watched]) -> None:
    if all(len(run.places) < 2 for run in runs):
        raise NotFound("each run has one evaluation, which makes no curve.")


def _curves(runs: Sequence[Watched]) -> list[tuple[Array, Array]]:
    return [(run.places, run.values) for run in runs]

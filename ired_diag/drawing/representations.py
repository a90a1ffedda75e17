"""Do strategies learn the same features? Linear CKA of each hidden layer, between groups and between seeds.

For each pair of groups CKA is taken between runs of equal seeds, which share initial weights and data, and
between runs of different seeds; within a group there are only the latter. What mining changes in the features
is seen where the first differ from 1 by more than seeds of one group do among themselves.

A number is a mean over pairs of runs. Its interval is the jackknife's over seeds, from three seeds on; the
inputs are the same for all runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product

import numpy as np

from ired_diag.drawing.bounded_lines import cut_in_words
from ired_diag.drawing.by_group import Groups, all_of, seeds_in_words
from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.drawing.named_places import ends_of_places
from ired_diag.drawing.ranges import steps_in_words
from ired_diag.drawing.representation_cells import WORDS, cells_panel
from ired_diag.drawing.run_table import Measured
from ired_diag.errors import NotFound
from ired_diag.stats.arrays import Array
from ired_diag.stats.jackknife import FEWEST, jackknife_interval
from ired_diag.stats.kernel_alignment import alignment
from ired_diag.table import Table

EQUAL, OTHER = "equal seeds", "other seeds"
MOST_GROUPS = 4  # whose pairs have points next to each other; those of more have cells
HEIGHT = 0.8  # of a panel
LOWEST, HIGHEST = -1.0, 1.0  # that CKA can be

Products = Mapping[tuple[int, int], Array]  # by layer and level
ProductsOf = Callable[[Table], Products]


@dataclass(frozen=True)
class _Of:
    """A run's products, and the seed that tells which runs began alike."""

    seed: int | None
    products: Products


Read = Mapping[str, Sequence[_Of]]  # by group


def representations(
    groups: Groups, seeds: Mapping[str, int | None], products_of: ProductsOf, *, lacking: str = ""
) -> FigureData:
    """Return how alike the features of groups are, layer by layer.

    Args:
        groups: Measurements of the probe ``representation``, each run at one checkpoint.
        seeds: The seed of each run, by label.
        products_of: Returns the products in a table.
        lacking: What the caption says of runs without a table.

    Raises:
        NotFound: There are fewer than two runs, or runs measured with other problems.
    """
    runs = all_of(groups)
    if len(runs) < 2:
        raise NotFound("One run: there is nothing to compare its features with.")
    _check_alike(runs)
    read = {}
    for group, members in groups.items():
        read[group] = [_Of(seeds.get(run.label), products_of(run.rows)) for run in members]
    layers = sorted({layer for layer, _ in next(iter(read.values()))[0].products})
    in_cells = len(read) > MOST_GROUPS
    panels = [_cells(read, layer) if in_cells else _points(read, layer) for layer in layers]
    counts = ", ".join(f"{group} {len(members)}" for group, members in read.items())
    steps = f"Each run at its last probed checkpoint ({steps_in_words([run.step for run in runs])})."
    cut = _cut(chain.from_iterable(panel.lines for panel in panels))
    return FigureData(
        name="representations",
        title="How alike the features are that groups of runs learn, layer by layer",
        x_label="group" if in_cells else "pair of groups",
        panels=tuple(panels),
        method=" ".join(filter(None, [_method(groups, cut, in_cells=in_cells), steps, lacking])),
        note=f"mean over pairs of runs; runs: {counts}",
    )


def _points(read: Read, layer: int) -> Panel:
    """Return a layer's panel with a point and its interval for each pair of groups."""
    pairs = [(group, group) for group, members in read.items() if len(members) > 1]
    pairs += combinations(read, 2)
    lines = []
    for kind in (EQUAL, OTHER):
        means = [_mean(read[one], read[other], layer, kind, same=one == other) for one, other in pairs]
        lines.append(_line(kind, means))
    return Panel(
        y_label=f"CKA, layer {layer}",
        lines=tuple(line for line in lines if len(line.x)),
        x_ticks=tuple((float(place), _named(*pair)) for place, pair in enumerate(pairs)),
        x_range=ends_of_places(len(pairs)),
        height=HEIGHT,
        guides=(Guide(1.0, ""),),
    )


def _cells(read: Read, layer: int) -> Panel:
    """Return a layer's panel with a cell for each pair of groups."""
    values = {kind: np.full((len(read), len(read)), math.nan) for kind in (EQUAL, OTHER)}
    for kind, table in values.items():
        for (row, one), (column, other) in product(enumerate(read), repeat=2):
            mean = _mean(read[one], read[other], layer, kind, same=one == other)
            table[row, column] = mean.value
    return cells_panel(layer, list(read), values[EQUAL], values[OTHER])


def _method(groups: Groups, cut: Collection[float], *, in_cells: bool) -> str:
    """Return what points or cells and intervals are, and N."""
    sizes = {len(members) for members in groups.values()}
    kinds = WORDS
    interval = ""
    if not in_cells:
        kinds = "Equal seeds fix the same initial weights and data, unless these have seeds of their own."
        if max(sizes) > 1 and len(groups) > 1:
            kinds += " A single name: pairs within the group."
        if max(sizes) >= FEWEST:
            interval = f", with 95% jackknife intervals over seeds, from {FEWEST} seeds on"
    same = "1" if in_cells else "1 (dotted)"
    parts = [
        "Linear CKA (centred kernel alignment, unbiased) between hidden layers on the same inputs, mean over "
        f"noise levels: {same} for the same features but for a rotation, 0 on average for unrelated ones.",
        kinds,
        f"Means over pairs of runs ({seeds_in_words(groups)}; diverged ones count){interval}.",
        cut_in_words(cut),
    ]
    return " ".join(filter(None, parts))


def _cut(lines: Iterable[Line]) -> set[float]:
    """Return the bounds of CKA at which intervals end."""
    ends: set[float] = set()
    for line in lines:
        for end in (line.low, line.high):
            if end is not None:
                ends |= {bound for bound in (LOWEST, HIGHEST) if (end == bound).any()}
    return ends


def _check_alike(runs: Sequence[Measured]) -> None:
    """Refuse runs that were not given the same problems.

    Raises:
        NotFound: They were not.
    """
    first = runs[0]
    given = _given(first)
    for run in runs[1:]:
        for key, value in _given(run).items():
            if value != given[key]:
                raise NotFound(
                    f"{first.label} and {run.label} were given other problems ({key} {given[key]} and "
                    f"{value}): their features cannot be compared."
                )


def _given(run: Measured) -> dict[str, object]:
    """Return what says which problems a run was given."""
    config = run.settings.get("config") or {}
    given = {key: run.settings.get(key) for key in ("samples", "seed")}
    for key in ("rank", "dataset", "ood", "diffusion_steps"):
        given[key] = config.get(key)
    return given


def _named(one: str, other: str) -> str:
    return one if one == other else f"{one}, {other}"


@dataclass(frozen=True)
class _Mean:
    value: float
    low: float
    high: float


def _mean(one: Sequence[_Of], other: Sequence[_Of], layer: int, kind: str, *, same: bool) -> _Mean:
    """Return the mean of CKA over the pairs of runs of a kind; NaN where there is none."""
    by_pair = {}
    for i, j in _pairs_of_runs(one, other, kind, same=same):
        by_pair[i, j] = _alike(one[i].products, other[j].products, layer)
    if not by_pair:
        return _Mean(math.nan, math.nan, math.nan)
    members = sorted({_seed_of(one, i) for i, _ in by_pair} | {_seed_of(other, j) for _, j in by_pair})
    value = float(np.mean(list(by_pair.values())))
    replicates = [value]
    for seed in members:
        left = [cka for (i, j), cka in by_pair.items() if seed not in (_seed_of(one, i), _seed_of(other, j))]
        if left:
            replicates.append(float(np.mean(left)))
    if len(members) < FEWEST or len(replicates) <= len(members):
        return _Mean(value, math.nan, math.nan)
    interval = jackknife_interval(np.array(replicates))
    return _Mean(value, max(interval.low, LOWEST), min(interval.high, HIGHEST))


def _pairs_of_runs(
    one: Sequence[_Of], other: Sequence[_Of], kind: str, *, same: bool
) -> Iterator[tuple[int, int]]:
    for i, first in enumerate(one):
        for j, second in enumerate(other):
            if same and j <= i:
                continue
            are_equal = first.seed is not None and first.seed == second.seed
            if are_equal == (kind == EQUAL):
                yield i, j


def _seed_of(runs: Sequence[_Of], place: int) -> tuple[int, int]:
    """Return a key of a run's seed; a run without one stands for itself."""
    seed = runs[place].seed
    return (1, id(runs[place])) if seed is None else (0, seed)


def _alike(one: Products, other: Products, layer: int) -> float:
    pairs = [(one[place], other[place]) for place in sorted(one) if place[0] == layer and place in other]
    return alignment(pairs).value


def _line(name: str, means: Sequence[_Mean]) -> Line:
    places = [place for place, mean in enumerate(means) if math.isfinite(mean.value)]
    shift = -0.08 if name == EQUAL else 0.08
    return Line(
        name=name,
        x=np.array([place + shift for place in places], dtype=float),
        y=np.array([means[place].value for place in places], dtype=float),
        low=np.array([means[place].low for place in places], dtype=float),
        high=np.array([means[place].high for place in places], dtype=float),
        drawn="points",
    )

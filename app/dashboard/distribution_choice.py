"""What the page Negatives draws: the view's choices, and what the tables at hand allow to choose from.

A choice that the tables do not have becomes the first one that they have; the controls show it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.dashboard.address import View
from app.dashboard.remembered import Remembered
from app.dashboard.shown import kept_groups, shown_groups
from app.dashboard.snapshot import Snapshot
from app.dashboard.tables import Tables
from ired_diag.drawing.at_step import at_step, steps_by_weights
from ired_diag.drawing.data import FigureData
from ired_diag.drawing.distributions import FORMS, Form, distributions_of_groups, distributions_of_kinds
from ired_diag.drawing.probe_tables import Found, Measured
from ired_diag.drawing.quantities import QUANTITIES, Quantity
from ired_diag.errors import NotFound
from ired_diag.runs.run import Run

FIRST = "energy"  # the quantity where the view names none

Groups = Mapping[str, Sequence[Run]]


@dataclass(frozen=True, kw_only=True)
class DistributionChoice:
    """Choices that say which distribution is drawn.

    Attributes:
        quantity: Quantity whose distribution is drawn.
        kind: Kind of candidate that is compared over groups. Empty: all kinds of one group.
        groups: All groups to choose from.
        group: The group whose kinds are drawn.
        tables: Probe tables of what is drawn.
        weights: Weights of the checkpoints; empty without a table.
        steps: Steps at which any run was probed, by weights.
        levels: All noise levels of the tables.
    """

    quantity: Quantity
    kind: str
    groups: tuple[str, ...]
    group: str
    tables: Found
    weights: str
    steps: Mapping[str, Sequence[int]]
    levels: tuple[int, ...]


def choice_of(view: View, snapshot: Snapshot, tables: Tables) -> DistributionChoice:
    """Return what a view chooses.

    Raises:
        NotFound: There is no run, or none that the filter keeps and that is not hidden.
        UnreadableFile: A table is damaged.
    """
    # The kinds of a single group are drawn whether it is hidden or not.
    if not view.kind:
        view = replace(view, hidden=())
    shown: Groups = shown_groups(view, snapshot)
    groups = kept_groups(view, snapshot)
    quantity = _quantity(view, groups, tables)
    # Tables of hidden groups too: hiding a group must not change the weights of the others.
    every_table = tables.find(groups, quantity.probe)
    group = _group(view, groups, every_table)
    if view.kind in quantity.kinds:
        kind = view.kind
        drawn = tables.find(shown, quantity.probe)
        usual_weights = _usual_weights(every_table)
    else:
        kind = ""
        drawn = tables.find({group: groups[group]}, quantity.probe)
        usual_weights = _usual_weights(drawn)
    steps = steps_by_weights(drawn.tables)
    weights = view.weights or usual_weights
    if weights not in steps:
        weights = _usual_weights(drawn)
    return DistributionChoice(
        quantity=quantity,
        kind=kind,
        groups=tuple(groups),
        group=group,
        tables=drawn,
        weights=weights,
        steps=steps,
        levels=_levels(drawn, weights),
    )


def distribution(view: View, snapshot: Snapshot, tables: Tables, kept: Remembered[FigureData]) -> FigureData:
    """Return the picture of what a view chooses.

    Args:
        view: Choices of the reader.
        snapshot: The study.
        tables: Reader of probe tables.
        kept: The newest pictures: a picture is drawn again only where a table has changed.

    Raises:
        DiagError: There is nothing to show; the message says which command makes it.
    """
    chosen = choice_of(view, snapshot, tables)
    chosen.tables.check("all")
    order = tuple(snapshot.groups())
    settings = (
        *(chosen.quantity.name, chosen.kind, chosen.weights),
        *(view.form, view.level, view.step),
        *(order, tables.state(chosen.tables)),
    )
    return kept.get((), settings, lambda: _drawn(chosen, view, order))


def _drawn(chosen: DistributionChoice, view: View, order: tuple[str, ...]) -> FigureData:
    form: Form = next((form for form in FORMS if form == view.form), FORMS[0])
    at = at_step(chosen.tables.tables, chosen.weights, view.step)
    if not at.measured:
        raise NotFound(at.words())
    levels = None if view.level is None else [view.level]
    if not chosen.kind:
        figure = distributions_of_kinds(at.measured, chosen.quantity, form=form, levels=levels)
    else:
        members: dict[str, list[Measured]] = {group: [] for group in chosen.tables.groups}
        for measured in at.measured:
            members[measured.group].append(measured)
        figure = distributions_of_groups(
            members, chosen.quantity, chosen.kind, form=form, levels=levels, order=order
        )
    return replace(figure, method=f"{figure.method} {at.words()}".strip())


def _quantity(view: View, groups: Groups, tables: Tables) -> Quantity:
    """Return the chosen quantity, or the first one that has a table."""
    if view.quantity in QUANTITIES:
        return QUANTITIES[view.quantity]
    first = QUANTITIES[FIRST]
    for quantity in (first, *QUANTITIES.values()):
        if tables.find(groups, quantity.probe).tables:
            return quantity
    return first


def _group(view: View, groups: Groups, tables: Found) -> str:
    """Return the chosen group, or the first one that has a table."""
    for group in view.groups:
        if group in groups:
            return group
    if tables.tables:
        return tables.tables[0].group
    return next(iter(groups))


def _usual_weights(tables: Found) -> str:
    """Return the weights with which most runs were probed; of a tie, those that were probed last."""
    weights: list[str] = []
    for table in tables.tables:
        weights += table.measured_at()
    return max(reversed(weights), key=weights.count, default="")


def _levels(tables: Found, weights: str) -> tuple[int, ...]:
    levels: set[int] = set()
    for table in tables.tables:
        last = table.last(weights)
        if last is not None:
            levels.update(map(int, np.unique(last.rows["level"])))
    return tuple(sorted(level for level in levels if level >= 0))

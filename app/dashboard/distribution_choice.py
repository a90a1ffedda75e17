"""What the page Negatives draws: the view's choices, and what the tables at hand allow to choose from.

A choice that the tables do not have becomes the first that they have; the controls show which one that is.
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
from ired_diag.errors import NotFound
from ired_diag.figures.at_step import at_step, steps_by_weights
from ired_diag.figures.data import FigureData
from ired_diag.figures.distributions import FORMS, Form, distributions_of_groups, distributions_of_kinds
from ired_diag.figures.probe_tables import Found
from ired_diag.figures.quantities import QUANTITIES, Quantity
from ired_diag.runs.run import Run

FIRST = "energy"  # where no quantity has a table

Groups = Mapping[str, Sequence[Run]]


@dataclass(frozen=True)
class DistributionChoice:
    """What is drawn.

    Attributes:
        quantity: Whose distribution.
        kind: Of candidate, compared over groups; all kinds of one group where empty.
        groups: All groups to choose from.
        group: The one whose kinds are drawn.
        found: The tables of what is drawn.
        weights: Of the checkpoints; empty without a table.
        steps: At which any run was probed, by weights.
        levels: All noise levels of the tables.
    """

    quantity: Quantity
    kind: str
    groups: tuple[str, ...]
    group: str
    found: Found
    weights: str
    steps: Mapping[str, Sequence[int]]
    levels: tuple[int, ...]


def choice_of(view: View, snapshot: Snapshot, tables: Tables) -> DistributionChoice:
    """Return what a view chooses.

    Raises:
        NotFound: There is no run, or none that the filter keeps and that is not hidden.
        UnreadableFile: A table is damaged.
    """
    shown = shown_groups(view if view.kind else replace(view, hidden=()), snapshot)
    groups = kept_groups(view, snapshot)
    quantity = _quantity(view, groups, tables)
    kind = view.kind if view.kind in quantity.kinds else ""
    every = tables.find(groups, quantity.probe)  # hidden ones too: hiding changes no other group's weights
    group = _group(view, groups, every)
    found = tables.find(shown if kind else {group: groups[group]}, quantity.probe)
    steps = steps_by_weights(found.tables)
    wanted = view.weights or _usual_weights(every if kind else found)
    weights = wanted if wanted in steps else _usual_weights(found)
    return DistributionChoice(
        quantity, kind, tuple(groups), group, found, weights, steps, _levels(found, weights)
    )


def distribution(view: View, snapshot: Snapshot, tables: Tables, kept: Remembered[FigureData]) -> FigureData:
    """Return the picture of what a view chooses.

    Args:
        view: What is looked at.
        snapshot: The study.
        tables: Where tables are read.
        kept: The newest pictures: one is drawn anew only where a table has changed.

    Raises:
        DiagError: What it would show is not there; the message says what makes it.
    """
    chosen = choice_of(view, snapshot, tables)
    chosen.found.check("all")
    order = tuple(snapshot.groups())
    told = (chosen.quantity.name, chosen.kind, chosen.weights, view.form, view.level, view.step, order)
    return kept.get((), (tables.state(chosen.found), told), lambda: _drawn(chosen, view, order))


def _drawn(chosen: DistributionChoice, view: View, order: tuple[str, ...]) -> FigureData:
    form: Form = next((form for form in FORMS if form == view.form), FORMS[0])
    at = at_step(chosen.found.tables, chosen.weights, view.step)
    if not at.measured:
        raise NotFound(at.words())
    levels = None if view.level is None else [view.level]
    if not chosen.kind:
        figure = distributions_of_kinds(at.measured, chosen.quantity, form=form, levels=levels)
    else:
        members = {g: [m for m in at.measured if m.group == g] for g in chosen.found.groups}
        figure = distributions_of_groups(
            members, chosen.quantity, chosen.kind, form=form, levels=levels, order=order
        )
    return replace(figure, method=f"{figure.method} {at.words()}".strip())


def _quantity(view: View, groups: Groups, tables: Tables) -> Quantity:
    """Return the chosen quantity, or the first that has a table."""
    if view.quantity in QUANTITIES:
        return QUANTITIES[view.quantity]
    first = QUANTITIES[FIRST]
    known = (one for one in QUANTITIES.values() if tables.find(groups, one.probe).tables)
    return first if tables.find(groups, first.probe).tables else next(known, first)


def _group(view: View, groups: Groups, found: Found) -> str:
    """Return the chosen group, or the first that has a table."""
    chosen = [group for group in view.groups if group in groups]
    probed = [table.group for table in found.tables]
    return next(iter([*chosen, *probed, *groups]))


def _usual_weights(found: Found) -> str:
    """Return the weights that most runs were probed with; of two, those that were probed last."""
    told = [weights for table in found.tables for weights in table.measured_at()]
    return max(reversed(told), key=told.count, default="")


def _levels(found: Found, weights: str) -> tuple[int, ...]:
    rows = [last.rows["level"] for table in found.tables if (last := table.last(weights)) is not None]
    return tuple(int(level) for level in np.unique(np.concatenate(rows)) if level >= 0) if rows else ()
